package pace

import "math"

// windowSizes are how long, in seconds, the windows are that are considered: those that tenants
// like to have, and enough between to be near any other.
var windowSizes = [...]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 17, 20, 25, 30, 35, 40, 45, 50, 55, 60}

// window is a limit of so many requests in a time, which the tenant may have.
// A fixed one begins at a moment of its own, or with the first request after
// the last one ended; one that slides ends now.
type window struct {
	size   float64 // seconds
	slides bool
	lo, hi float64 // it grants no fewer requests and no more; nothing explains it when they cross
	count  float64 // that it grants, by the last refusal; 0: not known yet
	proofs int     // refusals in a row that it foretold

	tiledFrom, tiledTo float64 // the time of which least is known
	least              float64 // granted in any time of its size
}

// windows are all that are considered.
type windows [2 * len(windowSizes)]window

func newWindows() (ws windows) {
	for i, size := range windowSizes {
		ws[i] = window{size: size, hi: math.Inf(1), slides: true}
		ws[i+len(windowSizes)] = window{size: size, hi: math.Inf(1)}
	}
	return ws
}

// explains reports whether a window explains all that was granted and refused.
func (w *window) explains() bool { return w.count > 0 && w.lo <= w.hi }

// rate is what it grants, in requests per second.
func (w *window) rate() float64 { return w.count / w.size }

// best returns the most permissive of those that grant so many at least, explain
// everything and foretold so many refusals; nil if there is none.
func (ws *windows) best(proofs int, least float64) (best *window) {
	for i := range ws {
		w := &ws[i]
		if !w.explains() || w.proofs < proofs || w.count < least {
			continue
		}
		// Of two that grant the same, the one that slides is more easily refuted.
		if best == nil || w.rate() > best.rate() || w.rate() == best.rate() && w.proofs > 0 {
			best = w
		}
	}
	return best
}

// slip is by how much the time of a request at the tenant may be wrong, in seconds.
func (e *estimator) slip() float64 { return markEvery + 2*e.spread }

// exceed refutes the windows that do not grant as much as was granted up to now.
func (e *estimator) exceed(now float64) {
	d, h, opened := e.slip(), &e.history, &e.block
	for i := range e.windows {
		w := &e.windows[i]
		switch {
		case w.slides:
			w.lo = max(w.lo, h.between(now-w.size+d, now))
		case opened.ended > 0 && now < opened.refused+w.size-d: // the first since it was open again
			w.lo = max(w.lo, h.between(opened.ended-d, now))
		case now > opened.ended+w.size:
			e.tile(w, now)
		}
	}
}

// tile raises the lower bound of a fixed window whose beginning is not known to the
// least that was granted in any time of its size: it cannot have been filled then.
func (e *estimator) tile(w *window, now float64) {
	step, d := w.size/50, e.slip()
	if w.tiledTo < e.block.ended+w.size {
		w.tiledFrom, w.tiledTo, w.least = now, now, math.Inf(1)
	}
	for ; w.tiledTo <= now; w.tiledTo += step {
		w.least = min(w.least, e.history.between(w.tiledTo-w.size+step+d, w.tiledTo-d))
	}
	if now > w.tiledFrom+w.size {
		w.lo = max(w.lo, w.least)
		w.tiledFrom, w.least = now, math.Inf(1)
	}
}

// measure holds the windows against a block that has ended.
func (e *estimator) measure() {
	for i := range e.windows {
		w := &e.windows[i]
		before := w.count
		n, margin := e.counted(w)
		w.count = min(max(n, w.lo), w.hi)
		switch {
		case !w.explains():
			w.proofs = 0
		case before > 0 && e.foretold(before, n, margin) && !e.surprises(w, before):
			w.proofs++
			w.count = max(min(before, w.count), w.lo)
		case e.held || w.hi-w.lo > 0.02*w.hi: // it does not say when it refuses
			w.proofs = 0
		}
	}
}

// foretold reports whether what a window granted is what it granted before.
func (e *estimator) foretold(before, n, margin float64) bool {
	return margin < 0.08*before && math.Abs(n-before) <= 1+margin+0.002*before
}

// surprises reports whether a window of so many requests would not have refused as
// little as was asked for, for long enough to fill it evenly.
func (e *estimator) surprises(w *window, count float64) bool {
	return e.held && e.block.asked < 0.998*count/w.size && e.block.began > e.before.ended+2*w.size
}

// counted narrows the bounds of a window, and returns how many requests it granted
// until it refused, and by how many that may be wrong.
func (e *estimator) counted(w *window) (n, margin float64) {
	b, h, d := &e.block, &e.history, e.slip()
	late := d // it grants nothing more once it has refused
	if w.slides {
		late = 0
	}
	n = math.Inf(1)
	for _, at := range b.denied {
		most := h.between(at-w.size-d, at+d)
		w.hi = min(w.hi, most)
		if k := h.between(at-w.size, at+late); k < n {
			n, margin = k, most-h.between(at-w.size+d, at-d)
		}
	}
	if w.slides {
		w.lo = max(w.lo, h.between(b.began-w.size+d, b.began-d), h.between(b.ended-w.size+d, b.ended))
		return n, margin
	}
	return min(n, e.sinceOpen(w)), margin
}

// sinceOpen narrows the bounds of a fixed window by when it was open again: after this
// block and, if there was one, after the one before. It returns the most that was
// granted in the window that refused.
func (e *estimator) sinceOpen(w *window) float64 {
	b, p, h, d := &e.block, &e.before, &e.history, e.slip()
	for k := 0.0; k < 4; k++ { // those before the one that refused
		from, to := b.ended-(k+1)*w.size+d, b.refused-k*w.size-d
		if to > from && (from >= p.ended || p.ended == 0) {
			w.lo = max(w.lo, h.between(from, to))
		}
	}
	if p.ended == 0 {
		return math.Inf(1)
	}
	k := math.Floor((b.began - p.refused) / w.size) // as many lie between
	if k == 0 && (b.ended < p.refused+w.size-d || b.refused > p.ended+w.size+d) {
		w.hi = math.Inf(-1) // it was open too soon, or too late
	}
	// Where each window begins with a request, they do so ever later.
	drift := 2 * k * (b.began - p.ended) / max(1, h.between(p.ended, b.began))
	if k > 0 && b.began < p.ended+k*w.size+drift+d {
		k--
	}
	n := h.between(p.refused+k*w.size-d, b.refused+d)
	w.hi = min(w.hi, n)
	return n
}
