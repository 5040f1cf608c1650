package batch

import (
	"context"
	"errors"
	"fmt"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// errStopped ends the reading of the sheet: the run stops.
var errStopped = errors.New("the run stops")

// feed reads the sheet and dispatches what is to be sent.
func (e *engine) feed(ctx context.Context) error {
	e.judge = newJudge(e.Sheet, e.Rules)
	// The check has told the warnings; under --strict they are errors here too.
	e.judge.planner.told = !e.Rules.Strict
	err := e.Sheet.Each(ctx, func(row *sheet.Row) error { return e.feedRow(ctx, row) })
	if err == nil || errors.Is(err, errStopped) {
		return nil
	}
	if ctx.Err() == nil {
		e.guard.halt(StoppedByJournal, "%s", err)
	}
	return err
}

func (e *engine) feedRow(ctx context.Context, row *sheet.Row) error {
	turn, earlier, since, err := e.turn(row.Number)
	if err != nil || turn == skip {
		return err
	}
	if e.overtaken[row.Number] > 0 {
		return e.leave(row.Number, earlier)
	}
	problems := e.judge.again(row, e.Overview.ids)
	if firstError(problems) != nil {
		return e.invalid(row.Number, problems)
	}
	if e.Limit > 0 && e.sent >= e.Limit {
		e.guard.finish(StoppedByLimit, "--limit %d is reached", e.Limit)
		return errStopped
	}
	c := e.copyChange()
	c.replaces = earlier
	if turn == doubt {
		c.Doubtful, c.Since = true, since
	}
	if err := e.recall(c, turn); err != nil {
		return err
	}
	e.sent++
	if e.canaries < e.Canary {
		return e.sendCanary(ctx, c)
	}
	if !e.dispatch(ctx, c) {
		return errStopped
	}
	return nil
}

// invalid records a row that cannot be sent. Only a run that skips such rows
// comes this far with one.
func (e *engine) invalid(row int, problems []sheet.Problem) error {
	c := &e.judge.change
	if !e.SkipInvalid {
		return fmt.Errorf("row %d of the sheet changed after it was checked: %s", row, explain(problems))
	}
	if e.DryRun {
		if err := e.Journal.Append(journal.Planned{Row: row, ID: c.ID, Action: actionInvalid, Changes: explain(problems)}); err != nil {
			return err
		}
	}
	return e.Journal.Append(journal.Outcome{
		At: e.Now(), Row: row, ID: c.ID, Status: journal.Invalid, Error: explain(problems),
	})
}

// copyChange copies the judge's change, which the next row will overwrite.
func (e *engine) copyChange() *Change {
	c, _ := e.spare.Get().(*Change)
	if c == nil {
		c = new(Change)
	}
	e.judge.change.copyTo(c)
	return c
}
