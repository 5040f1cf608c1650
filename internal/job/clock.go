package job

import (
	"sync"
	"time"
)

const (
	tick         = 200 * time.Millisecond
	ticksPerNote = 5 // of figures in the journal

	// rateMemory is how many updates ago a Rate begins to measure.
	rateMemory = 16
)

// StartClock calls update five times a second, and a last time when the
// function that it returns is called, which waits for that. One clock ticks a
// run, for its progress, its journal and its page.
func StartClock(update func(last bool)) (stop func()) {
	done := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				update(true)
				return
			case <-ticker.C:
				update(false)
			}
		}
	})
	return func() {
		close(done)
		ticking.Wait()
	}
}

// Rate measures rows or requests per second over the last few seconds.
type Rate struct{ marks []mark }

type mark struct {
	at   time.Time
	done int
}

// NewRate begins to measure at start, when nothing is done.
func NewRate(start time.Time) *Rate { return &Rate{marks: []mark{{at: start}}} }

// Update returns the rate now that so much is done.
func (r *Rate) Update(now time.Time, done int) float64 {
	oldest := r.marks[0]
	if len(r.marks) >= rateMemory {
		r.marks = append(r.marks[:0], r.marks[1:]...)
	}
	r.marks = append(r.marks, mark{now, done})
	if span := now.Sub(oldest.at).Seconds(); span > 0 {
		return float64(done-oldest.done) / span
	}
	return 0
}
