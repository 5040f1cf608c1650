package cli

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"nermbulk/internal/sandbox"
)

// watchedWriter closes came when a text has been written to it.
type watchedWriter struct {
	mu   sync.Mutex
	text bytes.Buffer
	want string
	came chan struct{}
}

func (a *watchedWriter) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := strings.Contains(a.text.String(), a.want)
	a.text.Write(p)
	if !before && strings.Contains(a.text.String(), a.want) {
		close(a.came)
	}
	return len(p), nil
}

// TestStateAsked asks for the state while the first row is in flight.
func TestStateAsked(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"for people", nil, "0 of 3 rows (0 %)"},
		{"where only errors are wanted", []string{"--quiet"}, "0 of 3 rows (0 %)"},
		{"for machines", []string{"--log-format", "json"}, `"msg":"progress","done":0,"total":3,"left":3`},
		{"for machines that want only errors", []string{"--log-format", "json", "--quiet"}, `"msg":"progress","done":0,"total":3,"left":3`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			sheetOf(t, "nightly.csv", 3)
			tenant, _ := tenantOf(t, 3, sandbox.Options{})
			asked := make(chan os.Signal, 1)
			errs := &watchedWriter{want: test.want, came: make(chan struct{})}
			var first sync.Once
			base := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				first.Do(func() {
					asked <- os.Interrupt
					select {
					case <-errs.came:
					case <-time.After(10 * time.Second):
						t.Error("the state was not printed")
					}
				})
				tenant.Handler().ServeHTTP(w, r)
			}))
			s := Streams{
				In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: errs, Now: time.Now,
				Env: func(name string) string { return withToken[name] },
				Signals: func() (context.Context, func() ExitCode, func()) {
					return t.Context(), func() ExitCode { return ExitInterrupted }, func() {}
				},
				StateAsked: func() (<-chan os.Signal, func()) { return asked, func() {} },
			}
			args := append([]string{"run", "nightly.csv", "--base-url", base, "--yes", "--workers", "1", "--rate", "0"}, test.args...)
			if code := Run(args, s); code != 0 {
				t.Errorf("exit code %d\n%s", code, errs.text.String())
			}
		})
	}
}

// TestBarOnATerminal draws a bar where a terminal can show one.
func TestBarOnATerminal(t *testing.T) {
	for _, test := range []struct {
		term string
		bar  bool
	}{{"xterm-256color", true}, {"", true}, {"dumb", false}} {
		t.Run(cmp.Or(test.term, "unknown"), func(t *testing.T) {
			t.Chdir(t.TempDir())
			sheetOf(t, "nightly.csv", 3)
			_, base := tenantOf(t, 3, sandbox.Options{})
			var errs bytes.Buffer
			s := Streams{
				In: strings.NewReader(""), Out: io.Discard, Err: &errs, Now: time.Now, ErrTerminal: true, Width: func() int { return 80 },
				Env: func(name string) string { return map[string]string{"NERM_TOKEN": "x", "TERM": test.term}[name] },
				Signals: func() (context.Context, func() ExitCode, func()) {
					return t.Context(), func() ExitCode { return ExitInterrupted }, func() {}
				},
			}
			if code := Run([]string{"run", "nightly.csv", "--base-url", base, "--yes", "--rate", "0"}, s); code != 0 {
				t.Fatalf("exit code %d\n%s", code, errs.String())
			}
			if got := strings.Contains(errs.String(), "\r"); got != test.bar || !strings.Contains(errs.String(), "100 %") && !strings.Contains(errs.String(), "100%") {
				t.Errorf("a bar is %v:\n%q", got, errs.String())
			}
		})
	}
}
