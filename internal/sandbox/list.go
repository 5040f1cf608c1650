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

func parseQuery(values url.Values) (query, *answer) {
	q := query{limit: maxPage}
	refuse := func(text string) (query, *answer) {
		a := refusal(http.StatusBadRequest, text)
		return query{}, &a
	}
	for name, number := range map[string]*int{"limit": &q.limit, "offset": &q.offset} {
		if text := values.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || number == &q.limit && n == 0 {
				return refuse(name + " is invalid")
			}
			*number = n
		}
	}
	q.limit = min(q.limit, maxPage)
	switch values.Get("order") {
	case "":
	case "created_at":
		q.created = true
	default:
		return refuse("order is invalid: this tenant knows created_at")
	}
	for _, name := range []string{fieldStatus, fieldWorkflowID, fieldRequesterID, fieldProfileID, fieldUID} {
		if value := values.Get(name); value != "" {
			if name != fieldStatus && name != fieldUID {
				value = strings.ToLower(value) // ids are kept so
			}
			q.filters = append(q.filters, field{name, value})
		}
	}
	q.metadata = values.Get("metadata") == "true"
	return q, nil
}

// list answers GET /workflow_sessions. A page with nothing on it is a 400, as
// the API has it.
func (t *Tenant) list(f Faults, values url.Values) answer {
	q, refused := parseQuery(values)
	if refused != nil {
		return *refused
	}
	var list struct {
		Sessions []any     `json:"workflow_sessions"`
		Metadata *metadata `json:"_metadata,omitempty"`
	}
	t.mu.Lock()
	matches := t.matches(q)
	total := len(matches)
	matches = matches[min(q.offset, total):]
	for _, id := range matches[:min(q.limit, len(matches))] {
		list.Sessions = append(list.Sessions, f.show(t.session(id)))
	}
	t.mu.Unlock()
	if len(list.Sessions) == 0 {
		return refusal(http.StatusBadRequest, "no workflow sessions found")
	}
	if q.metadata {
		list.Metadata = &metadata{q.limit, q.offset, total, nextPage(values, q, total)}
	}
	return inJSON(http.StatusOK, list)
}

// metadata is what a list says of itself where it is asked to.
type metadata struct {
	Limit  int     `json:"limit"`
	Offset int     `json:"offset"`
	Total  int     `json:"total"`
	Next   *string `json:"next"`
}

// nextPage is the path of the page after a query's, nil where there is none:
// the same question, from the API's root, with limit and offset.
func nextPage(values url.Values, q query, total int) *string {
	if q.offset+q.limit >= total {
		return nil
	}
	link := maps.Clone(values)
	link.Set("limit", strconv.Itoa(q.limit))
	link.Set("offset", strconv.Itoa(q.offset+q.limit))
	path := "/workflow_sessions?" + link.Encode()
	return &path
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
		if t.match(id, q.filters) {
			l.matches = append(l.matches, id)
		}
	}
	return l.matches
}

func (t *Tenant) match(id uuid.UUID, filters []field) bool {
	for _, f := range filters {
		value := t.value(id, f.name)
		if value != f.value && (f.name != fieldStatus || !sameStatus(value, f.value)) {
			return false
		}
	}
	return true
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
	type dated struct {
		id      uuid.UUID
		created int64
	}
	all := make([]dated, len(t.ids))
	for i, id := range t.ids {
		all[i] = dated{id, seedCreated(hash(id))}
	}
	slices.SortStableFunc(all, func(a, b dated) int { return cmp.Compare(a.created, b.created) })
	l.order = l.order[:0]
	for _, d := range all {
		l.order = append(l.order, d.id)
	}
	return l.order
}
