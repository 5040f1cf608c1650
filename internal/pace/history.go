package pace

import (
	"math"
	"sort"
)

const (
	// markEvery is how far apart, in seconds, what is granted is remembered, and
	// marks is how much of it: 64 s.
	markEvery = 0.005
	marks     = 12800
)

// history remembers when requests were granted, so that a limit that is met
// only now can be judged by what went before.
type history struct {
	ring []mark // made at the first grant
	next int    // the oldest of the ring, once that is full
}

// mark is how many requests were granted in all up to a second since the start.
type mark struct{ at, total float64 }

// add counts a request granted at a second since the start. One that was
// overtaken counts as granted with the one that overtook it.
func (h *history) add(at float64) {
	n := len(h.ring)
	if n == 0 {
		h.ring = append(h.ring, mark{at, 1})
		return
	}
	last := h.mark(n - 1)
	switch {
	case at < last.at+markEvery && n > 1 && last.at-h.mark(n-2).at < markEvery || at <= last.at:
		last.total++
		last.at = max(last.at, at)
	case n < marks:
		h.ring = append(h.ring, mark{at, last.total + 1})
	default:
		h.ring[h.next] = mark{at, last.total + 1}
		h.next = (h.next + 1) % marks
	}
}

// mark returns the i-th mark, from the oldest on.
func (h *history) mark(i int) *mark { return &h.ring[(h.next+i)%len(h.ring)] }

// total returns how many were granted up to a second since the start.
func (h *history) total(at float64) float64 {
	i := sort.Search(len(h.ring), func(i int) bool { return h.mark(i).at > at })
	switch {
	case i > 0:
		return h.mark(i - 1).total
	case len(h.ring) < marks:
		return 0
	}
	return h.mark(0).total // nothing older is known
}

// between returns how many were granted after one second and up to another.
func (h *history) between(from, to float64) float64 { return h.total(to) - h.total(from) }

// backFrom returns when the n-th last was granted, seen from a second; -Inf
// when there were fewer.
func (h *history) backFrom(at, n float64) float64 {
	total := h.total(at) - n
	if total < 0 {
		return math.Inf(-1)
	}
	i := sort.Search(len(h.ring), func(i int) bool { return h.mark(i).total > total })
	return h.mark(i).at
}
