package pace

import (
	"math"
	"slices"
)

const (
	// rateStep is the factor between neighbouring bucket hypotheses: close
	// enough to distinguish rates that differ by a percent.
	rateStep = 1.012

	plausible = 4.0  // a hypothesis that is worse than the best by this may be true
	hopeless  = 30.0 // one that is worse by this is dropped
	refuted   = 12.0 // when even the best is this bad, none is true
)

// bucketBursts are the bursts of the bucket hypotheses, in seconds of their
// rate.
var bucketBursts = []float64{0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 3, 10}

// hypothesis is one limit that the tenant might have: what would be left of it
// now, and how badly it explains what was observed. It is a token bucket, or
// (window above 0) a fixed window that is refilled as a whole.
type hypothesis struct {
	rate     float64 // requests per second, in the long run
	capacity float64 // requests that it holds when it is full
	left     float64

	window    float64 // seconds; 0 for a bucket
	windowEnd float64
	onDemand  bool // the next window begins with the next request, not at once

	excess       float64 // requests granted beyond what it had, since the last refusal
	squaredError float64
}

// granted accounts for n requests granted in the dt seconds before at.
func (x *hypothesis) granted(at, dt, n float64) {
	switch {
	case x.window == 0:
		x.left = min(x.capacity, x.left+x.rate*dt-n)
	case at >= x.windowEnd && (n > 0 || !x.onDemand):
		x.windowEnd += x.window * (1 + math.Floor((at-x.windowEnd)/x.window))
		if x.onDemand {
			x.windowEnd = at + x.window
		}
		x.left = x.capacity - n
	default:
		x.left -= n
	}
	if x.left < 0 {
		x.excess -= x.left
		x.left = 0
	}
}

// refused accounts for a refusal, which no limit gives that has something
// left. noise is how many requests the account may be wrong by.
func (x *hypothesis) refused(noise float64) {
	off := (x.excess + max(0, x.left-1)) / noise
	x.squaredError += off * off
	x.excess, x.left = 0, min(x.left, 0.5)
}

// cost is the error, including what was granted since the last refusal.
func (x *hypothesis) cost(noise float64) float64 {
	return x.squaredError + x.excess*x.excess/(noise*noise)
}

// hypotheses are all limits that the tenant might have. Observations rule most
// of them out.
type hypotheses struct {
	all []hypothesis
	at  float64 // seconds, of the last observation
	n   float64 // requests granted since the last refusal
}

// estimate summarises the plausible hypotheses.
type estimate struct {
	lo, hi           float64 // requests per second
	mean             float64 // weighted by how well they explain what was observed
	window           bool    // all are windows
	earliest, latest float64 // when the first and the last of the windows ends
}

// clear drops all, at a second since the start.
func (h *hypotheses) clear(at float64) { h.all, h.at, h.n = h.all[:0], at, 0 }

// seedBuckets adds empty buckets with rates from lo to hi.
func (h *hypotheses) seedBuckets(lo, hi float64) {
	for r := lo; r < hi*rateStep; r *= rateStep {
		for _, b := range bucketBursts {
			if b == 0 || b*r > 1 {
				h.all = append(h.all, hypothesis{rate: r, capacity: max(1, b*r)})
			}
		}
	}
}

// seedWindows adds windows that are used up at this moment: the end of a
// window gives its beginning, and what was granted since is its capacity.
func (h *hypotheses) seedWindows(at, window float64, past *history) {
	step := window / 100
	for e := step; e <= window+step/2; e += step {
		capacity := past.since(at + e - window)
		if capacity < 2 {
			continue
		}
		x := hypothesis{rate: capacity / window, capacity: capacity, window: window, windowEnd: at + e}
		h.all = append(h.all, x)
		x.onDemand = true
		h.all = append(h.all, x)
	}
}

// granted accounts for n requests granted since the last observation.
func (h *hypotheses) granted(at, n float64) {
	dt := at - h.at
	h.at = at
	h.n += n
	for i := range h.all {
		h.all[i].granted(at, dt, n)
	}
}

// refused accounts for a refusal at the time of the last observation.
func (h *hypotheses) refused(noise float64) {
	for i := range h.all {
		h.all[i].refused(h.noise(&h.all[i], noise))
	}
	h.n = 0
	best := h.best(noise)
	h.all = slices.DeleteFunc(h.all, func(x hypothesis) bool { return x.squaredError > best+hopeless })
}

// grantedEarlier accounts for a request that was granted before the refusal at
// which the hypotheses were seeded, but answered after it: windows hold one
// more.
func (h *hypotheses) grantedEarlier() {
	for i := range h.all {
		if x := &h.all[i]; x.window > 0 {
			x.capacity++
			x.left++
			x.rate = x.capacity / x.window
		}
	}
}

// dropAbove drops the buckets above a rate at which a request was refused, and
// the windows too if that rate was held long enough to fill one.
func (h *hypotheses) dropAbove(rate float64, windows bool) {
	h.all = slices.DeleteFunc(h.all, func(x hypothesis) bool { return (x.window == 0 || windows) && x.rate > rate })
}

// refusedAfterIdle drops the buckets that gain a token in the idle seconds
// before a refusal.
func (h *hypotheses) refusedAfterIdle(idle float64) {
	h.all = slices.DeleteFunc(h.all, func(x hypothesis) bool { return x.window == 0 && x.rate*idle > 1.5 })
}

// hint uses how many seconds a refusal asks to wait. A long time speaks for the
// window that ends with it, but not for certain: some tenants always send the
// same.
func (h *hypotheses) hint(seconds float64) {
	const against = plausible + 1
	for i := range h.all {
		x := &h.all[i]
		if left := x.windowEnd - h.at; x.window == 0 && x.rate*(seconds-1) > 1 || x.window > 0 && (left < seconds-1.1 || left > seconds+0.1) {
			x.squaredError += against
		}
	}
}

// windowEnded drops the windows that should still be used up: a request was
// granted.
func (h *hypotheses) windowEnded() {
	h.all = slices.DeleteFunc(h.all, func(x hypothesis) bool { return x.window > 0 && x.left < 1 && x.windowEnd > h.at })
}

// noise grows with what was granted, as the hypotheses are a step apart; a
// window starts again.
func (h *hypotheses) noise(x *hypothesis, noise float64) float64 {
	n := h.n
	if x.window > 0 {
		n = min(n, x.capacity)
	}
	return noise + 0.004*n
}

// estimate returns what is plausible; ok is false when nothing is.
func (h *hypotheses) estimate(noise float64) (e estimate, ok bool) {
	best := h.best(noise)
	if best > refuted {
		return estimate{}, false
	}
	e = estimate{lo: math.Inf(1), window: true, earliest: math.Inf(1)}
	windowLo, windowHi, weight := math.Inf(1), 0.0, 0.0
	for i := range h.all {
		x := &h.all[i]
		worse := x.cost(h.noise(x, noise)) - best
		if worse > plausible {
			continue
		}
		w := math.Exp(-worse / 2)
		weight += w
		e.mean += w * x.rate
		if x.window == 0 {
			e.window = false
			e.lo, e.hi = min(e.lo, x.rate), max(e.hi, x.rate)
		} else {
			windowLo, windowHi = min(windowLo, x.rate), max(windowHi, x.rate)
			e.earliest, e.latest = min(e.earliest, x.windowEnd), max(e.latest, x.windowEnd)
		}
	}
	e.mean /= weight
	if e.window { // otherwise the buckets count: asking a window for too much loses nothing
		e.lo, e.hi = windowLo, windowHi
	}
	return e, true
}

// best is the cost of the hypothesis that explains best what was observed.
func (h *hypotheses) best(noise float64) float64 {
	best := math.Inf(1)
	for i := range h.all {
		best = min(best, h.all[i].cost(h.noise(&h.all[i], noise)))
	}
	return best
}

// history counts what was granted in each tenth of a second of the last 64
// seconds, so that a limit that is met only now can be judged by what went
// before.
type history struct {
	counts [640]float64
	last   int // the newest tenth since the start
}

const tenths = 10 // per second

// add counts n requests granted at a second since the start.
func (h *history) add(at, n float64) {
	i := int(at * tenths)
	for h.last < i {
		h.last++
		h.counts[h.last%len(h.counts)] = 0
		if i-h.last > len(h.counts) {
			h.last = i - len(h.counts)
		}
	}
	if i > h.last-len(h.counts) {
		h.counts[i%len(h.counts)] += n
	}
}

// since returns how many were granted from one second to now.
func (h *history) since(from float64) float64 {
	n := 0.0
	oldest := max(int(from*tenths), h.last-len(h.counts)+1, 0)
	for i := h.last; i >= oldest; i-- {
		n += h.counts[i%len(h.counts)]
	}
	return n
}
