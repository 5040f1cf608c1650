package batch

import (
	"context"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// sendCanary sends one of the first rows by itself and reads it back. The run
// goes on only if it is right. A row that turns out to need no request is no
// canary: the next one is.
func (e *engine) sendCanary(ctx context.Context, c *Change) error {
	defer e.spare.Put(c)
	if ctx.Err() != nil {
		return errStopped
	}
	end, err := e.sender().send(ctx, c)
	if err != nil {
		return err
	}
	if !end.settled {
		if ctx.Err() != nil {
			return errStopped
		}
		e.canaries++ // a dry run plans it like any other
		return nil
	}
	wrong := ""
	switch status := end.outcome.Status; {
	case status == journal.Updated:
		e.canaries++
		if wrong = e.verify(ctx, c); wrong != "" {
			end.outcome.Note = joinSentences(end.outcome.Note, "canary: "+wrong)
		}
	case isFailure(status):
		wrong = string(status) + ": " + end.outcome.Error
	}
	if err := e.Journal.Append(end.outcome); err != nil {
		return err
	}
	e.took(c, end)
	if wrong != "" && ctx.Err() == nil {
		e.guard.halt(StoppedByCanary, "row %d, one of the first %d (--canary), is not right: %s", c.Row, e.Canary, wrong)
	}
	if wrong != "" {
		return errStopped
	}
	return nil
}

// verify reads a canary's session back and says what is wrong with it, if
// anything. Running a session can move its status on.
func (e *engine) verify(ctx context.Context, c *Change) (wrong string) {
	got := e.Tenant.Get(ctx, c.ID)
	if got.Verdict != api.OK {
		return "it could not be read back: " + got.Message
	}
	found := compare(c, got.Session)
	if c.Run {
		found.forget("status")
	}
	if names := found.names(certain); names != "" {
		return "read back, the tenant holds other values than were sent: " + names
	}
	return ""
}
