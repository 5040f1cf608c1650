package cli

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"

	"nermbulk/internal/api"
)

// lister reads one page of the tenant's list of sessions.
type lister interface {
	List(ctx context.Context, q api.Query) (api.Page, api.Answer)
}

// listWalk reads the whole list, page by page, and visits each session once,
// though the list may change meanwhile. Sessions are never deleted, and with
// the order of created_at new ones come at the end; but one that no longer
// fits the filters leaves the list, and all behind it move up. So each page
// begins with the last session of the page before, and where it does not, the
// walk steps back until it finds one that it has seen.
type listWalk struct {
	tenant lister
	query  api.Query
	visit  func(*api.Session) error
	paged  func() // after each page; may be nil

	seen  map[[16]byte]struct{} // by id, about 40 bytes a session
	total int                   // as the tenant last told; 0 = it did not
}

const (
	pageSize = 100 // what the API gives at most
	// idlePages is how many pages in a row may hold nothing new where the list
	// should have ended: a tenant that gives the same page for ever is not
	// read for ever.
	idlePages = 10
)

// listError is a list that could not be read to its end.
type listError struct{ answer api.Answer }

func (e *listError) Error() string { return "read the list of sessions: " + e.answer.Message }

// walk reads the list. When the tenant counted more sessions than came, it is
// read a second time for what was missed.
func (w *listWalk) walk(ctx context.Context) error {
	w.seen = map[[16]byte]struct{}{}
	if err := w.pass(ctx); err != nil || w.missing() == 0 {
		return err
	}
	return w.pass(ctx)
}

// missing is how many sessions more the tenant counted than came.
func (w *listWalk) missing() int { return max(0, w.total-len(w.seen)) }

func (w *listWalk) pass(ctx context.Context) error {
	offset, next, idle := 0, "", 0
	overlaps := false // the page is to begin with a session of the one before
	for {
		q := w.query
		q.Order, q.Limit, q.Offset, q.Next = "created_at", pageSize, offset, next
		page, answer := w.tenant.List(ctx, q)
		if answer.Verdict != api.OK {
			return &listError{answer}
		}
		w.total = page.Total
		n := len(page.Sessions)
		if overlaps && (n == 0 || !w.has(page.Sessions[0].ID)) {
			offset = max(0, offset-pageSize)
			overlaps = offset > 0
			continue
		}
		news, err := w.take(page.Sessions)
		if err != nil {
			return err
		}
		switch {
		case news > 0:
			idle = 0
		case offset+n > len(w.seen): // a list without changes would have ended
			idle++
		}
		pointed := next != ""
		next = opaque(page.Next)
		switch {
		case n == 0, overlaps && n == 1, pointed && page.Next == "":
			return nil
		case page.Next == "" && page.Total > 0 && offset+n >= page.Total:
			return nil
		case idle == idlePages:
			return fmt.Errorf("the tenant's list of sessions does not come to an end: %d pages in a row held nothing new", idlePages)
		}
		overlaps = next == "" && n > 1
		offset += max(1, n-1)
	}
}

// take visits the sessions that are new.
func (w *listWalk) take(sessions []api.Session) (news int, err error) {
	for i := range sessions {
		key := sessionKey(sessions[i].ID)
		if _, again := w.seen[key]; again {
			continue
		}
		w.seen[key] = struct{}{}
		news++
		if err := w.visit(&sessions[i]); err != nil {
			return news, err
		}
	}
	if w.paged != nil {
		w.paged()
	}
	return news, nil
}

func (w *listWalk) has(id string) bool {
	_, ok := w.seen[sessionKey(id)]
	return ok
}

// sessionKey stands for an id, however long the tenant makes it.
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
