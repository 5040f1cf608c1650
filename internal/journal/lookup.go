package journal

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// An Entry is what a run knows of one row, of the present sheet or of one that
// the present sheet does not have any more. It is small: those can be as many as a
// sheet has.
type Entry struct {
	row, edition  uint32
	state         rowState
	before, again offset // again is the intent of a row in flight that has an outcome
}

// Row is the row's number in the sheet of its edition.
func (e Entry) Row() int { return int(e.row) }

// Edition is the last one that had the row.
func (e Entry) Edition() int { return int(e.edition) }

// Status is the latest outcome, Pending when there is none. A row that has one may
// be in flight again all the same.
func (e Entry) Status() Status { return statuses[e.state.flags&codeMask] }

// InFlight reports whether the latest intent has no outcome after it, and whether
// any such intent runs the workflow.
func (e Entry) InFlight() (run, flying bool) {
	flags := e.state.flags
	return flags&(inFlight|runs) == inFlight|runs, flags&inFlight != 0
}

// Place orders entries by when their session was read or, where it was not, by
// their latest record.
func (e Entry) Place() int64 {
	if at := e.before.get(); at >= 0 {
		return at
	}
	return max(e.outcomeAt(), e.intentAt())
}

// isKnown reports whether a row was tried: an invalid one is judged again by each
// edition.
func (e Entry) isKnown() bool {
	code := e.state.flags & codeMask
	return code != 0 && statuses[code] != Invalid || e.state.flags&inFlight != 0
}

// outcomeAt returns where the outcome begins, or -1.
func (e Entry) outcomeAt() int64 {
	if e.state.flags&codeMask == 0 {
		return -1
	}
	return e.state.record.get()
}

// intentAt returns where the intent of a row in flight begins, or -1.
func (e Entry) intentAt() int64 {
	switch {
	case e.state.flags&inFlight == 0:
		return -1
	case e.state.flags&codeMask != 0:
		return e.again.get()
	}
	return e.state.record.get()
}

// Entry is what is known of a row of the present sheet.
func (r *Replay) Entry(row int) Entry {
	return Entry{uint32(row), uint32(r.edition), r.rows.rows.get(row), r.rows.before.get(row), r.rows.again[row]}
}

// Known lists the rows that were tried: those of the present sheet in its order,
// then the others, those that the sheet lost last before those it lost earlier.
func (r *Replay) Known() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for e := range r.present {
			if !yield(e) {
				return
			}
		}
		for _, e := range slices.Backward(r.removed) {
			if !yield(e) {
				return
			}
		}
	}
}

// present lists the rows of the present sheet that were tried.
func (r *Replay) present(yield func(Entry) bool) {
	for n, part := range r.rows.rows {
		for i := range part {
			if e := r.Entry(n*tableRows + i); e.isKnown() && !yield(e) {
				return
			}
		}
	}
}

// EditionOf returns the edition that an entry's latest record was written for.
func (r *Replay) EditionOf(e Entry) int {
	at := max(e.outcomeAt(), e.intentAt())
	after, _ := slices.BinarySearch(r.editions, at)
	return after + 1
}

// Edition counts the sheets up to the one that rows have their numbers from.
func (r *Replay) Edition() int { return r.edition }

// Edit gives the rows the numbers of an edited sheet, as the journal will have
// it once moves are written and closed by a Start. A row that did not move is
// removed: its records stay, and can move into a later edition.
func (r *Replay) Edit(moves iter.Seq[Moved]) error {
	next := new(rowIndex)
	for m := range moves {
		e, ok := r.take(m)
		if !ok {
			return fmt.Errorf("row %d was not row %d of the sheet's edition %d", m.Row, m.Was, m.Edition)
		}
		next.put(int(m.Row), e)
	}
	r.removed = slices.DeleteFunc(r.removed, func(e Entry) bool { return e.state.flags == 0 })
	r.removed = slices.AppendSeq(r.removed, r.present)
	r.rows, r.edition = next, r.edition+1
	return nil
}

// take takes what is known of a row out of its place.
func (r *Replay) take(m Moved) (e Entry, ok bool) {
	if int(m.Edition) == r.edition {
		e = r.Entry(int(m.Was))
		if ok = e.isKnown(); ok {
			*r.rows.rows.at(e.Row()) = rowState{}
		}
		return e, ok
	}
	at, ok := slices.BinarySearchFunc(r.removed, m, func(e Entry, m Moved) int {
		return cmp.Or(cmp.Compare(e.edition, m.Edition), cmp.Compare(e.row, m.Was))
	})
	if !ok || r.removed[at].state.flags == 0 {
		return e, false
	}
	e = r.removed[at]
	r.removed[at].state.flags = 0
	return e, true
}

// OutcomeOf is the latest outcome, with the row number of the sheet that it was
// sent from, which need not be the entry's; false when there is none.
func (r *Replay) OutcomeOf(e Entry) (Outcome, bool, error) {
	return lookup(r, e.outcomeAt(), decodeOutcome)
}

// IntentOf is the latest intent of what is in flight, with a row number as that of
// OutcomeOf; false for anything else.
func (r *Replay) IntentOf(e Entry) (Intent, bool, error) {
	return lookup(r, e.intentAt(), decodeIntent)
}

// BeforeOf is what the session held before the row overwrote it; false when that
// was not recorded. The caller owns it.
func (r *Replay) BeforeOf(e Entry) (Before, bool, error) {
	return lookup(r, e.before.get(), decodeBefore)
}

// Knows reports whether anything is recorded of the row: an intent, an outcome or
// a plan.
func (r *Replay) Knows(row int) bool {
	return r.rows.rows.get(row).record != offset{} || r.rows.planned.get(row) != offset{}
}

// Counts is the number of rows by outcome; an outcome without rows is left out,
// and so are pending rows.
func (r *Replay) Counts() map[Status]int {
	counts := make(map[Status]int)
	for code, n := range r.rows.counts {
		if code > 0 && n > 0 {
			counts[statuses[code]] = n
		}
	}
	return counts
}

// Planned is the row's line of a dry run's plan; false when it has none. The
// caller owns it.
func (r *Replay) Planned(row int) (Planned, bool, error) {
	return lookup(r, r.rows.planned.get(row).get(), decodePlanned)
}

// lookup reads the record that begins at off; a negative one is none.
func lookup[R any](r *Replay, off int64, decode func([]byte) (R, error)) (rec R, ok bool, err error) {
	if off < 0 {
		return rec, false, nil
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	line, err := r.window.line(off)
	if err == nil && !intact(line) {
		err = errors.New("a record has changed since the journal was loaded")
	}
	if err == nil {
		rec, err = decode(line)
	}
	if err != nil {
		return rec, false, fmt.Errorf("%s at byte %d: %w", r.path, off, err)
	}
	return rec, true, nil
}

// LastActive is when the run last recorded something that has a time.
func (r *Replay) LastActive() time.Time {
	at, _, err := lookup(r, r.lastTimed, func(line []byte) (l struct{ At time.Time }, err error) { return decode(line, l) })
	if err != nil {
		return r.Last.At
	}
	return at.At
}

// Ticks calls take with every tick, in order.
func (r *Replay) Ticks(take func(Tick)) error {
	for _, off := range r.ticks {
		tick, _, err := lookup(r, off, decodeTick)
		if err != nil {
			return err
		}
		take(tick)
	}
	return nil
}

// Totals sums all ticks: counts and latencies are added up, At, Ceiling and
// Learned are those of the last one. The caller owns it.
func (r *Replay) Totals() Tick {
	totals := Tick{Latency: map[int]int{}}
	totals.Add(r.totals)
	return totals
}

// Add adds what another tick counted, and takes its At, Ceiling and Learned.
func (t *Tick) Add(u Tick) {
	t.At, t.Ceiling, t.Learned = u.At, u.Ceiling, u.Learned
	t.Patch += u.Patch
	t.Get += u.Get
	t.Token += u.Token
	t.Throttled += u.Throttled
	t.Retried += u.Retried
	if t.Latency == nil {
		t.Latency = make(map[int]int)
	}
	for bound, n := range u.Latency {
		t.Latency[bound] += n
	}
}
