package batch

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// oldJournal is what Remap needs of the journal of a run.
type oldJournal interface {
	Outcomes(fn func(journal.Outcome) error) error
	Intents(fn func(journal.Intent) error) error
	Outcome(row int) (journal.Outcome, bool, error)
	Intent(row int) (journal.Intent, bool, error)
	Before(row int) (journal.Before, bool, error)
}

// oldRow is one row of the old sheet whose outcome or intent may be that of a
// row of the new one.
type oldRow struct {
	hash uint64
	row  uint32
	used bool
}

// Remap returns the records of a run that are still true after its sheet was
// edited, re-sorted or extended, under their new row numbers: a row keeps its
// outcome when its id and all that it sends are the same. The sheet must have
// been checked. It is read once, while the records are taken.
func Remap(ctx context.Context, s *sheet.Sheet, rules change.Rules, old oldJournal) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		rows, err := oldRows(old)
		if err != nil {
			yield(nil, err)
			return
		}
		r := remapper{old: old, rows: rows, yield: yield}
		checker := change.NewChecker(s, rules)
		err = s.Each(ctx, func(row *sheet.Row) error {
			if change.FirstError(checker.Plan(row)) != nil {
				return nil
			}
			return r.remap(row.Number, checker.Change.Hash())
		})
		if err != nil && !r.ended {
			yield(nil, err)
		}
	}
}

// oldRows lists the old rows by hash, those of the same hash by row.
func oldRows(old oldJournal) ([]oldRow, error) {
	var rows []oldRow
	err := old.Outcomes(func(o journal.Outcome) error {
		if o.Status != journal.Invalid {
			rows = append(rows, oldRow{hash: o.Hash, row: uint32(o.Row)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = old.Intents(func(i journal.Intent) error {
		rows = append(rows, oldRow{hash: i.Hash, row: uint32(i.Row)})
		return nil
	})
	slices.SortFunc(rows, func(a, b oldRow) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.row, b.row)) })
	// A row in flight again has an outcome and an intent.
	return slices.Compact(rows), err
}

type remapper struct {
	old   oldJournal
	rows  []oldRow
	yield func(journal.Record, error) bool
	ended bool
}

// remap passes on what is known of the first unused old row with this hash.
func (r *remapper) remap(row int, hash uint64) error {
	at, _ := slices.BinarySearchFunc(r.rows, hash, func(old oldRow, hash uint64) int { return cmp.Compare(old.hash, hash) })
	for ; at < len(r.rows) && r.rows[at].hash == hash; at++ {
		if old := &r.rows[at]; !old.used {
			old.used = true
			return r.passOn(row, int(old.row), hash)
		}
	}
	return nil
}

func (r *remapper) passOn(row, oldRow int, hash uint64) error {
	before, read, err1 := r.old.Before(oldRow)
	outcome, ended, err2 := r.old.Outcome(oldRow)
	intent, began, err3 := r.old.Intent(oldRow)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	before.Row, outcome.Row, intent.Row = row, row, row
	if read && !r.give(before) || ended && outcome.Hash == hash && !r.give(outcome) || began && intent.Hash == hash && !r.give(intent) {
		return errStopped
	}
	return nil
}

func (r *remapper) give(record journal.Record) bool {
	r.ended = !r.yield(record, nil)
	return !r.ended
}
