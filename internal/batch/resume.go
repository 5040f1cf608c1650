package batch

import (
	"time"

	"nermbulk/internal/journal"
)

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

// requestTime is when the last request for a row left.
func (e *engine) requestTime(row int) (time.Time, error) {
	intent, ok, err := e.Earlier.Intent(row)
	if ok || err != nil {
		return intent.At, err
	}
	outcome, _, err := e.Earlier.Outcome(row)
	return outcome.At.Add(-outcome.Duration), err
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
