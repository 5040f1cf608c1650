package api

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Limiter hands out turns: one for each attempt that leaves, whatever its
// method. It never lets more through than the rate the user permits, stops
// everybody while the tenant has asked for a pause, and learns from the
// tenant's refusals what it really grants. It is safe for concurrent use and
// starts no goroutine.
//
// All that wait stand in one line, and only the first of it looks at the
// clock: a pause or a new ceiling then holds for everybody at once, those
// already waiting included.
type Limiter struct {
	// open: nothing holds anybody back, so that Wait need not queue.
	open atomic.Bool
	// line has room for one: who is in it is first in line. Go serves blocked
	// senders in the order of their arrival, which makes it fair.
	line chan struct{}
	// changed wakes the first in line when an answer may have changed its turn.
	changed chan struct{}

	mu    sync.Mutex
	pacer *pacer
}

// Signal is what one attempt's end tells about the tenant's limits.
type Signal struct {
	At         time.Time     // when the answer came, or the attempt was given up
	SentAt     time.Time     // when it left: not before its Wait returned
	Status     int           // HTTP status; 0 when no answer came
	RetryAfter time.Duration // as the tenant told it; below 0 when it told none
	Header     http.Header   // the answer's; only read, and not kept; may be nil
}

// LimiterState is a snapshot for people who watch.
type LimiterState struct {
	Ceiling     float64   // requests per second at this moment; 0 when there is no ceiling
	PausedUntil time.Time // the end of the tenant's pause; zero when there is none
	Throttling  bool      // paused, or held below what the user permits by a recent refusal
}

// NewLimiter returns a limiter for the rate, in requests per second, that
// the user permits; 0 is no ceiling. A learned value above 0 is what an
// earlier session found the tenant to grant (LimiterState.Ceiling while
// throttling), so that it need not be learned again; otherwise it is 0.
func NewLimiter(permitted, learned float64) *Limiter {
	return newLimiterAt(permitted, learned, time.Now())
}

func newLimiterAt(permitted, learned float64, now time.Time) *Limiter {
	return &Limiter{
		line:    make(chan struct{}, 1),
		changed: make(chan struct{}, 1),
		pacer:   newPacer(permitted, learned, now),
	}
}

// Wait blocks until the next attempt may leave. It fails only with the
// context's error, and then the attempt has no turn. Each turn must be
// followed by one Observe, whatever came of the attempt.
func (l *Limiter) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.open.Load() {
		return nil
	}
	select {
	case l.line <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.line }()
	for {
		wait := l.take()
		if wait <= 0 {
			return nil
		}
		if err := l.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// take takes a turn and returns 0, or returns how long to wait before asking
// again, unless something changes sooner.
func (l *Limiter) take() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.pacer.take(time.Now())
	l.open.Store(l.pacer.open())
	return wait
}

func (l *Limiter) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Observe tells the limiter how an attempt ended. It never blocks for long.
func (l *Limiter) Observe(s Signal) {
	l.mu.Lock()
	l.pacer.observe(s)
	l.open.Store(l.pacer.open())
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// State returns what holds at this moment.
func (l *Limiter) State() LimiterState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pacer.state(time.Now())
}
