package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// testNow is what the clock of a called command shows.
var testNow = time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC)

// called is what came of one command line.
type called struct {
	code     int
	out, err string
}

// call executes a command line in this process, with nobody at the
// terminal and only the environment that is given.
func call(t *testing.T, env map[string]string, args ...string) called {
	t.Helper()
	return callContext(t.Context(), env, args...)
}

func callContext(ctx context.Context, env map[string]string, args ...string) called {
	var out, errs bytes.Buffer
	s := Streams{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Env: func(name string) string { return env[name] },
		Now: func() time.Time { return testNow },
		Signals: func() (context.Context, func() ExitCode, func()) {
			return ctx, func() ExitCode { return ExitInterrupted }, func() {}
		},
	}
	code := Run(args, s)
	return called{code, out.String(), errs.String()}
}

func (c called) wantCode(t *testing.T, want ExitCode) {
	t.Helper()
	if c.code != int(want) {
		t.Fatalf("exit code %d, want %d; standard error:\n%s", c.code, want, c.err)
	}
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}
