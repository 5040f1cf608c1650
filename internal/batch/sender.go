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
	serverError bool // the last answer was a 5xx
}

// A sender carries one change to its end. It returns an error only when the
// run cannot go on. It is used by one goroutine at a time.
type sender interface {
	send(ctx context.Context, t *task) (result, error)
}

// newSender makes a sender for one goroutine.
func (e *engine) newSender() sender {
	base := tenantSender{
		tenant: e.Tenant, journal: e.Journal, guard: e.guard,
		attempts: e.Attempts, timeout: e.Timeout, now: e.Now,
	}
	reader := sessionReader{tenantSender: base, listed: e.listed, hidden: &e.hidden}
	if e.DryRun {
		return &dryRunSender{sessionReader: reader, compare: e.Compare}
	}
	var s sender = &runTrue{tenantSender: base, compare: e.Compare, inOrder: e.Rules.InOrder}
	if e.Compare {
		s = &comparing{sessionReader: reader, next: s}
	}
	return recovering{base, s}
}

// tenantSender sends a change that may be sent again: its values are the same
// each time.
type tenantSender struct {
	tenant   tenant
	journal  recorder
	guard    *guard
	attempts int           // at most, for one row
	timeout  time.Duration // of one attempt
	now      func() time.Time
}

func (s *tenantSender) send(ctx context.Context, t *task) (result, error) {
	// Waiting for the intent waits for this worker's last outcome too: a kill
	// can cost each worker no more than the one row that is in flight.
	if err := s.journal.Write(s.intent(t)); err != nil {
		return result{}, err
	}
	a := s.tenant.Patch(ctx, api.Request{ID: t.ID, Body: t.Body, Attempts: s.attempts})
	switch {
	case s.stops(a):
		return result{}, nil
	case a.Verdict == api.OK:
		return s.updated(t, a), nil
	}
	return s.end(t, journal.Failed, a), nil
}

// stops reports whether an answer ends the run, or is none that came because
// it ends. The row stays as it was.
func (s *tenantSender) stops(a api.Answer) bool {
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

func (s *tenantSender) intent(t *task) journal.Intent {
	return journal.Intent{At: s.now(), Row: t.Row, ID: t.ID, Hash: t.Hash(), Run: t.Run}
}

// updated ends a change whose answer is the changed session. What the tenant
// did not take over goes into the note.
func (s *tenantSender) updated(t *task, a api.Answer) result {
	r := s.end(t, journal.Updated, a)
	if names := change.Compare(&t.Change, a.Session).Names(change.Certain); names != "" {
		r.outcome.Note = "the tenant holds other values than were sent: " + names
	}
	return r
}

// end makes the outcome of a change from the last answer to it.
func (s *tenantSender) end(t *task, status journal.Status, a api.Answer) result {
	return result{final: true, serverError: a.Server, outcome: journal.Outcome{
		At: s.now(), Row: t.Row, ID: t.ID, Hash: t.Hash(), Run: t.Run,
		Status: status, HTTPStatus: a.Status, Attempts: a.Attempts, Duration: a.Duration,
		Error: a.Message, ErrorBody: string(a.Body),
	}}
}

// recovering makes a panic the outcome unknown of its row, and the run goes on.
type recovering struct {
	tenantSender
	next sender
}

func (s recovering) send(ctx context.Context, t *task) (r result, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			r = s.end(t, journal.Unknown, api.Answer{Message: fmt.Sprintf("nermbulk failed inside (%v): it cannot tell whether the row was applied", broken)})
			lines := strings.SplitN(string(debug.Stack()), "\n", 13)
			r.outcome.Note = strings.Join(lines[:min(len(lines), 12)], "\n")
			err = nil
		}
	}()
	return s.next.send(ctx, t)
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
