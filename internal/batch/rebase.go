package batch

import (
	"context"
	"iter"
	"slices"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// ledger is what a rebase needs of the journal of a run.
type ledger interface {
	Outcomes(fn func(journal.Outcome) error) error
	Intents(fn func(journal.Intent) error) error
	Outcome(row int) (journal.Outcome, bool, error)
	Intent(row int) (journal.Intent, bool, error)
	Before(row int) (journal.Before, bool, error)
}

// settledRow is one row of the old sheet whose outcome or intent may hold for
// a row of the new one.
type settledRow struct {
	hash uint64
	row  uint32
	used bool
}

// Carry gives the records of a run that still hold after its sheet was edited,
// re-sorted or extended, under their new row numbers: a row keeps its outcome
// when its id and all that it sends are the same. The sheet must have been
// checked. It is read once, while the records are taken.
func Carry(ctx context.Context, s *sheet.Sheet, rules Rules, old ledger) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		settled, err := settledRows(old)
		if err != nil {
			yield(nil, err)
			return
		}
		c := carrier{old: old, settled: settled, yield: yield}
		j := newJudge(s, rules)
		err = s.Each(ctx, func(row *sheet.Row) error {
			if firstError(j.plan(row)) != nil {
				return nil
			}
			return c.carry(row.Number, j.change.Hash())
		})
		if err != nil && !c.ended {
			yield(nil, err)
		}
	}
}

// settledRows lists the old rows by hash, those of the same hash by row.
func settledRows(old ledger) ([]settledRow, error) {
	var rows []settledRow
	err := old.Outcomes(func(o journal.Outcome) error {
		if o.Status != journal.Invalid {
			rows = append(rows, settledRow{hash: o.Hash, row: uint32(o.Row)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = old.Intents(func(i journal.Intent) error {
		rows = append(rows, settledRow{hash: i.Hash, row: uint32(i.Row)})
		return nil
	})
	slices.SortFunc(rows, compareSettled)
	// A row in flight again has an outcome and an intent.
	return slices.CompactFunc(rows, func(a, b settledRow) bool { return a.hash == b.hash && a.row == b.row }), err
}

func compareSettled(a, b settledRow) int {
	switch {
	case a.hash != b.hash && a.hash < b.hash, a.hash == b.hash && a.row < b.row:
		return -1
	case a == b:
		return 0
	}
	return 1
}

type carrier struct {
	old     ledger
	settled []settledRow
	yield   func(journal.Record, error) bool
	ended   bool
}

// carry passes on what is known of the first unused old row with this hash.
func (c *carrier) carry(row int, hash uint64) error {
	at, _ := slices.BinarySearchFunc(c.settled, hash, func(s settledRow, hash uint64) int {
		if s.hash < hash {
			return -1
		}
		return 1 // not 0: the first of several is wanted
	})
	for ; at < len(c.settled) && c.settled[at].hash == hash; at++ {
		if !c.settled[at].used {
			c.settled[at].used = true
			return c.passOn(row, int(c.settled[at].row), hash)
		}
	}
	return nil
}

func (c *carrier) passOn(row, oldRow int, hash uint64) error {
	before, ok, err := c.old.Before(oldRow)
	if err != nil {
		return err
	}
	if before.Row = row; ok && !c.give(before) {
		return errStopped
	}
	outcome, ok, err := c.old.Outcome(oldRow)
	if err != nil {
		return err
	}
	if outcome.Row = row; ok && outcome.Hash == hash && !c.give(outcome) {
		return errStopped
	}
	intent, ok, err := c.old.Intent(oldRow)
	if err != nil {
		return err
	}
	if intent.Row = row; ok && intent.Hash == hash && !c.give(intent) {
		return errStopped
	}
	return nil
}

func (c *carrier) give(r journal.Record) bool {
	c.ended = !c.yield(r, nil)
	return !c.ended
}
