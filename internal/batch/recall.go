package batch

import (
	"net/http"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// recall puts into a change what earlier sessions of the run know of it beside
// its outcome: whether a request of theirs may have been applied, and what the
// session held before.
func (e *engine) recall(c *Change, t turn) error {
	if e.Earlier == nil {
		return nil
	}
	_, inFlight := e.Earlier.InFlight(c.Row)
	c.mayStand = inFlight || c.replaces == journal.Unknown
	if c.replaces == journal.Failed && !c.mayStand {
		o, _, err := e.Earlier.Outcome(c.Row)
		if err != nil {
			return err
		}
		c.mayStand = mayStand(o)
	}
	if t != doubt && !c.mayStand {
		return nil
	}
	kept, ok, err := e.Earlier.Before(c.Row)
	if err != nil || !ok {
		return err
	}
	// What cannot be read says nothing; it is not worth the run.
	if s, err := api.ParseSession(kept.Session); err == nil {
		c.before = &s
	}
	return nil
}

// mayStand reports whether a failed row may have been applied nevertheless:
// its last answer leaves that open, or there was an attempt before it.
func mayStand(o journal.Outcome) bool {
	switch {
	case o.Attempts == 0:
		return false
	case o.Attempts > 1, o.HTTPStatus == 0, o.HTTPStatus == http.StatusRequestTimeout:
		return true
	}
	return o.HTTPStatus < 300 || o.HTTPStatus >= 500
}
