package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// errGaveUp ends every wait for the tenant after the outage wait.
var errGaveUp = errors.New("the tenant stayed out of reach")

// breaker holds up all workers while the tenant cannot be reached: one of them
// probes, with backoff and full jitter, and the rest wait for what it finds.
// It is safe for concurrent use.
type breaker struct {
	maxOutage time.Duration // how long an outage may last

	open atomic.Bool // the tenant cannot be reached

	mu      sync.Mutex
	since   time.Time     // of the first failure of this outage
	held    time.Duration // of this outage, that nobody was to try
	holder  probe         // the one that may probe; 0 when nobody does
	issued  probe         // the last one handed out
	failed  int           // probes that failed in this outage
	cause   string        // of the last failure
	gaveUp  bool          // for good
	changed chan struct{} // closed when those who wait have to look again
}

// probe entitles one worker to try the tenant during an outage; 0 is none.
type probe uint64

// wait returns when the tenant may be tried. p is the probe that the caller
// has from an attempt before, or 0. With a probe as its result the caller has
// to try once, alone, and then to call succeed, fail or release. The error is
// the context's or errGaveUp, and then the probe is released.
func (b *breaker) wait(ctx context.Context, p probe) (probe, error) {
	for b.open.Load() {
		b.mu.Lock()
		if b.gaveUp || !b.open.Load() {
			gaveUp := b.gaveUp
			b.mu.Unlock()
			if gaveUp {
				return 0, errGaveUp
			}
			break
		}
		if b.holder == 0 || b.holder == p {
			b.issued++
			p = b.issued
			b.holder = p
			pause := jitter(backoff(b.failed+1, probeCap))
			// The last probe leaves when the outage wait ends, not after.
			pause = min(pause, time.Until(b.since.Add(b.maxOutage+b.held)))
			b.mu.Unlock()
			if err := sleep(ctx, pause); err != nil {
				b.release(p)
				return 0, err
			}
			return p, nil
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return 0, nil
}

// fail notes that nothing could be sent, and reports whether this began the
// outage. The probe stays good, for wait.
func (b *breaker) fail(p probe, cause string) (began bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cause = cause
	if began = !b.open.Load(); began {
		b.since, b.held, b.failed, b.holder = time.Now(), 0, 0, p
		b.changed = make(chan struct{})
		b.open.Store(true)
	} else if p != 0 && p == b.holder {
		b.failed++
	}
	if !b.gaveUp && time.Since(b.since) >= b.maxOutage+b.held {
		b.gaveUp = true
		close(b.changed)
	}
	return began
}

// succeed notes that the tenant answered somebody, and returns how long the
// outage was that this ends, 0 when there was none. Nothing ends one that was
// given up: those who waited have ended already.
func (b *breaker) succeed() time.Duration {
	if !b.open.Load() {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gaveUp || !b.open.Load() {
		return 0
	}
	b.holder = 0
	b.open.Store(false)
	close(b.changed)
	return time.Since(b.since)
}

// release gives a probe back unused, so that one of those who wait takes over.
// It may be called with a probe that is no longer good.
func (b *breaker) release(p probe) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p == 0 || p != b.holder {
		return
	}
	b.holder = 0
	if b.open.Load() && !b.gaveUp {
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// extend leaves a time out of how long an outage lasts: nobody tried.
func (b *breaker) extend(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held += by // the next outage begins without
}

// state returns since when there is an outage, and the reason of the last
// failure, "" when there never was one.
func (b *breaker) state() (since time.Time, cause string, out bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since, b.cause, b.open.Load()
}

// starvation is a tenant that refuses everything for the rate, or is overloaded
// by everything. It is safe for concurrent use.
type starvation struct {
	patience time.Duration // how long it may last

	changes, reads atomic.Uint64 // answers that were no refusals
	going          atomic.Bool   // there was none since a refusal

	mu     sync.Mutex
	since  time.Time     // of the first refusal after the last other answer
	vain   bool          // the last may have a reason that a probe shows
	alive  bool          // probes are answered otherwise
	until  time.Time     // until when the tenant asked to wait last; zero: it did not say
	asked  time.Duration // how long that is, if it is longer than the patience
	answer string        // what it answers, in words for people
	gaveUp bool          // for good
}

// errStarved ends every wait for a tenant that grants nothing.
var errStarved = errors.New("the tenant grants nothing")

// refused notes a refusal, for how long it asks to wait, below 0 where it does
// not say, and what it says in words for people. vain says that a probe may show
// the reason.
func (s *starvation) refused(at time.Time, asked time.Duration, answer string, vain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.vain = answer, vain
	if !s.going.Load() {
		s.since, s.until, s.alive = at, time.Time{}, false
		s.going.Store(true)
	}
	if asked >= 0 && at.Add(asked).After(s.until) {
		s.until = at.Add(asked)
	}
	if asked > s.patience && !s.gaveUp {
		s.asked, s.gaveUp = asked, true
	}
}

// answered notes any other answer. One to a probe shows that the tenant answers,
// and not that it grants what is asked of it.
func (s *starvation) answered(does effect, probe bool) {
	if does == safe {
		s.reads.Add(1)
	} else {
		s.changes.Add(1)
	}
	if s.going.Load() {
		s.mu.Lock()
		s.alive = true
		s.going.Store(probe)
		s.mu.Unlock()
	}
}

// left returns how long it may last yet, seen from a time; some years where there
// is none.
func (s *starvation) left(at time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.going.Load() {
		return math.MaxInt64
	}
	return s.since.Add(s.patience).Sub(at)
}

// onlyChanges reports whether the tenant answers a change with nothing but
// refusals, and what changes nothing as usual.
func (s *starvation) onlyChanges() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.going.Load() && s.alive
}

// ask reports whether a probe is to be sent, which is the case after each attempt
// in vain once there were none but such for some time.
func (s *starvation) ask(now time.Time) bool {
	if !s.going.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ask := s.vain && now.Sub(s.since) >= inVain
	s.vain = s.vain && !ask
	return ask
}

// granted returns how many other answers there were.
func (s *starvation) granted() granted { return granted{s.changes.Load(), s.reads.Load()} }

// bound returns a context that ends with ctx, and when the patience does. The
// error is errStarved once it has ended.
func (s *starvation) bound(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if !s.going.Load() {
		return ctx, func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.since.Add(s.patience)
	s.gaveUp = s.gaveUp || s.going.Load() && !time.Now().Before(end)
	if s.gaveUp {
		return nil, nil, errStarved
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	return ctx, cancel, nil
}

// extend leaves a time out of how long it has lasted: nobody asked.
func (s *starvation) extend(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = s.since.Add(by)
}

// String says what is known of it.
func (s *starvation) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	until := s.until.Format("2006-01-02 15:04:05 MST")
	if s.asked > 0 {
		return fmt.Sprintf("it asks to wait %v, until %s, which is longer than --outage-wait allows (%v)", s.asked.Round(time.Second), until, s.patience)
	}
	asks := "asks to wait until " + until
	if !s.until.After(s.since) {
		asks = "does not say until when"
	}
	return fmt.Sprintf("for %v it answered nothing but %s, and %s", s.patience, s.answer, asks)
}
