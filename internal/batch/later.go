package batch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
)

// Later is what other runs have written to the sessions of this one's host: an
// outcome holds until a later run has written its session. A nil one is none.
type Later struct{ writes []laterWrite }

type laterWrite struct {
	id uint64 // its hash
	at int64  // in milliseconds
}

// Add takes in what a run has written, or may have. Sort follows the last one.
func (l *Later) Add(run *journal.Replay) error {
	for e := range run.Known() {
		o, _, err := run.OutcomeOf(e)
		if err != nil {
			return err
		}
		i, inFlight, err := run.IntentOf(e)
		if err != nil {
			return err
		}
		if inFlight {
			o.ID, o.At = i.ID, i.At
		}
		if change.MayHaveWritten(string(o.Status), inFlight, o.Attempts, o.HTTPStatus) {
			l.writes = append(l.writes, laterWrite{xxhash.Sum64String(o.ID), o.At.UnixMilli()})
		}
	}
	return nil
}

// Sort makes ready for questions.
func (l *Later) Sort() {
	slices.SortFunc(l.writes, func(a, b laterWrite) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b.at, a.at)) })
}

// wrote reports whether a session was written after a time.
func (l *Later) wrote(id string, after time.Time) bool {
	hash := xxhash.Sum64String(id)
	at, found := slices.BinarySearchFunc(l.writes, hash, func(w laterWrite, hash uint64) int { return cmp.Compare(w.id, hash) })
	return found && l.writes[at].at > after.UnixMilli()
}

// Count counts the rows of the present sheet whose outcome does not hold any more
// and which are sent again, and those that keep theirs, with a note.
func (l *Later) Count(run *journal.Replay, retryFailed bool) (again, noted int, err error) {
	for e := range run.Known() {
		if len(l.writes) == 0 || e.Edition() < run.Edition() {
			break // the others are of earlier sheets
		}
		t := nextTurn(e, retryFailed)
		now, o, err := l.turn(run, e, t)
		switch {
		case err != nil:
			return 0, 0, err
		case now == t:
		case now == note && t == skip && o != nil:
			noted++
		case now == fresh && t == skip:
			again++
		}
	}
	return again, noted, nil
}

const (
	writtenSince = "a later run has written this session since"
	inDoubtSince = writtenSince + ": it cannot be told any more whether this row was applied"
)

// turn is what is to be done with a row whose session a later run may have
// written; for note it returns the outcome to record, nil if that was done.
func (l *Later) turn(run *journal.Replay, e journal.Entry, t turn) (turn, *journal.Outcome, error) {
	if l == nil || len(l.writes) == 0 || t == fresh {
		return t, nil, nil
	}
	o, ended, err := run.OutcomeOf(e)
	if err != nil {
		return t, nil, err
	}
	i, inFlight, err := run.IntentOf(e)
	if err != nil {
		return t, nil, err
	}
	if inFlight {
		o.ID, o.Hash, o.Run, o.At = i.ID, i.Hash, i.Run || o.Run, i.At
	}
	o.Row = e.Row()
	// The outcome of a row that was read back is of the time of its first request.
	if !ended && !inFlight || !l.wrote(o.ID, o.At) {
		return t, nil, nil
	}
	switch {
	case t == skip && (o.Status == journal.Updated || o.Status == journal.Unchanged) && !o.Run, t == doubt && !o.Run:
		return fresh, nil, nil
	case t == skip && o.Status == journal.Updated:
		if strings.Contains(o.Note, writtenSince) {
			return note, nil, nil
		}
		o.Note = joinSentences(o.Note, writtenSince)
	case t == doubt:
		if o.Status = journal.Unknown; !strings.Contains(o.Error, inDoubtSince) {
			o.Error = joinSentences(o.Error, inDoubtSince)
		}
	default:
		return t, nil, nil
	}
	return note, &o, nil
}
