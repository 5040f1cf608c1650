package batch

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
)

// A result is how a row's turn ended: with an outcome, or without one because
// the run stops. What is not final stays as the journal has it.
type result struct {
	outcome     journal.Outcome
	final       bool
	late        bool // the request did not leave in time (see patch): without an outcome, the row is to be compared again
	serverError bool // the last answer was a 5xx
}

// A sender carries one change to its end. It returns an error only when the
// run cannot go on. It is safe for concurrent use.
type sender interface {
	send(ctx context.Context, t *task) (result, error)
}

// newSender makes the sender of a run that ends with ctx, for all its goroutines.
func (e *engine) newSender(ctx context.Context) sender {
	base := tenantSender{e, func() bool { return e.sendAnother(ctx) }}
	var s sender = runTrue{base}
	switch {
	case e.DryRun:
		s = dryRunSender{base}
	case e.Compare:
		s = comparing{base, s}
	}
	return recovering{base, s}
}

// tenantSender sends a change that may be sent again: its values are the same
// each time.
type tenantSender struct {
	*engine
	another func() bool // see sendAnother
}

func (s tenantSender) send(ctx context.Context, t *task) (result, error) {
	if !s.mayLeave(t) {
		return result{}, nil
	}
	// Waiting for the intent waits for this worker's last outcome too: a kill
	// can cost each worker no more than the one row that is in flight.
	if err := s.Journal.Write(s.intent(t)); err != nil {
		return result{}, err
	}
	a := s.patch(ctx, t, s.Attempts, nil)
	switch {
	case s.stops(a):
		return result{late: late(ctx, a)}, nil
	case a.Verdict == api.OK:
		return s.updated(t, a), nil
	case accepted(a):
		r, again, err := s.readBackAfter(ctx, t, a)
		if !again {
			return r, err
		}
		a.Message = joinSentences(a.Message, "read back, the session is not as the row asks")
	}
	return s.end(t, journal.Failed, a), nil
}

// mayLeave reports whether --limit allows one more row to be sent, and counts it.
func (s tenantSender) mayLeave(t *task) bool {
	t.counted = t.counted || s.guard.takeRow()
	return t.counted
}

// patch sends a change, with so many attempts at most, each reported to attempted
// if that is any. Where a row depends on
// when its session was changed, the request leaves within maxAge of its reading,
// however long the tenant cannot be reached; a third try takes its time, since
// the rate may be lower than that.
func (s tenantSender) patch(ctx context.Context, t *task, attempts int, attempted func(api.Answer, time.Time)) api.Answer {
	t.left = true
	if t.tries++; s.IfUnchanged != nil && t.tries < 3 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxAge)
		defer cancel()
	}
	a := s.Tenant.Patch(ctx, api.Request{ID: t.ID, Run: t.Run, Body: t.Body, Attempts: attempts, Attempted: attempted, Another: s.another})
	t.maybeApplied = t.maybeApplied || s.IfUnchanged != nil && a.InDoubt
	return a
}

// late reports whether a request was given up for its own time alone, while the
// run goes on.
func late(ctx context.Context, a api.Answer) bool {
	return a.Verdict == api.Canceled && ctx.Err() == nil
}

// stops reports whether an answer ends the run, or is none that came because
// it ends. The row stays as it was.
func (s tenantSender) stops(a api.Answer) bool {
	switch a.Verdict {
	case api.Denied:
		s.guard.halt(StoppedByDenial, "%s", a.Message)
	case api.Unreachable:
		s.guard.halt(StoppedByOutage, "%s", a.Message)
	case api.Canceled:
	default:
		return false
	}
	return true
}

func (s tenantSender) intent(t *task) journal.Intent {
	return journal.Intent{At: s.Now(), Row: t.Row, ID: t.ID, Hash: t.Hash(), Run: t.Run}
}

// updated ends a change whose answer is the changed session. What the tenant
// did not take over goes into the note.
func (s tenantSender) updated(t *task, a api.Answer) result {
	r := s.end(t, journal.Updated, a)
	if names := change.Compare(&t.Change, a.Session).Names(change.Certain); names != "" {
		r.outcome.Note = "the tenant holds other values than were sent: " + names
	}
	return s.wrote(r, a.Session)
}

// wrote notes when the tenant says that a row has changed its session.
func (s tenantSender) wrote(r result, session *api.Session) result {
	if s.IfUnchanged != nil && session != nil {
		r.outcome.UpdatedAt = session.UpdatedAt
		s.IfUnchanged.add(r.outcome)
	}
	return r
}

// end makes the outcome of a change from the last answer to it.
func (s tenantSender) end(t *task, status journal.Status, a api.Answer) result {
	return result{final: true, serverError: a.Server, outcome: journal.Outcome{
		At: s.Now(), Row: t.Row, ID: t.ID, Hash: t.Hash(), Run: t.Run,
		Status: status, HTTPStatus: a.Status, Attempts: a.Attempts, Duration: a.Duration, RequestID: a.RequestID,
		Error: a.Message, ErrorBody: string(a.Body),
	}}
}

// recovering makes a panic the outcome of its row, and the run goes on: unknown
// where a request may have left for it, failed where none did.
type recovering struct {
	tenantSender
	next sender
}

func (s recovering) send(ctx context.Context, t *task) (r result, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			status, what := journal.Failed, "nothing was sent for the row"
			if t.left || t.Doubtful || t.maybeApplied {
				status, what = journal.Unknown, "it cannot tell whether the row was applied"
			}
			r = s.end(t, status, api.Answer{Message: fmt.Sprintf("nermbulk failed inside (%v): %s", broken, what)})
			r.outcome.Note, err = stack(), nil
		}
	}()
	return s.next.send(ctx, t)
}

// stack is where a panic came from, in a few lines.
func stack() string {
	lines := strings.SplitN(string(debug.Stack()), "\n", 13)
	return strings.Join(lines[:min(len(lines), 12)], "\n")
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
