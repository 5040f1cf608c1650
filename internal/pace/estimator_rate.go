package pace

import (
	"math"
	"time"
)

const (
	// usedShare is the share of the grant that is used while it holds.
	usedShare = 0.985
	// lowestGuess is the lowest grant that is considered at first, and minRate
	// keeps a run going whatever was learned; both in requests per second.
	lowestGuess = 4.0
	minRate     = 0.1

	// More is tried after a hold-off, in seconds, that doubles each time it was
	// in vain; sooner while the grant is known only roughly.
	holdOffFirst  = 60.0
	holdOffMax    = 300.0
	holdOffUnsure = 30.0

	// A window usually lasts ten seconds, and one that lasts longer a minute.
	windowUsual = 10.0
	windowLong  = 60.0

	tooSoon = 3.0  // seconds between blocks that follow each other too soon
	steady  = 12.0 // seconds at one rate that fill any part of a window of ten
)

// rate returns how many requests per second may leave now, the pause aside.
func (e *estimator) rate(now time.Time) float64 {
	if !e.throttled {
		return e.maxRate
	}
	return min(e.maxRate, max(minRate, e.rateAt(now.Sub(e.start).Seconds())))
}

// rateAt is the base, and climbs once the hold-off is over: gently at first, so
// that a grant that has not changed is met at little above it, then ever
// faster, so that one that has doubled is found within a minute.
func (e *estimator) rateAt(now float64) float64 {
	t := now - e.baseAt - e.holdOff
	if t <= 0 {
		return e.base
	}
	fast := t / 40
	return e.base * (1 + 0.004*t + fast*fast*fast)
}

// firstSeed seeds the hypotheses at the first refusal, when nothing is known
// but what was granted since the start. It returns the highest grant considered.
func (e *estimator) firstSeed(now float64) float64 {
	elapsed := max(now, 1e-4)
	hi := max(2000, 4*e.granted/elapsed)
	if elapsed > 3 { // what was saved up no longer matters so much
		hi = 4 * e.history.since(now-1)
	}
	hi = min(e.maxRate, hi)
	// The tenant may have had ten seconds' worth saved up, and some more.
	e.seed(now, max(e.granted/(12+elapsed), lowestGuess), hi)
	return hi
}

// seed starts over with all hypotheses that are possible at a refusal.
func (e *estimator) seed(now, lo, hi float64) {
	e.hypotheses.clear(now)
	e.hypotheses.seedBuckets(lo, hi)
	e.hypotheses.seedWindows(now, windowUsual, &e.history)
}

// settle sets the rate after a block.
func (e *estimator) settle(now float64) {
	est, ok := e.hypotheses.estimate(e.noise())
	if !ok || e.block.inARow > 5 {
		est = e.reseed(now)
	}
	switch {
	case est.hi > 1.05*est.lo:
		e.holdOff = holdOffUnsure
	case e.block.aboveBase: // more was tried, in vain
		e.holdOff = min(2*max(e.holdOff, holdOffFirst), holdOffMax)
	default:
		e.holdOff = max(e.holdOff, holdOffFirst)
	}
	e.base, e.baseAt = nextRate(est, 0), now
}

// reseed starts over after a block that no hypothesis explains: the tenant's
// limit has changed.
func (e *estimator) reseed(now float64) estimate {
	b := e.block
	lo := b.asked / 4
	switch {
	case e.base == 0:
		lo = lowestGuess
	case b.freeFor > 15: // it cannot have changed by much
		lo = 0.93 * min(b.asked, e.history.since(b.began-15)/15)
	}
	e.seed(b.began, lo, b.asked)
	if now-b.began > 1.05*windowUsual {
		e.hypotheses.clear(b.began)
		e.hypotheses.seedWindows(b.began, windowLong, &e.history)
	}
	e.hypotheses.granted(now, 1)
	e.hypotheses.windowEnded()
	if est, ok := e.hypotheses.estimate(e.noise()); ok {
		return est
	}
	return estimate{lo: b.asked / 4, hi: b.asked, mean: b.asked / 2}
}

// climb raises the rate by what was granted since the block.
func (e *estimator) climb(now float64) {
	current := e.rateAt(now)
	est, ok := e.hypotheses.estimate(e.noise())
	if !ok { // more is granted than any hypothesis can explain
		if len(e.hypotheses.all) > 0 {
			e.hypotheses.clear(now)
			e.base, e.baseAt, e.holdOff = current, now, 0
		}
		return
	}
	r := nextRate(est, now-e.block.ended)
	if r <= 1.001*current || now > e.baseAt+2 && e.history.since(now-1) < 0.6*min(current, e.maxRate) {
		return // nothing new, or the rate is not what limits
	}
	e.base, e.baseAt, e.holdOff = r, now, max(e.holdOff, holdOffFirst)
}

// nextRate is the rate to try by an estimate that held for so many seconds
// since the last block. A window is not wasted by using it up early, so more
// may be asked of it.
func nextRate(est estimate, held float64) float64 {
	switch {
	case est.hi < 1.2*est.lo:
		return 0.99 * est.mean
	case est.window:
		return usedShare * est.hi
	case est.hi > 6*est.lo:
		return math.Sqrt(est.lo * est.hi)
	}
	w := held / (held + 8)
	return min(usedShare*est.hi, math.Pow(est.mean, 1-w)*math.Pow(est.hi, w))
}
