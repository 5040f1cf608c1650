package batch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// tenant is what the engine sends to.
type tenant interface {
	Patch(ctx context.Context, r api.Request) api.Answer
	Get(ctx context.Context, id string) api.Answer
	lister
}

// recorder is where intents and outcomes go.
type recorder interface {
	Append(journal.Record) error // returns at once
	Write(journal.Record) error  // returns when the record survives a kill
	Commit(journal.Record) error // returns when it survives a power cut
}

// An ending is how a row's turn ended: with an outcome, or without one
// because the run stops. What is not settled stays as the journal has it.
type ending struct {
	outcome journal.Outcome
	settled bool
	server  bool // the last answer was a 5xx
}

// A sender carries one change to its end. It returns an error only when the
// run cannot go on. It is used by one goroutine at a time.
type sender interface {
	send(ctx context.Context, c *Change) (ending, error)
}

// live sends changes to a tenant.
type live struct {
	tenant   tenant
	journal  recorder
	guard    *guard
	attempts int           // at most, for one row
	timeout  time.Duration // of one attempt
	compare  bool
	listed   *snapshot     // for compare; may be nil
	hidden   *atomic.Int64 // counts rows that compare could not compare whole, and left
	inOrder  bool          // several rows may be of one id
	now      func() time.Time
	pause    func(ctx context.Context, d time.Duration) bool // false when ctx ended
}

// send carries a change to its outcome. A panic becomes the outcome unknown of
// its row, and the run goes on.
func (l *live) send(ctx context.Context, c *Change) (e ending, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			e = l.end(c, journal.Unknown, api.Answer{Message: fmt.Sprintf("nermbulk failed inside (%v): it cannot tell whether the row was applied", broken)})
			e.outcome.Note = firstLines(string(debug.Stack()), 12)
			err = nil
		}
	}()
	if l.compare && (!c.Doubtful || !c.Run) {
		var done bool
		if e, done, err = l.skipSame(ctx, c); done || err != nil {
			return e, err
		}
	}
	if c.Run {
		return l.sendOnce(ctx, c)
	}
	return l.sendFreely(ctx, c)
}

// sendFreely sends a change that may be sent again: its values are the same
// each time.
func (l *live) sendFreely(ctx context.Context, c *Change) (ending, error) {
	// Waiting for the intent waits for this worker's last outcome too: a kill
	// can cost each worker no more than the one row that is in flight.
	if err := l.journal.Write(l.intent(c)); err != nil {
		return ending{}, err
	}
	a := l.tenant.Patch(ctx, api.Request{ID: c.ID, Body: c.Body, Attempts: l.attempts})
	if l.stops(a) {
		return ending{}, nil
	}
	if a.Verdict == api.OK {
		return l.updated(c, a), nil
	}
	return l.end(c, journal.Failed, a), nil
}

// updated ends a change whose answer is the changed session. What the tenant
// did not take over goes into the note.
func (l *live) updated(c *Change, a api.Answer) ending {
	e := l.end(c, journal.Updated, a)
	if names := overruled(c, a.Session); names != "" {
		e.outcome.Note = "the tenant holds other values than were sent: " + names
	}
	return e
}

// stops takes in an answer that ends the run, or none that came because it
// ends. The row stays as it was.
func (l *live) stops(a api.Answer) bool {
	switch a.Verdict {
	case api.Denied:
		l.guard.halt(StoppedByDenial, "%s", a.Message)
	case api.Unreachable:
		l.guard.halt(StoppedByOutage, "%s", a.Message)
	case api.Canceled:
	default:
		return false
	}
	return true
}

func (l *live) intent(c *Change) journal.Intent {
	return journal.Intent{At: l.now(), Row: c.Row, ID: c.ID, Hash: c.Hash(), Run: c.Run}
}

// end makes the outcome of a change from the last answer to it.
func (l *live) end(c *Change, status journal.Status, a api.Answer) ending {
	return ending{settled: true, server: a.Server, outcome: journal.Outcome{
		At: l.now(), Row: c.Row, ID: c.ID, Hash: c.Hash(), Run: c.Run,
		Status: status, HTTPStatus: a.Status, Attempts: a.Attempts, Duration: a.Duration,
		Error: a.Message, ErrorBody: string(a.Body),
	}}
}

// firstLines cuts a text after n lines.
func firstLines(s string, n int) string {
	for i := range len(s) {
		if s[i] == '\n' {
			if n--; n == 0 {
				return s[:i]
			}
		}
	}
	return s
}
