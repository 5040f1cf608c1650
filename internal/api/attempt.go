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

// maxRequestID is how many characters of a request's id are kept.
const maxRequestID = 128

// do makes attempts until there is a verdict.
func (c *Client) do(ctx context.Context, q *call) Answer {
	if q.list == nil && (q.id == "" || q.id == "." || q.id == "..") {
		return Answer{Verdict: Refused, Message: fmt.Sprintf("%q is not a session's id; nothing was sent", q.id)}
	}
	if q.list != nil {
		q.until, _ = ctx.Deadline()
	}
	limit := q.attempts
	if limit <= 0 {
		limit = c.maxAttempts
	}
	var (
		a       Answer
		p       probe
		begun   time.Time
		pause   time.Duration
		renewed bool
	)
	c.calls.Add(1)
	defer func() {
		c.calls.Add(-1)
		if p != 0 { // a panic too must not leave the others waiting
			c.outage.release(p)
		}
	}()
	for {
		t, err := c.turn(ctx, pause, &p)
		if err != nil {
			return c.stopped(a, err)
		}
		r, own := c.try(ctx, q, t, &p, a.Attempts+1)
		if begun.IsZero() {
			begun = r.sent
		}
		if pause = 0; !own {
			continue
		}
		r.answer.Attempts, r.answer.InDoubt, r.answer.Duration = a.Attempts+1, a.InDoubt, r.at.Sub(begun)
		if a = r.answer; a.Attempts > 1 {
			c.counts.retried.Add(1)
		}
		if q.attempted != nil {
			q.attempted(a, r.at)
		}
		if r.class == denied && !renewed && c.signIn.invalidate(t) {
			// The token may have been withdrawn or have expired early:
			// that says nothing about the row, so it costs no attempt.
			renewed = true
			limit++
			continue
		}
		last := a.Attempts >= limit
		if r.class == throttled || r.class == overloaded {
			// The rate is being lowered: that costs no attempt.
			limit++
			last, pause = c.refused(ctx, q, r)
		}
		again, verdict := decide(r.class, q.does, last, a.InDoubt)
		a.InDoubt = a.InDoubt || mayApply(r.class, q.does)
		if !again {
			return a.end(verdict)
		}
		c.log.Debug("another attempt follows", "id", q.id, "attempt", a.Attempts, "reason", r.answer.Message)
		if r.class == broken {
			pause = jitter(backoff(a.Attempts, retryCap))
		}
	}
}

// try makes one exchange: the call, or a probe in its place. It reports whether the
// call itself reached the tenant.
func (c *Client) try(ctx context.Context, q *call, t *token, p *probe, attempt int) (r result, own bool) {
	now := q
	if c.asks(q) {
		now = q.probe()
	}
	r = c.attempt(now, t)
	c.trace(ctx, now, attempt, r)
	if r.class == unreached {
		c.unreached(*p, r.answer.Message)
		return r, false
	}
	c.reached()
	*p = 0
	return r, now == q
}

// turn waits until an attempt may leave: the pause is over, the user's own too,
// the tenant is not known to be out of reach (or this caller has to probe), and
// the rate allows it. The token is the one that is valid then, however long the wait was.
func (c *Client) turn(ctx context.Context, pause time.Duration, p *probe) (*token, error) {
	if err := sleep(ctx, pause); err != nil {
		return nil, err
	}
	for {
		if err := c.held.wait(ctx); err != nil {
			return nil, err
		}
		var err error
		if *p, err = c.outage.wait(ctx, *p); err != nil {
			return nil, err
		}
		bounded, cancel, err := c.starved.bound(ctx)
		if err != nil {
			return nil, err
		}
		var t *token
		err = c.limiter.Wait(bounded, func() (err error) {
			if err = c.held.on(); err == nil {
				t, err = c.signIn.current(ctx)
			}
			return err
		})
		starved := bounded.Err() != nil
		cancel()
		switch _, denied := errors.AsType[*denial](err); {
		case err == nil && (*p != 0 || !c.outage.open.Load()):
			return t, nil
		case err == nil:
			// The tenant went out of reach meanwhile: give the turn back.
			now := time.Now()
			c.limiter.Observe(pace.Observation{SentAt: now, At: now})
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case denied:
			return nil, err
		case !starved && !errors.Is(err, errHeld):
			c.unreached(*p, err.Error())
		}
	}
}

// result is what one attempt ended with.
type result struct {
	reply
	class  class
	answer Answer // what the caller is to get if no other attempt follows
}

// attempt makes one exchange and reads its answer. The body of its reply is
// gone when it returns: the exchange is used again.
func (c *Client) attempt(q *call, t *token) result {
	x := c.exchanges.take()
	if x == nil {
		x = c.newExchange()
	}
	observed := false
	defer func() {
		if !observed { // a panic: the turn and the connection are given back
			x.close()
			now := time.Now()
			c.limiter.Observe(pace.Observation{SentAt: now, At: now})
		}
	}()
	x.prepare(q, c.base, t)
	c.awaited.begin()
	r, clean := x.run(q.within(c.timeout), q.maxOK())
	c.awaited.end(r.status != 0, r.at)
	c.count(q, r)
	asked := time.Duration(-1)
	if r.status != 0 && r.status != http.StatusOK {
		asked = retryAfter(r.header, r.at)
	}
	c.observe(q, r, observation(r, asked))
	observed = true
	out := c.read(q, r, asked)
	if clean {
		c.exchanges.keep(x, r.at)
	}
	return out
}

// observe gives the limiter what an exchange says about the tenant's limit.
func (c *Client) observe(q *call, r reply, seen pace.Observation) {
	switch {
	case seen.Outcome == pace.Refused:
		q.refusals.sign = c.sign(q, r.sent)
		c.starved.refused(r, seen.RetryAfter, "that there are too many requests", false)
	case seen.Outcome == pace.Overloaded:
		q.refusals.sign = c.sign(q, r.sent)
		wait, alive := c.starved.refused(r, -1, overload(r), !q.probes)
		switch {
		case alive: // it says nothing about the rate
			seen.Outcome, seen.RetryAfter = pace.Unanswered, wait
		case q.refusals.certain, q.refusals.sign > limited:
			seen.Outcome = pace.Unanswered
		default:
			q.refusals.signals++
		}
	case r.status != 0 && (!q.probes || r.status < http.StatusInternalServerError):
		if c.starved.answered(q, r); q.probes { // the same
			seen.Outcome = pace.Unanswered
		}
	}
	c.limiter.Observe(seen)
}

// count counts an exchange that left.
func (c *Client) count(q *call, r reply) {
	switch {
	case !r.reached:
		return
	case q.does == safe:
		c.counts.get.Add(1)
	default:
		c.counts.patch.Add(1)
	}
	c.counts.sent.Add(1)
	if r.status != 0 {
		c.counts.answered(r.at.Sub(r.sent))
	}
}

// read makes a result of a reply: its class, which the body can change, what
// was asked for or why it is not that.
func (c *Client) read(q *call, answer reply, asked time.Duration) result {
	r := result{reply: answer}
	a := &r.answer
	a.Status, a.Server, a.SentAt = r.status, r.status >= http.StatusInternalServerError, r.sent
	if r.status == 0 {
		r.class, a.Message = c.noAnswer(r.reply)
		return r
	}
	a.Clock = c.clock.observe(r.header.Get("Date"), r.sent, r.at)
	a.RequestID = c.secrets.token(r.header.Get("X-Request-Id"), maxRequestID)
	limit := maxErrorBody
	if r.status == http.StatusOK {
		limit = q.maxOK()
	}
	var longer bool
	r.body, longer = readable(r.header, r.body, limit)
	r.tooLong = r.tooLong || longer
	r.class = classify(r.status, asked)
	problem := "is not one that this API documents"
	switch {
	case r.class == confirmed && r.err != nil:
		r.class = broken
		a.Message = "the answer broke off: " + c.breakReason(r.reply)
	case r.class == confirmed && r.tooLong:
		r.class, problem = unclear, fmt.Sprintf("is longer than %d MiB", q.maxOK()>>20)
	case r.class == confirmed:
		if a.Session, problem = q.accept(r.body); problem == "" {
			return r
		}
		r.class = unclear
	case r.class == throttled:
		c.counts.throttled.Add(1)
	case r.class == refused && q.list != nil && isEmptyList(r.status, r.body):
		r.class = confirmed
		return r
	}
	switch {
	case r.class == unclear, r.class == accepted:
		a.Message = c.unclear(r.status, r.header, r.body, problem)
	case a.Message == "":
		a.Message = c.refusal(r.status, r.header, r.body)
	}
	a.Body = c.kept(r.body)
	return r
}

// noAnswer classifies an exchange without an answer.
func (c *Client) noAnswer(r reply) (class, string) {
	switch {
	case !r.reached && r.timeout:
		return unreached, fmt.Sprintf("no connection within %v", r.within)
	case !r.reached:
		return unreached, netReason(r.err, &c.secrets)
	case r.timeout:
		return overloaded, fmt.Sprintf("no answer within %v", r.within)
	}
	return broken, "the connection broke before the answer came: " + c.breakReason(r)
}

func (c *Client) breakReason(r reply) string {
	if r.timeout {
		return fmt.Sprintf("it was not whole within %v", r.within)
	}
	return netReason(r.err, &c.secrets)
}

// trace logs one attempt.
func (c *Client) trace(ctx context.Context, q *call, attempt int, r result) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	path, query := q.path("")
	if query != "" {
		path += "?" + query
	}
	attrs := []any{"method", q.method(), "path", path, "attempt", attempt, "duration_ms", r.at.Sub(r.sent).Milliseconds()}
	if r.status != 0 {
		attrs = append(attrs, "status", r.status)
	}
	if r.answer.Message != "" {
		attrs = append(attrs, "error", r.answer.Message)
	}
	c.log.Debug("request", attrs...)
}

func (a Answer) end(v Verdict) Answer {
	a.Verdict = v
	a.InDoubt = a.InDoubt && v != OK
	return a
}

// stopped returns the answer when no further attempt could be made.
func (c *Client) stopped(a Answer, err error) Answer {
	denied, isDenied := errors.AsType[*denial](err)
	switch {
	case isDenied:
		a.Message = denied.message
		return a.end(Denied)
	case errors.Is(err, errGaveUp):
		away := ""
		if c.outage.maxOutage > 0 {
			away = fmt.Sprintf(" for %v", c.outage.maxOutage)
		}
		a.Message = fmt.Sprintf("%s could not be reached%s: %s", c.base.Host, away, c.OutageCause())
		return a.end(Unreachable)
	case errors.Is(err, errStarved):
		a.Message = fmt.Sprintf("%s grants nothing: %v", c.base.Host, &c.starved)
		return a.end(Unreachable)
	case errors.Is(err, context.DeadlineExceeded) && c.outage.open.Load():
		a.Message = fmt.Sprintf("%s could not be reached: %s", c.base.Host, c.OutageCause())
	case errors.Is(err, context.DeadlineExceeded) && a.Attempts > 0: // whose message it has
	case a.Attempts == 0:
		a.Message = "stopped before it was sent"
	default:
		a.Message = "stopped before it was tried again; the last attempt: " + a.Message
	}
	return a.end(Canceled)
}

// unreached notes that nothing could be sent.
func (c *Client) unreached(p probe, cause string) {
	if c.outage.fail(p, cause) {
		c.log.Warn("the tenant cannot be reached; waiting for it", "host", c.base.Host, "reason", cause, "at_most", c.outage.maxOutage)
	}
}

// reached notes that something was sent.
func (c *Client) reached() {
	if away := c.outage.succeed(); away > 0 {
		c.log.Info("the tenant can be reached again", "host", c.base.Host, "after", away.Round(time.Millisecond))
	}
}
