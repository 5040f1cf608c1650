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
	// unlucky is how often others must be granted that were refused before so that no
	// limit is the reason why one never is.
	unlucky = 15
	// settledAfter is how many requests in a row must be granted at their first
	// attempt so that the rate is not what others are refused for.
	settledAfter = 5
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
	sign    sign      // what the last says of the request
	seen    granted   // until the last that says anything
	limited int       // times that others were granted that were refused before
	own     int       // that say that it is its own error
	alike   int       // and of these, with others of its own kind granted
	since   time.Time // of the first of these with none such granted
	sure    bool      // no limit explains one of them
	probes  int       // requests that asked in its place
	signals int       // overloads that the limiter knows of and may be wrong about
	certain bool      // they are its own error
}

// granted counts answers that were no refusals.
type granted struct{ changes, reads uint64 }

// sign is what a refusal or an overload says of the request itself.
type sign int

const (
	none      sign = iota
	limited        // others are granted that were refused before: it is the rate
	early          // only a probe was answered, and that may be all that is granted yet
	contested      // the same later on, but others have asked as well
	unlike         // others are granted, though none of its kind
	like           // others of its kind are granted
)

// sign compares what a request got with what others got since the time before.
// A limit grants in the end whatever it refused; a row's own error is never
// granted, whatever else is.
func (c *Client) sign(q *call, sent time.Time) sign {
	r, seen := &q.refusals, c.starved.granted()
	if !r.met || seen == r.seen {
		return none
	}
	settled, changes := c.starved.settled(), seen.changes != r.seen.changes
	if changes && !settled {
		if r.limited >= unlucky {
			return like
		}
		return limited
	}
	if sign, probed := c.starved.compare(sent); probed {
		return sign
	}
	switch {
	case !settled:
		return none
	case changes, q.does == safe:
		return like
	}
	return unlike
}

// note keeps what a refusal says. alone is as of Client.alone.
func (r *refusals) note(at time.Time, alone bool) {
	switch {
	case r.sign == like:
		r.own, r.alike, r.sure = r.own+1, r.alike+1, true
	case alone, r.sign > limited:
		r.own, r.sure = r.own+1, r.sure || r.sign == unlike
		if r.since.IsZero() {
			r.since = at
		}
	case r.sign == limited:
		r.limited++
		r.own, r.alike, r.since, r.sure, r.certain = 0, 0, time.Time{}, false, false
	}
}

// refused notes a refusal or an overload, and reports whether it was the last
// one that this request may get, or else how long its next attempt waits.
func (c *Client) refused(ctx context.Context, q *call, got result) (last bool, pause time.Duration) {
	r, at := &q.refusals, got.at
	alone := got.class == overloaded && c.alone(ctx, q, got)
	if r.sign == early && !alone {
		return false, 0
	}
	r.note(at, alone)
	r.met, r.seen = true, c.starved.granted()
	switch {
	case got.class == throttled:
		return r.own >= max(c.maxAttempts, ownRefusals), 0
	case c.starved.left(at) <= 0: // an outage: nobody waits or is under way because they gave up
		return false, 0
	case r.own < c.maxAttempts && (alone || r.own < ownForCertain):
		return false, 0
	}
	c.limiter.Withdraw(r.signals)
	if r.signals, r.certain = 0, true; alone {
		return true, 0
	}
	left, others := c.untilOwn(q, at)
	failures := r.own
	switch {
	case r.own < c.maxAttempts:
	case !r.sure:
		failures = 1
	case left > 0:
		return false, left
	case !others:
		return true, 0
	}
	return false, min(jitter(backoff(failures, retryCap)), c.starved.left(at))
}

type waitingKey struct{}

// WithWaiting returns a context for calls that are made one after another:
// waiting reports whether there are some that wait for those under way.
func WithWaiting(ctx context.Context, waiting func() bool) context.Context {
	return context.WithValue(ctx, waitingKey{}, waiting)
}

// alone reports whether nothing but this call would be granted anything, and what
// it gets is its own error at once: with one attempt for each row, or no wait for
// outages, and where a single row that is left gets no answer in time.
func (c *Client) alone(ctx context.Context, q *call, got result) bool {
	switch {
	case c.calls.Load() != 1:
		return false
	case c.maxAttempts == 1, !c.canProbe(q):
		return true
	}
	waiting, known := ctx.Value(waitingKey{}).(func() bool)
	return got.status == 0 && (!known || !waiting())
}

// untilOwn returns for how long what a request gets is not yet its own error
// though the tenant answers what is of another kind: it may be in maintenance.
// Where a row waits that was not tried yet, it is sent, and shows more.
func (c *Client) untilOwn(q *call, at time.Time) (left time.Duration, others bool) {
	r := &q.refusals
	switch {
	case !c.canProbe(q), r.alike >= min(c.maxAttempts, ownForCertain):
		return 0, false
	case q.another != nil && q.another():
		if !c.starved.settled() { // what it was granted says nothing
			r.seen = c.starved.granted()
		}
		return 0, true
	}
	return min(maintenance, c.starved.patience/2) - max(at.Sub(r.since), c.starved.lasted(at)), false
}

// canProbe reports whether something else can be asked of the tenant in a
// request's place. Where outages are not waited for, as with a page that is wanted
// by a time, there is none to be found.
func (c *Client) canProbe(q *call) bool { return q.until.IsZero() && c.outage.maxOutage > 0 }

// asks reports whether a request that changes nothing is to be sent before the
// next attempt: it shows whether the tenant answers at all.
func (c *Client) asks(q *call) bool {
	r := &q.refusals
	switch {
	case !c.canProbe(q), r.sure && r.own >= c.maxAttempts, r.met && r.seen != c.starved.granted(), !r.met && r.probes > 0:
		return false
	}
	return c.starved.ask(time.Now(), r.certain)
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
