package batch

import (
	"context"
	"errors"
	"fmt"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// errStopped ends the reading of the sheet: the run stops.
var errStopped = errors.New("the run stops")

// feed reads the sheet and dispatches what is to be sent.
func (e *engine) feed(ctx context.Context) error {
	err := e.feedByList(ctx)
	if err == nil {
		err = e.pass(ctx, func(row *sheet.Row) error { return e.feedRow(ctx, row) })
	}
	switch {
	case err == nil:
		if !e.DryRun && e.canaries > 0 && e.canaries < e.Canary {
			e.passed() // there are no more rows
		}
		return nil
	case errors.Is(err, errStopped):
		return nil
	}
	if ctx.Err() == nil {
		e.guard.halt(StoppedByJournal, "%s", err)
	}
	return err
}

// pass reads the sheet once. With --strict a warning, which can depend on the
// rows above, makes a row invalid: then each row is checked, whatever is done
// with it, so that every pass finds what the first one found.
func (e *engine) pass(ctx context.Context, do func(*sheet.Row) error) error {
	e.planner = change.NewPlanner(e.Sheet, e.Rules)
	e.planner.LeaveOutWarnings()
	if !e.Rules.Strict {
		return e.Sheet.Each(ctx, do)
	}
	part := e.Sheet.Part()
	return e.Sheet.EachOfAllParts(ctx, func(row *sheet.Row) error {
		e.problems = e.planner.Check(row, e.Overview.repeats, true)
		if !part.Has(row.ID) {
			return nil
		}
		return do(row)
	})
}

func (e *engine) feedRow(ctx context.Context, row *sheet.Row) error {
	if e.listing.handled.has(row.Number) {
		return nil
	}
	t, err := e.taskOf(row)
	if err != nil || t == nil {
		return err
	}
	return e.begin(ctx, t)
}

// taskOf returns what a row asks for, nil where nothing is to be done with it
// any more.
func (e *engine) taskOf(row *sheet.Row) (*task, error) {
	h, err := e.loadHistory(row.Number)
	if err != nil || h.turn == skip {
		return nil, err
	}
	if h.turn == note {
		if h.noted == nil {
			return nil, nil
		}
		return nil, e.appendOutcome(*h.noted, h.replaces) // with its own time, so that it is found again
	}
	if e.superseded[row.Number] > 0 {
		return nil, e.keepSuperseded(row.Number, h.replaces)
	}
	if !e.Rules.Strict {
		e.problems = e.planner.Check(row, e.Overview.repeats, true)
	}
	if change.FirstError(e.problems) != nil {
		return nil, e.invalid(row.Number, e.problems)
	}
	return e.newTask(h), nil
}

// Remaining returns the overview of the rows that a session of a run with these
// options sends or reads back: those that have no outcome yet, or another turn.
func Remaining(ctx context.Context, o Options) (*Overview, error) {
	e, left := &engine{Options: o}, newOverview(o.Sheet)
	if err := e.findSuperseded(ctx); err != nil {
		return nil, err
	}
	err := e.pass(ctx, func(row *sheet.Row) error {
		h, err := e.loadHistory(row.Number)
		if err != nil || h.turn == skip || h.turn == note || e.superseded[row.Number] > 0 {
			return err
		}
		if !e.Rules.Strict {
			e.problems = e.planner.Check(row, e.Overview.repeats, true)
		}
		left.add(row, e.problems, &e.planner.Change, false)
		return nil
	})
	return left, err
}

// begin sends one of the first rows, or hands a row to the workers.
func (e *engine) begin(ctx context.Context, t *task) error {
	if e.guard.atLimit() {
		return errStopped
	}
	if e.canaries < e.Canary {
		return e.sendCanary(ctx, t)
	}
	return e.dispatch(ctx, t)
}

// invalid records a row that cannot be sent. Only a run that skips such rows
// comes this far with one.
func (e *engine) invalid(row int, problems []sheet.Problem) error {
	why := change.Explain(problems)
	if !e.SkipInvalid {
		return fmt.Errorf("row %d of the sheet changed after it was checked: %s", row, why)
	}
	id := e.planner.Change.ID
	if e.DryRun {
		if err := e.Journal.Append(journal.Planned{Row: row, ID: id, Action: actionInvalid, Changes: why}); err != nil {
			return err
		}
	}
	return e.Journal.Append(journal.Outcome{At: e.Now(), Row: row, ID: id, Status: journal.Invalid, Error: why})
}

// newTask takes the planner's change, and gives it one to overwrite with the next
// row.
func (e *engine) newTask(h history) *task {
	t := e.spare.Get().(*task)
	t.Change, e.planner.Change = e.planner.Change, t.Change
	t.history, t.shown, t.left, t.counted, t.tries = h, nil, false, false, 0
	if h.turn == doubt {
		t.Doubtful, t.Since = true, h.since
	}
	return t
}

// sendCanary sends one of the first rows by itself and reads it back. The run
// goes on only if it is right. A row that turns out to need no request is no
// canary, nor is one that stays unknown without one, which it would for ever: the
// next one is.
func (e *engine) sendCanary(ctx context.Context, t *task) error {
	defer e.spare.Put(t)
	if ctx.Err() != nil {
		return errStopped
	}
	r, err := e.sender.send(ctx, t)
	if err != nil {
		return err
	}
	if !r.final {
		if ctx.Err() != nil || !e.DryRun { // it was not sent: the limit
			return errStopped
		}
		e.canaries++ // a dry run plans it like any other
		return nil
	}
	wrong := ""
	switch status := r.outcome.Status; {
	case status == journal.Updated:
		e.canaries++
		if wrong = e.verify(ctx, t); wrong != "" {
			r.outcome.Note = joinSentences(r.outcome.Note, "canary: "+wrong)
		}
	case status == journal.Unknown && t.replaces == journal.Unknown && !t.left:
	case isFailure(status):
		wrong = string(status) + ": " + r.outcome.Error
	}
	if err := e.record(t, r); err != nil {
		return err
	}
	if wrong == "" {
		if r.outcome.Status == journal.Updated && e.canaries == e.Canary {
			e.passed()
		}
		return nil
	}
	if ctx.Err() == nil {
		e.guard.halt(StoppedByCanary, "row %d, one of the first %d (--canary), is not right: %s", t.Row, e.Canary, wrong)
	}
	return errStopped
}

// passed says that the canaries are right.
func (e *engine) passed() {
	e.say("rows that were sent first and read back (--canary): %d, and all are right", e.canaries)
	if e.Passed != nil {
		e.Passed()
	}
}

// verify reads a canary's session back and returns what is wrong with it, if
// anything. Running a session can move its status on.
func (e *engine) verify(ctx context.Context, t *task) (wrong string) {
	defer func() {
		if broken := recover(); broken != nil {
			wrong = fmt.Sprintf("nermbulk failed inside (%v) when it was read back", broken)
		}
	}()
	got := e.Tenant.Get(ctx, t.ID)
	if got.Verdict != api.OK {
		return "it could not be read back: " + got.Message
	}
	found := change.Compare(&t.Change, got.Session)
	if t.Run {
		found = found.Without("status")
	}
	if names := found.Names(change.Certain); names != "" {
		return "read back, the tenant holds other values than were sent: " + names
	}
	return ""
}
