package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/text"
)

// Query chooses sessions and a part of them. Empty fields choose nothing.
type Query struct {
	Status      string // in any spelling; sent with spaces, as the filter expects it
	WorkflowID  string
	RequesterID string
	ProfileID   string
	Order       string // an attribute such as created_at
	Limit       int    // sessions a page; 0 = the tenant's own choice (100, which is also the most it gives)
	Offset      int    // sessions to skip
	// Next is Page.Next of the page before: where that page pointed to.
	// Only its query is used, so that it cannot lead to another host; it
	// replaces everything above.
	Next string
	// Whole has Pages read every session exactly once though the list changes
	// meanwhile, which takes about 40 bytes of memory a session.
	Whole bool
}

// Page is a part of the list of sessions.
type Page struct {
	Sessions []Session
	Total    int    // of all pages; 0 when the tenant did not say
	Next     string // for Query.Next; "" on the last page, or when the tenant did not say
	Last     bool   // no page follows; set by Pages
	Repeated bool   // a page after the first that held nothing new; set by Pages for a whole list
}

// ErrEndless is the error of a whole list in which the tenant gives the same
// sessions again and again.
var ErrEndless = errors.New("the tenant's list of sessions does not come to an end")

// ListError is a list that could not be read to its end.
type ListError struct{ Answer Answer }

func (e *ListError) Error() string { return "read the list of sessions: " + e.Answer.Message }

// List reads one page of sessions, with retries. For a Verdict other than OK
// the page is empty. The tenant answers 400 "no … found" where nothing fits:
// that is OK and an empty page.
func (c *Client) List(ctx context.Context, q Query) (Page, Answer) {
	query, err := q.encode()
	if err != "" {
		return Page{}, Answer{Verdict: Refused, Message: err}
	}
	var page Page
	a := c.do(ctx, &call{does: safe, page: &page, query: query})
	if a.Verdict != OK {
		return Page{}, a
	}
	return page, a
}

const (
	// PageSize is how many sessions the API lists at most in one answer.
	PageSize = 100
	// idlePages is how many pages in a row may hold nothing new where the list
	// should have ended: a tenant that gives the same page for ever is not
	// read for ever.
	idlePages = 10
)

// Pages reads the list of sessions page by page, the oldest session first,
// with the client's List as list. It ends after the page that is Last, or with
// the first error: a *ListError, or one for a list that has no end. The order,
// the size of the pages and where each begins are its own to choose.
//
// Sessions are never deleted, and new ones come at the end of the list; but
// one that no longer fits the filters leaves it, and all behind it move up.
// With q.Whole each page therefore begins with the last session of the page
// before, and where it does not, the reading steps back until it meets one
// that it has seen. A page then holds only sessions that are new. When the
// tenant counted more sessions than came, the list is read a second time.
func Pages(ctx context.Context, list func(context.Context, Query) (Page, Answer), q Query) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		w := &walk{list: list, query: q, yield: yield}
		w.query.Order, w.query.Limit = "created_at", PageSize
		if q.Whole {
			w.seen = map[[16]byte]struct{}{}
		}
		if w.pass(ctx) && q.Whole && w.total > len(w.seen) {
			w.pass(ctx)
		}
	}
}

// walk is one reading of the list.
type walk struct {
	list  func(context.Context, Query) (Page, Answer)
	query Query
	yield func(Page, error) bool
	seen  map[[16]byte]struct{} // by id; nil unless the list is read whole
	total int                   // as the tenant said last; 0 = it did not
	first string                // the id that the page before began with
	idle  int                   // pages in a row that held nothing new
}

// pass reads the list from its beginning and reports whether it came to the
// end.
func (w *walk) pass(ctx context.Context) bool {
	offset, next := 0, ""
	overlaps := false // the page is to begin with a session of the one before
	w.first, w.idle = "", 0
	for {
		w.query.Offset, w.query.Next = offset, next
		page, answer := w.list(ctx, w.query)
		if answer.Verdict != OK {
			w.yield(Page{}, &ListError{answer})
			return false
		}
		w.total = page.Total
		n := len(page.Sessions)
		if overlaps && !w.joins(page) {
			offset = max(0, offset-PageSize)
			overlaps = offset > 0
			continue
		}
		followed := next != ""
		next = opaque(page.Next)
		page.Last = n == 0 || overlaps && n == 1 || followed && page.Next == "" ||
			page.Next == "" && page.Total > 0 && offset+n >= page.Total
		endless := w.take(&page, offset+n)
		if !w.yield(page, nil) {
			return false
		}
		if page.Last {
			return true
		}
		if endless != nil {
			w.yield(Page{}, endless)
			return false
		}
		overlaps = w.seen != nil && next == "" && n > 1
		offset += n
		if overlaps {
			offset--
		}
	}
}

// joins reports whether a page begins with a session that was seen.
func (w *walk) joins(page Page) bool {
	if len(page.Sessions) == 0 {
		return false
	}
	_, seen := w.seen[sessionKey(page.Sessions[0].ID)]
	return seen
}

// take keeps the new sessions of a page of a whole list, which ends at the
// given place of it. The error is for a list that seems to have no end.
func (w *walk) take(page *Page, end int) error {
	if len(page.Sessions) == 0 {
		return nil
	}
	if w.seen == nil {
		first := page.Sessions[0].ID
		if first == w.first {
			return errors.New("the tenant gave one page again and again")
		}
		w.first = first
		return nil
	}
	given := len(page.Sessions)
	page.Sessions = slices.DeleteFunc(page.Sessions, func(s Session) bool {
		key, before := sessionKey(s.ID), len(w.seen)
		w.seen[key] = struct{}{}
		return len(w.seen) == before
	})
	page.Repeated = len(page.Sessions) == 0 && given > 1
	switch {
	case len(page.Sessions) > 0:
		w.idle = 0
	case end > len(w.seen): // a list without changes would have ended
		w.idle++
	}
	if w.idle == idlePages {
		return fmt.Errorf("%w: %d pages in a row held nothing new", ErrEndless, idlePages)
	}
	return nil
}

// sessionKey is a key for an id, however long the tenant makes it.
func sessionKey(id string) [16]byte {
	sum := sha256.Sum256([]byte(strings.ToLower(id)))
	return [16]byte(sum[:16])
}

// opaque returns the tenant's pointer to the next page where it is no mere
// offset, so that only the tenant knows how to go on.
func opaque(next string) string {
	u, err := url.Parse(next)
	if err != nil || next == "" || u.Query().Has("offset") {
		return ""
	}
	return next
}

// statusFilter spells a status as the list's filter takes it: with spaces, but
// for one of which the API documents another form.
func statusFilter(status string) string {
	status = strings.ReplaceAll(status, "_", " ")
	if status == "pending courion extend" {
		return "pending courion_extend"
	}
	return status
}

func (q Query) encode() (query, problem string) {
	v := url.Values{}
	if q.Next != "" {
		u, err := url.Parse(q.Next)
		if err == nil {
			v, err = url.ParseQuery(u.RawQuery)
		}
		if err != nil || len(v) == 0 {
			return "", "the tenant's pointer to the next page cannot be read"
		}
	} else {
		for key, value := range map[string]string{
			"status":       statusFilter(q.Status),
			"workflow_id":  q.WorkflowID,
			"requester_id": q.RequesterID,
			"profile_id":   q.ProfileID,
			"order":        q.Order,
			"limit":        strconv.Itoa(q.Limit),
			"offset":       strconv.Itoa(q.Offset),
		} {
			if value != "" && value != "0" {
				v.Set(key, value)
			}
		}
	}
	v.Set("metadata", "true")
	return v.Encode(), ""
}

// read reads a list's body; problem continues the sentence "the answer …".
func (p *Page) read(body []byte) (problem string) {
	var doc struct {
		Sessions json.RawMessage `json:"workflow_sessions"`
		Metadata json.RawMessage `json:"_metadata"`
		Error    lenient         `json:"error"`
	}
	var sessions []json.RawMessage
	_, problem = readAnswer(body, &doc, &doc.Error)
	switch {
	case problem != "":
		return problem
	case json.Unmarshal(doc.Sessions, &sessions) != nil, sessions == nil:
		return "holds no workflow_sessions"
	}
	for _, object := range sessions {
		if s, err := ParseSession(object); err == nil {
			p.Sessions = append(p.Sessions, s)
		}
	}
	var metadata struct {
		Total lenient `json:"total"`
		Next  lenient `json:"next"`
	}
	if json.Unmarshal(doc.Metadata, &metadata) == nil {
		p.Total, _ = strconv.Atoi(metadata.Total.value)
		p.Next = metadata.Next.value
	}
	return ""
}

// isEmptyList recognises the error that means an empty list, such as
// 400 {"error":"no profiles found"}.
func isEmptyList(status int, body []byte) bool {
	if status != http.StatusBadRequest {
		return false
	}
	reason := strings.ToLower(strings.TrimRight(text.Line(jsonReason(body), maxMessage), ". "))
	return strings.HasPrefix(reason, "no ") && strings.HasSuffix(reason, " found")
}
