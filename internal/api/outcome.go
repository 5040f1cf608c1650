package api

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// judge makes an outcome of a reply. Whatever of the reply's body is kept is
// copied.
func (c *Client) judge(q *call, r reply, asked time.Duration) outcome {
	o := outcome{status: r.status, reached: r.reached, sent: r.sent, at: r.at}
	if r.status == 0 {
		o.event, o.message = c.silence(r)
		return o
	}
	problem := ""
	switch o.event = judge(r.status, asked); o.event {
	case confirmed:
		switch {
		case r.err != nil:
			o.event = broken
			o.message = "the answer broke off: " + c.breakReason(r)
		case r.tooLong:
			o.event, problem = unclear, fmt.Sprintf("is longer than %d MiB", q.maxOK()>>20)
		default:
			if o.session, problem = q.accept(r.body); problem == "" {
				if q.does == reads {
					o.serverTime, _ = http.ParseTime(r.header.Get("Date"))
				}
				return o
			}
			o.event = unclear
		}
	case throttled:
		c.counts.throttled.Add(1)
	case refused:
		if q.page != nil && isEmptyList(r.status, r.body) {
			o.event = confirmed
			return o
		}
	}
	if o.event == unclear {
		if problem == "" {
			problem = "is not one that this API documents"
		}
		o.message = c.explain.unclear(r.status, r.header, r.body, problem)
	} else if o.message == "" {
		o.message = c.explain.refusal(r.status, r.header, r.body)
	}
	o.body = c.keep(r.body)
	return o
}

// keep is the part of a body that an Answer bears.
func (c *Client) keep(body []byte) []byte {
	return bytes.Clone(cutBytes(c.secrets.bytes(body), maxBody))
}

// silence judges an exchange without an answer.
func (c *Client) silence(r reply) (event, string) {
	switch {
	case !r.reached && r.timeout:
		return unreached, fmt.Sprintf("no connection within %v", c.timeout)
	case !r.reached:
		return unreached, netReason(r.err, &c.secrets)
	case r.timeout:
		return broken, fmt.Sprintf("no answer within %v", c.timeout)
	}
	return broken, "the connection broke before the answer came: " + c.breakReason(r)
}

func (c *Client) breakReason(r reply) string {
	if r.timeout {
		return fmt.Sprintf("it was not whole within %v", c.timeout)
	}
	return netReason(r.err, &c.secrets)
}

// note takes over what an attempt ended with.
func (a *Answer) note(o outcome, begun time.Time) {
	a.Attempts++
	a.Status = o.status
	a.Session = o.session
	a.ServerTime = o.serverTime
	a.Message = o.message
	a.Body = o.body
	a.Server = o.status >= http.StatusInternalServerError
	a.Duration = o.at.Sub(begun)
}

func (a Answer) end(v Verdict) Answer {
	a.Verdict = v
	if v == OK {
		a.InDoubt = false
	}
	return a
}

// stopped is the answer when no further attempt could be made.
func (c *Client) stopped(a Answer, err error) Answer {
	var d *denial
	switch {
	case errors.As(err, &d):
		a.Message = d.message
		return a.end(Denied)
	case errors.Is(err, errGaveUp):
		_, cause, _ := c.gate.state()
		a.Message = fmt.Sprintf("%s could not be reached: %s", c.base.Host, cause)
		if c.gate.patience > 0 {
			a.Message = fmt.Sprintf("%s could not be reached for %v: %s", c.base.Host, c.gate.patience, cause)
		}
		return a.end(Unreachable)
	case a.Attempts == 0:
		a.Message = "stopped before it was sent"
	default:
		a.Message = "stopped before it was tried again; the last attempt: " + a.Message
	}
	return a.end(Canceled)
}

// unreached notes that nothing could be sent.
func (c *Client) unreached(t ticket, cause string) {
	if c.gate.failed(t, cause) {
		c.log.Warn("the tenant cannot be reached; waiting for it", "host", c.base.Host, "reason", cause, "at_most", c.gate.patience)
	}
}

// reached notes that something was sent.
func (c *Client) reached() {
	if away := c.gate.reached(); away > 0 {
		c.log.Info("the tenant can be reached again", "host", c.base.Host, "after", away.Round(time.Millisecond))
	}
}
