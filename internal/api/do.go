package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"nermbulk/internal/pace"
)

// outcome is one attempt, judged.
type outcome struct {
	serverTime time.Time // of a session that was read
	event      event
	status     int
	session    *Session
	message    string // for all but confirmed
	body       []byte // a copy for the Answer, for all but confirmed
	reached    bool
	sent       time.Time
	at         time.Time
}

// do makes attempts until there is a verdict.
func (c *Client) do(ctx context.Context, q *call) Answer {
	if q.page == nil && !isSegment(q.id) {
		return Answer{Verdict: Refused, Message: fmt.Sprintf("%q is not a session's id; nothing was sent", q.id)}
	}
	limit := q.attempts
	if limit <= 0 {
		limit = c.maxAttempts
	}
	var (
		a       Answer
		t       ticket
		begun   time.Time
		renewed bool
	)
	for {
		g, err := c.turn(ctx, &t)
		if err != nil {
			c.gate.release(t)
			return c.stopped(a, err)
		}
		o := c.attempt(q, g)
		c.trace(ctx, q, a.Attempts+1, o)
		if begun.IsZero() {
			begun = o.sent
		}
		if o.event == unreached {
			c.unreached(t, o.message)
			continue
		}
		c.reached()
		t = 0
		a.note(o, begun)
		if a.Attempts > 1 {
			c.counts.retried.Add(1)
		}
		if o.event == denied && !renewed && c.credentials.discard(g) {
			// The token may have been withdrawn or have expired early:
			// that says nothing about the row, so it costs no attempt.
			renewed = true
			limit++
			continue
		}
		again, verdict := decide(o.event, q.does, a.Attempts >= limit, a.InDoubt)
		a.InDoubt = a.InDoubt || doubts(o.event, q.does)
		if !again {
			return a.end(verdict)
		}
		c.log.Debug("another attempt follows", "id", q.id, "attempt", a.Attempts, "reason", o.message)
		if o.event == broken {
			if err := sleep(ctx, jitter(backoff(a.Attempts, retryFirst, retryCap))); err != nil {
				return c.stopped(a, err)
			}
		}
	}
}

// turn waits until an attempt may leave: the tenant is not known to be out of
// reach (or this caller is to probe), there is an authorisation, and the rate
// allows it. The turn is taken last, so that nothing delays what it paced.
func (c *Client) turn(ctx context.Context, t *ticket) (*grant, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if *t, err = c.gate.enter(ctx, *t); err != nil {
			return nil, err
		}
		g, err := c.credentials.current(ctx)
		var d *denial
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &d):
			return nil, err
		default:
			c.unreached(*t, err.Error())
			continue
		}
		if err := c.limiter.Wait(ctx); err != nil {
			return nil, err
		}
		if *t != 0 || !c.gate.closed.Load() {
			return g, nil
		}
		// The tenant went out of reach meanwhile: give the turn back.
		now := time.Now()
		c.limiter.Observe(pace.Observation{SentAt: now, At: now})
	}
}

// attempt makes one exchange and judges it.
func (c *Client) attempt(q *call, g *grant) outcome {
	x := c.exchanges.take()
	if x == nil {
		x = c.newExchange()
	}
	x.prepare(c, q, g)
	r, clean := x.run(c.timeout, q.maxOK())
	if r.reached {
		c.count(q, r)
	}
	asked := time.Duration(-1)
	if r.status != 0 && r.status != http.StatusOK {
		asked = retryAfter(r.header, r.at)
	}
	c.limiter.Observe(observation(r, asked))
	o := c.judge(q, r, asked)
	if clean {
		c.exchanges.keep(x, r.at)
	}
	return o
}

// trace logs one attempt.
func (c *Client) trace(ctx context.Context, q *call, attempt int, o outcome) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	path := "/workflow_sessions"
	switch {
	case q.page != nil:
		path += "?" + q.query
	case q.does == once:
		path += "/" + q.id + "?run=true"
	default:
		path += "/" + q.id
	}
	attrs := []any{"method", q.method(), "path", path, "attempt", attempt, "duration_ms", o.at.Sub(o.sent).Milliseconds()}
	if o.status != 0 {
		attrs = append(attrs, "status", o.status)
	}
	if o.message != "" {
		attrs = append(attrs, "error", o.message)
	}
	c.log.Debug("request", attrs...)
}

func (x *exchange) prepare(c *Client, q *call, g *grant) {
	x.authorise(g)
	x.req.Method = q.method()
	x.setBody(q.body)
	x.url.RawQuery = q.query
	if q.page != nil {
		c.paths.list(&x.url)
		return
	}
	c.paths.session(&x.url, q.id)
	if q.does == once {
		x.url.RawQuery = "run=true"
	}
}

// count counts an exchange that left.
func (c *Client) count(q *call, r reply) {
	if q.does == reads {
		c.counts.get.Add(1)
	} else {
		c.counts.patch.Add(1)
	}
	if r.status != 0 {
		c.counts.answered(r.at.Sub(r.sent))
	}
}
