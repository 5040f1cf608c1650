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

// turn is what is to be done with a row in this session.
type turn int

const (
	fresh turn = iota // send it
	skip              // it has its outcome
	doubt             // it may have been applied: read it back first
	note              // it keeps its outcome though a later run has written its session
)

// history is what earlier sessions of the run know about a row.
type history struct {
	turn         turn
	replaces     journal.Status // the row's earlier outcome, if it has one
	since        time.Time      // for doubt: when its last request left
	before       *api.Session   // what the session held before it was changed, if that is known
	kept         *journal.Before
	noted        *journal.Outcome // for note: to be recorded, if it is not yet
	maybeApplied bool             // by an earlier request of the run
}

// loadHistory reads from the journal what is known about a row.
func (e *engine) loadHistory(row int) (h history, err error) {
	if e.Earlier == nil {
		return h, nil
	}
	known := e.Earlier.Entry(row)
	status := known.Status()
	if status != journal.Pending {
		h.replaces = status
	}
	h.turn, h.noted, err = e.Later.turn(e.Earlier, known, nextTurn(known, e.RetryFailed))
	if err != nil || h.turn == skip || h.turn == note {
		return h, err
	}
	outcome, _, err := e.Earlier.OutcomeOf(known)
	if err != nil {
		return h, err
	}
	h.since = outcome.At.Add(-outcome.Duration)
	intent, inFlight, err := e.Earlier.IntentOf(known)
	if err != nil {
		return h, err
	}
	if inFlight {
		h.since = intent.At
	}
	h.maybeApplied = change.MayHaveWritten(string(status), inFlight, outcome.Attempts, outcome.HTTPStatus)
	if h.turn != doubt && !h.maybeApplied {
		return h, nil
	}
	kept, ok, err := e.Earlier.BeforeOf(known)
	if err != nil || !ok {
		return h, err
	}
	// What cannot be read says nothing; it is not worth the run.
	if s, err := api.ParseSession(kept.Session); err == nil {
		h.before, h.kept = &s, &kept
	}
	return h, nil
}

// nextTurn is the decision itself. A row in flight that does not run its
// session is sent again: its values are the same each time.
func nextTurn(known journal.Entry, retryFailed bool) turn {
	switch run, inFlight := known.InFlight(); {
	case run:
		return doubt
	case inFlight:
		return fresh
	}
	switch known.Status() {
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
		known := e.Earlier.Entry(row.Number)
		status := known.Status()
		id := strings.ToLower(sheet.Trim(row.ID))
		switch t := nextTurn(known, e.RetryFailed); {
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
	o, _, err := e.Earlier.OutcomeOf(e.Earlier.Entry(row))
	if err != nil {
		return err
	}
	const why = "not sent again: this would put its values over those of a later row of the same id, which was sent since"
	if !strings.Contains(o.Error, why) {
		o.Error = joinSentences(o.Error, fmt.Sprintf("%s (row %d)", why, e.superseded[row]))
	}
	o.At, o.Row = e.Now(), row
	return e.appendOutcome(o, earlier)
}
