package sandbox

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxPage is the sessions on a page of the list, by default and at most.
const maxPage = 100

// filter is a condition of the list; all given ones must hold.
type filter struct{ name, value string }

// query is what a list request asks for.
type query struct {
	filters       []filter
	created       bool // in the order of created_at; else as added
	limit, offset int
	metadata      bool
}

// listing keeps the last list's matches, so that paging through a million
// sessions does not look at all of them for every page.
type listing struct {
	order   []uint32 // all places by created_at; nil until asked for
	key     string   // the filters and order that matches answers
	version uint64   // of the tenant when it did
	matches []uint32
}

func parseQuery(values url.Values) (query, *answer) {
	q := query{limit: maxPage}
	refuse := func(text string) (query, *answer) {
		a := refusal(http.StatusBadRequest, text)
		return query{}, &a
	}
	for name, least := range map[string]int{"limit": 1, "offset": 0} {
		text := values.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least {
			return refuse(name + " is invalid")
		}
		if name == "limit" {
			q.limit = min(n, maxPage)
		} else {
			q.offset = n
		}
	}
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
			q.filters = append(q.filters, filter{name, value})
		}
	}
	q.metadata = values.Get("metadata") == "true"
	return q, nil
}

// list answers GET /workflow_sessions. A page with nothing on it is a 400, as
// the API has it.
func (t *Tenant) list(now *regime, values url.Values) answer {
	q, refused := parseQuery(values)
	if refused != nil {
		return *refused
	}
	page, total := t.page(q)
	if len(page) == 0 {
		return refusal(http.StatusBadRequest, msgNone)
	}
	b := make([]byte, 0, 64+640*len(page))
	b = append(b, `{"workflow_sessions":[`...)
	for i, s := range page {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSession(b, now, s)
	}
	b = append(b, ']')
	if q.metadata {
		b = append(b, `,"_metadata":{"limit":`...)
		b = strconv.AppendInt(b, int64(q.limit), 10)
		b = append(b, `,"offset":`...)
		b = strconv.AppendInt(b, int64(q.offset), 10)
		b = append(b, `,"total":`...)
		b = strconv.AppendInt(b, int64(total), 10)
		b = append(b, `,"next":`...)
		b = appendLink(b, values, q, q.offset+q.limit, total)
		b = append(b, '}')
	}
	return answer{status: http.StatusOK, body: append(b, '}')}
}

// appendLink writes the path of another page, null where there is none: the
// same question, from the API's root, with limit and offset.
func appendLink(b []byte, values url.Values, q query, offset, total int) []byte {
	if offset >= total {
		return append(b, `null`...)
	}
	link := url.Values{}
	for name, list := range values {
		link[name] = list
	}
	link.Set("limit", strconv.Itoa(q.limit))
	link.Set("offset", strconv.Itoa(offset))
	return appendString(b, "/workflow_sessions?"+link.Encode())
}

// page gives the sessions of a page and how many match in all.
func (t *Tenant) page(q query) ([]Session, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(q.filters) == 0 && !q.created { // every session in its place
		from := min(q.offset, len(t.ids))
		to := min(from+q.limit, len(t.ids))
		page := make([]Session, 0, to-from)
		for i := from; i < to; i++ {
			page = append(page, t.session(uint32(i)))
		}
		return page, len(t.ids)
	}
	matches := t.matches(q)
	from := min(q.offset, len(matches))
	to := min(from+q.limit, len(matches))
	page := make([]Session, 0, to-from)
	for _, i := range matches[from:to] {
		page = append(page, t.session(i))
	}
	return page, len(matches)
}

// matches lists the places that a query asks for. The caller holds mu.
func (t *Tenant) matches(q query) []uint32 {
	key := strconv.FormatBool(q.created)
	for _, f := range q.filters {
		key += "\x00" + f.name + "\x00" + f.value
	}
	l := &t.listing
	if l.key == key && l.version == t.version {
		return l.matches
	}
	l.key, l.version, l.matches = key, t.version, l.matches[:0]
	if q.created {
		for _, i := range t.byCreated() {
			if t.match(i, q.filters) {
				l.matches = append(l.matches, i)
			}
		}
		return l.matches
	}
	for i := range uint32(len(t.ids)) {
		if t.match(i, q.filters) {
			l.matches = append(l.matches, i)
		}
	}
	return l.matches
}

func (t *Tenant) match(i uint32, filters []filter) bool {
	e := t.entries[i]
	for _, f := range filters {
		value := ""
		if at := slices.IndexFunc(e.set(), func(set field) bool { return set.name == f.name }); at >= 0 {
			value = e.fields[at].value
		} else if e != nil && e.base != nil {
			value = e.base.value(f.name)
		} else {
			value = seedValue(t.ids[i].hash(), f.name)
		}
		if f.name == fieldStatus && sameStatus(value, f.value) {
			continue
		}
		if value != f.value {
			return false
		}
	}
	return true
}

// set is what PATCHes set; of a session that nobody touched, nothing.
func (e *entry) set() []field {
	if e == nil {
		return nil
	}
	return e.fields
}

// byCreated orders all places by created_at, those of one moment as added. The
// caller holds mu.
func (t *Tenant) byCreated() []uint32 {
	l := &t.listing
	if len(l.order) == len(t.ids) {
		return l.order
	}
	created := make([]int64, len(t.ids))
	l.order = make([]uint32, len(t.ids))
	for i := range t.ids {
		l.order[i] = uint32(i)
		if e := t.entries[i]; e != nil && e.base != nil {
			created[i] = e.base.CreatedAt.UnixMilli()
		} else {
			created[i] = seedCreated(t.ids[i].hash()) * 1000
		}
	}
	slices.SortStableFunc(l.order, func(a, b uint32) int { return cmp.Compare(created[a], created[b]) })
	return l.order
}
