package pace

import (
	"cmp"
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
	// longWindow is from which size on, in seconds, it matters for long what was sent
	// before a window was closed.
	longWindow = 10.0
	// rampTime is in how many seconds the rate grows e-fold while a window is known that
	// would grant more.
	rampTime = 2.0
	// savedPause is how long, in seconds, a pause is at the most in which a bucket saves what
	// is not sent.
	savedPause = 0.6
	// enough is how many requests a window must grant to be distinguished from a bucket.
	enough = 45
	// fewest is how many requests a window must grant whose refusals are only a sign of
	// overload: it may be that of single requests.
	fewest = 10
	// outageAfter is how long, in seconds, a tenant must have granted all so that its
	// overload is first taken for an outage and not for a window.
	outageAfter = 15.0
)

// rate returns how many requests per second may leave now, the pause aside.
func (e *estimator) rate(now time.Time) float64 {
	if !e.throttled {
		return e.maxRate
	}
	at := now.Sub(e.start).Seconds()
	r := e.rateAt(at)
	switch w := e.chosen(); {
	case e.follows():
		r = min(1.5*r, e.freed(w, at, r/max(e.base, minRate)))
	case w != nil && w.slides && w.size >= longWindow && at < e.block.ended+w.size:
		r = min(r, e.freed(w, at, 1))
	}
	return min(e.maxRate, max(minRate, r))
}

// follows reports whether the rate is what a long window that slides forgets.
func (e *estimator) follows() bool {
	w := e.chosen()
	return e.throttled && w != nil && w.slides && w.size >= 2*longWindow
}

// rateAt is the base, and climbs once the hold-off is over: gently at first, so
// that a grant that has not changed is met at little above it, then ever
// faster, so that one that has doubled is found within a minute.
func (e *estimator) rateAt(now float64) float64 {
	t := now - e.climbAt
	if t <= 0 {
		return e.base
	}
	slow := 40.0
	if w := e.chosen(); w != nil {
		slow = max(slow, 1.5*w.size)
	}
	fast := t / slow
	return e.base * (1 + 0.004*t + fast*fast*fast)
}

// freed is the rate at which a window that slides forgets what was sent before the block,
// a little later than it does. One that has proven nothing is asked for a little more:
// if it grants that it is none.
func (e *estimator) freed(w *window, now, times float64) float64 {
	const ahead = 0.25
	from := now + e.latency/2 - w.size
	forgotten := e.history.between(from, from+0.7*ahead)
	free := times*w.count - e.history.between(from, now) - float64(e.flight)
	if w.proofs > 0 {
		free -= e.noise(forgotten / ahead)
	} else {
		free += miscount
	}
	return (free + forgotten) / ahead
}

// noise is by how many requests an account may be wrong.
func (e *estimator) noise(rate float64) float64 { return miscount + e.slip()*rate }

// chosen is the window that the tenant is taken to have; nil if it is none.
func (e *estimator) chosen() *window {
	if e.bucketless {
		w := cmp.Or(e.windows.best(1, 0), e.windows.best(0, 0))
		if w != nil && w.count < fewest && !e.block.certain {
			return nil
		}
		return w
	}
	w := e.windows.best(1, enough)
	if w == nil || w.rate() < 0.9*e.lo || w.count < 2*enough && e.hi < sure*e.lo {
		return nil
	}
	// One refusal may be foretold by chance, if it was far from what was asked for.
	asked := e.block.asked
	if w.proofs == 1 && (w.rate() < 0.985*e.lo || asked > 1.12*w.rate() && !math.IsInf(asked, 1)) {
		return nil
	}
	return w
}

// learn learns from a block that has ended.
func (e *estimator) learn() {
	b := &e.block
	b.denied = append(b.denied, b.shut)
	e.blocks++
	e.hold()
	known := e.windows
	sureOf := known.best(1, enough) != nil || e.base > 0 && e.hi < sure*e.lo
	e.measure()
	closed := b.closed() && e.noBucket()
	if closed && e.isOutage(sureOf) {
		if e.doubted = true; sureOf || e.windows.best(0, 0) == nil {
			e.windows = known
		}
		e.outage()
		return
	}
	e.doubted = false
	e.bucketless = e.bucketless || closed
	if e.windows.best(0, 0) == nil { // the tenant has changed
		e.windows, e.bucketless, e.most = newWindows(), closed, math.Inf(1)
		e.measure()
	}
	if e.before.ended == 0 {
		e.saved = e.history.total(b.began)
	}
	e.believe(e.bounds())
	e.settle()
}

// hold notes whether the rate that was refused had been held.
func (e *estimator) hold() {
	b := &e.block
	e.held = e.baseAt <= e.before.ended+updateEvery && b.asked <= 1.002*e.base
	switch w := e.chosen(); {
	case w != nil && e.held && b.asked > 0.99*e.base && (!w.slides || b.began > e.before.ended+w.size):
		e.most = min(e.most, b.asked)
	case b.asked > 1.03*e.most:
		e.most = math.Inf(1)
	}
}

// noBucket reports whether nothing was granted for so long that no bucket refuses so.
func (e *estimator) noBucket() bool {
	b := e.block
	least := e.lo
	if e.lo == 0 {
		least, _ = e.firstBounds()
	}
	return (e.history.between(b.began, b.refused)+miscount)/(b.shut-b.began) < least
}

// bounds returns between which rates the tenant's is by what was granted before
// the block and since the one before it.
func (e *estimator) bounds() (lo, hi float64) {
	if e.before.ended == 0 || math.IsInf(e.block.asked, 1) {
		return e.firstBounds()
	}
	return e.averageBounds()
}

// isOutage reports whether a block in which nothing was granted for long has another
// reason than a limit: nothing was granted before it, no limit explains it, or it is
// the first and there was no sign of one.
func (e *estimator) isOutage(sureOf bool) bool {
	b := &e.block
	switch {
	case e.doubted: // once is enough
		return false
	case e.history.between(e.before.ended-1e-6, b.refused) < 3:
		return true
	case e.windows.best(1, enough) != nil:
		return false
	case sureOf || e.windows.best(0, 0) == nil:
		return true
	}
	return !b.certain && b.began-e.before.ended > outageAfter
}

// outage goes on as before: what was granted for so long at one rate and then not
// at all was not limited by it.
func (e *estimator) outage() {
	e.throttled = e.base > 0
	e.baseAt, e.climbAt = e.block.ended, e.block.ended+e.holdOff
}

// restart forgets what is known of the rate, but for what was granted just now.
func (e *estimator) restart(at time.Time) {
	now := at.Sub(e.start).Seconds()
	e.base, e.baseAt = (e.history.between(now-1, now)+miscount)/min(1, now), now
	e.lo, e.hi, e.windows, e.bucketless, e.most, e.seen = e.base/4, 2*e.base, newWindows(), false, math.Inf(1), span{}
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
	n, noise, took := e.sinceBlock()
	active := max(e.block.began-e.before.ended, 1e-3)
	lo, hi = max(minRate, (n-noise)/took), e.highest()
	if !e.held || n < 0.7*active*e.base {
		return lo, hi // it was not asked for all the time
	}
	seen := e.seen
	e.seen = span{lo, min(hi, 1.01*(n+noise)/active)}
	if seen.hi == 0 || e.seen.lo > 1.02*seen.hi || seen.lo > 1.02*e.seen.hi {
		return min(e.lo, lo), hi // once is not enough: it may be the echo of what was sent before
	}
	return e.seen.lo, e.seen.hi
}

// sinceBlock returns how much was granted from the block before to the last, by how much
// that may be wrong, and how many seconds it took.
func (e *estimator) sinceBlock() (n, noise, took float64) {
	n = e.history.between(e.before.began, e.block.began)
	took = max(e.block.began-e.before.began, 1e-3)
	return n, e.noise(n / took), took
}

// highest is what was tried when the tenant refused: too much, unless it was granted for
// as long as a window may be.
func (e *estimator) highest() float64 {
	b := &e.block
	hi := 1.005 * b.asked
	for _, l := range windowSizes {
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
	if w := e.chosen(); w != nil { // it takes a whole one to see what it grants
		e.holdOff = max(e.holdOff, min(4*w.size, holdOffMax))
	}
	e.base, e.baseAt = e.next(0), e.block.ended
	e.climbAt = e.baseAt + e.holdOff
}

// next is the rate to try by what is known, so many seconds after a block.
func (e *estimator) next(held float64) float64 {
	if w := e.chosen(); w != nil {
		return usedShare * min(e.fill(w), e.most)
	}
	lo := e.lo
	if w := e.windows.best(1, 0); w != nil {
		lo = min(lo, (w.count+0.5)/w.size)
	}
	if e.hi < sure*lo {
		return usedShare * (0.2*lo + 0.8*e.hi)
	}
	return usedShare * e.between(lo, held)
}

// fill is the rate that uses a window up.
func (e *estimator) fill(w *window) float64 {
	lag := e.block.ended - e.block.shut
	switch {
	case (!w.slides || w.proofs == 0) && w.size >= 2*longWindow && lag > 6:
		return w.count / max(w.size-lag, 0.75*w.size) // part of this window may be over
	case e.bucketless:
		return w.rate()
	}
	return (w.count + 0.5) / w.size // the count may be one too low
}

// between is a rate at first between what is surely granted and what is surely not, then
// more and more.
func (e *estimator) between(lo, held float64) float64 {
	w := 0.5
	if e.hi < 1.5*lo && !e.held {
		w = 0.7
	}
	first := math.Pow(lo, 1-w) * math.Pow(e.hi, w)
	usual := e.block.ended - e.before.ended
	if p := e.before; p.ended > 0 && p.ended-p.began < savedPause {
		// What was not sent in so short a pause was saved: it is granted before the next
		// refusal, and the average is no less than the grant.
		usual *= 2
		if n, noise, took := e.sinceBlock(); e.held && e.hi > 1.5*lo {
			first = max(lo, min(first, (n+noise)/took))
		}
	}
	w = 0
	const patience = 10.0
	if x := held/min(max(usual, 1), patience) - 1; x > 0 {
		w = x / (x + 1)
	}
	r := math.Pow(first, 1-w) * math.Pow(e.hi, w)
	if w := e.windows.best(0, 10); w != nil && e.blocks <= 3 { // if it is that one, soon
		r = max(r, min(w.rate(), e.hi, first*math.Exp(held/rampTime)))
	}
	return r
}

// climb raises the rate by what was granted since the block.
func (e *estimator) climb(now float64) {
	b := e.block
	current := e.rateAt(now)
	e.exceed(now)
	if b.ended > 0 && now-b.began < kept {
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
