package batch

import (
	"context"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// sendCanary sends one of the first rows by itself and reads it back. The run
// goes on only if it is right.
func (e *engine) sendCanary(ctx context.Context, c *Change) error {
	defer e.spare.Put(c)
	if ctx.Err() != nil {
		return errStopped
	}
	s := e.sender()
	end, err := s.send(ctx, c)
	if err != nil {
		return err
	}
	if !end.settled {
		return errStopped
	}
	wrong := ""
	if end.outcome.Status == journal.Updated && !e.DryRun {
		if wrong = e.verify(ctx, c); wrong != "" {
			end.outcome.Note = joinSentences(end.outcome.Note, "canary: "+wrong)
		}
	} else if isFailure(end.outcome.Status) {
		wrong = string(end.outcome.Status) + ": " + end.outcome.Error
	}
	if err := e.Journal.Append(end.outcome); err != nil {
		return err
	}
	e.took(c, end)
	if wrong != "" {
		e.guard.halt(StoppedByCanary, "row %d, one of the first %d (--canary), is not right: %s", c.Row, e.Canary, wrong)
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
	if names := found.names(); names != "" {
		return "read back, the tenant holds other values than were sent: " + names
	}
	return ""
}
