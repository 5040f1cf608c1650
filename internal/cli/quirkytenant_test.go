package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// quirkyTenant is a tenant that shares no code with the simulated one and shows what
// it holds in its own way: names for ids, statuses with spaces, null for what
// is empty, a list as one string, line breaks as CRLF, and fields that nobody
// documents.
type quirkyTenant struct {
	mu       sync.Mutex
	order    []string
	sessions map[string]*storedSession
	names    map[string]string // what is shown for an id in an attribute
	counts   map[string]int    // requests by kind
	// list makes the answer to a list out of the page as it should be.
	list func(h *quirkyTenant, offset int, page []string) (code int, ids []string, total any)
	// shown changes what the list shows of a session; may be nil.
	shown func(session map[string]any)
}

// storedSession is what a session really holds.
type storedSession struct {
	Fields     map[string]string
	Attributes map[string]string
	Changed    int
}

func newQuirkyTenant() *quirkyTenant {
	return &quirkyTenant{sessions: map[string]*storedSession{}, names: map[string]string{}, counts: map[string]int{}}
}

func (h *quirkyTenant) add(id string, fields, attributes map[string]string) {
	h.order = append(h.order, id)
	h.sessions[id] = &storedSession{Fields: fields, Attributes: attributes}
}

// view is a session as the tenant shows it.
func (h *quirkyTenant) view(id string) map[string]any {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	s, attributes := h.sessions[id], map[string]any{}
	for uid, value := range s.Attributes {
		if name, ok := h.names[value]; ok {
			value = name
		}
		attributes[uid] = orNull(strings.ReplaceAll(value, "\n", "\r\n"))
	}
	v := map[string]any{
		"id": id, "uid": "u-" + id[:8], "attributes": attributes,
		"_links": map[string]any{"self": []int{1}}, "created_at": "2026-01-02T03:04:05Z",
		"updated_at": fmt.Sprintf("2026-02-03T04:05:%02dZ", s.Changed%60),
	}
	for _, name := range []string{"status", "workflow_id", "requester_id", "requester_type", "profile_id", "profile_ids"} {
		v[name] = orNull(s.Fields[name])
	}
	return v
}

func (h *quirkyTenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/workflow_sessions")
	id := strings.TrimPrefix(path, "/")
	answer := func(code int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(body) // a client that left is the test's to see
	}
	switch {
	case path == "" && r.Method == http.MethodGet:
		h.counts["list"]++
		h.answerList(r, answer)
		return
	case h.sessions[id] == nil:
		h.counts["lost"]++
		answer(http.StatusNotFound, map[string]any{"error": "not found"})
		return
	case r.Method == http.MethodPatch:
		h.counts["patch"]++
		if err := h.patch(id, r); err != nil {
			answer(http.StatusBadRequest, map[string]any{"error": err.Error()})
			return
		}
	default:
		h.counts["get"]++
	}
	answer(http.StatusOK, map[string]any{"workflow_session": h.view(id), "took": 3})
}

func (h *quirkyTenant) answerList(r *http.Request, answer func(int, any)) {
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	from := min(offset, len(h.order))
	code, ids, total := http.StatusOK, h.order[from:min(from+min(limit, 100), len(h.order))], any(len(h.order))
	if h.list != nil {
		code, ids, total = h.list(h, offset, ids)
	}
	if code != http.StatusOK {
		answer(code, map[string]any{"error": "the list is out of order"})
		return
	}
	sessions := []any{}
	for _, id := range ids {
		v := h.view(id)
		if h.shown != nil {
			h.shown(v)
		}
		sessions = append(sessions, v)
	}
	answer(code, map[string]any{"workflow_sessions": sessions, "_metadata": map[string]any{"limit": limit, "offset": offset, "total": total}})
}

// patch changes a session as a request asks.
func (h *quirkyTenant) patch(id string, r *http.Request) error {
	var body struct {
		Session map[string]any `json:"workflow_session"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Session) == 0 {
		return fmt.Errorf("param is missing or the value is empty: workflow_session")
	}
	s := h.sessions[id]
	s.Changed++
	for name, value := range body.Session {
		switch value := value.(type) {
		case string:
			if name == "status" {
				value = strings.ReplaceAll(value, "_", " ")
			}
			s.Fields[name] = value
		case []any:
			parts := make([]string, len(value))
			for i := range value {
				parts[i] = value[i].(string)
			}
			s.Fields[name] = strings.Join(parts, ", ")
		case map[string]any:
			for uid, v := range value {
				s.Attributes[uid] = v.(string)
			}
		}
	}
	if r.URL.Query().Get("run") == "true" {
		h.counts["run"]++
	}
	return nil
}

// state is everything that the tenant holds, by id. That a session was written
// to is no part of it, nor is an attribute that was made and emptied again.
func (h *quirkyTenant) state() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]string{}
	for id, s := range h.sessions {
		attributes := maps.Clone(s.Attributes)
		maps.DeleteFunc(attributes, func(_, value string) bool { return value == "" })
		text, _ := json.Marshal(storedSession{Fields: s.Fields, Attributes: attributes}) // strings always can be
		all[id] = string(text)
	}
	return all
}

// newRequests returns how many requests of a kind came since it was asked last.
func (h *quirkyTenant) newRequests(kind string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.counts[kind]
	h.counts[kind] = 0
	return n
}

// sameState compares two states of a tenant.
func sameState(t *testing.T, got, want map[string]string) {
	t.Helper()
	for id, session := range want {
		if got[id] != session {
			t.Errorf("%s is\n%s\nnot\n%s", id, got[id], session)
		}
	}
}
