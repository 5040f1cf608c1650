package batch

import "testing"

func TestGuardReasons(t *testing.T) {
	limit := func(g *guard) { g.halt(StoppedByLimit, "the limit") }
	denied := func(g *guard) { g.halt(StoppedByDenial, "denied") }
	failed := func(g *guard) { g.record(true, false, false) }
	for _, test := range []struct {
		name    string
		events  []func(*guard)
		want    StopKind
		cancels bool
	}{
		{"nothing", nil, NotStopped, false},
		{"the limit lets go on what was begun", []func(*guard){limit}, StoppedByLimit, false},
		{"the first reason wins", []func(*guard){denied, failed, failed}, StoppedByDenial, true},
		{"a limit does not replace a reason", []func(*guard){denied, limit}, StoppedByDenial, true},
		{"denied among the last rows of a limit", []func(*guard){limit, denied}, StoppedByDenial, true},
		{"too many failures among the last rows of a limit", []func(*guard){limit, failed, failed}, StoppedByFailures, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			canceled := false
			g := &guard{maxFailures: 2, cancel: func() { canceled = true }}
			for _, event := range test.events {
				event(g)
			}
			if got := g.stopped(); got.Kind != test.want || canceled != test.cancels {
				t.Errorf("%+v, canceled: %v", got, canceled)
			}
		})
	}
}
