package api

import (
	"context"
	"encoding/json"
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
	if q.page != nil {
		return nil, q.page.read(body)
	}
	var doc struct {
		Session *wireSession `json:"workflow_session"`
		Error   text         `json:"error"`
	}
	err := unmarshal(body, &doc)
	switch {
	case err != nil && !isOtherJSON(err):
		return nil, "is not JSON"
	case doc.Error.value != "":
		return nil, "is an error"
	case err != nil, doc.Session == nil:
		return nil, "holds no workflow_session"
	case !strings.EqualFold(doc.Session.ID.value, q.id):
		return nil, "is about another session (" + doc.Session.ID.value + ")"
	}
	s = doc.Session.session()
	if q.does == reads {
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
