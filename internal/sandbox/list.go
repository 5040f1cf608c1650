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

// paging is where in a list a page begins, and how long it is.
type paging struct {
	created       bool // in the order of created_at; else as added
	limit, offset int
	metadata      bool
	nested        bool // the query's form
}

// listing keeps the last list's matches, so that paging through a million
// sessions does not look at all of them for every page.
type listing struct {
	order   []uuid.UUID // all ids by created_at; nil until asked for
	key     string      // the filters and order that matches answers
	version uint64      // of the tenant when it did
	matches []uuid.UUID
}

// parsePaging reads that part of a list's query; problem says what is wrong
// with it.
func (t *Tenant) parsePaging(values url.Values) (p paging, problem string) {
	p.limit, p.nested = maxPage, t.opts.NestedQuery
	for _, name := range []string{"limit", "offset"} {
		number, least := &p.limit, 1
		if name == "offset" {
			number, least = &p.offset, 0
		}
		if text := values.Get(p.key(name)); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < least {
				return p, name + " is invalid"
			}
			*number = n
		}
	}
	p.limit = min(p.limit, maxPage)
	p.metadata = values.Get("metadata") == "true"
	order := values.Get(p.key("order"))
	p.created = order == "created_at"
	if !p.created && order != "" {
		return p, "order is invalid: this tenant knows created_at"
	}
	return p, ""
}

// key is the name of a part of the paging in the query.
func (p paging) key(name string) string {
	if p.nested {
		return "query[" + name + "]"
	}
	return name
}

// page is a page of all that fit.
func page[T any](p paging, fit []T) []T {
	fit = fit[min(p.offset, len(fit)):]
	return fit[:min(p.limit, len(fit))]
}

// answerList answers what is asked of a list, of which read returns a page, and how
// many items fit in all. A page with nothing on it is a 400, as the API has it.
func answerList[T any](t *Tenant, f Faults, values url.Values, name string, read func(paging) (items []T, total int)) answer {
	p, problem := t.parsePaging(values)
	if problem != "" {
		return refusal(http.StatusBadRequest, problem)
	}
	t.mu.Lock()
	items, total := read(p)
	t.mu.Unlock()
	if len(items) == 0 {
		return refusal(http.StatusBadRequest, "no "+strings.ReplaceAll(strings.TrimPrefix(name, "ne_"), "_", " ")+" found")
	}
	list := map[string]any{name: items}
	if p.metadata {
		metadata := map[string]any{"limit": p.limit, "offset": p.offset, "total": total}
		if next := p.next(values, name, total); next != nil || f.Nulls {
			metadata["next"] = next
		}
		list["_metadata"] = metadata
	}
	return inJSON(http.StatusOK, list)
}

// next is the path of the page after this one, nil where there is none: the
// same question, from the API's root, with limit and offset.
func (p paging) next(values url.Values, name string, total int) any {
	if p.offset+p.limit >= total {
		return nil
	}
	link := maps.Clone(values)
	link.Set(p.key("limit"), strconv.Itoa(p.limit))
	link.Set(p.key("offset"), strconv.Itoa(p.offset+p.limit))
	return "/" + name + "?" + link.Encode()
}

// sessionFilters are what a query asks of the sessions; all must hold.
func sessionFilters(values url.Values) (filters []field) {
	for _, name := range []string{fieldStatus, fieldWorkflowID, fieldRequesterID, fieldProfileID, fieldUID} {
		if value := values.Get(name); value != "" {
			if name != fieldStatus && name != fieldUID {
				value = strings.ToLower(value) // ids are kept so
			}
			filters = append(filters, field{name, value})
		}
	}
	return filters
}

// list answers GET /workflow_sessions.
func (t *Tenant) list(f Faults, values url.Values) answer {
	return answerList(t, f, values, "workflow_sessions", func(p paging) (sessions []any, total int) {
		fit := t.matches(sessionFilters(values), p.created)
		for _, id := range page(p, fit) {
			sessions = append(sessions, f.show(t.session(id)))
		}
		return sessions, len(fit)
	})
}

// matches lists the ids that the filters ask for, in the order of created_at if
// that is asked for. The caller holds mu and does not change the list.
func (t *Tenant) matches(filters []field, created bool) []uuid.UUID {
	ids := t.ids
	if created {
		ids = t.byCreated()
	}
	if len(filters) == 0 {
		return ids
	}
	key := fmt.Sprintf("%t %q", created, filters)
	l := &t.listing
	if l.key == key && l.version == t.version {
		return l.matches
	}
	l.key, l.version, l.matches = key, t.version, l.matches[:0]
	for _, id := range ids {
		if !slices.ContainsFunc(filters, func(f field) bool { return !t.fits(id, f) }) {
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
