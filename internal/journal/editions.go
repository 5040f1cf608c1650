package journal

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// An Entry is what a run knows of one row, of the present sheet or of one that
// the present sheet does not have any more.
type Entry struct {
	Row     int // in the sheet of its edition
	Edition int // the last one that had it

	state  rowState
	before offset
	again  int64 // the intent of a row in flight that has an outcome
}

// Status is the latest outcome, Pending when there is none.
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
		return e.again
	}
	return e.state.record.get()
}

// entry is what is known of a row of the present sheet.
func (r *Replay) entry(row int) Entry {
	return Entry{row, r.edition, r.rows.rows.get(row), r.rows.before.get(row), r.rows.again[row]}
}

// Known lists the rows that were tried: those of the present sheet in its order,
// then the others, those that the sheet lost last before those it lost earlier.
func (r *Replay) Known() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for n, part := range r.rows.rows {
			for i := range part {
				if e := r.entry(n*tableRows + i); e.isKnown() && !yield(e) {
					return
				}
			}
		}
		for _, e := range slices.Backward(r.removed) {
			if !yield(e.entry()) {
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

// Removed rows are kept in few bytes: they can be as many as a sheet has.
type removedRow struct {
	edition, row  uint32
	state         rowState
	before, again offset
}

func (e removedRow) entry() Entry {
	return Entry{int(e.row), int(e.edition), e.state, e.before, e.again.get()}
}

// move is a Moved in few bytes.
type move struct{ row, was, edition uint32 }

func movesOf(moves []move) iter.Seq[Moved] {
	return func(yield func(Moved) bool) {
		for _, m := range moves {
			if !yield(Moved{int(m.row), int(m.was), int(m.edition)}) {
				return
			}
		}
	}
}

// Edit gives the rows the numbers of an edited sheet, as the journal will have
// it once moves are written and closed by a Start. A row that did not move is
// removed: its records stay, and can move into a later edition.
func (r *Replay) Edit(moves iter.Seq[Moved]) error {
	next, edition := new(rowIndex), r.edition
	for m := range moves {
		e, ok := r.take(m, edition)
		if !ok {
			return fmt.Errorf("row %d was not row %d of the sheet's edition %d", m.Row, m.Was, m.Edition)
		}
		next.put(m.Row, e)
	}
	r.removed = slices.DeleteFunc(r.removed, func(e removedRow) bool { return e.state.flags == 0 })
	for n, part := range r.rows.rows {
		for i := range part {
			if e := r.entry(n*tableRows + i); e.isKnown() {
				r.removed = append(r.removed, removedRow{uint32(edition), uint32(e.Row), e.state, e.before, offsetOf(e.intentAt())})
			}
		}
	}
	r.rows, r.edition = next, edition+1
	return nil
}

// take takes what is known of a row out of its place.
func (r *Replay) take(m Moved, edition int) (e Entry, ok bool) {
	if m.Edition == edition {
		e = r.entry(m.Was)
		if ok = e.isKnown(); ok {
			*r.rows.rows.at(m.Was) = rowState{}
		}
		return e, ok
	}
	at, ok := slices.BinarySearchFunc(r.removed, m, func(e removedRow, m Moved) int {
		return cmp.Or(cmp.Compare(int(e.edition), m.Edition), cmp.Compare(int(e.row), m.Was))
	})
	if !ok || r.removed[at].state.flags == 0 {
		return e, false
	}
	e = r.removed[at].entry()
	r.removed[at].state.flags = 0
	return e, true
}

// OutcomeOf is the latest outcome, with the row number of the sheet that it was
// sent from; false when there is none.
func (r *Replay) OutcomeOf(e Entry) (Outcome, bool, error) {
	return lookup(r, e.outcomeAt(), decodeOutcome)
}

// IntentOf is the latest intent of what is in flight; false for anything else.
func (r *Replay) IntentOf(e Entry) (Intent, bool, error) {
	return lookup(r, e.intentAt(), decodeIntent)
}

// BeforeOf is what the session held before the row overwrote it; false when that
// was not recorded. The caller owns it.
func (r *Replay) BeforeOf(e Entry) (Before, bool, error) {
	return lookup(r, e.before.get(), decodeBefore)
}
