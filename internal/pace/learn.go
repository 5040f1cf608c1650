package pace

import (
	"math"
	"time"
)

const (
	// usedShare is the share of the grant that is used while it holds.
	usedShare = 0.99
	// lowestGuess is the lowest grant that is considered at first, and minRate
	// keeps a run going whatever was learned; both in requests per second.
	lowestGuess = 4.0
	minRate     = 0.1

	// More is tried after a hold-off, in seconds, that doubles each time it was
	// in vain.
	holdOffFirst = 15.0
	holdOffSure  = 90.0
	holdOffMax   = 180.0
	// sure is how far apart the bounds may be to be sure of the grant.
	sure = 1.06
	// kept is how long, in seconds, what was granted matters: no window is longer.
	kept = 60.0
	// outageAfter is how long, in seconds, a tenant must have granted all so that its
	// overload is first taken for an outage and not for a window.
	outageAfter = 15.0
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
	t := now - e.climbAt
	if t <= 0 {
		return e.base
	}
	fast := t / 40
	return e.base * (1 + 0.004*t + fast*fast*fast)
}

// noise is by how many requests an account may be wrong.
func (e *estimator) noise(rate float64) float64 { return miscount + jitter*e.latency*rate }

// windowBegan is when the requests that fill the window began to be granted.
func (e *estimator) windowBegan() float64 {
	if e.window.count > 0 {
		return max(0, e.history.backFrom(e.block.refused, e.window.count))
	}
	return e.before.ended
}

// full reports whether a window was used up at a moment.
func (e *estimator) full(at float64) bool {
	w := e.window
	n := e.history.between(at-w.longest, at)
	least, most := n, e.history.between(at-w.shortest, at)
	noise := e.noise(n / w.longest)
	return least >= 0.97*w.count-noise && most <= 1.03*w.count+noise
}

// learn learns from a block that has ended.
func (e *estimator) learn() {
	b := e.block
	e.held = e.baseAt <= e.before.ended+updateEvery && b.asked <= 1.002*e.base
	if e.window.count > 0 && !e.full(b.began) {
		e.window = window{}
	}
	if e.isOutage() {
		e.outage()
		return
	}
	if b.closed() {
		e.echo = b.ended + min(kept, b.ended-e.windowBegan())
		e.windowed = true
		// More than one window may have gone by unless it was closed for long.
		if e.window.count == 0 && b.ended-b.began > (b.began-e.before.ended)/2 {
			e.window = window{count: max(1, e.grantedBefore()), longest: math.Inf(1)}
		}
	}
	if e.before.ended == 0 {
		e.saved = e.history.total(b.began)
	}
	e.believe(e.bounds())
	e.settle()
}

// bounds returns between which rates the tenant's is by what was granted before
// the block and since the one before it.
func (e *estimator) bounds() (lo, hi float64) {
	b := e.block
	switch first := e.before.ended == 0 || math.IsInf(b.asked, 1); {
	case e.window.count > 0:
		return e.windowBounds()
	case b.closed():
		return e.closedBounds(first)
	case first:
		return e.firstBounds()
	case b.began < e.echo:
		return e.lo, max(1.02*e.lo, 0.95*e.hi)
	}
	return e.averageBounds()
}

// grantedBefore returns how many requests were granted between this block and the
// one before it.
func (e *estimator) grantedBefore() float64 {
	return e.history.between(e.before.ended-1e-6, e.block.refused)
}

// isOutage reports whether the block has another reason than a limit: nothing was
// granted before it, or so much that no window was filled only then, or the
// tenant was only ever short for a moment.
func (e *estimator) isOutage() bool {
	b, free := e.block, e.block.began-e.before.ended
	if !b.closed() || e.window.count > 0 {
		return false
	}
	const half = outageAfter / 2
	earlier, later := e.history.between(b.began-2*half, b.began-half), e.history.between(b.began-half, b.began)
	known := e.before.ended > 0 || free > outageAfter && !b.told && later < 1.2*earlier
	return e.grantedBefore() < 3 || free > kept || known && !e.windowed
}

// outage goes on as before: what was granted for so long at one rate and then not
// at all was not limited by it.
func (e *estimator) outage() {
	e.windowed = true // where this was wrong, the next one is no outage
	e.throttled = e.base > 0
	e.baseAt, e.climbAt = e.block.ended, e.block.ended+e.holdOff
}

// restart forgets what is known of the rate, but for what was granted just now.
func (e *estimator) restart(at time.Time) {
	now := at.Sub(e.start).Seconds()
	e.base, e.baseAt = (e.history.between(now-1, now)+miscount)/min(1, now), now
	e.lo, e.hi, e.window, e.seen, e.echo = e.base/4, 2*e.base, window{}, span{}, 0
	e.climbAt = now + e.holdOff
}

// believe narrows what is known down to lo and hi; what is newest is right.
func (e *estimator) believe(lo, hi float64) {
	switch b := e.block; {
	case b.asked > e.hi: // so much was granted for a time that what was known is out of date
		lo = max(lo, e.lo)
	case lo <= e.hi && hi >= e.lo:
		lo, hi = max(lo, e.lo), min(hi, e.hi)
	case hi < e.lo:
		if free := b.began - e.before.ended; free > 15 { // it cannot have changed by much
			lo = max(lo, 0.93*e.history.between(b.began-15, b.began)/15)
		}
	}
	e.lo, e.hi = lo, max(lo, hi)
}

// windowBounds measures the window: from the first of the requests that filled it
// to when it was open again.
func (e *estimator) windowBounds() (lo, hi float64) {
	b, w := e.block, &e.window
	slip := 0.02 + jitter*e.latency
	began := e.windowBegan()
	earliest := max(e.before.shut, e.history.backFrom(b.refused, w.count+1))
	shortest := max(b.shut-began-slip, b.began-began, 0.01)
	longest := b.ended - earliest + slip
	if shortest <= w.longest && longest >= w.shortest {
		shortest, longest = max(shortest, w.shortest), min(longest, w.longest)
	}
	w.shortest, w.longest = shortest, max(1.005*shortest, longest)
	return w.count / w.longest, w.count / w.shortest
}

// closedBounds measures from one opening to the next. What seemed to be granted
// since the block before was saved up.
func (e *estimator) closedBounds(first bool) (lo, hi float64) {
	b, p := e.block, e.before
	n, cycle := e.grantedBefore(), b.ended-p.ended
	hi = e.highest()
	switch {
	case first:
		hi = e.flow()
	case e.held:
		hi = min(hi, (n+1)/(b.shut-p.ended))
	}
	e.lo = max(n-1, minRate) / (b.ended - p.shut)
	return e.lo, max(hi, (n+1)/cycle)
}

// firstBounds knows nothing but what was granted since the start: the tenant may
// have had ten seconds' worth saved up, and some more.
func (e *estimator) firstBounds() (lo, hi float64) {
	took := max(e.block.began, 1e-3)
	n := e.history.total(e.block.began)
	if hi = max(2000, 4*n/took); took > 1 {
		hi = e.flow()
	}
	return max(lowestGuess, n/(12+took)), min(hi, e.maxRate)
}

// averageBounds takes the average from one moment at which the tenant had nothing
// left to the next. What was not sent in the pause between was saved, or lost.
func (e *estimator) averageBounds() (lo, hi float64) {
	b, p := e.block, e.before
	n := e.history.between(p.began, b.began)
	took, active := max(b.began-p.began, 1e-3), max(b.began-p.ended, 1e-3)
	noise := e.noise(n / took)
	lo, hi = max(minRate, (n-noise)/took), e.highest()
	if e.windowed || !e.held || n < 0.7*active*e.base {
		return lo, hi // it was not asked for all the time
	}
	seen := e.seen
	e.seen = span{lo, min(hi, 1.01*(n+noise)/active)}
	if seen.hi == 0 || e.seen.lo > 1.02*seen.hi || seen.lo > 1.02*e.seen.hi {
		return min(e.lo, lo), hi // once is not enough: it may be the echo of what was sent before
	}
	return e.seen.lo, e.seen.hi
}

// highest is what was tried when the tenant refused: too much, unless a window had
// been filled before.
func (e *estimator) highest() float64 {
	b := e.block
	hi := 1.01 * b.asked
	for _, l := range lengths {
		if l < b.began {
			hi = max(hi, e.history.between(b.began-l, b.began)/l)
		}
	}
	return hi
}

// flow is a little more than what was granted in the second before the block.
func (e *estimator) flow() float64 {
	span := max(min(1, e.block.began), 1e-3)
	return 1.1 * (e.history.between(e.block.began-span, e.block.began) + miscount) / span
}

// closed reports whether nothing was granted for longer than a bucket takes
// for its next token.
func (b block) closed() bool { return b.tries > 0 || b.shut > b.refused }

// settle sets the rate after a block.
func (e *estimator) settle() {
	if e.block.asked > 1.002*e.base && e.base > 0 && e.holdOff >= holdOffSure { // more was tried, in vain
		e.holdOff = min(2*e.holdOff, holdOffMax)
	}
	e.holdOff = max(e.holdOff, min(6*(e.block.ended-e.before.ended), holdOffSure))
	if e.hi < sure*e.lo {
		e.holdOff = max(e.holdOff, holdOffSure)
	}
	e.base, e.baseAt = e.next(0), e.block.ended
	e.climbAt = e.baseAt + e.holdOff
}

// next is the rate to try by what is known, so many seconds after a block: at
// first between what is surely granted and what is surely not, then more and more.
func (e *estimator) next(held float64) float64 {
	if e.hi < sure*e.lo {
		return usedShare * (0.3*e.lo + 0.7*e.hi)
	}
	w := 0.5
	if e.hi < 1.5*e.lo && !e.held {
		w = 0.7
	}
	first, ease := math.Pow(e.lo, 1-w)*math.Pow(e.hi, w), 1.0
	if l := e.window.usual(); e.window.count > 0 && l > 0 {
		if lag := e.block.ended - e.block.shut; l >= 20 && lag > 0.05*l {
			return min(e.window.count/max(l-lag, 0.3*l), e.hi) // part of this window may be over
		}
		first, ease = e.window.count/l, 3
	}
	w = 0
	patience := 10.0
	if e.windowed {
		patience = kept
	}
	if x := held/min(max(e.block.ended-e.before.ended, 1), patience) - 1; x > 0 {
		w = x / (x + ease)
	}
	return usedShare * math.Pow(first, 1-w) * math.Pow(e.hi, w)
}

// climb raises the rate by what was granted since the block.
func (e *estimator) climb(now float64) {
	b := e.block
	current := e.rateAt(now)
	if w := e.window; w.count > 0 {
		// The first window after a block may have been begun before.
		if from := b.ended + w.longest; now > from+w.longest {
			from = max(from, now-kept)
			e.lo = max(e.lo, (e.history.between(from, now)-e.noise(current))/(now-from))
		}
	} else if b.ended > 0 && now-b.began < kept {
		n := e.history.between(b.began, now)
		e.lo = max(e.lo, (n-e.noise(current)-e.saved)/(now-b.began))
	}
	if e.hi < e.lo {
		e.hi = e.lo
	}
	r := e.next(now - b.ended)
	if r <= 1.001*current || e.history.between(now-1, now) < 0.6*min(current, e.maxRate) {
		return // nothing new, or the rate is not what limits
	}
	e.base, e.baseAt = r, now
	e.climbAt = max(e.climbAt, now+e.holdOff/2)
}
