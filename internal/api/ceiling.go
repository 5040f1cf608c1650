package api

import (
	"math"
	"time"
)

type mode int

const (
	modeFree   mode = iota // never refused: only the user's rate holds
	modeBucket             // what is granted flows
	modeWindow             // what is granted comes at once, at the start of a window
)

const (
	below      = 0.985 // share of the grant that is used while it holds
	windowLike = 1600 * time.Millisecond
	windowSize = 10.0
	floorRate  = 4.0
)

type ceiling struct {
	top         float64
	start       time.Time
	mode        mode
	pausedUntil time.Time
	latency     float64 // seconds, smoothed

	granted float64 // since the last refusal
	emptied time.Time
	resumed time.Time
	first   bool

	// the block under way
	blocked           bool
	block             time.Time
	hitSent           time.Time
	lastRefused, edge float64
	refusals          int
	hitRate           float64
	hitN              float64
	hitSpan           float64
	hitFirst          bool

	g      guesses
	fresh  float64 // granted since the guesses last saw
	lo, hi float64
	r      float64
	nextAt float64 // when to look again

	grantR float64 // window
	calm   float64
	since  float64
	recent [250]float64 // granted by tenths of a second
	recAt  int

	log func(string, ...any)
}

func newCeiling(top, learned float64, now time.Time) *ceiling {
	c := &ceiling{top: top, start: now, emptied: now, resumed: now, first: true, calm: 60}
	return c
}

func (c *ceiling) probing() bool { return c.blocked }

func (c *ceiling) secs(t time.Time) float64 { return t.Sub(c.start).Seconds() }

func (c *ceiling) rate(now time.Time) float64 {
	if c.mode == modeFree {
		return c.top
	}
	t := c.secs(now) - c.since - c.calm
	r := c.r
	if t > 0 {
		r *= 1 + 0.004*t + math.Pow(t/40, 3)
	}
	return math.Min(r, c.top)
}

func (c *ceiling) note(f string, a ...any) {
	if c.log != nil {
		c.log(f, a...)
	}
}

func (c *ceiling) noise() float64 { return 1.2 + 0.1*c.latency*c.r }

func mid(sent, at time.Time) time.Time { return sent.Add(at.Sub(sent) / 2) }

func (c *ceiling) record(at float64, n float64) {
	i := int(at * 10)
	for c.recAt < i {
		c.recAt++
		c.recent[c.recAt%len(c.recent)] = 0
	}
	if i > c.recAt-len(c.recent) {
		c.recent[i%len(c.recent)] += n
	}
}

func (c *ceiling) lastSeconds(at, d float64) float64 {
	n := 0.0
	for i := int(at * 10); i > int((at-d)*10) && i >= 0; i-- {
		n += c.recent[i%len(c.recent)]
	}
	return n
}

func (c *ceiling) grant(sent, at time.Time) {
	c.granted++
	l := at.Sub(sent).Seconds()
	c.latency += (l - c.latency) * 0.1
	m := math.Max(c.secs(mid(sent, at)), c.g.at)
	c.record(m, 1)
	if c.mode == modeFree && !c.blocked {
		return
	}
	c.fresh++
	if c.blocked && sent.Before(c.hitSent) {
		c.hitN++
	}
	if c.blocked && !sent.Before(c.pausedUntil) {
		c.blocked = false
		c.conclude(sent, at)
		c.resumed = at
		c.granted = 1
		return
	}
	if m >= c.nextAt {
		c.nextAt = m + 0.1
		c.g.granted(m, c.fresh)
		c.fresh = 0
		if c.mode == modeBucket && !c.blocked {
			c.choose(m)
		}
	}
}

var waits = []float64{1, 3, 6, 10, 20, 40, 60}

func (c *ceiling) refused(sent, at time.Time, after time.Duration) {
	m := math.Max(c.secs(mid(sent, at)), c.g.at)
	c.g.granted(m, c.fresh)
	c.fresh = 0
	asked := 0.0
	if !c.blocked && c.mode == modeBucket {
		asked = c.rate(at)
	}
	c.g.refused(c.noise(), asked)
	if c.blocked && sent.Before(c.pausedUntil) { // of the same burst
		c.emptied = later(c.emptied, sent)
		c.granted = 0
		c.pausedUntil = later(c.pausedUntil, at.Add(after))
		return
	}
	if c.blocked {
		c.refusals++
	} else {
		c.hitRate, c.hitSent = c.rate(at), sent
		c.hitN, c.hitSpan, c.hitFirst = c.granted, sent.Sub(c.resumed).Seconds(), c.first
		c.blocked, c.block, c.refusals = true, mid(sent, at), 0
		c.note("hit n=%.0f t=%.3f at rate %.2f after %v", c.granted, c.hitSpan, c.hitRate, after)
	}
	c.emptied = sent
	c.lastRefused = m
	c.granted = 0
	w := waits[min(c.refusals, len(waits)-1)]
	if after >= 0 && c.refusals == 0 {
		w = math.Max(after.Seconds(), 0.05)
	}
	if c.mode == modeWindow && w < 1.01 {
		now := c.secs(at)
		k := math.Ceil((now + 0.2 - c.edge) / windowSize)
		w = math.Max(w, c.edge+k*windowSize-now)
	}
	c.pausedUntil = at.Add(max(after, time.Duration(w*1e9)))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// conclude judges the cycle that ended with the block that ends now.
func (c *ceiling) conclude(sent, at time.Time) {
	m := c.secs(mid(sent, at))
	b := m - c.secs(c.block)
	defer func() { c.first = false }()
	if b > windowLike.Seconds() {
		c.window(m, b)
		return
	}
	if c.mode == modeWindow {
		c.window(m, b)
		return
	}
	if c.first {
		c.mode = modeBucket
		t := math.Max(c.hitSpan, 1e-4)
		lo := math.Min(c.hitN/(12+t), 1000)
		hi := math.Min(c.top, 1.2*c.hitN/t)
		c.g.reset(math.Max(floorRate, lo), math.Max(hi, 3*floorRate), m, false)
		c.g.granted(m, 0)
		// the pause just past
		c.g.at = c.secs(c.block)
		c.g.granted(m, 1)
		c.fresh = 0
		c.r = 0
	} else {
		c.g.granted(m, c.fresh)
		c.fresh = 0
		if c.hitRate > c.r*1.01 {
			c.calm = math.Min(2*c.calm, 300)
		}
		c.r = 0
	}
	c.choose(m)
}

func (c *ceiling) window(m, b float64) {
	whole := c.hitSpan + b // the window, as far as it is known
	hit := c.secs(c.block)
	late := math.Min(m-c.lastRefused, b)
	if c.refusals == 0 {
		late = math.Min(late, 1)
	}
	calm := math.Max(c.calm, 60)
	switch {
	case c.hitSpan < 3 && c.mode == modeFree || whole < 1.15*windowSize:
		c.grantR = math.Min(c.hitRate, c.hitN/windowSize)
	case c.mode != modeWindow && c.hitFirst:
		// Where its window began is not known: ask a little more than it can
		// be, so that the next window is spent and counted.
		c.grantR = math.Min(c.hitRate, 1.08/below*c.hitN/whole*windowSize/(windowSize-math.Min(late, 5)))
	case c.mode == modeWindow && whole > 3*windowSize && c.hitRate < 1.4*c.grantR:
		before := c.lastSeconds(hit-windowSize, windowSize) / windowSize
		last := c.lastSeconds(hit, windowSize) / windowSize
		c.grantR = math.Min(math.Max(c.grantR, before), last)
		c.calm = math.Min(2*c.calm, 300)
		calm = c.calm
	case whole < 3*windowSize:
		c.grantR = c.hitN / (whole - late/2)
		calm = 10
	default:
		c.grantR = c.lastSeconds(hit, windowSize-b+late/2) / windowSize
		calm = 10
	}
	c.edge = m
	c.calm = calm
	c.note("window n=%.0f t=%.1f b=%.1f late=%.1f", c.hitN, c.hitSpan, b, late)
	c.mode = modeWindow
	c.keep(c.grantR*below, m)
}

func (c *ceiling) keep(r, m float64) {
	c.r, c.since = r, m
	c.note("keep %.2f calm %.0f", r, c.calm)
}

// choose sets the rate by what the tenant might be.
func (c *ceiling) choose(m float64) {
	lo, hi, ok := c.g.span(c.noise())
	if !ok {
		r := c.rate(c.start.Add(time.Duration(m * 1e9)))
		c.note("nothing fits at %.2f best %.1f", r, c.g.best)
		if c.r == 0 { // after a refusal
			c.g.reset(c.hitRate/4, c.hitRate*1.02, m, false)
		} else {
			c.g.reset(r*0.9, math.Min(3*r, c.top), m, true)
		}
		lo, hi, _ = c.g.span(c.noise())
	}
	r := math.Min(math.Pow(lo, 0.35)*math.Pow(hi, 0.65), below*hi)
	if hi > 6*lo {
		r = math.Sqrt(lo * hi)
	}
	if hi/lo < 1.03 {
		r = below * hi
	}
	if r > c.r || lo != c.lo || hi != c.hi {
		c.lo, c.hi = lo, hi
		if r > c.r {
			c.r, c.since = r, m
			c.note("choose %.2f of [%.2f %.2f] fit %.2f of %d, n=%.0f", r, lo, hi, c.g.best, len(c.g.all), c.g.n)
		}
	}
}
