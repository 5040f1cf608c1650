package pace

import "math"

// guess is one limit that the tenant might have: what it would have left now
// after all that was seen, and how badly it explains what was seen. It is a
// token bucket, or (size above 0) a window that is filled anew as a whole.
type guess struct {
	rate  float64 // requests per second, what it grants in the long run
	most  float64 // what it holds when it is full
	level float64 // what it has left

	size   float64 // seconds of a window
	edge   float64 // when the window ends
	onCall bool    // the next window begins with the next request, not at once

	debt   float64 // granted beyond what it had, since the last refusal
	misfit float64
}

// granted tells that n requests were granted in the dt seconds before at.
func (g *guess) granted(at, dt, n float64) {
	switch {
	case g.size == 0:
		g.level = min(g.most, g.level+g.rate*dt-n)
	case at >= g.edge && (n > 0 || !g.onCall):
		g.edge += g.size * (1 + math.Floor((at-g.edge)/g.size))
		if g.onCall {
			g.edge = at + g.size
		}
		g.level = g.most - n
	default:
		g.level -= n
	}
	if g.level < 0 {
		g.debt -= g.level
		g.level = 0
	}
}

// refused tells that one was refused, which no limit does that has something
// left. Noise is how many requests the account may be wrong by.
func (g *guess) refused(noise float64) {
	off := (g.debt + max(0, g.level-1)) / noise
	g.misfit += off * off
	g.debt, g.level = 0, min(g.level, 0.5)
}

// cost is the misfit with what has been granted since the last refusal.
func (g *guess) cost(noise float64) float64 {
	return g.misfit + g.debt*g.debt/(noise*noise)
}
