package api

import (
	"math"
	"net/http"
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

	// Before the first refusal nothing is known of the tenant, and all that are in
	// flight when its limit is met are refused at once. They are kept to a
	// share of what it has granted so far, until that is so much that any
	// number of workers is a small share of it.
	startFlight  = 3
	startShare   = 0.04
	startGranted = 5000
	// startEvery is how often one more may leave beyond that share, so that slow
	// answers do not hold up more than a rate that is above all but the lowest limits.
	startEvery = 100 * time.Millisecond

	// probeFor is how long the one probe after a pause keeps the others
	// back when its answer does not come.
	probeFor = 5 * time.Second
)

// pacer decides when the next attempt may leave: it paces at the ceiling's
// rate, pauses when the ceiling pauses, and counts what is in flight. It has
// neither a clock nor a lock: the caller brings both, and its time never goes
// back.
type pacer struct {
	tokens   *rate.Limiter
	ceiling  *ceiling
	flight   int       // turns taken and not yet observed
	lastTurn time.Time // when the last was taken
	due      time.Time // when it was due
}

func newPacer(permitted, learned float64, now time.Time) *pacer {
	top := math.Inf(1)
	if permitted > 0 {
		top = permitted * headroom
	}
	return &pacer{tokens: rate.NewLimiter(rate.Inf, 1), due: now, ceiling: newCeiling(top, learned, now)}
}

// take takes a turn and returns 0, or returns how long to wait before asking
// again; an observation in between may make it sooner or later.
func (p *pacer) take(now time.Time) time.Duration {
	if d := p.ceiling.pausedUntil.Sub(now); d > 0 {
		return d
	}
	if d := p.crowded(now); d > 0 {
		return d
	}
	// The tokens' clock stands where the last turn was due, not where it was
	// taken: so a late turn does not delay those after it.
	p.tokens.SetLimitAt(p.due, p.limit(now))
	r := p.tokens.ReserveN(p.due, 1)
	due := p.due.Add(r.DelayFrom(p.due))
	switch late := now.Sub(due); {
	case late < 0:
		r.CancelAt(p.due)
		return -late
	case late > slack: // nobody asked, and what was not asked for is gone
		r.CancelAt(p.due)
		p.tokens.AllowN(now, 1)
		due = now
	}
	p.due = due
	p.flight++
	p.lastTurn = now
	return 0
}

func (p *pacer) limit(now time.Time) rate.Limit {
	if r := p.ceiling.rate(now); !math.IsInf(r, 1) {
		return rate.Limit(r)
	}
	return rate.Inf
}

// crowded returns how long the number in flight keeps the next one back.
func (p *pacer) crowded(now time.Time) time.Duration {
	c := p.ceiling
	switch {
	case c.probing() && p.flight > 0:
		return p.lastTurn.Add(probeFor).Sub(now)
	case c.mode == modeFree && c.granted < startGranted && p.flight >= max(startFlight, int(startShare*c.granted)):
		return p.lastTurn.Add(startEvery).Sub(now)
	}
	return 0
}

func (p *pacer) observe(s Signal) {
	p.flight = max(0, p.flight-1)
	switch {
	case s.Status == http.StatusTooManyRequests, s.Status == http.StatusServiceUnavailable && s.RetryAfter >= 0:
		p.ceiling.refused(s.SentAt, s.At, s.RetryAfter)
	case s.Status != 0:
		p.ceiling.grant(s.SentAt, s.At)
	}
}

// open tells whether a turn needs no asking.
func (p *pacer) open() bool {
	c := p.ceiling
	return c.mode == modeFree && c.granted >= startGranted && math.IsInf(c.top, 1) && !c.blocked
}

func (p *pacer) state(now time.Time) LimiterState {
	c := p.ceiling
	s := LimiterState{}
	if r := c.rate(now); !math.IsInf(r, 1) {
		s.Ceiling = r
		s.Throttling = c.mode != modeFree && r < c.top
	}
	if c.pausedUntil.After(now) {
		s.PausedUntil, s.Throttling = c.pausedUntil, true
	}
	return s
}
