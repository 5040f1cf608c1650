package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"nermbulk/internal/sandbox"
)

func TestExportFilters(t *testing.T) {
	asked := make(chan string, 1)
	base := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query().Encode()
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"no workflow sessions found"}`)
	}))
	file := filepath.Join(t.TempDir(), "out.csv")
	call(t, withToken, "export", "--base-url", base, "-o", file, "--status", "Pending-Approval",
		"--workflow-id", strings.ToUpper(sessionID(1)), "--requester-id", sessionID(2), "--profile-id", sessionID(3)).wantCode(t, ExitOK)
	want := "limit=100&metadata=true&order=created_at&profile_id=" + sessionID(3) + "&requester_id=" + sessionID(2) +
		"&status=pending+approval&workflow_id=" + sessionID(1)
	if got := <-asked; got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

func TestExportRefuses(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.csv")
	for _, test := range []struct {
		name   string
		env    map[string]string
		args   []string
		code   ExitCode
		stderr string
	}{
		{"no file", withToken, []string{"--tenant", "acme"}, ExitUsage, "-o FILE"},
		{"no token", nil, []string{"--tenant", "acme", "-o", out}, ExitUsage, "NERM_TOKEN"},
		{"no tenant", withToken, []string{"-o", out}, ExitUsage, "--tenant"},
		{"a misspelt status", withToken, []string{"--tenant", "acme", "-o", out, "--status", "complete"}, ExitUsage, "did you mean completed?"},
		{"an id that is none", withToken, []string{"--tenant", "acme", "-o", out, "--workflow-id", "12"}, ExitUsage, "--workflow-id"},
		{"a directory", withToken, []string{"--tenant", "acme", "-o", dir}, ExitUsage, "it is a directory"},
		{"a directory that is not there", withToken, []string{"--tenant", "acme", "-o", filepath.Join(dir, "a", "b.csv")}, ExitUsage, "no such file or directory"},
		{"a device", withToken, []string{"--tenant", "acme", "-o", os.DevNull}, ExitUsage, "no regular file"},
		{"a rate below 0", withToken, []string{"--tenant", "acme", "-o", out, "--rate", "-1"}, ExitUsage, "--rate"},
		{"an argument", withToken, []string{"--tenant", "acme", "-o", out, "sessions.csv"}, ExitUsage, "no arguments"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := call(t, test.env, append([]string{"export"}, test.args...)...)
			got.wantCode(t, test.code)
			if runtime.GOOS == "windows" {
				test.stderr = strings.Replace(test.stderr, "no such file or directory", "no file can be written there", 1)
			}
			wantText(t, got.err, test.stderr)
		})
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestExportEnds(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, test := range []struct {
		name string
		base string
		code ExitCode
	}{
		{"401", serve(t, status(http.StatusUnauthorized, `{}`)), ExitStopped},
		{"403", serve(t, status(http.StatusForbidden, `<html>`)), ExitStopped},
		{"404, as where /api is missing", serve(t, status(http.StatusNotFound, `<html>`)), ExitUsage},
		{"a page that is no list", serve(t, status(http.StatusOK, `{"profiles":[]}`)), ExitUsage},
		{"500 each time", serve(t, status(http.StatusInternalServerError, `{}`)), ExitStopped},
		{"no tenant there", closed.URL + "/api", ExitStopped},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out.csv")
			got := call(t, withToken, "export", "--base-url", test.base, "-o", file, "--max-attempts", "1", "--outage-wait", "0s", "--log-format", "json")
			got.wantCode(t, test.code)
			for line := range strings.Lines(got.err) {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("there is a sheet")
			}
		})
	}
}

// TestExportIncomplete has a tenant that counts more sessions than it gives: the
// sheet is written, and nobody can take it for the whole.
func TestExportIncomplete(t *testing.T) {
	for _, test := range []struct {
		name     string
		sessions int
		query    func(url.Values)
		code     ExitCode
		stderr   string
		rows     int
	}{
		{"it ignores the offset, and orders only what it is asked for in one form", 250, func(q url.Values) { q.Del("offset") }, ExitRowsFailed,
			"incomplete: the tenant has 92 more sessions than it gave: it gave sessions again", 158},
		{"it ignores the offset where one page holds all", 100, func(q url.Values) { q.Del("offset") }, ExitOK, "100 sessions of", 100},
		{"it ignores the limit", 250, func(q url.Values) { q.Set("limit", "20") }, ExitOK, "250 sessions of", 250},
	} {
		t.Run(test.name, func(t *testing.T) {
			tenant, _ := tenantOf(t, test.sessions, sandbox.Options{})
			base := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				test.query(q)
				r.URL.RawQuery = q.Encode()
				tenant.Handler().ServeHTTP(w, r)
			}))
			file := filepath.Join(t.TempDir(), "out.csv")
			got := call(t, withToken, "export", "--base-url", base, "-o", file, "--rate", "0")
			got.wantCode(t, test.code)
			wantText(t, got.err, test.stderr)
			sheet, err := os.ReadFile(file)
			if rows := strings.Count(string(sheet), "\r\n") - 1; err != nil || rows != test.rows {
				t.Errorf("%d rows, %v", rows, err)
			}
		})
	}
}

func TestExportInterrupted(t *testing.T) {
	dir := t.TempDir()
	tenant, _ := tenantOf(t, 300, sandbox.Options{})
	ctx, interrupt := context.WithCancel(t.Context())
	base := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt() // while the first page is on its way
		tenant.Handler().ServeHTTP(w, r)
	}))
	got := callContext(ctx, withToken, "export", "--base-url", base, "-o", filepath.Join(dir, "out.csv"))
	got.wantCode(t, ExitInterrupted)
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}
