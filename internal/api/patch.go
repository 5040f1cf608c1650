package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Request is one change to one session.
type Request struct {
	ID       string
	Run      bool   // run the session once it is updated (?run=true)
	Body     []byte // the JSON document to send; not changed, and not kept after the call
	Attempts int    // requests that may leave for this call; 0 = the client's MaxAttempts
	// Attempted, if any, is called after each request that left, before another
	// one does, with its answer and when that was there.
	Attempted func(a Answer, at time.Time)
	// Another, if any, is called when nothing but overload is answered to changes,
	// and everything else as usual: it sends one more that waits, if there is one,
	// and reports whether there was.
	Another func() bool
}

// Patch sends one change and returns what came of it, after the retries that
// are safe: with Run, an attempt that may have been applied is not repeated
// but Doubtful at once. The context ends waiting only.
func (c *Client) Patch(ctx context.Context, r Request) Answer {
	q := call{does: idempotent, id: r.ID, body: r.Body, attempts: r.Attempts, attempted: r.Attempted, another: r.Another}
	if r.Run {
		q.does = nonIdempotent
	}
	if r.Body == nil {
		q.body = []byte{}
	}
	return c.do(ctx, &q)
}

// Get reads one session, with retries.
func (c *Client) Get(ctx context.Context, id string) Answer {
	return c.do(ctx, &call{does: safe, id: id})
}

// call is what is asked of the tenant: a PATCH or GET of one session, or a
// page of a list.
type call struct {
	does     effect
	id       string
	body     []byte
	attempts int
	list     *listCall // a page of a list is asked for
	until    time.Time // an attempt ends by then; zero: each has its whole time
	refusals refusals
	probes   bool // it only asks whether the tenant answers

	attempted func(a Answer, at time.Time)
	another   func() bool
}

// within returns the time that an attempt has, of what each has at most.
func (q *call) within(timeout time.Duration) time.Duration {
	if q.until.IsZero() {
		return timeout
	}
	return min(timeout, max(time.Until(q.until).Round(time.Millisecond), time.Millisecond))
}

func (q *call) method() string {
	if q.does == safe {
		return http.MethodGet
	}
	return http.MethodPatch
}

func (q *call) maxOK() int {
	if q.list != nil {
		return maxListAnswer
	}
	return maxAnswer
}

// path returns the path below base, and the query.
func (q *call) path(base string) (path, query string) {
	switch {
	case q.list != nil:
		return base + "/" + q.list.path, q.list.query
	case q.does == nonIdempotent:
		query = "run=true"
	}
	return base + "/workflow_sessions/" + q.id, query
}

// address points u to what is asked for.
func (q *call) address(u, base *url.URL) {
	u.Path, u.RawQuery = q.path(base.Path)
	u.RawPath = ""
	if escaped := url.PathEscape(q.id); escaped != q.id || base.RawPath != "" {
		path, _ := q.path(base.EscapedPath())
		u.RawPath = strings.TrimSuffix(path, q.id) + escaped
	}
}

// oneSession is the answer to a PATCH or GET of one session.
type oneSession struct {
	Session wireSession `json:"workflow_session"`
	Error   lenient     `json:"error"`
}

// oneSessions are used again: a fresh one for each answer costs a third of what
// reading it does.
var oneSessions = sync.Pool{New: func() any { return new(oneSession) }}

// accept reads the body of a 200. problem is "" if it is what was asked for,
// and else continues the sentence "the answer …".
func (q *call) accept(body []byte) (s *Session, problem string) {
	if q.list != nil {
		return nil, q.list.read(body)
	}
	doc := oneSessions.Get().(*oneSession)
	defer oneSessions.Put(doc)
	*doc = oneSession{}
	fits, problem := readAnswer(body, doc, &doc.Error)
	switch {
	case problem != "":
		return nil, problem
	case !fits, !doc.Session.ID.given:
		return nil, "holds no workflow_session"
	case !strings.EqualFold(doc.Session.ID.value, q.id):
		return nil, "is about another session (" + doc.Session.ID.value + ")"
	}
	s = doc.Session.session()
	if q.does == safe {
		var raw struct {
			Session json.RawMessage `json:"workflow_session"`
		}
		if err := unmarshal(body, &raw); err != nil {
			return nil, "is not JSON"
		}
		s.Raw = raw.Session
	}
	return s, ""
}
