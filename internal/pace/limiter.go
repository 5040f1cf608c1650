// Package pace decides when the next request may leave, and learns from refusals
// what the tenant grants. It knows neither HTTP nor what the requests are for.
package pace

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Limiter hands out turns: one for each attempt that leaves, whatever it does.
// It never lets more through than the rate that the user permits, pauses
// everybody when the tenant asks for it, and learns from refusals what the
// tenant really grants. It is safe for concurrent use and starts no goroutine.
//
// Waiters queue up, and only the first of the queue looks at the clock: so a
// pause or a new rate holds for everybody at once, for those who already wait
// too.
type Limiter struct {
	// open means that nothing holds anybody back: Wait need not queue.
	open atomic.Bool
	// first has room for one, the first of the queue. Go serves blocked senders
	// in the order of their arrival, which makes the queue fair.
	first chan struct{}
	// changed wakes the first when an answer may have changed when its turn comes.
	changed chan struct{}

	mu    sync.Mutex
	pacer *pacer
}

// Outcome is what the tenant's limit did to an attempt.
type Outcome int

// The outcomes. An attempt without an answer says nothing about the limit.
const (
	Unanswered Outcome = iota
	Granted
	Refused    // because of the rate
	Overloaded // because of the rate, or because of what was asked for
)

// Observation is how one attempt ended.
type Observation struct {
	SentAt     time.Time // when it left: not before its Wait returned
	At         time.Time // when the answer came, or the attempt was given up
	Outcome    Outcome
	RetryAfter time.Duration // how long to wait; below 0 when a refusal does not say
	Hint       Hint
}

// Hint is what an answer says about the tenant's limit. Hints are followed as
// far as they ask for less, never for more. The zero value says nothing.
type Hint struct {
	Rate      float64       // requests per second that are granted; 0 when not given
	Reset     time.Duration // time until Remaining is filled up again; 0 when not given
	Remaining int           // requests left until then; of no meaning without Reset
}

// State is a snapshot for people who watch.
type State struct {
	Limit       float64   // requests per second at this moment; 0 when there is no limit, or none is known yet
	Learned     float64   // requests per second that the tenant was found to grant; 0 when that is all that the user permits
	PausedUntil time.Time // the end of the tenant's pause; zero when there is none
	Throttling  bool      // paused, or held below what the user permits by a recent refusal
}

// New returns a limiter for the rate, in requests per second, that the user
// permits; 0 is no limit. learned is what an earlier session found the tenant to
// grant (State.Learned), so that it need not be learned again;
// 0 when nothing is known.
func New(permitted, learned float64) *Limiter {
	return newAt(permitted, learned, time.Now())
}

func newAt(permitted, learned float64, now time.Time) *Limiter {
	return &Limiter{
		first:   make(chan struct{}, 1),
		changed: make(chan struct{}, 1),
		pacer:   newPacer(permitted, learned, now),
	}
}

// Wait blocks until the next attempt may leave. It fails only with the error of
// the context or of ready, and then the attempt has no turn. Each turn must be
// followed by one Observe, however the attempt ended.
//
// ready, which may be nil, is called just before the turn is taken: what goes
// stale while the attempt waits is brought up to date there. It may block, and
// nobody else's turn passes by meanwhile. It may be called more than once.
func (l *Limiter) Wait(ctx context.Context, ready func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.open.Load() {
		if ready == nil {
			return nil
		}
		return ready()
	}
	select {
	case l.first <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.first }()
	for {
		if ready != nil {
			if err := ready(); err != nil {
				return err
			}
		}
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

// Observe records how an attempt ended. It never blocks for long.
func (l *Limiter) Observe(o Observation) {
	l.mu.Lock()
	l.pacer.observe(o)
	l.adjusted()
}

// Withdraw takes back so many observations of overload: what was asked for turned
// out to be the reason. What they did to the rate is undone.
func (l *Limiter) Withdraw(n int) {
	l.mu.Lock()
	l.pacer.doubt.withdraw(l.pacer, n)
	l.adjusted()
}

// SetRate changes the rate that the user permits, in requests per second, also
// for those who wait; 0 is no limit.
func (l *Limiter) SetRate(permitted float64) {
	l.mu.Lock()
	l.pacer.estimator.permit(topOf(permitted))
	l.adjusted()
}

// Skip leaves a time up to now out of what is learned of the tenant: the caller
// sent nothing then for a reason of its own.
func (l *Limiter) Skip(away time.Duration) {
	l.mu.Lock()
	l.pacer.estimator.skip(away, time.Now())
	l.adjusted()
}

// adjusted wakes the first of the queue, whose turn may come at another time
// now. It unlocks mu.
func (l *Limiter) adjusted() {
	l.open.Store(l.pacer.open())
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// State returns a snapshot of this moment.
func (l *Limiter) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pacer.state(time.Now())
}
