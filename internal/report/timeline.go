package report

import (
	"time"

	"nermbulk/internal/journal"
)

// maxPoints bounds a timeline, however long the run took.
const maxPoints = 600

// longestTick is more than the journal lets pass between two ticks while a run
// goes on: a longer time is one in which it was stopped or the machine slept.
const longestTick = 10 * time.Second

// point is what happened in one step of a timeline.
type point struct {
	requests  int
	throttled int
	seconds   float64 // that ticks speak of; less than the step at the end
	ceiling   float64 // sum over ticks
	ticks     int     // with a ceiling
}

// timeline counts requests over the time in which the run was going on: pauses
// between its sessions are left out. Its steps grow so that it stays bounded.
type timeline struct {
	points []point
	step   float64 // seconds
	at     float64 // seconds of running so far
	last   time.Time
	stops  int // pauses that were left out
}

func newTimeline() *timeline { return &timeline{step: 1} }

func (t *timeline) add(k journal.Tick) {
	passed := k.At.Sub(t.last)
	if t.last.IsZero() || passed > longestTick || passed < 0 {
		if !t.last.IsZero() {
			t.stops++
		}
		passed = time.Second // what a tick stands for
	}
	t.last = k.At

	// A tick tells of the time before it.
	i := int((t.at + passed.Seconds()/2) / t.step)
	for i >= maxPoints {
		t.halve()
		i /= 2
	}
	t.at += passed.Seconds()
	for len(t.points) <= i {
		t.points = append(t.points, point{})
	}
	p := &t.points[i]
	p.requests += k.Patch + k.Get
	p.throttled += k.Throttled
	p.seconds += passed.Seconds()
	if k.Ceiling > 0 {
		p.ceiling += k.Ceiling
		p.ticks++
	}
}

// halve makes steps twice as long.
func (t *timeline) halve() {
	n := (len(t.points) + 1) / 2
	for i := range n {
		p := t.points[2*i]
		if 2*i+1 < len(t.points) {
			q := t.points[2*i+1]
			p.requests += q.requests
			p.throttled += q.throttled
			p.seconds += q.seconds
			p.ceiling += q.ceiling
			p.ticks += q.ticks
		}
		t.points[i] = p
	}
	t.points = t.points[:n]
	t.step *= 2
}

// rate is the requests per second of a step; ticks that fell into its
// neighbour must not make a short step look fast.
func (p point) rate(step float64) float64 {
	if p.requests == 0 {
		return 0
	}
	return float64(p.requests) / max(p.seconds, step)
}

func (p point) allowed() float64 {
	if p.ticks == 0 {
		return 0
	}
	return p.ceiling / float64(p.ticks)
}
