package api

import (
	"fmt"
	"net/http"
)

const (
	// ownRefusals is how often one request must be refused for the rate, with
	// others granted in between, to be its own error.
	ownRefusals = 5
	// ownForCertain is how often it must be answered with an overload so that
	// this is no longer taken for one.
	ownForCertain = 2
)

// refusals is what is known of one request that was refused for the rate, or
// answered with an overload. Neither costs it an attempt while the rate is
// being lowered; what it still gets while others are granted is its own error.
type refusals struct {
	own     int    // times that others were granted since the time before
	others  uint64 // answers that were no refusals when it was refused last, and 1; 0: it was not
	signals int    // overloads that the limiter knows of and may be wrong about
	certain bool   // they are its own error
}

// ownRefusal notes a refusal or an overload, and reports whether it was the last
// one that this request may get.
func (c *Client) ownRefusal(r *refusals, class class) bool {
	granted := c.starved.others.Load() + 1
	alone := class == overloaded && c.calls.Load() == 1 // nobody else would be granted anything
	if r.others != 0 && granted != r.others || alone {
		r.own++
	}
	r.others = granted
	if class == throttled {
		return r.own >= max(c.maxAttempts, ownRefusals)
	}
	last := r.own >= c.maxAttempts
	if last || r.own >= ownForCertain && !alone {
		c.limiter.Withdraw(r.signals)
		r.signals, r.certain = 0, true
	}
	return last
}

// overload says in words for people what is a sign of overload.
func overload(r reply) string {
	if r.status == 0 {
		return fmt.Sprintf("timeouts (no answer within %v)", r.within)
	}
	return fmt.Sprintf("HTTP %d %s", r.status, http.StatusText(r.status))
}
