package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"nermbulk/internal/text"
)

// Query chooses a part of one of the tenant's lists. Empty fields choose
// nothing.
type Query struct {
	// Filters of the list of sessions.
	UID         string
	Status      string // in any spelling; sent with spaces, as the filter expects it
	WorkflowID  string
	RequesterID string
	ProfileID   string

	AttributeID string // filter of the list of options

	Order  string // a key of what is listed, such as created_at
	Limit  int    // items a page; 0 = the tenant's own choice (100, which is also the most it gives)
	Offset int    // items to skip
	// Nested asks for order, limit and offset in the other form that tenants
	// are known to read: query[limit].
	Nested bool
	// Next is Page.Next of the page before: where that page pointed to.
	// Only its query is used, so that it cannot lead to another host; it
	// replaces everything above.
	Next string
	// Whole has Pages read every item exactly once though the list changes
	// meanwhile, which takes about 40 bytes of memory an item.
	Whole bool
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Limit int    // items a page, as the tenant sees it; 0 when it did not say
	Total int    // of all pages; 0 when the tenant did not say
	Next  string // for Query.Next; "" on the last page, or when the tenant did not say
	Last  bool   // no page follows; set by Pages
	Again bool   // the list begins again, in its other form: forget what came before; set by Pages where it is not read whole
}

// listed is what the tenant lists.
type listed interface {
	Session | Attribute | option
	listKey() string // the item's own in its list
	plural() string  // what a list of it is a list of
}

// listCall is a page of a list that is asked for.
type listCall struct {
	path, query string                             // path is below the API's root
	read        func(body []byte) (problem string) // keeps the body of a 200; problem continues the sentence "the answer …"
}

// readList reads one page of the list that is served at path under the key of
// the same name, with retries; parse reads one item. For a Verdict other than
// OK the page is empty. The tenant answers 400 "no … found" where nothing fits:
// that is OK and an empty page.
func readList[T any](ctx context.Context, c *Client, path string, q Query, parse func([]byte) (T, error)) (Page[T], Answer) {
	query, problem := q.encode()
	if problem != "" {
		return Page[T]{}, Answer{Verdict: Refused, Message: problem}
	}
	var page Page[T]
	a := c.do(ctx, &call{does: safe, list: &listCall{path, query, func(body []byte) (problem string) {
		page, problem = parsePage(body, path, parse)
		return problem
	}}})
	if a.Verdict != OK {
		return Page[T]{}, a
	}
	return page, a
}

// parsePage reads a list's body. An item that cannot be read is passed over.
func parsePage[T any](body []byte, key string, parse func([]byte) (T, error)) (p Page[T], problem string) {
	var doc map[string]json.RawMessage
	var failure lenient
	if _, problem = readAnswer(body, &doc, &failure); problem != "" {
		return p, problem
	}
	if json.Unmarshal(doc["error"], &failure) == nil && failure.value != "" {
		return p, "is an error"
	}
	var items []json.RawMessage
	if json.Unmarshal(doc[key], &items) != nil || items == nil {
		return p, "holds no " + key
	}
	for _, object := range items {
		if item, err := parse(object); err == nil {
			p.Items = append(p.Items, item)
		}
	}
	var metadata struct{ Limit, Total, Next lenient }
	if json.Unmarshal(doc["_metadata"], &metadata) == nil {
		p.Limit, _ = strconv.Atoi(metadata.Limit.value)
		p.Total, _ = strconv.Atoi(metadata.Total.value)
		p.Next = metadata.Next.value
	}
	return p, ""
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
		part := func(name string) string { return name }
		if q.Nested {
			part = func(name string) string { return "query[" + name + "]" }
		}
		for key, value := range map[string]string{
			"uid":             q.UID,
			"status":          statusFilter(q.Status),
			"workflow_id":     q.WorkflowID,
			"requester_id":    q.RequesterID,
			"profile_id":      q.ProfileID,
			"ne_attribute_id": q.AttributeID,
			part("order"):     q.Order,
			part("limit"):     strconv.Itoa(q.Limit),
			part("offset"):    strconv.Itoa(q.Offset),
		} {
			if value != "" && value != "0" {
				v.Set(key, value)
			}
		}
	}
	v.Set("metadata", "true")
	return v.Encode(), ""
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
