package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// maxPage is the sessions on a page of the list, by default and at most.
const maxPage = 100

// query is what a list request asks for.
type query struct {
	filters       []field // all must hold
	created       bool    // in the order of created_at; else as added
	limit, offset int
	metadata      bool
}

// listing keeps the last list's matches, so that paging through a million
// sessions does not look at all of them for every page.
type listing struct {
	order   []uuid.UUID // all ids by created_at; nil until asked for
	key     string      // the filters and order that matches answers
	version uint64      // of the tenant when it did
	matches []uuid.UUID
}

// parseQuery reads a list's query; problem says what is wrong with it.
func parseQuery(values url.Values) (q query, problem string) {
	q.limit = maxPage
	for name, number := range map[string]*int{"limit": &q.limit, "offset": &q.offset} {
		if text := values.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || number == &q.limit && n == 0 {
				return q, name + " is invalid"
			}
			*number = n
		}
	}
	q.limit = min(q.limit, maxPage)
	q.metadata = values.Get("metadata") == "true"
	q.created = values.Get("order") == "created_at"
	if !q.created && values.Get("order") != "" {
		return q, "order is invalid: this tenant knows created_at"
	}
	for _, name := range []string{fieldStatus, fieldWorkflowID, fieldRequesterID, fieldProfileID, fieldUID} {
		if value := values.Get(name); value != "" {
			if name != fieldStatus && name != fieldUID {
				value = strings.ToLower(value) // ids are kept so
			}
			q.filters = append(q.filters, field{name, value})
		}
	}
	return q, ""
}

// list answers GET /workflow_sessions. A page with nothing on it is a 400, as
// the API has it.
func (t *Tenant) list(f Faults, values url.Values) answer {
	q, problem := parseQuery(values)
	if problem != "" {
		return refusal(http.StatusBadRequest, problem)
	}
	var page []any
	t.mu.Lock()
	matches := t.matches(q)
	total := len(matches)
	matches = matches[min(q.offset, total):]
	for _, id := range matches[:min(q.limit, len(matches))] {
		page = append(page, f.show(t.session(id)))
	}
	t.mu.Unlock()
	if len(page) == 0 {
		return refusal(http.StatusBadRequest, "no workflow sessions found")
	}
	list := map[string]any{"workflow_sessions": page}
	if q.metadata {
		metadata := map[string]any{"limit": q.limit, "offset": q.offset, "total": total}
		if next := nextPage(values, q, total); next != nil || f.Nulls {
			metadata["next"] = next
		}
		list["_metadata"] = metadata
	}
	return inJSON(http.StatusOK, list)
}

// nextPage is the path of the page after a query's, nil where there is none:
// the same question, from the API's root, with limit and offset.
func nextPage(values url.Values, q query, total int) any {
	if q.offset+q.limit >= total {
		return nil
	}
	link := maps.Clone(values)
	link.Set("limit", strconv.Itoa(q.limit))
	link.Set("offset", strconv.Itoa(q.offset+q.limit))
	return "/workflow_sessions?" + link.Encode()
}

// matches lists the ids that a query asks for. The caller holds mu and does not
// change the list.
func (t *Tenant) matches(q query) []uuid.UUID {
	ids := t.ids
	if q.created {
		ids = t.byCreated()
	}
	if len(q.filters) == 0 {
		return ids
	}
	key := fmt.Sprintf("%t %q", q.created, q.filters)
	l := &t.listing
	if l.key == key && l.version == t.version {
		return l.matches
	}
	l.key, l.version, l.matches = key, t.version, l.matches[:0]
	for _, id := range ids {
		if !slices.ContainsFunc(q.filters, func(f field) bool { return !t.fits(id, f) }) {
			l.matches = append(l.matches, id)
		}
	}
	return l.matches
}

// fits reports whether a session has the value that a filter asks for.
func (t *Tenant) fits(id uuid.UUID, filter field) bool {
	value := t.value(id, filter.name)
	return value == filter.value || filter.name == fieldStatus && strings.EqualFold(spaced(value), spaced(filter.value))
}

// value is one field of a session, without making the rest of it.
func (t *Tenant) value(id uuid.UUID, name string) string {
	if e := t.entries[id]; e != nil {
		for _, f := range e.fields {
			if f.name == name {
				return f.value
			}
		}
	}
	return seedValue(hash(id), name)
}

// byCreated lists all ids in the order of created_at, those of one moment as
// added. The caller holds mu.
func (t *Tenant) byCreated() []uuid.UUID {
	l := &t.listing
	if len(l.order) == len(t.ids) {
		return l.order
	}
	l.order = slices.Clone(t.ids)
	slices.SortStableFunc(l.order, func(a, b uuid.UUID) int {
		return cmp.Compare(seedCreated(hash(a)), seedCreated(hash(b)))
	})
	return l.order
}
