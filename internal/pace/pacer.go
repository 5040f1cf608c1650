package pace

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	// headroom keeps a permitted rate R at R requests in any window of one
	// second: at 0.99 R the request after the R-th leaves 10 ms after the
	// window of the first, which is what jitter may cost.
	headroom = 0.99

	// slack is how late a turn may be taken and the next still come on time: a
	// timer wakes late, and without slack each lateness would lower the rate.
	// It is below the 10 ms that headroom leaves.
	slack = 4 * time.Millisecond
	// slackLearned is the same where the tenant grants less than the user permits. A
	// busy machine wakes us later than slack, time and again, and what is not
	// sent then is lost of the grant; only a bucket that saves nothing at all
	// refuses what follows sooner.
	slackLearned = 50 * time.Millisecond

	// Before the first refusal nothing is known of the tenant, and all that
	// are in flight when its limit is met are refused at once. They are kept to
	// a share of what it has granted so far, until that is so much that any
	// number of workers is a small share of it. Once refused, the pace does
	// most of that, and the share only bounds a wrong estimate.
	startFlight    = 4
	startShare     = 0.1
	throttledShare = 2
	startGranted   = 5000
	// Half of that does where answers come within near, in seconds, which is known
	// after so many.
	near      = 0.02
	startNear = 5
	// One more may leave beyond that share every so often, so that slow answers do
	// not hold up a rate that is below all but the lowest limits; the interval
	// is startPace divided by what was granted, once that is shorter.
	startEvery = 50 * time.Millisecond
	startPace  = 5 * time.Second

	// askAgain is how long a turn is waited for before the rate is asked for again,
	// where it changes by itself.
	askAgain = 250 * time.Millisecond

	unpaced = 1e9 // requests per second

	// probeFor is how long the one request that tries after a pause keeps the
	// others back when its answer does not come.
	probeFor = 5 * time.Second
)

// pacer decides when the next attempt may leave: it paces at the
// estimator's rate, pauses when the estimator pauses, and counts what is in flight. It has
// neither a clock nor a lock: the caller brings both, and its time never goes
// back.
type pacer struct {
	tokens    *rate.Limiter
	estimator *estimator
	slots     slots
	doubt     doubt
	flight    int       // turns taken and not yet observed
	lastTurn  time.Time // when the last was taken
	due       time.Time // when it was due
	held      bool      // the next was kept back by the number in flight, not by a timer that woke late
}

func newPacer(permitted, learned float64, now time.Time) *pacer {
	return &pacer{tokens: rate.NewLimiter(unpaced, 1), due: now, estimator: newEstimator(topOf(permitted), learned, now)}
}

// topOf is the rate that is never exceeded for one that the user permits; 0 is
// no limit.
func topOf(permitted float64) float64 {
	if permitted <= 0 {
		return math.Inf(1)
	}
	return permitted * headroom
}

// take takes a turn and returns 0, or returns how long to wait before asking
// again; an observation in between may make it sooner or later.
func (p *pacer) take(now time.Time) time.Duration {
	if d := p.estimator.pausedUntil.Sub(now); d > 0 {
		return d
	}
	if d := p.crowded(now); d > 0 {
		p.held = true
		return d
	}
	p.estimator.flight = p.flight
	// The tokens are counted from when the last turn was due, not from when it
	// was taken: so a late turn does not delay those after it.
	limit := p.limit(now)
	p.tokens.SetLimitAt(p.due, limit)
	r := p.tokens.ReserveN(p.due, 1)
	due := p.due.Add(r.DelayFrom(p.due))
	switch by := now.Sub(due); {
	case by < 0:
		r.CancelAt(p.due)
		if p.estimator.follows() {
			by = max(by, -askAgain)
		}
		return -by
	case by > p.lateness(limit) || p.held && by > slack: // nobody asked, and what was not asked for is gone
		r.CancelAt(p.due)
		p.tokens.AllowN(now, 1)
		due = now
	}
	p.due, p.held = due, false
	p.flight++
	p.slots.sent(now, p.flight)
	p.lastTurn = now
	return 0
}

// lateness is how late a turn may be taken at a limit and the next still come
// on time: so late that no more leaves in a second than the user permits.
func (p *pacer) lateness(limit rate.Limit) time.Duration {
	spare := p.estimator.maxRate/float64(limit) - 1
	return min(slackLearned, slack+time.Duration(min(spare, 1)*float64(time.Second)))
}

// limit is the rate at which tokens come. It is never infinite, or the token
// of a turn taken without a limit would still be there for the next.
func (p *pacer) limit(now time.Time) rate.Limit {
	r := p.estimator.rate(now)
	if p.estimator.blocked || p.slots.limit > 0 { // one may try at once, or the number in flight is what counts
		r = p.estimator.maxRate
	}
	return rate.Limit(min(r, unpaced))
}

// crowded returns how long the number in flight keeps the next one back.
func (p *pacer) crowded(now time.Time) time.Duration {
	e := p.estimator
	if e.blocked { // one tries, and the others wait for its answer
		if p.flight == 0 {
			return 0
		}
		return p.lastTurn.Add(probeFor).Sub(now)
	}
	if p.slots.full(now, p.flight) {
		return probeFor
	}
	if e.granted >= startGranted || p.slots.limit > 0 {
		return 0
	}
	share, every, least := startShare, startEvery, startFlight
	if e.granted >= startNear && e.latency < near {
		share, least = share/2, least/2
	}
	if e.throttled {
		share *= throttledShare
	}
	if e.granted > 0 {
		every = min(every, time.Duration(float64(startPace)/e.granted))
	}
	if p.flight < max(least, int(share*e.granted)) {
		return 0
	}
	return p.lastTurn.Add(every).Sub(now)
}

// observe records how an attempt ended.
func (p *pacer) observe(o Observation) {
	p.flight = max(0, p.flight-1)
	if p.estimator.blocked { // those who wait for the one that tries are not late
		defer func() { p.restart(o.At) }()
	}
	if o.Outcome == Unanswered {
		if o.RetryAfter > 0 {
			p.estimator.pause(o.At, o.RetryAfter)
		}
		return // nobody knows what the tenant made of it
	}
	e := p.estimator
	e.limitTo(o.Hint.Rate)
	switch o.Outcome {
	case Overloaded:
		if p.doubt.believe(p, o.At) {
			p.refused(o)
		}
		return
	case Refused:
		p.refused(o)
		return
	}
	p.slots.onGranted(o.SentAt, o.At)
	blocked := e.blocked
	e.onGranted(o.SentAt, o.At)
	if blocked && !e.blocked {
		p.slots.unblocked(o.At)
	}
	if o.Hint.Reset > 0 && o.Hint.Remaining <= p.flight {
		p.estimator.onExhausted(o.SentAt, o.At, o.Hint.Reset)
	}
}

// refused records a refusal.
func (p *pacer) refused(o Observation) {
	e, limited := p.estimator, p.slots.limit > 0
	if p.slots.onRefused(o.SentAt, o.At) {
		e.pause(o.At, o.RetryAfter)
		return
	}
	if limited {
		e.restart(o.At)
	}
	e.onRefused(o.SentAt, o.At, o.RetryAfter, o.Outcome == Refused)
}

// restart lets the next turn come due one interval from now, at the earliest.
func (p *pacer) restart(now time.Time) {
	if now.After(p.due) {
		p.tokens.SetLimitAt(now, unpaced)
		p.tokens.AllowN(now, 1)
		p.due = now
	}
}

// open reports whether a turn needs no asking.
func (p *pacer) open() bool {
	e := p.estimator
	return !e.throttled && e.granted >= startGranted && math.IsInf(e.maxRate, 1)
}

func (p *pacer) state(now time.Time) State {
	e := p.estimator
	s := State{}
	r := e.rate(now)
	if p.slots.limit > 0 || e.throttled && e.base == 0 { // the number in flight is what counts, or what is granted is not known before the first refusal is over
		r = e.maxRate
	}
	if !math.IsInf(r, 1) {
		s.Limit = r
		s.Throttling = e.throttled && r < e.maxRate
	}
	if p.slots.limit == 0 && e.base < e.maxRate {
		s.Learned = e.base
	}
	s.Throttling = s.Throttling || p.slots.limit > 0
	if e.pausedUntil.After(now) {
		s.PausedUntil, s.Throttling = e.pausedUntil, true
	}
	return s
}
