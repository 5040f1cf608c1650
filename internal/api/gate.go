package api

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// errGaveUp ends every wait at the gate after the outage wait.
var errGaveUp = errors.New("the tenant stayed out of reach")

// gate stops all workers while the tenant cannot be reached: one of them
// probes, with backoff and full jitter, and the rest wait for what it finds.
// It is safe for concurrent use.
type gate struct {
	patience time.Duration // how long an outage may last

	closed atomic.Bool // what enter reads on its fast path

	mu      sync.Mutex
	since   time.Time     // of the first failure of this outage
	holder  ticket        // of the worker that probes; 0 when nobody does
	issued  ticket        // the last one handed out
	probes  int           // probes that failed in this outage
	cause   string        // of the last failure
	gaveUp  bool          // for good
	changed chan struct{} // closed when a waiter has to look again
}

// ticket entitles one worker to probe; 0 is none.
type ticket uint64

// enter waits while the gate is closed. t is the ticket that the caller holds
// from an attempt before, or 0. With a ticket as its result the caller is to
// try once, alone, and then to tell reached, failed or release. The error is
// the context's or errGaveUp; a ticket is given back then.
func (g *gate) enter(ctx context.Context, t ticket) (ticket, error) {
	if !g.closed.Load() {
		return 0, nil
	}
	for {
		g.mu.Lock()
		switch {
		case g.gaveUp:
			g.mu.Unlock()
			return 0, errGaveUp
		case !g.closed.Load():
			g.mu.Unlock()
			return 0, nil
		case g.holder == 0 || g.holder == t:
			g.issued++
			t = g.issued
			g.holder = t
			wait := jitter(backoff(g.probes+1, probeFirst, probeCap))
			// The last probe leaves when patience ends, not after.
			wait = min(wait, time.Until(g.since.Add(g.patience)))
			g.mu.Unlock()
			if err := sleep(ctx, wait); err != nil {
				g.release(t)
				return 0, err
			}
			return t, nil
		}
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// failed closes the gate, or keeps it closed: nothing could be sent, for the
// cause given. It reports whether this began the outage. The ticket stays
// good, for enter.
func (g *gate) failed(t ticket, cause string) (began bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cause = cause
	if !g.closed.Load() {
		g.since, g.probes, g.holder = time.Now(), 0, t
		g.changed = make(chan struct{})
		g.closed.Store(true)
		began = true
	} else if t != 0 && t == g.holder {
		g.probes++
	}
	if !g.gaveUp && time.Since(g.since) >= g.patience {
		g.gaveUp = true
		close(g.changed)
	}
	return began
}

// reached opens the gate: the tenant answered somebody. It reports for how
// long it was closed, 0 when it was not.
func (g *gate) reached() time.Duration {
	if !g.closed.Load() {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gaveUp || !g.closed.Load() {
		return 0 // after giving up it stays shut: what waited has been told
	}
	g.holder = 0
	g.closed.Store(false)
	close(g.changed)
	return time.Since(g.since)
}

// release gives a ticket back unused, so that one of those waiting takes
// over. It may be called with a ticket that is no longer good.
func (g *gate) release(t ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t == 0 || t != g.holder {
		return
	}
	g.holder = 0
	if g.closed.Load() && !g.gaveUp {
		close(g.changed)
		g.changed = make(chan struct{})
	}
}

// state tells since when the gate is closed and why.
func (g *gate) state() (since time.Time, cause string, closed bool) {
	if !g.closed.Load() {
		return time.Time{}, "", false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.since, g.cause, g.closed.Load()
}

// lastCause is the reason of the last failure.
func (g *gate) lastCause() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cause
}
