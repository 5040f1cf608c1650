package job

import (
	"cmp"
	"context"
	"errors"
	"time"

	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// CheckOptions says what is checked, and against what.
type CheckOptions struct {
	Sheet  Sheet
	Tenant Tenant // without a host, the check is offline
	// Opened is called once the sheet is open, before anything is asked of a
	// tenant. An error ends the check, which returns it. It may be nil.
	Opened func(*sheet.Sheet) error
	// Event takes what is found, as an Observer does: each problem and note,
	// and Checked at the end.
	Event func(event any)
}

// CheckedSheet is a sheet that was checked. It stays open until Close.
type CheckedSheet struct {
	Sheet    *sheet.Sheet
	Rules    change.Rules // that it was checked by
	Overview *batch.Overview
	// Again repeats the check, for those who do not keep the problems of a large
	// sheet.
	Again func(report func(sheet.Problem)) error
	Close func() error
}

// Check checks a sheet as a run begins: what is wrong with it is no error. See
// Error for the errors that callers explain.
func Check(ctx context.Context, o CheckOptions) (*CheckedSheet, error) {
	o.Sheet.Options.Part = sheet.Part{} // who looks at a sheet sees all of it
	j := &job{Options: Options{Sheet: o.Sheet, Tenant: o.Tenant, Now: time.Now, Observer: eventsOnly(o.Event)}}
	opened := func(context.Context) error {
		j.sheet.SkipHash() // there is no run to compare it with
		if o.Opened == nil {
			return nil
		}
		return o.Opened(j.sheet)
	}
	denied := func(context.Context) error { return j.deniedError() }
	for _, step := range []func(context.Context) error{j.open, opened, j.connect, j.learnAttributes, denied, j.lookUp, j.check} {
		if err := step(ctx); err != nil && !errors.Is(err, ErrRefused) {
			return nil, cmp.Or(err, j.close())
		}
	}
	return &CheckedSheet{Sheet: j.sheet, Rules: j.Sheet.Rules, Overview: j.overview, Again: j.checkAgain(ctx), Close: j.close}, nil
}

// eventsOnly observes a job that has nothing to ask.
type eventsOnly func(event any)

func (f eventsOnly) Event(event any) { f(event) }

func (f eventsOnly) Confirm(context.Context, Announcement) error { return nil }

func (f eventsOnly) GoOn(context.Context, journal.RunDir) (bool, error) { return false, nil }

// check checks the whole sheet. A resume with the very sheet that was checked
// before needs no second check, unless it must know which rows to leave out.
func (j *job) check(ctx context.Context) error {
	if j.same && !j.Send.SkipInvalid {
		start := j.earlier.Last()
		j.overview = &batch.Overview{Rows: start.Rows, Valid: start.Rows, Clears: start.Clears, Runs: start.Runs}
		return nil
	}
	again := j.checkAgain(ctx)
	if err := again(func(p sheet.Problem) { j.Observer.Event(p) }); err != nil {
		return err
	}
	refused := !j.overview.Sendable(j.Send.SkipInvalid)
	j.Observer.Event(Checked{Overview: j.overview, Refused: refused, Again: again})
	if refused {
		return ErrRefused
	}
	if sum := j.sheet.SHA256(); j.hash == "" {
		j.hash = sum
	} else if sum != "" && sum != j.hash {
		return errChanged
	}
	return nil
}

// checkAgain returns what checks the sheet, each time that it is called.
func (j *job) checkAgain(ctx context.Context) func(report func(sheet.Problem)) error {
	return func(report func(sheet.Problem)) (err error) {
		j.overview, err = batch.Check(ctx, j.sheet, j.Sheet.Rules, j.Send.SkipInvalid, report)
		if err != nil {
			err = j.Sheet.Unreadable(ctx, err)
		}
		return err
	}
}

var errChanged = invalid("the sheet was changed while it was checked: save it, and run again")

// Unreadable is the error of a check that could not be carried to its end.
func (s Sheet) Unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return invalid("the sheet %s cannot be read: %w", s.Name, err)
}
