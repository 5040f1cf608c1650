package api

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPatchSendsWhatItShould(t *testing.T) {
	s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, sessionJSON("a b/c?d"))
	})
	c := newTestClient(t, Options{BaseURL: s.URL + "/api/", UserAgent: "nermbulk/9.9"})
	for _, run := range []bool{false, true} {
		a := c.Patch(context.Background(), Request{ID: "a b/c?d", Run: run, Body: []byte(`{"x":1}`)})
		if a.Verdict != OK || a.Attempts != 1 || a.Status != 200 || a.Session.Status != "completed" || a.Session.Raw != nil {
			t.Fatalf("answer: %+v", a)
		}
	}
	if a := c.Get(context.Background(), "A B/C?D"); a.Verdict != OK || string(a.Session.Raw) == "" {
		t.Fatalf("get: %+v", a)
	}
	got := s.seen()
	want := []seen{
		{method: "PATCH", uri: "/api/workflow_sessions/a%20b%2Fc%3Fd", body: `{"x":1}`},
		{method: "PATCH", uri: "/api/workflow_sessions/a%20b%2Fc%3Fd?run=true", body: `{"x":1}`},
		{method: "GET", uri: "/api/workflow_sessions/A%20B%2FC%3FD"},
	}
	for i, w := range want {
		if g := got[i]; g.method != w.method || g.uri != w.uri || g.body != w.body {
			t.Errorf("request %d: %+v, want %+v", i, g, w)
		}
		h := got[i].header
		if h.Get("Authorization") != "Bearer "+testToken || h.Get("Accept") != "application/json" || h.Get("User-Agent") != "nermbulk/9.9" {
			t.Errorf("request %d: header %v", i, h)
		}
		if ct := h.Get("Content-Type"); (ct == "application/json") != (w.method == "PATCH") {
			t.Errorf("request %d: Content-Type %q", i, ct)
		}
	}
	n := c.Counters()
	if n.Patch != 2 || n.Get != 1 || n.Retried != 0 {
		t.Errorf("counters: %+v", n)
	}
}

func TestPatchVerdicts(t *testing.T) {
	long := strings.Repeat("ü", 5000)
	tests := []struct {
		name    string
		status  int
		header  string // name: value
		body    string
		verdict Verdict
		run     Verdict // with run=true
		message string
		server  bool
	}{
		{name: "the session", status: 200, body: sessionJSON(testID), verdict: OK, run: OK},
		{name: "the session, id in capitals", status: 200, body: sessionJSON(strings.ToUpper(testID)), verdict: OK, run: OK},
		{name: "another id", status: 200, body: sessionJSON("other"), verdict: Refused, run: Doubtful, message: "HTTP 200, but the answer is about another session (other)"},
		{name: "an error as 200", status: 200, body: `{"error":"no such thing"}`, verdict: Refused, run: Doubtful, message: "HTTP 200, but with an error: no such thing"},
		{name: "a session and an error", status: 200, body: `{"error":"half","workflow_session":{"id":"` + testID + `"}}`, verdict: Refused, run: Doubtful, message: "HTTP 200, but with an error: half"},
		{name: "an empty error beside the session", status: 200, body: `{"error":null,"workflow_session":{"id":"` + testID + `"}}`, verdict: OK, run: OK},
		{name: "no session", status: 200, body: `{"ok":true}`, verdict: Refused, run: Doubtful, message: "HTTP 200, but the answer holds no workflow_session"},
		{name: "null session", status: 200, body: `{"workflow_session":null}`, verdict: Refused, run: Doubtful, message: "HTTP 200, but the answer holds no workflow_session"},
		{name: "an array", status: 200, body: `[1]`, verdict: Refused, run: Doubtful, message: "HTTP 200, but the answer holds no workflow_session"},
		{name: "not JSON", status: 200, body: `updated`, verdict: Refused, run: Doubtful, message: "HTTP 200, but the answer is not JSON"},
		{name: "JSON cut short", status: 200, body: sessionJSON(testID)[:60], verdict: Refused, run: Doubtful, message: "HTTP 200, but the answer is not JSON"},
		{name: "JSON and more", status: 200, body: sessionJSON(testID) + "{}", verdict: Refused, run: Doubtful, message: "HTTP 200, but the answer is not JSON"},
		{name: "empty", status: 200, verdict: Refused, run: Doubtful, message: "HTTP 200, but the answer is empty"},
		{name: "a login page", status: 200, header: "Content-Type: text/html", body: "<html><title>Sign in</title>", verdict: Refused, run: Doubtful, message: `HTTP 200, but the answer is an HTML page, probably from a proxy, titled "Sign in"`},
		{name: "204", status: 204, verdict: Doubtful, run: Doubtful, message: "HTTP 204, but the answer is empty"},
		{name: "201", status: 201, body: sessionJSON(testID), verdict: Doubtful, run: Doubtful, message: "HTTP 201, but the answer is not one that this API documents"},
		{name: "202", status: 202, body: sessionJSON(testID), verdict: Doubtful, run: Doubtful, message: "HTTP 202, but the answer is not one that this API documents"},
		{name: "bad JSON syntax", status: 400, body: `{"error":"Invalid JSON syntax. Please check your syntax and try again."}`, verdict: Refused, run: Refused, message: "Invalid JSON syntax. Please check your syntax and try again."},
		{name: "a validation", status: 400, body: `{"error":"The workflow session failed to create/update","errors":{"end_date":"can't be blank"}}`, verdict: Refused, run: Refused, message: "The workflow session failed to create/update: end_date can't be blank"},
		{name: "422 with lists", status: 422, body: `{"errors":{"b":["is bad","is worse"],"a":"is missing"}}`, verdict: Refused, run: Refused, message: "a is missing; b is bad, is worse"},
		{name: "404", status: 404, body: `{"error":"The requested Workflow Session was not found"}`, verdict: Refused, run: Refused, message: "The requested Workflow Session was not found"},
		{name: "409 plain", status: 409, body: "no\x1b[31m way\x00", verdict: Refused, run: Refused, message: "HTTP 409 Conflict, with the text: no way"},
		{name: "413 empty", status: 413, verdict: Refused, run: Refused, message: "HTTP 413 Request Entity Too Large, with an empty answer"},
		{name: "400 long", status: 400, body: long, verdict: Refused, run: Refused, message: "HTTP 400 Bad Request, with the text: " + long[:400] + "…"},
		{name: "redirect", status: 302, header: "Location: https://login.example/sso?token=abc#x", verdict: Refused, run: Refused, message: "the tenant pointed to https://login.example/sso (HTTP 302); redirects are never followed: check the base URL"},
		{name: "redirect without a place", status: 308, verdict: Refused, run: Refused, message: "the tenant pointed elsewhere (HTTP 308); redirects are never followed: check the base URL"},
		{name: "401", status: 401, body: `{"error":"Unauthorized"}`, verdict: Denied, run: Denied, message: "Unauthorized (HTTP 401); the token was not accepted: check that it is whole, has not expired and is for this tenant, and --auth-scheme"},
		{name: "403", status: 403, verdict: Denied, run: Denied, message: "HTTP 403 Forbidden, with an empty answer; only NERM admins may use this API, and the tenant's IP allow-list may not hold this machine's address"},
		{name: "500", status: 500, body: `{"error":"Sorry something went wrong"}`, verdict: Doubtful, run: Doubtful, server: true, message: "Sorry something went wrong (HTTP 500)"},
		{name: "502 page", status: 502, header: "Content-Type: text/html", body: "<html><TITLE>502 <b>Bad&nbsp;Gateway</b>\x1b[2J</TITLE>", verdict: Doubtful, run: Doubtful, server: true, message: `HTTP 502 Bad Gateway, an HTML page, probably from a proxy, titled "502 <b>Bad Gateway</b>"`},
		{name: "504", status: 504, verdict: Doubtful, run: Doubtful, server: true, message: "HTTP 504 Gateway Timeout, with an empty answer"},
		{name: "520", status: 520, verdict: Doubtful, run: Doubtful, server: true, message: "HTTP 520, with an empty answer"},
		{name: "408", status: 408, verdict: Doubtful, run: Doubtful, message: "HTTP 408 Request Timeout, with an empty answer"},
		{name: "503 without", status: 503, verdict: Doubtful, run: Doubtful, server: true, message: "HTTP 503 Service Unavailable, with an empty answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
				if name, value, ok := strings.Cut(tt.header, ": "); ok {
					w.Header().Set(name, value)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			for _, run := range []bool{false, true} {
				c := newTestClient(t, Options{BaseURL: s.URL + "/api", MaxAttempts: 1})
				want := tt.verdict
				if run {
					want = tt.run
				}
				a := patch(c, run)
				if a.Verdict != want || a.Status != tt.status || a.Server != tt.server || a.Message != tt.message {
					t.Errorf("run=%v: %v %d server=%v\n got %q\nwant %q (%v)", run, a.Verdict, a.Status, a.Server, a.Message, tt.message, want)
				}
				if a.Attempts != 1 || a.InDoubt != (a.Verdict == Doubtful) || a.Duration <= 0 || a.Duration > 20*time.Second {
					t.Errorf("run=%v: attempts %d, in doubt %v, duration %v", run, a.Attempts, a.InDoubt, a.Duration)
				}
				switch {
				case want == OK && a.Body != nil:
					t.Errorf("run=%v: an OK bears a body", run)
				case want != OK && tt.status != 204 && string(a.Body) != tt.body && string(a.Body) != tt.body[:min(len(tt.body), maxBody)]:
					t.Errorf("run=%v: body %q", run, a.Body)
				}
			}
		})
	}
}

func TestGetJudgesOnlyReading(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   Verdict
	}{
		{"found", 200, sessionJSON(testID), OK},
		{"another", 200, sessionJSON("x"), Refused},
		{"not found", 404, `{"error":"not found"}`, Refused},
		{"5xx applies nothing", 500, "", Exhausted},
		{"401", 401, "", Denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			c := newTestClient(t, Options{BaseURL: s.URL + "/api", MaxAttempts: 1})
			if a := c.Get(context.Background(), testID); a.Verdict != tt.want || a.InDoubt {
				t.Errorf("%v, in doubt %v: %s", a.Verdict, a.InDoubt, a.Message)
			}
		})
	}
}

func TestAuthSchemes(t *testing.T) {
	s := newTenant(t, http.NotFound)
	want := map[string]string{"bearer": "Bearer abc123", "Token": "Token token=abc123"}
	for scheme, header := range want {
		auth, err := StaticToken("abc123", scheme)
		if err != nil {
			t.Fatal(err)
		}
		patch(newTestClient(t, Options{BaseURL: s.URL, Auth: auth}), false)
		seen := s.seen()
		if got := seen[len(seen)-1].header.Get("Authorization"); got != header {
			t.Errorf("%s: %q, want %q", scheme, got, header)
		}
	}
}

func TestMissingAPIHint(t *testing.T) {
	s := newTenant(t, http.NotFound)
	for path, hint := range map[string]bool{"": true, "/": true, "/v1": true, "/api": false, "/API/": false, "/proxy/api/v1": false} {
		a := patch(newTestClient(t, Options{BaseURL: s.URL + path}), false)
		if got := strings.Contains(a.Message, "lacks /api"); got != hint {
			t.Errorf("base path %q: %s", path, a.Message)
		}
	}
}

func TestRefusesAnIDThatIsNoSegment(t *testing.T) {
	s := newTenant(t, http.NotFound)
	c := newTestClient(t, Options{BaseURL: s.URL + "/api"})
	for _, id := range []string{"", ".", ".."} {
		if a := c.Get(context.Background(), id); a.Verdict != Refused || a.Attempts != 0 {
			t.Errorf("id %q: %+v", id, a)
		}
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
