package pace

import (
	"math"
	"slices"
)

const (
	// Guesses of buckets stand close enough to tell grants apart that differ
	// by a percent, and bursts from none to ten seconds' worth.
	guessStep = 1.012

	plausible = 4.0  // a guess that is worse than the best by this may be true
	hopeless  = 30.0 // one that is worse by this is not looked at again
	refuted   = 12.0 // when even the best is so bad, none is true
)

// guessBursts are in seconds of what the bucket grants.
var guessBursts = []float64{0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 3, 10}

// guesses are all limits that the tenant might have. What is seen rules most
// of them out, and those that remain tell how much may be asked for.
type guesses struct {
	all []guess
	at  float64 // seconds, of what was seen last
	n   float64 // granted since the last refusal
}

// estimate is what the plausible guesses say together.
type estimate struct {
	lo, hi     float64 // requests per second that are granted
	mean       float64 // weighed by how well they explain what was seen
	window     bool    // all are windows
	soon, late float64 // when the first and the last of the windows ends
}

// clear forgets all, at a second since the start.
func (g *guesses) clear(at float64) { g.all, g.at, g.n = g.all[:0], at, 0 }

// seedBuckets adds empty buckets that grant from lo to hi.
func (g *guesses) seedBuckets(lo, hi float64) {
	for r := lo; r < hi*guessStep; r *= guessStep {
		for _, b := range guessBursts {
			if b == 0 || b*r > 1 {
				g.all = append(g.all, guess{rate: r, most: max(1, b*r)})
			}
		}
	}
}

// seedWindows adds windows that were spent just now: where a window ends tells
// where it began, and what was granted since is all that it grants.
func (g *guesses) seedWindows(at, size float64, t *trail) {
	step := size / 100
	for e := step; e <= size+step/2; e += step {
		most := t.since(at + e - size)
		if most < 2 {
			continue
		}
		x := guess{rate: most / size, most: most, size: size, edge: at + e}
		g.all = append(g.all, x)
		x.onCall = true
		g.all = append(g.all, x)
	}
}

// granted tells that n requests were granted since the last time.
func (g *guesses) granted(at, n float64) {
	dt := at - g.at
	g.at = at
	g.n += n
	for i := range g.all {
		g.all[i].granted(at, dt, n)
	}
}

// refused tells that one was refused at the last time.
func (g *guesses) refused(noise float64) {
	for i := range g.all {
		g.all[i].refused(g.noise(&g.all[i], noise))
	}
	g.n = 0
	best := g.best(noise)
	g.all = slices.DeleteFunc(g.all, func(x guess) bool { return x.misfit > best+hopeless })
}

// overtaken tells that the refusal at which the guesses were made overtook the
// answer to a request that had been granted before: windows grant one more.
func (g *guesses) overtaken() {
	for i := range g.all {
		if x := &g.all[i]; x.size > 0 {
			x.most++
			x.level++
			x.rate = x.most / x.size
		}
	}
}

// below tells that not so much is granted, as one was refused when no more
// was asked for; windows that it was so for long enough to fill a window.
func (g *guesses) below(rate float64, windows bool) {
	g.all = slices.DeleteFunc(g.all, func(x guess) bool { return (x.size == 0 || windows) && x.rate > rate })
}

// empty tells that one was refused though nothing had been asked for in the
// idle seconds before: no bucket would that gains a token in them.
func (g *guesses) empty(idle float64) {
	g.all = slices.DeleteFunc(g.all, func(x guess) bool { return x.size == 0 && x.rate*idle > 1.5 })
}

// told tells how many seconds a refusal said to stay away. A long time speaks for the
// window that ends with it, but not for certain: some tell the same always.
func (g *guesses) told(d float64) {
	const against = plausible + 1
	for i := range g.all {
		x := &g.all[i]
		if left := x.edge - g.at; x.size == 0 && x.rate*(d-1) > 1 || x.size > 0 && (left < d-1.1 || left > d+0.1) {
			x.misfit += against
		}
	}
}

// turned tells that the window, if it is one, must have ended by now.
func (g *guesses) turned() {
	g.all = slices.DeleteFunc(g.all, func(x guess) bool { return x.size > 0 && x.level < 1 && x.edge > g.at })
}

// noise grows with what was granted, as the guesses are steps apart; a window
// starts anew.
func (g *guesses) noise(x *guess, noise float64) float64 {
	n := g.n
	if x.size > 0 {
		n = min(n, x.most)
	}
	return noise + 0.004*n
}

// judge returns what is plausible; ok is false when nothing is.
func (g *guesses) judge(noise float64) (v estimate, ok bool) {
	best := g.best(noise)
	if best > refuted {
		return estimate{}, false
	}
	v = estimate{lo: math.Inf(1), window: true, soon: math.Inf(1)}
	wlo, whi, weight := math.Inf(1), 0.0, 0.0
	for i := range g.all {
		x := &g.all[i]
		worse := x.cost(g.noise(x, noise)) - best
		if worse > plausible {
			continue
		}
		w := math.Exp(-worse / 2)
		weight += w
		v.mean += w * x.rate
		if x.size == 0 {
			v.window = false
			v.lo, v.hi = min(v.lo, x.rate), max(v.hi, x.rate)
		} else {
			wlo, whi = min(wlo, x.rate), max(whi, x.rate)
			v.soon, v.late = min(v.soon, x.edge), max(v.late, x.edge)
		}
	}
	v.mean /= weight
	if v.window { // else the buckets count: more may be asked of a window at no loss
		v.lo, v.hi = wlo, whi
	}
	return v, true
}

// best is the cost of the guess that explains best what was seen.
func (g *guesses) best(noise float64) float64 {
	best := math.Inf(1)
	for i := range g.all {
		best = min(best, g.all[i].cost(g.noise(&g.all[i], noise)))
	}
	return best
}
