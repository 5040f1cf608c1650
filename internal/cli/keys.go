package cli

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"nermbulk/internal/job"
)

// keysHelp says once what the keys do.
const keysHelp = "keys: p pauses and goes on, + and - change the rate, q stops (--resume goes on)"

// steer has the keys of the terminal steer the job, where somebody can press
// them and see what they do, until the function that it returns is called, once
// or more often.
func (r *runner) steer(ctx context.Context) (stop func()) {
	if r.Keys == nil || !r.InTerminal || !r.show.Interactive() {
		return func() {}
	}
	stop, err := r.Keys(ctx, r.press)
	if err != nil { // it is a terminal of another kind
		return func() {}
	}
	r.out.say(slog.LevelInfo, keysHelp, "keys")
	return sync.OnceFunc(stop)
}

// press does what a key asks for.
func (r *runner) press(key byte) {
	switch key {
	case 'p', 'P':
		if r.control.Paused() {
			r.control.Continue()
		} else {
			r.control.Pause()
		}
	case '+', '=':
		r.control.SetRate(nextRate(r.control.Rate(r.client.Rate), +1))
	case '-', '_':
		r.control.SetRate(nextRate(r.control.Rate(r.client.Rate), -1))
	case 'q', 'Q':
		r.control.Stop()
	}
}

// rates are those that the keys go through, in requests per second.
var rates = []float64{0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000}

// nextRate returns the rate above one or, for a step below 0, the one below it.
// No ceiling (0) is above all others.
func nextRate(rate float64, step int) float64 {
	at, found := slices.BinarySearch(rates, rate)
	switch {
	case rate == 0 && step < 0:
		return rates[len(rates)-1]
	case rate == 0:
		return 0
	case step < 0:
		return min(rate, rates[max(at-1, 0)])
	case found:
		at++
	}
	if at == len(rates) {
		return rate
	}
	return rates[at]
}

// stopping says that the job ends, and how.
func (r *runner) stopping(e job.Draining) {
	text := "stopping: requests in flight are waited for, at most " + e.Wait.String()
	if !r.control.Stopped() {
		text += "; press Ctrl-C once more to end at once"
	}
	r.out.say(slog.LevelWarn, text, "stopping", "timeout", e.Wait)
}
