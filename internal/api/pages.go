package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"nermbulk/internal/text"
)

// ListError is a list that could not be read to its end.
type ListError struct {
	Answer Answer
	List   string // of what: "sessions"
}

func (e *ListError) Error() string { return "read the list of " + e.List + ": " + e.Answer.Message }

// IncompleteError is a list of which the tenant gives no more though it has
// more. What came of it is good.
type IncompleteError struct {
	List    string // of what: "sessions"
	Missing int    // counted by the tenant and not given; 0 = not known
	// Repeated says that the tenant gave again what it had given in place of
	// the next page; otherwise the list changed while it was read.
	Repeated bool
}

func (e *IncompleteError) Error() string {
	more := "more " + e.List
	if e.Missing > 0 {
		more = text.Count(e.Missing, "more "+strings.TrimSuffix(e.List, "s"))
	}
	why := "the list changed while it was read"
	if e.Repeated {
		why = "it gave " + e.List + " again in place of the next page"
	}
	return fmt.Sprintf("the tenant has %s than it gave: %s", more, why)
}

const (
	// PageSize is how many items the API lists at most in one answer.
	PageSize = 100
	// idlePages is how many pages in a row may hold nothing new where the list
	// should have ended: a tenant that gives the same page for ever is not
	// read for ever.
	idlePages = 10
)

// Pages reads a list page by page, what was created first at first, with a
// method of the client such as List. It ends after the page that is Last, or
// with the first error: a *ListError, or an *IncompleteError. The order, the
// size of the pages and where each begins are its own to choose.
//
// Tenants read one of two forms of the place in the list. Where the second page
// is the first one again, the list is read once more in the other form, from a
// page that is marked Again.
//
// Sessions are never deleted, and new ones come at the end of the list; but
// one that no longer fits the filters leaves it, and all behind it move up.
// With q.Whole each page therefore begins with the last item of the page
// before, and where it does not, the reading steps back until it meets one
// that it has seen. A page then holds only items that are new. When the
// tenant counted more than came, the list is read a second time.
func Pages[T listed](ctx context.Context, list func(context.Context, Query) (Page[T], Answer), q Query) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		w := &walk[T]{list: list, query: q, yield: yield}
		w.query.Order, w.query.Limit = "created_at", PageSize
		if q.Whole {
			w.seen = map[[16]byte]struct{}{}
		}
		end := w.pass(ctx)
		if end == endRepeats && !w.query.Nested {
			w.query.Nested = true
			end = w.pass(ctx)
		}
		if end == endReached && w.missing() > 0 {
			end = w.pass(ctx)
		}
		switch {
		case end == endStopped:
		case w.incomplete(end):
			var item T
			yield(Page[T]{}, &IncompleteError{item.plural(), w.missing(), w.repeated})
		case end == endRepeats:
			yield(Page[T]{Total: w.total, Last: true}, nil)
		}
	}
}

// end is how one pass over the list ended.
type end int

const (
	endReached end = iota
	endRepeats     // the tenant gives the same items in place of those that follow
	endStopped     // by an error that was yielded, or by the caller
)

// walk is one reading of a list.
type walk[T listed] struct {
	list     func(context.Context, Query) (Page[T], Answer)
	query    Query
	yield    func(Page[T], error) bool
	seen     map[[16]byte]struct{} // by key; nil unless the list is read whole
	given    int                   // items that came; of a list that is not read whole, in this pass
	total    int                   // as the tenant said last; 0 = it did not
	first    string                // the key that the page before began with
	short    bool                  // the first page was not full
	idle     int                   // pages in a row that held nothing new
	repeated bool                  // the tenant gave again what it had given in place of other items
}

// missing returns how many items of a whole list the tenant counted and did not
// give.
func (w *walk[T]) missing() int {
	if w.seen == nil {
		return 0
	}
	return max(0, w.total-w.given)
}

// incomplete reports whether the tenant has more than it gave. The total
// decides where it fits what came; without one, a first page that is not full is
// all that a tenant has that knows no pages.
func (w *walk[T]) incomplete(end end) bool {
	return w.missing() > 0 || end == endRepeats && w.total != w.given && (w.total > 0 || !w.short)
}

// pass reads the list from its beginning.
func (w *walk[T]) pass(ctx context.Context) end {
	offset, next := 0, ""
	overlaps := false // the page is to begin with an item of the one before
	w.first, w.idle, w.given = "", 0, len(w.seen)
	for pages := 1; ; pages++ {
		w.query.Offset, w.query.Next = offset, next
		page, answer := w.list(ctx, w.query)
		switch {
		case answer.Verdict == OK:
		case answer.Verdict == Refused && w.query.Nested && pages == 1:
			return endRepeats // it knows neither form
		default:
			var item T
			w.yield(Page[T]{}, &ListError{answer, item.plural()})
			return endStopped
		}
		w.total = page.Total
		if w.repeats(page, pages) {
			w.repeated = true
			return endRepeats
		}
		if overlaps && !w.joins(page) {
			offset = max(0, offset-PageSize)
			overlaps, w.first = offset > 0, ""
			continue
		}
		n := len(page.Items)
		if pages == 1 {
			w.short = !isFull(page)
		}
		followed := next != ""
		next = opaque(page.Next)
		page.Last = n == 0 || overlaps && n == 1 || followed && page.Next == "" || endsWith(page, offset+n)
		page.Again = w.seen == nil && w.query.Nested && pages == 1
		w.take(&page, offset+n)
		if !w.yield(page, nil) {
			return endStopped
		}
		switch {
		case page.Last:
			return endReached
		case w.idle == idlePages:
			return endRepeats
		}
		overlaps = w.seen != nil && next == "" && n > 1
		offset += n
		if overlaps {
			offset--
		}
	}
}

// endsWith reports whether a page, which ends at the given place of the list,
// is the last by the tenant's total. A total that is less than what came is
// none, and one that counts just a full page may be the page's.
func endsWith[T any](page Page[T], at int) bool {
	return page.Next == "" && page.Total == at && (page.Total > len(page.Items) || !isFull(page))
}

// isFull reports whether a page holds as many items as a page can.
func isFull[T any](page Page[T]) bool {
	full := PageSize
	if page.Limit > 0 {
		full = min(full, page.Limit)
	}
	return len(page.Items) >= full
}

// repeats reports whether a page begins as the one before it did. Of a whole
// list only the second page may not: sessions that come and leave meanwhile can
// make a later one do so.
func (w *walk[T]) repeats(page Page[T], pages int) bool {
	if len(page.Items) == 0 {
		return false
	}
	before := w.first
	w.first = page.Items[0].listKey()
	return pages > 1 && w.first == before && (w.seen == nil || pages == 2)
}

// joins reports whether a page begins with an item that was seen.
func (w *walk[T]) joins(page Page[T]) bool {
	if len(page.Items) == 0 {
		return false
	}
	_, seen := w.seen[seenKey(page.Items[0].listKey())]
	return seen
}

// take keeps the new items of a page of a whole list, which ends at the given
// place of it.
func (w *walk[T]) take(page *Page[T], at int) {
	n := len(page.Items)
	if n == 0 || w.seen == nil {
		w.given += n
		return
	}
	page.Items = slices.DeleteFunc(page.Items, func(item T) bool {
		key, before := seenKey(item.listKey()), len(w.seen)
		w.seen[key] = struct{}{}
		return len(w.seen) == before
	})
	w.given = len(w.seen)
	switch {
	case len(page.Items) > 0:
		w.idle = 0
	case at > w.given: // a list without changes would have ended
		w.idle++
		w.repeated = w.repeated || n > 1
	}
}

// seenKey is a key for an item's own, however long the tenant makes it.
func seenKey(key string) [16]byte {
	sum := sha256.Sum256([]byte(strings.ToLower(key)))
	return [16]byte(sum[:16])
}

// opaque returns the tenant's pointer to the next page where it is no mere
// offset, so that only the tenant knows how to go on.
func opaque(next string) string {
	u, err := url.Parse(next)
	if err != nil || next == "" || u.Query().Has("offset") || u.Query().Has("query[offset]") {
		return ""
	}
	return next
}
