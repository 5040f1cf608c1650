package batch

import (
	"sync/atomic"

	"nermbulk/internal/journal"
)

// Tally counts outcomes once they are in the journal, and not before. It is
// safe for concurrent use; the zero value is ready.
type Tally struct {
	updated, unchanged, failed, unknown, invalid atomic.Int64
	planned                                      atomic.Int64 // rows of a dry run
	other                                        atomic.Int64
	session                                      atomic.Int64 // rows that ended since this process has them
}

// Written takes in a record that was written to the journal. Only outcomes
// count, and the rows that a dry run planned.
func (t *Tally) Written(r journal.Record) {
	switch r := r.(type) {
	case journal.Outcome:
		t.counter(r.Status).Add(1)
		t.session.Add(1)
	case journal.Planned:
		if r.Action != actionInvalid { // which has an outcome too
			t.planned.Add(1)
			t.session.Add(1)
		}
	}
}

// Replaced takes back an outcome that is about to be settled anew.
func (t *Tally) Replaced(s journal.Status) { t.counter(s).Add(-1) }

// Seed begins with the outcomes of earlier sessions of the run.
func (t *Tally) Seed(counts map[journal.Status]int) {
	for status, n := range counts {
		t.counter(status).Add(int64(n))
	}
}

// Count returns how many rows have an outcome.
func (t *Tally) Count(s journal.Status) int { return int(t.counter(s).Load()) }

// Done returns how many rows have any outcome, or were planned in a dry run.
func (t *Tally) Done() int {
	return int(t.updated.Load() + t.unchanged.Load() + t.failed.Load() + t.unknown.Load() + t.invalid.Load() + t.planned.Load())
}

// Session returns how many rows came to an end in this session of the run,
// those that had another end before included.
func (t *Tally) Session() int { return int(t.session.Load()) }

func (t *Tally) counter(s journal.Status) *atomic.Int64 {
	switch s {
	case journal.Updated:
		return &t.updated
	case journal.Unchanged:
		return &t.unchanged
	case journal.Failed:
		return &t.failed
	case journal.Unknown:
		return &t.unknown
	case journal.Invalid:
		return &t.invalid
	}
	return &t.other
}
