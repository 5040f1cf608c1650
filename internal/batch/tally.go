package batch

import (
	"sync"

	"nermbulk/internal/journal"
)

// Tally counts outcomes once they are in the journal, and not before. It is
// safe for concurrent use; the zero value is ready.
type Tally struct {
	mu      sync.Mutex
	counts  map[journal.Status]int
	planned int // rows of a dry run
	session int // rows that ended since this process has them
}

// Written counts a record that was written to the journal. Only outcomes
// count, and the rows that a dry run planned.
func (t *Tally) Written(r journal.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch r := r.(type) {
	case journal.Outcome:
		t.add(r.Status, 1)
		t.session++
	case journal.Planned:
		if r.Action != actionInvalid { // which has an outcome too
			t.planned++
			t.session++
		}
	}
}

func (t *Tally) add(s journal.Status, n int) {
	if t.counts == nil {
		t.counts = map[journal.Status]int{}
	}
	t.counts[s] += n
}

// Replaced takes back an outcome that a new one is about to replace.
func (t *Tally) Replaced(s journal.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(s, -1)
}

// Seed begins with the outcomes of earlier sessions of the run.
func (t *Tally) Seed(counts map[journal.Status]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for status, n := range counts {
		t.add(status, n)
	}
}

// Count returns how many rows have an outcome.
func (t *Tally) Count(s journal.Status) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[s]
}

// Done returns how many rows have any outcome, or were planned in a dry run.
func (t *Tally) Done() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := t.planned
	for status, n := range t.counts {
		if status != journal.Pending {
			done += n
		}
	}
	return done
}

// Session returns how many rows came to an end in this session of the run,
// those that had another end before included.
func (t *Tally) Session() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session
}
