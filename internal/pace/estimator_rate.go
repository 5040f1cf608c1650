package pace

import (
	"math"
	"time"
)

const (
	// below is the share of the grant that is used while it holds.
	below = 0.985
	// floorRate is the lowest grant that is thought of at first, and rateLeast
	// keeps a run going whatever was learned; both in requests per second.
	floorRate = 4.0
	rateLeast = 0.1

	// More is tried after a calm, in seconds, that doubles each time it was in
	// vain; sooner while the grant is known only roughly.
	calmFirst  = 60.0
	calmMost   = 300.0
	calmUnsure = 30.0

	// A window usually lasts ten seconds, and one that lasts longer a minute.
	windowUsual = 10.0
	windowLong  = 60.0

	hasty  = 3.0  // seconds between blocks that follow each other too soon
	steady = 12.0 // seconds at one rate that fill any part of a window of ten
)

// rate is how many requests per second may leave now, the pause aside.
func (c *ceiling) rate(now time.Time) float64 {
	if !c.throttled {
		return c.top
	}
	return min(c.top, max(rateLeast, c.rateAt(now.Sub(c.start).Seconds())))
}

// rateAt is the base, and climbs once the calm is over: gently at first, so
// that a grant that has not changed is met at little above it, then ever
// faster, so that one that has doubled is found within a minute.
func (c *ceiling) rateAt(m float64) float64 {
	t := m - c.since - c.calm
	if t <= 0 {
		return c.base
	}
	fast := t / 40
	return c.base * (1 + 0.004*t + fast*fast*fast)
}

// firstSeed makes guesses at the first refusal, when nothing is known but what
// was granted since the start. It returns the highest grant thought of.
func (c *ceiling) firstSeed(m float64) float64 {
	elapsed := max(m, 1e-4)
	hi := max(2000, 4*c.granted/elapsed)
	if elapsed > 3 { // what was saved up no longer matters so much
		hi = 4 * c.trail.since(m-1)
	}
	hi = min(c.top, hi)
	// The tenant may have had ten seconds' worth saved up, and some more.
	c.seed(m, max(c.granted/(12+elapsed), floorRate), hi)
	return hi
}

// seed starts over with all guesses that are thinkable at a refusal.
func (c *ceiling) seed(m, lo, hi float64) {
	c.guesses.clear(m)
	c.guesses.seedBuckets(lo, hi)
	c.guesses.seedWindows(m, windowUsual, &c.trail)
}

// settle sets the rate after a block.
func (c *ceiling) settle(m float64) {
	v, ok := c.guesses.judge(c.noise())
	if !ok || c.block.hasty > 5 {
		v = c.reseed(m)
	}
	switch {
	case v.hi > 1.05*v.lo:
		c.calm = calmUnsure
	case c.block.strained: // more was tried, in vain
		c.calm = min(2*max(c.calm, calmFirst), calmMost)
	default:
		c.calm = max(c.calm, calmFirst)
	}
	c.base, c.since = between(v, 0), m
}

// reseed starts over after a block that no guess explains: the tenant has
// changed.
func (c *ceiling) reseed(m float64) estimate {
	b := c.block
	lo := b.asked / 4
	switch {
	case c.base == 0:
		lo = floorRate
	case b.calmFor > 15: // it cannot have changed by much
		lo = 0.93 * min(b.asked, c.trail.since(b.began-15)/15)
	}
	c.seed(b.began, lo, b.asked)
	if m-b.began > 1.05*windowUsual {
		c.guesses.clear(b.began)
		c.guesses.seedWindows(b.began, windowLong, &c.trail)
	}
	c.guesses.granted(m, 1)
	c.guesses.turned()
	if v, ok := c.guesses.judge(c.noise()); ok {
		return v
	}
	return estimate{lo: b.asked / 4, hi: b.asked, mean: b.asked / 2}
}

// climb raises the rate by what was granted since the block.
func (c *ceiling) climb(m float64) {
	now := c.rateAt(m)
	v, ok := c.guesses.judge(c.noise())
	if !ok { // more is granted than any guess can explain
		if len(c.guesses.all) > 0 {
			c.guesses.clear(m)
			c.base, c.since, c.calm = now, m, 0
		}
		return
	}
	r := between(v, m-c.block.ended)
	if r <= 1.001*now || m > c.since+2 && c.trail.since(m-1) < 0.6*min(now, c.top) {
		return // no news, or the rate is not what holds us up
	}
	c.base, c.since, c.calm = r, m, max(c.calm, calmFirst)
}

// between is the rate to try when so much is known of the grant, and it was
// borne for so many seconds since the last block. A window is not wasted by
// spending it early, so that more may be asked of it.
func between(v estimate, borne float64) float64 {
	switch {
	case v.hi < 1.2*v.lo:
		return 0.99 * v.mean
	case v.window:
		return below * v.hi
	case v.hi > 6*v.lo:
		return math.Sqrt(v.lo * v.hi)
	}
	w := borne / (borne + 8)
	return min(below*v.hi, math.Pow(v.mean, 1-w)*math.Pow(v.hi, w))
}
