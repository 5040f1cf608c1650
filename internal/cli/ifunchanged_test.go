package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// datedTenant is a tenant whose clock goes on by a second with each change.
type datedTenant struct {
	mu       sync.Mutex
	ids      []string
	sessions map[string]map[string]any
	seconds  int
	sent     []string // ids of PATCHes
	undated  bool     // no answer to a PATCH has updated_at
	broken   bool     // a PATCH is applied, and answered with 500
	oldList  bool     // the list shows each session as it was first
}

var exportedAt = time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)

func newDatedTenant(ids ...string) *datedTenant {
	h := &datedTenant{ids: ids, sessions: map[string]map[string]any{}}
	for _, id := range ids {
		h.sessions[id] = map[string]any{"id": id, "status": "new", "attributes": map[string]string{}, "updated_at": exportedAt.Format(time.RFC3339)}
	}
	return h
}

// change is what somebody else does to a session.
func (h *datedTenant) change(id, status string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.set(id, status)
}

func (h *datedTenant) set(id, status string) {
	h.seconds++
	h.sessions[id]["status"] = status
	h.sessions[id]["updated_at"] = exportedAt.Add(time.Duration(h.seconds) * time.Second).Format("2006-01-02T15:04:05.000Z07:00")
}

// is changes how the tenant behaves.
func (h *datedTenant) is(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *datedTenant) patched() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	sent := h.sent
	h.sent = nil
	return sent
}

func (h *datedTenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/workflow_sessions"), "/")
	session := h.sessions[id]
	switch {
	case id == "":
		h.list(w)
		return
	case session == nil:
		w.WriteHeader(http.StatusNotFound)
		return
	case r.Method == http.MethodPatch:
		var body struct {
			Session struct{ Status string } `json:"workflow_session"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		h.set(id, body.Session.Status)
		h.sent = append(h.sent, id)
		if h.broken {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	answer := map[string]any{}
	for key, value := range session {
		if key != "updated_at" || r.Method != http.MethodPatch || !h.undated {
			answer[key] = value
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"workflow_session": answer})
}

func (h *datedTenant) list(w http.ResponseWriter) {
	var all []map[string]any
	for _, id := range h.ids {
		s := h.sessions[id]
		if h.oldList {
			s = map[string]any{"id": id, "status": "new", "attributes": s["attributes"], "updated_at": exportedAt.Format(time.RFC3339)}
		}
		all = append(all, s)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"workflow_sessions": all, "_metadata": map[string]int{"total": len(all)}})
}

// TestIfUnchanged overwrites no session that somebody has changed since the
// export, and compares instants, not texts.
func TestIfUnchanged(t *testing.T) {
	t.Parallel()
	const then = "2026-01-31T09:00:00Z"
	for _, test := range []struct {
		name, cell, run string
		changed         string // the status that somebody else has set since; "" is none
		outcome, why    string
	}{
		{name: "the same text", cell: then, outcome: "updated"},
		{name: "the same instant elsewhere", cell: "2026-01-31T10:00:00.000+01:00", outcome: "updated"},
		{name: "with a space", cell: "2026-01-31 04:00:00-05:00", outcome: "updated"},
		{name: "runs", cell: then, run: "true", outcome: "updated"},
		{name: "changed", cell: then, changed: "rejected", outcome: "failed", why: "changed since the export"},
		{name: "changed, and would run", cell: then, run: "true", changed: "rejected", outcome: "failed", why: "changed since the export"},
		{name: "a part of a second", cell: "2026-01-31T09:00:00.001Z", outcome: "failed", why: "changed since the export"},
		{name: "no cell", outcome: "failed", why: "the row has no updated_at"},
		{name: "no time", cell: "31.01.2026", outcome: "failed", why: "is not a time such as"},
	} {
		for _, listed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, list %v", test.name, listed), func(t *testing.T) {
				t.Parallel()
				ids := []string{idOf(1)}
				if listed { // two rows are compared by one list
					ids = append(ids, idOf(2), idOf(3))
				}
				h := newDatedTenant(ids...)
				h.oldList = true // and it is an old one
				dir, rows := t.TempDir(), "id,status,updated_at,run\n"
				for _, id := range ids {
					if test.changed != "" {
						h.change(id, test.changed)
					}
					rows += fmt.Sprintf("%s,closed,%s,%s\n", id, test.cell, test.run)
				}
				write(t, filepath.Join(dir, "s.csv"), rows)
				tr := &trip{t, dir, answering(t, h)}
				code := 0
				if test.outcome == "failed" {
					code = 1
				}
				tr.run(code, "s.csv", "dry", "--if-unchanged", "--dry-run")
				if sent := h.patched(); len(sent) > 0 {
					t.Fatalf("a dry run sends %v", sent)
				}
				tr.run(code, "s.csv", "r", "--if-unchanged")
				for _, row := range tr.table("r/results.csv").rows {
					if row["result.status"] != test.outcome || !strings.Contains(row["result.error"], test.why) {
						t.Errorf("%s: %q", row["result.status"], row["result.error"])
					}
				}
				if sent := len(h.patched()); sent != len(ids)*(1-code) {
					t.Errorf("%d requests", sent)
				}
			})
		}
	}
}

// TestIfUnchangedByItself refuses no row for what the run has changed itself.
func TestIfUnchangedByItself(t *testing.T) {
	t.Parallel()
	const head, then = "id,status,updated_at\n", ",2026-01-31T09:00:00Z\n"
	id := idOf(1)
	for _, undated := range []bool{false, true} {
		t.Run(fmt.Sprintf("two rows of a session, undated %v", undated), func(t *testing.T) {
			t.Parallel()
			h := newDatedTenant(id)
			h.undated = undated
			tr := &trip{t, t.TempDir(), answering(t, h)}
			write(t, filepath.Join(tr.dir, "s.csv"), head+id+",closed"+then+id+",new"+then+id+",failed"+then)
			tr.run(3, "s.csv", "r", "--if-unchanged", "--duplicates", "in-order", "--limit", "2")
			tr.run(0, "s.csv", "r", "--if-unchanged", "--duplicates", "in-order", "--resume")
			if sent := h.patched(); len(sent) != 3 {
				t.Errorf("sent %v", sent)
			}
		})
	}
	t.Run("an edited row", func(t *testing.T) {
		t.Parallel()
		h := newDatedTenant(id, idOf(2))
		tr := &trip{t, t.TempDir(), answering(t, h)}
		second := idOf(2) + ",closed" + then
		write(t, filepath.Join(tr.dir, "s.csv"), head+id+",closed"+then+second)
		tr.run(3, "s.csv", "r", "--if-unchanged", "--limit", "1", "--workers", "1")
		write(t, filepath.Join(tr.dir, "s.csv"), head+id+",failed"+then+second)
		tr.run(0, "s.csv", "r", "--if-unchanged", "--resume", "--workers", "1")
		if sent := h.patched(); !slices.Equal(sent, []string{id, id, idOf(2)}) {
			t.Errorf("sent %v", sent)
		}
		write(t, filepath.Join(tr.dir, "s.csv"), head+id+",new"+then+second)
		h.change(id, "rejected")
		tr.run(1, "s.csv", "again", "--if-unchanged")
	})
	t.Run("applied without an answer", func(t *testing.T) {
		t.Parallel()
		h := newDatedTenant(id)
		h.broken = true
		tr := &trip{t, t.TempDir(), answering(t, h)}
		write(t, filepath.Join(tr.dir, "s.csv"), head+id+",closed"+then)
		tr.run(1, "s.csv", "r", "--if-unchanged", "--max-attempts", "1")
		h.is(func() { h.broken = false })
		tr.run(0, "s.csv", "r", "--if-unchanged", "--resume", "--retry-failed")
		if row := tr.table("r/results.csv").rows[0]; row["result.status"] != "updated" || len(h.patched()) != 1 {
			t.Errorf("%v", row)
		}
		undo := tr.table("r/undo.csv").rows
		if len(undo) != 1 || undo[0]["status"] != "new" {
			t.Errorf("undo.csv has %v", undo)
		}
	})
	t.Run("and then changed by somebody", func(t *testing.T) {
		t.Parallel()
		h := newDatedTenant(id)
		h.broken = true
		tr := &trip{t, t.TempDir(), answering(t, h)}
		write(t, filepath.Join(tr.dir, "s.csv"), head+id+",closed"+then)
		tr.run(1, "s.csv", "r", "--if-unchanged", "--max-attempts", "1")
		h.is(func() { h.broken = false })
		h.change(id, "rejected")
		tr.run(1, "s.csv", "r", "--if-unchanged", "--resume", "--retry-failed")
		if row := tr.table("r/results.csv").rows[0]; !strings.Contains(row["result.error"], "changed since the export") || len(h.patched()) != 1 {
			t.Errorf("%v", row)
		}
	})
	t.Run("a canary", func(t *testing.T) {
		t.Parallel()
		h := newDatedTenant(id, idOf(2))
		h.change(id, "rejected")
		tr := &trip{t, t.TempDir(), answering(t, h)}
		write(t, filepath.Join(tr.dir, "s.csv"), head+id+",closed"+then+idOf(2)+",closed"+then)
		tr.run(3, "s.csv", "r", "--if-unchanged", "--canary", "1")
		if sent := h.patched(); len(sent) > 0 {
			t.Errorf("sent %v", sent)
		}
	})
	t.Run("no column", func(t *testing.T) {
		t.Parallel()
		h := newDatedTenant(id)
		tr := &trip{t, t.TempDir(), answering(t, h)}
		write(t, filepath.Join(tr.dir, "s.csv"), "id,status\n"+id+",closed\n")
		if s := tr.run(1, "s.csv", "r", "--if-unchanged"); !strings.Contains(s.stderr, "the sheet has no column updated_at") {
			t.Errorf("it printed:\n%s", s.stderr)
		}
	})
}
