package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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
}

// Page is a part of the list of sessions.
type Page struct {
	Sessions []Session
	Total    int    // of all pages; 0 when the tenant did not tell
	Next     string // for Query.Next; "" on the last page, or when the tenant did not tell
}

// List reads one page of sessions, with retries. For a Verdict other than OK
// the page is empty. The tenant answers 400 "no … found" where nothing fits:
// that is OK and an empty page.
func (c *Client) List(ctx context.Context, q Query) (Page, Answer) {
	query, err := q.encode()
	if err != "" {
		return Page{}, Answer{Verdict: Refused, Message: err}
	}
	var page Page
	a := c.do(ctx, &call{does: reads, page: &page, query: query})
	if a.Verdict != OK {
		return Page{}, a
	}
	return page, a
}

func (q Query) encode() (query, problem string) {
	if q.Next != "" {
		u, err := url.Parse(q.Next)
		if err != nil || u.RawQuery == "" {
			return "", "the tenant's pointer to the next page cannot be read"
		}
		v, err := url.ParseQuery(u.RawQuery)
		if err != nil {
			return "", "the tenant's pointer to the next page cannot be read"
		}
		v.Set("metadata", "true")
		return v.Encode(), ""
	}
	v := url.Values{"metadata": {"true"}}
	set := func(key, value string) {
		if value != "" {
			v.Set(key, value)
		}
	}
	set("status", strings.ReplaceAll(q.Status, "_", " "))
	set("workflow_id", q.WorkflowID)
	set("requester_id", q.RequesterID)
	set("profile_id", q.ProfileID)
	set("order", q.Order)
	if q.Limit > 0 {
		set("limit", strconv.Itoa(q.Limit))
	}
	if q.Offset > 0 {
		set("offset", strconv.Itoa(q.Offset))
	}
	return v.Encode(), ""
}

// page reads a list's body; problem continues the sentence "the answer …".
func (p *parser) page(to *Page) (problem string) {
	var (
		page    Page
		has     bool
		failure string
	)
	if p.peek() == '{' {
		for key, more := p.firstKey(); more; key, more = p.nextKey() {
			switch key {
			case "workflow_sessions":
				page.Sessions, has = p.sessions()
			case "_metadata":
				p.metadata(&page)
			case "error":
				failure = p.text()
			default:
				p.skip()
			}
		}
	} else {
		p.skip()
	}
	switch {
	case !p.end():
		return "is not JSON"
	case failure != "":
		return "is an error"
	case !has:
		return "holds no workflow_sessions"
	}
	*to = page
	return ""
}

func (p *parser) sessions() (list []Session, ok bool) {
	if p.peek() != '[' {
		p.skip()
		return nil, false
	}
	for more := p.firstElem(); more; more = p.nextElem() {
		p.space()
		start := p.i
		s, isObject := p.session()
		if isObject {
			s.Raw = rawObject(p.s[start:p.i])
			list = append(list, s)
		}
	}
	return list, !p.bad
}

func (p *parser) metadata(page *Page) {
	if p.peek() != '{' {
		p.skip()
		return
	}
	for key, more := p.firstKey(); more; key, more = p.nextKey() {
		switch key {
		case "total":
			page.Total, _ = strconv.Atoi(p.text())
		case "next":
			page.Next = p.text()
		default:
			p.skip()
		}
	}
}

// isEmptyList recognises the error that stands for an empty list, such as
// 400 {"error":"no profiles found"}.
func isEmptyList(status int, body []byte) bool {
	if status != http.StatusBadRequest {
		return false
	}
	reason := strings.ToLower(strings.TrimRight(plain(jsonReason(body), maxMessage), ". "))
	return strings.HasPrefix(reason, "no ") && strings.HasSuffix(reason, " found")
}
