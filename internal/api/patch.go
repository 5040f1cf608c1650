package api

import (
	"context"
	"net/http"
	"strings"
)

// Request is one change to one session.
type Request struct {
	ID       string
	Run      bool   // run the session once it is updated (?run=true)
	Body     []byte // the JSON document to send; not changed, and not kept after the call
	Attempts int    // requests that may leave for this call; 0 = the client's MaxAttempts
}

// Patch sends one change and returns what came of it, after the retries that
// are safe: with Run, an attempt that may have been applied is not repeated
// but Doubtful at once. The context ends waiting only.
func (c *Client) Patch(ctx context.Context, r Request) Answer {
	does := repeatable
	if r.Run {
		does = once
	}
	q := call{does: does, id: r.ID, body: r.Body, attempts: r.Attempts}
	if r.Body == nil {
		q.body = []byte{}
	}
	return c.do(ctx, &q)
}

// Get reads one session, with retries.
func (c *Client) Get(ctx context.Context, id string) Answer {
	return c.do(ctx, &call{does: reads, id: id})
}

// call is what is asked of the tenant, of either method.
type call struct {
	does     effect
	id       string
	body     []byte
	attempts int
	page     *Page  // a list is asked for, and where it goes
	query    string // of a list
}

func (q *call) method() string {
	if q.does == reads {
		return http.MethodGet
	}
	return http.MethodPatch
}

func (q *call) maxOK() int {
	if q.page != nil {
		return maxListAnswer
	}
	return maxAnswer
}

// accept reads the body of a 200. problem is "" if it is what was asked for,
// and else continues the sentence "the answer …".
func (q *call) accept(body []byte) (s *Session, problem string) {
	p := newParser(body)
	if q.page != nil {
		return nil, p.page(q.page)
	}
	var (
		got     Session
		has     bool
		failure string
	)
	if p.peek() == '{' {
		for key, more := p.firstKey(); more; key, more = p.nextKey() {
			switch key {
			case "workflow_session":
				start := p.i
				got, has = p.session()
				if has && q.does == reads {
					got.Raw = rawObject(p.s[start:p.i])
				}
			case "error":
				failure = p.text()
			default:
				p.skip()
			}
		}
	} else {
		p.skip()
	}
	switch {
	case !p.end():
		return nil, "is not JSON"
	case failure != "":
		return nil, "is an error"
	case !has:
		return nil, "holds no workflow_session"
	case !strings.EqualFold(got.ID, q.id):
		return nil, "is about another session (" + got.ID + ")"
	}
	return &got, ""
}

func rawObject(s string) []byte { return []byte(strings.TrimSpace(s)) }
