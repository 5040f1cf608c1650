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

// starvation is a tenant that refuses everything for the rate, or is overloaded
// by everything. It is safe for concurrent use.
type starvation struct {
	patience time.Duration // how long it may last

	changes, reads atomic.Uint64 // answers that were no refusals
	unsettled      atomic.Uint64 // of these, up to the last to a request that was refused before; and those to probes
	last           atomic.Int64  // when the last of them came: Unix time in nanoseconds
	going          atomic.Bool   // there was none since a refusal

	mu     sync.Mutex
	since  time.Time     // of the first refusal after the last other answer
	vain   bool          // the last may have a reason that a probe shows
	alive  bool          // the last probe was answered otherwise
	even   time.Time     // from when on a refusal says something since a probe was; zero: none was
	gap    time.Duration // from that probe until then
	tried  time.Time     // when the last request left that was refused since then; zero: none was
	until  time.Time     // until when the tenant asked to wait last; zero: it did not say
	asked  time.Duration // how long that is, if it is longer than the patience
	answer string        // what it answers, in words for people
	gaveUp bool          // for good
}

// errStarved ends every wait for a tenant that grants nothing.
var errStarved = errors.New("the tenant grants nothing")

// refused notes a refusal, for how long it asks to wait, below 0 where it does
// not say, and what it says in words for people. vain says that a probe may show
// the reason. alive reports that the last probe was answered otherwise; then wait
// is how long it takes until a refusal says something.
func (s *starvation) refused(r reply, asked time.Duration, answer string, vain bool) (wait time.Duration, alive bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
	if !s.going.Load() {
		s.since, s.until, s.even, s.alive = r.at, time.Time{}, time.Time{}, false
		s.going.Store(true)
	}
	early := r.sent.Before(s.even)
	s.alive = s.alive && vain
	s.vain = vain && (!early || !s.alive)
	if !early {
		s.tried = r.sent
	}
	if asked >= 0 && r.at.Add(asked).After(s.until) {
		s.until = r.at.Add(asked)
	}
	if asked > s.patience && !s.gaveUp {
		s.asked, s.gaveUp = asked, true
	}
	return s.even.Sub(r.at), s.alive
}

// answered notes any other answer. One to a probe shows that the tenant answers,
// and not that it grants what is asked of it.
func (s *starvation) answered(q *call, r reply) {
	if q.does == safe {
		s.reads.Add(1)
	} else {
		s.changes.Add(1)
	}
	switch {
	case q.probes:
		s.unsettled.Add(1)
	case q.refusals.met:
		s.unsettled.Store(s.reads.Load() + s.changes.Load())
	}
	last := s.last.Swap(r.at.UnixNano())
	if s.going.Load() {
		s.mu.Lock()
		if q.probes {
			s.probed(r, last)
		}
		s.going.Store(q.probes)
		s.mu.Unlock()
	}
}

// probed notes an answer to a probe, and when the one before it came. A limit that
// had granted nothing for so long, until then, grants the next as long after it:
// what is refused sooner may be so because the probe was granted. Where a probe is
// answered right after others were refused, no limit refused those, and less will
// do. Where it is not, the time was perhaps too short. mu is held.
func (s *starvation) probed(r reply, last int64) {
	gap := r.at.Sub(s.since)
	if last > 0 {
		gap = time.Duration(r.at.UnixNano() - last)
	}
	switch {
	case s.even.IsZero():
		s.gap = gap
	case s.alive && !s.tried.IsZero() && r.sent.Sub(s.tried) < s.gap/8:
		s.gap = max(s.gap/2, min(s.gap, inVain/4))
	default:
		s.gap = min(max(s.gap, gap), s.gap*3/2)
	}
	s.gap = min(max(s.gap, 0), s.patience/8)
	s.even, s.tried, s.alive = r.at.Add(s.gap), time.Time{}, true
}

// lasted returns for how long nothing was answered otherwise.
func (s *starvation) lasted(at time.Time) time.Duration {
	if !s.going.Load() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return at.Sub(s.since)
}

// settled reports whether so many were answered in a row at their first attempt
// that the rate is not the reason why others are not.
func (s *starvation) settled() bool {
	return s.reads.Load()+s.changes.Load() >= s.unsettled.Load()+settledAfter
}

// compare returns what a refusal of a request that left at a time means once a
// probe was answered, if one was.
func (s *starvation) compare(sent time.Time) (_ sign, probed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.going.Load() || s.even.IsZero():
		return none, false
	case sent.Before(s.even):
		return early, true
	case sent.Before(s.tried.Add(s.gap)):
		return contested, true
	}
	return unlike, true
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

// ask reports whether a probe is to be sent, which is the case after each attempt
// in vain once there were none but such for some time, and with again after a probe
// in vain too. After one that was answered, attempts are first.
func (s *starvation) ask(now time.Time, again bool) bool {
	if !s.going.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ask := now.Sub(s.since) >= inVain && (s.vain || again && !s.alive)
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
	if s.last.Load() > 0 {
		s.last.Add(int64(by))
	}
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
