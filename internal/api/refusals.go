package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	// ownRefusals is how often one request must be refused for the rate, with
	// others granted in between, to be its own error.
	ownRefusals = 5
	// ownForCertain is how often it must be answered with an overload so that
	// this is no longer taken for one.
	ownForCertain = 2
	// inVain is for how long nothing but overload must be answered so that it is
	// asked whether the tenant answers what changes nothing.
	inVain = time.Second
	// maintenance is how long a tenant may answer every change with an overload,
	// and everything else as usual, so that this is no error of the rows.
	maintenance = 30 * time.Second
)

// refusals is what is known of one request that was refused for the rate, or
// answered with an overload. Neither costs it an attempt while the rate is
// being lowered; what it still gets while others are granted is its own error.
type refusals struct {
	met     bool      // there was one
	seen    granted   // until the last
	own     int       // times that others were granted since the time before
	alike   int       // and of these, that others of its own kind were
	since   time.Time // of the first of these at which others were not
	probes  int       // requests that asked in its place
	signals int       // overloads that the limiter knows of and may be wrong about
	certain bool      // they are its own error
}

// granted counts answers that were no refusals.
type granted struct{ changes, reads uint64 }

// refused notes a refusal or an overload, and reports whether it was the last
// one that this request may get, or else how long its next attempt waits.
func (c *Client) refused(ctx context.Context, q *call, class class, at time.Time) (last bool, pause time.Duration) {
	r, seen := &q.refusals, c.starved.granted()
	alone := class == overloaded && c.alone(ctx, q)
	if !r.met {
		r.met, r.seen = true, seen
	}
	switch {
	case seen.changes != r.seen.changes, q.does == safe && seen != r.seen:
		r.own, r.alike = r.own+1, r.alike+1
	case seen.reads != r.seen.reads, alone:
		if r.own++; r.since.IsZero() {
			r.since = at
		}
	}
	r.seen = seen
	if class == throttled {
		return r.own >= max(c.maxAttempts, ownRefusals), 0
	}
	if c.starved.left(at) <= 0 { // an outage: nobody waits or is under way because they gave up
		return false, 0
	}
	left, others := time.Duration(0), false
	if !alone {
		left, others = c.untilOwn(q, at)
	}
	last = r.own >= c.maxAttempts && left <= 0 && !others
	if !last && (r.own < ownForCertain || alone) {
		return false, 0
	}
	c.limiter.Withdraw(r.signals)
	r.signals, r.certain = 0, true
	if left > 0 && r.own >= c.maxAttempts {
		return last, left
	}
	return last, min(jitter(backoff(r.own, retryCap)), c.starved.left(at))
}

type waitingKey struct{}

// WithWaiting returns a context for calls that are made one after another:
// waiting reports whether there are some that wait for those under way.
func WithWaiting(ctx context.Context, waiting func() bool) context.Context {
	return context.WithValue(ctx, waitingKey{}, waiting)
}

// alone reports whether nothing but this call would be granted anything: none
// is under way, and none waits. With one attempt for each row, or no wait for
// outages, an outage is not kept apart from an error while others wait.
func (c *Client) alone(ctx context.Context, q *call) bool {
	waiting, known := ctx.Value(waitingKey{}).(func() bool)
	return c.calls.Load() == 1 && (!known || c.maxAttempts == 1 || !c.canProbe(q) || !waiting())
}

// untilOwn returns for how long what a request gets is not yet its own error
// though the tenant answers what is of another kind: it may be in maintenance.
// Where a row waits that was not tried yet, it is sent, and shows more.
func (c *Client) untilOwn(q *call, at time.Time) (left time.Duration, others bool) {
	r, enough := &q.refusals, min(c.maxAttempts, ownForCertain)
	switch {
	case !c.canProbe(q), r.own < enough, r.alike >= enough:
		return 0, false
	case q.another != nil && q.another():
		return 0, true
	}
	return r.since.Add(min(maintenance, c.starved.patience/2)).Sub(at), false
}

// canProbe reports whether something else can be asked of the tenant in a
// request's place. Where outages are not waited for, there is none to be found.
func (c *Client) canProbe(q *call) bool { return q.list == nil && c.outage.maxOutage > 0 }

// asks reports whether a request that changes nothing is to be sent before the
// next attempt: it shows whether the tenant answers at all.
func (c *Client) asks(q *call) bool {
	r := &q.refusals
	return c.canProbe(q) && (!r.met || r.seen == c.starved.granted()) && c.starved.ask(time.Now())
}

// probe is that request: it reads the session, and the list of sessions where
// reading that one may be what fails.
func (q *call) probe() *call {
	q.refusals.probes++
	p := &call{does: safe, probes: true, id: q.id}
	if q.does == safe || q.refusals.probes%2 == 0 {
		p.list = &listCall{"workflow_sessions", url.Values{"limit": {"1"}}.Encode(), func([]byte) string { return "" }}
	}
	return p
}

// overload says in words for people what is a sign of overload.
func overload(r reply) string {
	if r.status == 0 {
		return fmt.Sprintf("timeouts (no answer within %v)", r.within)
	}
	return fmt.Sprintf("HTTP %d %s", r.status, http.StatusText(r.status))
}
