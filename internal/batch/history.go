package batch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// earlier is what the journal of earlier sessions says about a row.
type earlier interface {
	Status(row int) journal.Status
	InFlight(row int) (run, inFlight bool)
	Intent(row int) (journal.Intent, bool, error)
	Outcome(row int) (journal.Outcome, bool, error)
	Before(row int) (journal.Before, bool, error)
}

// turn is what is to be done with a row in this session.
type turn int

const (
	fresh turn = iota // send it
	skip              // it has its outcome
	doubt             // it may have been applied: read it back first
)

// turn decides from the journal what is to be done with a row. earlier is the
// outcome that a new one will replace, if any; since is when the request of a
// row in doubt left.
func (e *engine) turn(row int) (t turn, earlier journal.Status, since time.Time, err error) {
	if e.Earlier == nil {
		return fresh, "", time.Time{}, nil
	}
	run, inFlight := e.Earlier.InFlight(row)
	earlier = e.Earlier.Status(row)
	t = nextTurn(earlier, run, inFlight, e.RetryFailed)
	if earlier == journal.Pending {
		earlier = ""
	}
	if t == doubt {
		since, err = e.requestTime(row)
	}
	return t, earlier, since, err
}

// nextTurn is the decision itself. A row in flight that does not run its
// session is sent again: its values are the same each time.
func nextTurn(status journal.Status, run, inFlight, retryFailed bool) turn {
	switch {
	case inFlight && run:
		return doubt
	case inFlight:
		return fresh
	}
	switch status {
	case journal.Updated, journal.Unchanged, journal.Invalid:
		return skip
	case journal.Failed:
		if retryFailed {
			return fresh
		}
		return skip
	case journal.Unknown:
		return doubt
	}
	return fresh
}

// requestTime is when the last request for a row left.
func (e *engine) requestTime(row int) (time.Time, error) {
	intent, ok, err := e.Earlier.Intent(row)
	if ok || err != nil {
		return intent.At, err
	}
	outcome, _, err := e.Earlier.Outcome(row)
	return outcome.At.Add(-outcome.Duration), err
}

// loadHistory adds to a task whether a request of an earlier session may have
// been applied, and what the session held before.
func (e *engine) loadHistory(t *task, now turn) error {
	if e.Earlier == nil {
		return nil
	}
	_, inFlight := e.Earlier.InFlight(t.Row)
	t.maybeApplied = inFlight || t.replaces == journal.Unknown
	if t.replaces == journal.Failed && !t.maybeApplied {
		o, _, err := e.Earlier.Outcome(t.Row)
		if err != nil {
			return err
		}
		t.maybeApplied = change.MaybeApplied(o.Attempts, o.HTTPStatus)
	}
	if now != doubt && !t.maybeApplied {
		return nil
	}
	kept, ok, err := e.Earlier.Before(t.Row)
	if err != nil || !ok {
		return err
	}
	// What cannot be read says nothing; it is not worth the run.
	if s, err := api.ParseSession(kept.Session); err == nil {
		t.before = &s
	}
	return nil
}

// findSuperseded finds the rows that are to be sent again although a later row
// of their id was sent since: that would put their values over the later ones'.
// It reads the sheet once more, and only where rows are sent in order.
func (e *engine) findSuperseded(ctx context.Context) error {
	if e.Earlier == nil || !e.Rules.InOrder {
		return nil
	}
	again := map[string][]int{} // rows that are to be sent again, by id
	e.superseded = map[int]int{}
	return e.Sheet.Each(ctx, func(row *sheet.Row) error {
		status := e.Earlier.Status(row.Number)
		run, inFlight := e.Earlier.InFlight(row.Number)
		id := strings.ToLower(sheet.Trim(row.ID))
		switch t := nextTurn(status, run, inFlight, e.RetryFailed); {
		case t != skip && isFailure(status):
			id = strings.Clone(id)
			again[id] = append(again[id], row.Number)
		case status == journal.Updated || status == journal.Unchanged:
			for _, number := range again[id] {
				e.superseded[number] = row.Number
			}
			delete(again, id)
		}
		return nil
	})
}

// keepSuperseded records a superseded row's outcome once more, with the reason
// why it stays as it is.
func (e *engine) keepSuperseded(row int, earlier journal.Status) error {
	o, _, err := e.Earlier.Outcome(row)
	if err != nil {
		return err
	}
	const why = "not sent again: this would put its values over those of a later row of the same id, which was sent since"
	if !strings.Contains(o.Error, why) {
		o.Error = joinSentences(o.Error, fmt.Sprintf("%s (row %d)", why, e.superseded[row]))
	}
	o.At = e.Now()
	if err := e.Journal.Append(o); err != nil {
		return err
	}
	if e.Replaced != nil {
		e.Replaced(earlier)
	}
	return nil
}
