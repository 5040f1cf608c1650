package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// uidTenant has sessions with uids, and may lie about them.
type uidTenant struct {
	sessions []map[string]string // with id and uid
	// answer is how it answers a question for one uid, or "" for all.
	answer func(h *uidTenant, uid string) (status int, shown []map[string]string)

	mu   sync.Mutex
	sent []string // ids of PATCHes
}

func (h *uidTenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/workflow_sessions"), "/")
	switch {
	case r.Method == http.MethodPatch:
		h.mu.Lock()
		h.sent = append(h.sent, id)
		h.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"workflow_session": map[string]string{"id": id}})
	case id == "":
		h.list(w, r.URL.Query())
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (h *uidTenant) list(w http.ResponseWriter, query url.Values) {
	status, shown := h.answer(h, query.Get("uid"))
	w.WriteHeader(status)
	if status != http.StatusOK {
		_, _ = fmt.Fprint(w, `{"error":"no workflow sessions found"}`)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"workflow_sessions": shown, "_metadata": map[string]int{"total": len(shown)}})
}

// honest answers a question for one uid with its sessions.
func honest(h *uidTenant, uid string) (int, []map[string]string) {
	if uid == "" {
		return http.StatusOK, h.sessions
	}
	var shown []map[string]string
	for _, s := range h.sessions {
		if s["uid"] == uid {
			shown = append(shown, s)
		}
	}
	if shown == nil {
		return http.StatusBadRequest, nil
	}
	return http.StatusOK, shown
}

func without(sessions []map[string]string, key string) (shown []map[string]string) {
	for _, s := range sessions {
		shown = append(shown, map[string]string{"id": s["id"], "uid": s["uid"]})
		delete(shown[len(shown)-1], key)
	}
	return shown
}

// TestUIDsOfATenantThatLies never sends a row to a session that was not shown
// with the row's uid.
func TestUIDsOfATenantThatLies(t *testing.T) {
	t.Parallel()
	type listing = func(h *uidTenant, uid string) (int, []map[string]string)
	refusing := func(lists, filters int, otherwise listing) listing {
		return func(h *uidTenant, uid string) (int, []map[string]string) {
			if uid == "" && lists != 0 {
				return lists, nil
			}
			if uid != "" && filters != 0 {
				return filters, nil
			}
			return otherwise(h, uid)
		}
	}
	everything := func(h *uidTenant, _ string) (int, []map[string]string) { return http.StatusOK, h.sessions }
	for _, test := range []struct {
		name   string
		answer listing
		more   []map[string]string
		code   int
		says   string
	}{
		{name: "honest", answer: honest},
		{name: "the filter is ignored", answer: everything},
		{name: "the filter gives another session", answer: func(h *uidTenant, uid string) (int, []map[string]string) {
			if uid == "" {
				return http.StatusOK, h.sessions
			}
			return http.StatusOK, h.sessions[2:3]
		}},
		{name: "no list", answer: refusing(http.StatusNotFound, 0, honest)},
		{name: "no filter", answer: refusing(0, http.StatusNotFound, honest)},
		{name: "neither", answer: refusing(http.StatusNotFound, http.StatusNotFound, honest), code: 3, says: "the sheet's uids cannot be looked up"},
		{name: "sign-in refused", answer: refusing(http.StatusUnauthorized, http.StatusUnauthorized, honest), code: 3},
		{name: "a list without uids", answer: func(h *uidTenant, uid string) (int, []map[string]string) {
			if uid == "" {
				return http.StatusOK, without(h.sessions, "uid")
			}
			return honest(h, uid)
		}},
		{name: "no uids anywhere", answer: func(h *uidTenant, uid string) (int, []map[string]string) {
			status, shown := honest(h, uid)
			return status, without(shown, "uid")
		}, code: 3, says: "does not show their uids"},
		{name: "two sessions of one uid", answer: honest, more: []map[string]string{{"id": idOf(8), "uid": "uid-0"}}, code: 2, says: "several sessions with the uid \"uid-0\""},
		{name: "two sessions of one uid, in the list alone", answer: everything, more: []map[string]string{{"id": idOf(8), "uid": "uid-0"}}, code: 2, says: "several sessions"},
		{name: "the same session twice", answer: honest, more: []map[string]string{{"id": idOf(0), "uid": "uid-0"}}},
		{name: "none", answer: func(h *uidTenant, uid string) (int, []map[string]string) { return http.StatusBadRequest, nil }, code: 2, says: "no session with the uid"},
		{name: "another case", answer: func(h *uidTenant, uid string) (int, []map[string]string) {
			return http.StatusOK, []map[string]string{{"id": idOf(0), "uid": "UID-0"}, {"id": idOf(1), "uid": "UID-1"}}
		}, code: 2, says: "no session with the uid"},
		{name: "no id", answer: func(h *uidTenant, uid string) (int, []map[string]string) {
			status, shown := honest(h, uid)
			return status, without(shown, "id")
		}, code: 2, says: "no session with the uid"},
		{name: "an id that is none", answer: func(h *uidTenant, uid string) (int, []map[string]string) {
			return http.StatusOK, []map[string]string{{"id": "../users/1", "uid": "uid-0"}, {"id": "17", "uid": "uid-1"}}
		}, code: 2, says: "an id that cannot be used"},
	} {
		for _, rows := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d", test.name, rows), func(t *testing.T) {
				t.Parallel()
				h := &uidTenant{answer: test.answer}
				sheet, want := "uid,status\n", []string{}
				for i := range 3 {
					h.sessions = append(h.sessions, map[string]string{"id": idOf(i), "uid": fmt.Sprint("uid-", i)})
				}
				for i := range rows {
					sheet += fmt.Sprintf("uid-%d,closed\n", i)
					want = append(want, idOf(i))
				}
				h.sessions = append(h.sessions, test.more...)
				tr := &trip{t, t.TempDir(), answering(t, h)}
				write(t, filepath.Join(tr.dir, "s.csv"), sheet)
				s := tr.run(test.code, "s.csv", "r", "--outage-wait", "0s", "--max-attempts", "1")
				if !strings.Contains(s.stderr, test.says) {
					t.Errorf("it printed:\n%s", s.stderr)
				}
				if test.code != 0 {
					want = nil
				}
				h.mu.Lock()
				defer h.mu.Unlock()
				slices.Sort(h.sent)
				if !slices.Equal(h.sent, want) {
					t.Errorf("sent to %v, not %v", h.sent, want)
				}
			})
		}
	}
}

// TestUIDsCorrected corrects the uid of a row that failed: it goes to the session
// of that uid, and not to the one that was found for the wrong one.
func TestUIDsCorrected(t *testing.T) {
	t.Parallel()
	tenant := &vendorTenant{held: map[string]map[string]string{idOf(0): {}, idOf(1): {}}, patches: map[string]any{}, wrong: map[string]any{idOf(0): "not this one"}}
	tenant.uids = map[string]string{"uid-0": idOf(0), "uid-1": idOf(1)}
	server := httptest.NewServer(tenant)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s.csv"), "uid,attributes.note\nuid-0,x\n")
	run := func(code int, sheet string, args ...string) map[string]any {
		t.Helper()
		tenant.forget()
		args = append([]string{"run", sheet, "--yes", "--rate", "0", "--attributes", "off", "--base-url", server.URL + "/api"}, args...)
		if s := nermbulk(t, dir, []string{tokenOfTest}, args...); s.code != code {
			t.Fatalf("exit code %d, not %d; it printed:\n%s", s.code, code, s.stderr)
		}
		return tenant.sent()
	}
	run(1, "s.csv", "--run-dir", "r")
	failed := filepath.Join(dir, "r", "failed.csv")
	write(t, failed, strings.Replace(read(t, failed), "uid-0", "uid-1", 1))
	if sent := run(0, failed, "--run-dir", "again"); len(sent) != 1 || sent[idOf(1)] == nil {
		t.Errorf("sent were %v", sent)
	}
	if header := parsed(t, filepath.Join(dir, "again", "results.csv")).header; !slices.Equal(header[:4], []string{"uid", "attributes.note", "result.id", "result.row"}) {
		t.Errorf("the results have the header %q", header)
	}
}
