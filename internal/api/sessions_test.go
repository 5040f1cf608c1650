package api

import (
	"io"
	"net/http"
	"net/url"
	"testing"
)

func TestList(t *testing.T) {
	tests := []struct {
		name     string
		query    Query
		status   int
		body     string
		sent     url.Values
		verdict  Verdict
		sessions int
		total    int
		next     string
	}{
		{name: "first page", status: 200, query: Query{Status: "pending_approval", WorkflowID: "w", RequesterID: "r", ProfileID: "p", Order: "created_at", Limit: 100},
			body:     `{"workflow_sessions":[{"id":"1","status":"pending approval"},{"id":"2"}],"_metadata":{"limit":100,"offset":0,"total":"250","next":"/api/workflow_sessions?limit=100&offset=100"}}`,
			sent:     url.Values{"metadata": {"true"}, "status": {"pending approval"}, "workflow_id": {"w"}, "requester_id": {"r"}, "profile_id": {"p"}, "order": {"created_at"}, "limit": {"100"}},
			sessions: 2, total: 250, next: "/api/workflow_sessions?limit=100&offset=100"},
		{name: "later page", status: 200, query: Query{Limit: 100, Offset: 200}, body: `{"workflow_sessions":[]}`,
			sent: url.Values{"metadata": {"true"}, "limit": {"100"}, "offset": {"200"}}},
		{name: "by pointer, to our own host only", status: 200, query: Query{Next: "https://evil.example/x?limit=5&offset=10", Limit: 3}, body: `{"workflow_sessions":[{"id":"1"}],"_metadata":{"next":null}}`,
			sent: url.Values{"metadata": {"true"}, "limit": {"5"}, "offset": {"10"}}, sessions: 1},
		{name: "nothing fits", status: 400, body: `{"error":"no workflow sessions found"}`, sent: url.Values{"metadata": {"true"}}},
		{name: "another 400", status: 400, body: `{"error":"bad filter"}`, sent: url.Values{"metadata": {"true"}}, verdict: Refused},
		{name: "not a list", status: 200, body: `{"workflow_session":{}}`, sent: url.Values{"metadata": {"true"}}, verdict: Refused},
		{name: "an error as 200", status: 200, body: `{"error":"x","workflow_sessions":[{"id":"1"}]}`, sent: url.Values{"metadata": {"true"}}, verdict: Refused},
		{name: "half a list", status: 200, body: `{"workflow_sessions":[{"id":"1"},`, sent: url.Values{"metadata": {"true"}}, verdict: Refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			c := newTestClient(t, Options{BaseURL: s.URL + "/api"})
			page, a := c.List(t.Context(), tt.query)
			if a.Verdict != tt.verdict || len(page.Items) != tt.sessions || page.Total != tt.total || page.Next != tt.next {
				t.Errorf("%v: %s\n%+v", a.Verdict, a.Message, page)
			}
			for _, got := range page.Items {
				if len(got.Raw) == 0 || got.Raw[0] != '{' {
					t.Errorf("raw: %q", got.Raw)
				}
			}
			u, _ := url.Parse(s.seen()[0].uri)
			if u.Path != "/api/workflow_sessions" || u.Query().Encode() != tt.sent.Encode() {
				t.Errorf("sent %s, want ?%s", u, tt.sent.Encode())
			}
		})
	}
}

func TestListRefusesAPointerItCannotRead(t *testing.T) {
	c, s := newScriptedClient(t, Options{}, ok())
	for _, next := range []string{"page-2", "https://x.example/", "?a=%zz", "://"} {
		if _, a := c.List(t.Context(), Query{Next: next}); a.Verdict != Refused || a.Message == "" {
			t.Errorf("%q: %+v", next, a)
		}
	}
	if n := len(s.times()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
