package api

import (
	"math"
	"slices"
)

// guess is one token bucket that the tenant might be: what it would have
// left now, given what was seen, and how badly it explains it.
type guess struct {
	rate, burst float64 // tokens per second; the most it saves
	level       float64
	debt        float64 // granted beyond what it had, since the last refusal
	misfit      float64
}

// Guesses stand close enough to tell grants apart that differ by a percent,
// and bursts from none to ten seconds' worth.
const guessStep = 1.012

var guessBursts = []float64{0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 3, 10}

const (
	plausible = 4.0 // a guess this much worse than the best may still be true
	hopeless  = 30.0
	refuted   = 12.0 // when even the best is so bad, the tenant has changed
)

// guesses are all that the tenant might be.
type guesses struct {
	all  []guess
	at   float64 // seconds, of the last that was seen
	n    float64 // granted since the last refusal
	best float64
}

// reset starts over with grants from lo to hi, all empty or all full.
func (g *guesses) reset(lo, hi, at float64, full bool) {
	g.all = g.all[:0]
	for r := lo; r < hi*guessStep; r *= guessStep {
		for _, b := range guessBursts {
			if b > 0 && b*r <= 1 {
				continue
			}
			x := guess{rate: r, burst: math.Max(1, b*r)}
			if full {
				x.level = x.burst
			}
			g.all = append(g.all, x)
		}
	}
	g.at, g.n, g.best = at, 0, 0
}

// granted tells that n requests were granted since the last time.
func (g *guesses) granted(at, n float64) {
	dt := at - g.at
	g.at = at
	g.n += n
	for i := range g.all {
		x := &g.all[i]
		x.level = math.Min(x.burst, x.level+x.rate*dt-n)
		if x.level < 0 {
			x.debt -= x.level
			x.level = 0
		}
	}
}

// refused tells that one was refused at the last time, which no bucket does
// that has something left, nor one that fills as fast as it is asked.
func (g *guesses) refused(noise, asked float64) {
	if asked > 0 {
		g.all = slices.DeleteFunc(g.all, func(x guess) bool { return x.rate > 1.02*asked })
	}
	for i := range g.all {
		x := &g.all[i]
		off := (x.debt + math.Max(0, x.level-1)) / (noise + 0.004*g.n)
		x.misfit += off * off
		x.debt, x.level = 0, math.Min(x.level, 0.5)
	}
	g.n = 0
}

// span returns the lowest and the highest grant that are plausible; ok is
// false when nothing is.
func (g *guesses) span(noise float64) (lo, hi float64, ok bool) {
	best := math.Inf(1)
	noise += 0.004 * g.n
	cost := func(x guess) float64 { return x.misfit + x.debt*x.debt/(noise*noise) }
	for _, x := range g.all {
		best = math.Min(best, cost(x))
	}
	g.best = best
	if best > refuted {
		return 0, 0, false
	}
	lo, hi = math.Inf(1), 0
	for _, x := range g.all {
		if cost(x) <= best+plausible {
			lo, hi = math.Min(lo, x.rate), math.Max(hi, x.rate)
		}
	}
	g.all = slices.DeleteFunc(g.all, func(x guess) bool { return x.misfit > best+hopeless })
	return lo, hi, true
}
