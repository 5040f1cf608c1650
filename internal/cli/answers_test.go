package cli_test

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
)

// oneRow is a sheet of one row, but for the cell of its column run.
const oneRow = "id,status,run\n00000001-0000-4000-8000-000000001eef,completed,%s\n"

// session answers as the tenant's session of oneRow.
func session(w http.ResponseWriter, id, status string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"workflow_session":{"id":%q,"status":%q}}`, id, status)
}

// answerWith answers with a status and a body of a content type.
func answerWith(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // a client that left is the test's to see
	}
}

const (
	asJSON = "application/json"
	asHTML = "text/html"
)

// TestStrangeAnswers sends a row to tenants whose answer is not the session:
// it is never called a success, and the error is one line that a person understands.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		http   string // result.http_status
		want   string // in result.error
		body   string // result.error_body; "" is not looked at
	}{
		{"200 with an error", answerWith(200, asJSON, `{"error":"no can do"}`), "200", "no can do", `{"error":"no can do"}`},
		{"200 with HTML", answerWith(200, asHTML, "<html><head><title>Sign in</title></head><body>x</body></html>"), "200", "Sign in", ""},
		{"200 with another id", func(w http.ResponseWriter, _ *http.Request) { session(w, idOf(2), "completed") }, "200", "another session", ""},
		{"200 cut off", answerWith(200, asJSON, `{"workflow_session":{"id":"00000001-`), "200", "not JSON", ""},
		{"200 with nothing", answerWith(200, asJSON, ""), "200", "empty", ""},
		{"200 with a list", answerWith(200, asJSON, `[]`), "200", "no workflow_session", "[]"},
		{"400 with errors by field", answerWith(400, asJSON, `{"error":"The session failed to update","errors":{"end_date":["can't be blank"]}}`), "400", "end_date can't be blank", ""},
		{"400 with a message beside", answerWith(400, asJSON, `{"error":"The Profile failed to create/update","message":"Name is taken","base":["No such owner"]}`), "400", "failed to create/update: Name is taken; No such owner", ""},
		{"400 in Latin-1", answerWith(400, "text/html; charset=iso-8859-1", "<title>Zugriff f\xfcr Zo\xeb verweigert</title>"), "400", "Zugriff für Zoë verweigert", "<title>Zugriff für Zoë verweigert</title>"},
		{"404 with HTML", answerWith(404, asHTML, "<h1>Not\nfound</h1>"), "404", "404", ""},
		{"422 as text", answerWith(422, "text/plain", "nope"), "422", "nope", "nope"},
		{"an error with control characters", answerWith(400, asJSON, "{\"error\":\"\x1b[31mred\x1b]0;title\x07\\u0007 bell\\u202e\"}"), "400", "red", ""},
		{"HTML with scripts and escapes", answerWith(400, asHTML, "<title>\x1b[2JProxy says \u009b31mno</title><script>alert(1)</script>"), "400", "Proxy says no", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				test.answer(w, r)
			}))
			defer server.Close()
			results, s := runSheet(t, 1, server.URL+"/api", fmt.Sprintf(oneRow, ""), []string{"NERM_TOKEN=x"}, "--verbose")
			row := results.rows[0]
			if row["result.status"] != "failed" || row["result.http_status"] != test.http || row["result.attempts"] != "1" {
				t.Errorf("the result is %v", row)
			}
			if !strings.Contains(row["result.error"], test.want) {
				t.Errorf("the error is %q, without %q", row["result.error"], test.want)
			}
			if test.body != "" && row["result.error_body"] != test.body {
				t.Errorf("the body is %q, not %q", row["result.error_body"], test.body)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests, not one", n)
			}
			for name, text := range map[string]string{"the error": row["result.error"], "what was printed": s.stderr} {
				if bad := strings.IndexFunc(text, isRaw); bad >= 0 {
					t.Errorf("%s holds a control character: %q", name, text[bad:min(len(text), bad+20)])
				}
				if strings.Contains(text, "<script") || strings.Contains(text, "<h1>") {
					t.Errorf("%s holds raw HTML: %s", name, text)
				}
			}
		})
	}
}

// isRaw reports what may not reach a terminal.
func isRaw(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}

// TestRedirects checks that nothing is sent to where a tenant points,
// credentials least of all.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var strayed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		strayed.Add(1)
		session(w, idOf(1), "completed")
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL+r.URL.Path+"?token=in-the-address", status)
			}))
			defer server.Close()
			results, s := runSheet(t, 1, server.URL+"/api", fmt.Sprintf(oneRow, "true"), []string{"NERM_TOKEN=x"})
			row := results.rows[0]
			if row["result.status"] != "failed" || row["result.http_status"] != fmt.Sprint(status) {
				t.Errorf("the result is %v", row)
			}
			if !strings.Contains(row["result.error"], elsewhere.URL) || !strings.Contains(row["result.error"], "never followed") {
				t.Errorf("the error does not tell of the redirect: %q", row["result.error"])
			}
			if strings.Contains(row["result.error"]+s.stderr, "in-the-address") {
				t.Errorf("the address's query was printed: %q", row["result.error"])
			}
		})
	}
	if n := strayed.Load(); n > 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

// TestDoubtfulAnswers sends a row that runs its session to tenants whose
// answer leaves open whether it ran: it is looked up, never sent in the blind.
func TestDoubtfulAnswers(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	for _, test := range []struct {
		name        string
		patch, get  http.HandlerFunc
		code        int
		status      string
		note, error string
		patches     int32
	}{
		{
			name:  "applied, and the answer is a proxy's page",
			patch: answerWith(200, asHTML, "<title>Bad Gateway</title>"),
			get:   modified(time.Hour),
			code:  0, status: "updated", note: "read back", patches: 1,
		},
		{
			name:  "as the sheet asks since long before, and the first request is lost",
			patch: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			get:   modified(-time.Hour),
			code:  1, status: "unknown", error: "does not tell", patches: 1,
		},
		{
			name:  "as the sheet asks, and the tenant does not tell since when",
			patch: answerWith(500, asJSON, `{"error":"Sorry something went wrong"}`),
			get:   func(w http.ResponseWriter, _ *http.Request) { session(w, idOf(1), "completed") },
			code:  1, status: "unknown", error: "does not tell", patches: 1,
		},
		{
			name:  "as the sheet asks, by a change a moment before the request left",
			patch: answerWith(500, asJSON, `{"error":"Sorry something went wrong"}`),
			get:   modifiedAt(begun.Add(-300 * time.Millisecond)),
			code:  1, status: "unknown", error: "does not tell", patches: 1,
		},
		{
			name:  "cannot be read back",
			patch: answerWith(500, asJSON, `{"error":"Sorry something went wrong"}`),
			get:   answerWith(404, asJSON, `{"error":"gone"}`),
			code:  1, status: "unknown", error: "could not be read back", patches: 1,
		},
		{
			name:  "another status, which the run may have left",
			patch: answerWith(500, asJSON, `{"error":"Sorry something went wrong"}`),
			get:   func(w http.ResponseWriter, _ *http.Request) { session(w, idOf(1), "assigned") },
			code:  1, status: "unknown", error: "does not tell", patches: 1,
		},
		{
			name:  "not applied, and refused when sent again",
			patch: refusedLater(),
			get:   answerWith(200, asJSON, `{"workflow_session":{"id":"00000001-0000-4000-8000-000000001eef","status":"assigned","updated_at":"2026-01-02T03:04:05Z"}}`),
			code:  1, status: "failed", error: "Invalid", patches: 2,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var patches atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					test.get(w, r)
					return
				}
				patches.Add(1)
				test.patch(w, r)
			}))
			defer server.Close()
			results, _ := runSheet(t, test.code, server.URL+"/api", fmt.Sprintf(oneRow, "yes"), []string{"NERM_TOKEN=x"})
			row := results.rows[0]
			if row["result.status"] != test.status || !strings.Contains(row["result.note"], test.note) || !strings.Contains(row["result.error"], test.error) {
				t.Errorf("the result is %v", row)
			}
			if n := patches.Load(); n != test.patches {
				t.Errorf("%d PATCHes, not %d", n, test.patches)
			}
		})
	}
}

// TestOtherSuccesses sends a row to tenants that answer with a success which
// the API does not document: the session shows what came of it.
func TestOtherSuccesses(t *testing.T) {
	t.Parallel()
	get := func(status string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { session(w, idOf(1), status) }
	}
	for _, test := range []struct {
		name   string
		patch  http.HandlerFunc
		get    http.HandlerFunc
		run    string
		code   int
		status string
		text   string // in the note or the error
	}{
		{"201 with the session", answerWith(201, asJSON, `{"workflow_session":{"id":"00000001-0000-4000-8000-000000001eef"}}`), get("completed"), "", 0, "updated", "read back"},
		{"202", answerWith(202, asJSON, `{}`), get("completed"), "", 0, "updated", "read back"},
		{"204", answerWith(204, "", ""), get("completed"), "", 0, "updated", "read back"},
		{"204, and not so", answerWith(204, "", ""), get("assigned"), "", 1, "failed", "HTTP 204, but the answer is empty; read back, the session is not as the row asks"},
		{"204, cannot be read back", answerWith(204, "", ""), answerWith(404, asJSON, `{"error":"gone"}`), "", 1, "unknown", "could not be read back: gone"},
		{"204, run, modified since", answerWith(204, "", ""), modified(time.Hour), "true", 0, "updated", "read back"},
		{"204, run, older", answerWith(204, "", ""), modified(-time.Hour), "true", 1, "unknown", "does not tell"},
		{"204, run, and not so", answerWith(204, "", ""), answerWith(200, asJSON, `{"workflow_session":{"id":"00000001-0000-4000-8000-000000001eef","status":"assigned","updated_at":"2026-01-02T03:04:05Z"}}`), "true", 1, "unknown", "not as the row asks"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var patches atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					test.get(w, r)
					return
				}
				patches.Add(1)
				test.patch(w, r)
			}))
			defer server.Close()
			results, _ := runSheet(t, test.code, server.URL+"/api", fmt.Sprintf(oneRow, test.run), []string{"NERM_TOKEN=x"})
			row := results.rows[0]
			if row["result.status"] != test.status || !strings.Contains(row["result.note"]+row["result.error"], test.text) {
				t.Errorf("the result is %v", row)
			}
			if n := patches.Load(); n != 1 {
				t.Errorf("%d PATCHes, not one", n)
			}
		})
	}
}

// modified answers as the session of oneRow, completed, which was modified so
// long after the answer.
func modified(after time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { modifiedAt(time.Now().Add(after))(w, r) }
}

func modifiedAt(at time.Time) http.HandlerFunc {
	return answerWith(200, asJSON, fmt.Sprintf(`{"workflow_session":{"id":%q,"status":"completed","updated_at":%q}}`, idOf(1), at.UTC().Format("2006-01-02T15:04:05.000Z")))
}

// refusedLater answers the first request with an error that leaves doubt, and
// refuses the others.
func refusedLater() http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			answerWith(502, asHTML, "<html>Bad Gateway</html>")(w, r)
			return
		}
		answerWith(400, asJSON, `{"error":"Invalid status"}`)(w, r)
	}
}

// TestRepeatedAnswers sends a row that may be sent again to tenants that turn
// it away at first.
func TestRepeatedAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		after  string // Retry-After
		code   int
		result string
		tries  string
	}{
		{"503 with a wait", 503, "0", 0, "updated", "2"},
		{"429", 429, "0", 0, "updated", "2"},
		{"502", 502, "", 0, "updated", "2"},
		{"408", 408, "", 0, "updated", "2"},
		{"501 is tried again as any 5xx", 501, "", 0, "updated", "2"},
		{"409 is refused for good", 409, "", 1, "failed", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) > 1 {
					session(w, idOf(1), "completed")
					return
				}
				if test.after != "" {
					w.Header().Set("Retry-After", test.after)
				}
				answerWith(test.status, asHTML, "<html>wait</html>")(w, r)
			}))
			defer server.Close()
			results, _ := runSheet(t, test.code, server.URL+"/api", fmt.Sprintf(oneRow, ""), []string{"NERM_TOKEN=x"})
			if row := results.rows[0]; row["result.status"] != test.result || row["result.attempts"] != test.tries {
				t.Errorf("the result is %v", row)
			}
		})
	}
}

// TestNothingButRefusals runs against tenants that grant nothing: the run
// stops, no row has failed, and it says until when.
func TestNothingButRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, after, wait, want string
	}{
		{"without a word", "", "2s", "grants nothing: for 2s it answered nothing but that there are too many requests, and does not say until when"},
		{"a wait that is told", "3600", "5m", `grants nothing: it asks to wait 1h0m0s, until 20\d\d-.*, which is longer than --outage-wait allows \(5m0s\)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.after != "" {
					w.Header().Set("Retry-After", test.after)
				}
				answerWith(429, asJSON, `{"message":"slow down"}`)(w, r)
			}))
			defer server.Close()
			results, s := runSheet(t, 3, server.URL+"/api", manyRows(30), []string{"NERM_TOKEN=x"}, "--outage-wait", test.wait, "--max-attempts", "2")
			if !regexp.MustCompile(test.want).MatchString(s.stderr) {
				t.Error(s.stderr)
			}
			for _, row := range results.rows {
				if row["result.status"] != "pending" {
					t.Fatalf("%v", row)
				}
			}
		})
	}
}

// TestPackedAnswers sends rows to a tenant whose proxy packs what it answers,
// though nobody asked for that.
func TestPackedAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		defer packed.Close()
		if strings.HasSuffix(r.URL.Path, idOf(2)) {
			w.WriteHeader(400)
			fmt.Fprint(packed, `{"error":"no such session"}`)
			return
		}
		fmt.Fprintf(packed, `{"workflow_session":{"id":%q,"status":"completed"}}`, path.Base(r.URL.Path))
	}))
	defer server.Close()
	results, _ := runSheet(t, 1, server.URL+"/api", manyRows(3), []string{"NERM_TOKEN=x"})
	for i, want := range []string{"updated", "failed", "updated"} {
		row := results.rows[i]
		if row["result.status"] != want || want == "failed" && (row["result.error"] != "no such session" || row["result.error_body"] != `{"error":"no such session"}`) {
			t.Errorf("%v", row)
		}
	}
}
