package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestEveryAttemptOfARun holds the journal against a tenant that grants the third
// request of a row that runs its session: each of them is there, by the tenant's
// own id for it. An id with the token in it is kept without the token.
func TestEveryAttemptOfARun(t *testing.T) {
	t.Parallel()
	const id, token = "00000001-0000-4000-8000-000000001eef", "s3cret-t0ken"
	var mu sync.Mutex
	status, patches := "assigned", 0
	show := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", asJSON)
		fmt.Fprintf(w, `{"workflow_session":{"id":%q,"status":%q,"updated_at":"2026-01-01T00:00:00Z"}}`, id, status)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodGet {
			show(w)
			return
		}
		patches++
		w.Header().Set("X-Request-Id", fmt.Sprintf("request-%d", patches))
		switch patches {
		case 1:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.Header().Set("X-Request-Id", "a "+r.Header.Get("Authorization"))
			w.WriteHeader(http.StatusInternalServerError)
		default:
			status = "completed"
			show(w)
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sheet.csv"), fmt.Sprintf(oneRow, "true"))
	s := nermbulk(t, dir, []string{"NERM_TOKEN=" + token}, "run", "sheet.csv", "--yes", "--rate", "0", "--base-url", server.URL+"/api", "--compare", "--run-dir", "r")
	if s.code != 0 {
		t.Fatalf("exit code %d; it printed:\n%s", s.code, s.stderr)
	}
	journal := read(t, filepath.Join(dir, "r", "journal.jsonl"))
	var attempts []string
	for line := range strings.Lines(journal) {
		var l struct {
			T       string
			Row     int
			Attempt int
			HTTP    int
			Request string `json:"request_id"`
			Error   string
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.T == "attempt" || l.T == "outcome" {
			attempts = append(attempts, fmt.Sprintf("%s row %d: %d, HTTP %d, %s", l.T, l.Row, l.Attempt, l.HTTP, l.Request))
		}
		if l.T == "attempt" && (l.Error == "") != (l.HTTP == 200) {
			t.Errorf("HTTP %d with the error %q", l.HTTP, l.Error)
		}
	}
	want := "attempt row 2: 1, HTTP 429, request-1\nattempt row 2: 2, HTTP 500, a Bearer [redacted]\nattempt row 2: 3, HTTP 200, request-3\noutcome row 2: 0, HTTP 200, request-3"
	if got := strings.Join(attempts, "\n"); got != want {
		t.Errorf("the journal has\n%s\nnot\n%s", got, want)
	}
	changes := read(t, filepath.Join(dir, "r", "changes.csv"))
	if want := "2," + id + ",status,assigned,completed,updated,200,3,request-3,"; !strings.Contains(changes, want) {
		t.Errorf("changes.csv is\n%s\nwithout %s", changes, want)
	}
	if strings.Contains(journal+changes+s.stderr, token) {
		t.Error("the token is in the files or the output")
	}
}
