package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"nermbulk/internal/journal"
)

var (
	tag       = regexp.MustCompile(`<(/?[a-zA-Z][a-zA-Z0-9]*)([^>]*)>`)
	handler   = regexp.MustCompile(`(?i)\s(on[a-z]+|style)\s*=`)
	reference = regexp.MustCompile(`(?i)\b(?:src|href|action|url)\s*[=(]\s*["']?([^"'>)]*)`)
)

const hostile = "</td></table><script>alert(1)</script></style><img src=x onerror=alert(1)>\x1b[31m\x00\u202e&amp;{{.Style}}\" ' `"

// A page must be harmless whatever the tenant or the sheet wrote.
func TestHostileText(t *testing.T) {
	r := newRun(t, "id,status\n"+uuid(1)+",\"</script><script>x()</script>\"\n"+uuid(2)+",b\n",
		journal.Start{At: began, Version: hostile, Host: hostile, Sheet: "/tmp/" + hostile, SheetFile: "sheet.csv"},
		journal.Outcome{At: began, Row: 2, ID: uuid(1) + hostile, Status: journal.Failed, HTTPStatus: 400, Attempts: 1,
			Error: hostile, ErrorBody: hostile, Note: hostile},
		journal.End{At: began, ExitCode: 3, Reason: hostile},
	)
	r.o.Settings = map[string]string{hostile: hostile, "base-url": "javascript:alert(1)"}
	r.must()
	page := r.file("report.html")

	allowed := map[string]int{"script": 1, "style": 1, "img": 0, "iframe": 0, "form": 0, "object": 0, "base": 0}
	count := map[string]int{}
	body := withoutScript(t, page)
	for _, m := range tag.FindAllStringSubmatch(body, -1) {
		if name := strings.ToLower(m[1]); !strings.HasPrefix(name, "/") {
			count[name]++
		}
		if handler.MatchString(m[2]) {
			t.Errorf("a tag has a script or style of its own: %s", m[0])
		}
	}
	for name, n := range allowed {
		if count[name] != n {
			t.Errorf("the page has %d <%s>, not %d", count[name], name, n)
		}
	}
	for _, c := range page {
		if unicode.IsControl(c) && c != '\n' || unicode.Is(unicode.Bidi_Control, c) {
			t.Errorf("the page holds the control character %U", c)
		}
	}
	if !strings.Contains(html.UnescapeString(body), "<script>alert(1)</script>") {
		t.Error("the tenant's answer is not shown")
	}
	if strings.Count(page, "</html>") != 1 || !strings.HasSuffix(strings.TrimSpace(page), "</html>") {
		t.Error("the page does not end where it should")
	}
}

// withoutScript takes the style's and the script's own text out.
func withoutScript(t *testing.T, page string) string {
	t.Helper()
	for _, text := range []string{Colors, pageRules, pageScript} {
		if strings.Count(page, text) != 1 {
			t.Fatal("the style or the script is not in the page as it is")
		}
		page = strings.Replace(page, text, "", 1)
	}
	return page
}

// The policy must name what is between the tags, to the byte, or a browser
// shows the page without style and search.
func TestPolicy(t *testing.T) {
	r := mixedRun(t)
	r.must()
	page := r.file("report.html")
	policy := html.UnescapeString(between(t, page, `Content-Security-Policy" content="`, `"`))
	for _, directive := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("the policy %q lacks %q", policy, directive)
		}
	}
	for _, name := range []string{"style", "script"} {
		sum := sha256.Sum256([]byte(between(t, page, "<"+name+">", "</"+name+">")))
		if want := name + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("the policy %q does not allow the page's own %s", policy, name)
		}
	}
	for _, m := range reference.FindAllStringSubmatch(page, -1) {
		if m[1] != "data:," {
			t.Errorf("the page refers to %q", m[1])
		}
	}
}

func between(t *testing.T, text, start, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, start)
	if !ok {
		t.Fatalf("%q is not in the page", start)
	}
	inner, _, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("%q is not closed", start)
	}
	return inner
}

func TestPageContent(t *testing.T) {
	r := mixedRun(t)
	r.o.Settings = map[string]string{"rate": "10", "workers": "8"}
	r.must()
	page := r.file("report.html")
	for _, want := range []string{
		`<h1>Run of sessions.csv</h1>`,
		`1 row need`,
		`aria-label="1 updated, 0 unchanged, 1 failed, 0 unknown, 0 invalid, 1 pending"`,
		`<th scope="row">end_date can&#39;t be blank`,
		"90 %\u00a0within 200 ms",
		`<dt>workers</dt><dd>8</dd>`,
		`<dt>nermbulk</dt><dd>1.2.3</dd>`,
		`<dt>Stopped</dt><dd>100 rows failed (--max-failures)</dd>`,
		`<polyline class="ceiling"`,
		`<line class="refused"`,
		uuid(2),
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, uuid(1)) {
		t.Error("the page shows a row that was updated")
	}
}

func TestPageIsBounded(t *testing.T) {
	const n = maxFailedRows + 200
	var text strings.Builder
	text.WriteString("id,status\n")
	var records []journal.Record
	for i := range n {
		fmt.Fprintf(&text, "%s,open\n", uuid(i))
		records = append(records, journal.Outcome{At: began, Row: i + 2, ID: uuid(i), Status: journal.Failed,
			Error: strings.Repeat("e", 2000), ErrorBody: strings.Repeat("b", 4096)})
	}
	for i := range 2_000 {
		records = append(records, journal.Tick{At: began.Add(time.Duration(i) * time.Second), Patch: i % 50, Throttled: i % 2, Ceiling: 10})
	}
	r := newRun(t, text.String(), records...)
	r.must()
	page := r.file("report.html")
	if got := strings.Count(page, `<span class="tag failed">`); got != maxFailedRows {
		t.Errorf("the page shows %d rows", got)
	}
	if !strings.Contains(page, "The first 1,000 of 1,200 rows; <code>failed.csv</code>") {
		t.Error("the page does not say where the rest is")
	}
	if len(page) > 2<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// TestPageCounts has one of everything that is counted, and many.
func TestPageCounts(t *testing.T) {
	start := journal.Start{Host: "acme.nonemployee.com", Sheet: "sessions.csv", SheetFile: "sheet.csv"}
	for _, tt := range []struct {
		sessions int
		undo     int
		want     []string
	}{
		{1, 1, []string{"<dt>Resumed</dt><dd>1 time</dd>", "puts back 1 row.", " 1 pause between sessions left out."}},
		{2, 20000, []string{"<dt>Resumed</dt><dd>2 times</dd>", "puts back 20,000 rows.", " 2 pauses between sessions left out."}},
	} {
		records := []journal.Record{journal.Tick{At: began, Patch: 1}}
		for i := range tt.sessions {
			start.At = began.Add(time.Duration(i+1) * time.Hour)
			records = append(records, start, journal.Tick{At: start.At, Patch: 1})
		}
		r := newRun(t, "id,status\n"+uuid(1)+",closed\n", records...)
		s := r.must()
		s.Undo.Rows = tt.undo
		replay, err := journal.Load(r.dir)
		if err != nil {
			t.Fatal(err)
		}
		defer replay.Close()
		r.o.Replays = []*journal.Replay{replay}
		var page strings.Builder
		if err := (&making{Options: r.o, s: &s}).writePage(t.Context(), &page); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(page.String(), want) {
				t.Errorf("the page lacks %q", want)
			}
		}
	}
}

// TestPageOfADryRun has rows that would be sent: they are not pending.
func TestPageOfADryRun(t *testing.T) {
	r := newRun(t, "id,status\n"+uuid(1)+",closed\n"+uuid(2)+",open\n",
		journal.Planned{Row: 2, ID: uuid(1), Action: "patch", Method: "PATCH"}, journal.Planned{Row: 3, ID: uuid(2), Action: "patch", Method: "PATCH"})
	r.o.DryRun = true
	r.must()
	for _, want := range []string{`<li class="to-send"><b>2</b><span>to send, 100`, `<b>0</b><span>pending`, `aria-label="2 to send, 0 unchanged`} {
		if page := r.file("report.html"); !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestHeadline(t *testing.T) {
	at, killed := time.Unix(0, 0), "killed"
	interrupted := 143
	tests := []struct {
		name string
		s    Summary
		want string
		good bool
	}{
		{"all updated", Summary{Outcomes: Outcomes{Updated: 3}}, "Every row is as the sheet says.", true},
		{"nothing to do", Summary{Outcomes: Outcomes{Unchanged: 3}}, "Nothing had to be changed.", true},
		{"one failed", Summary{Outcomes: Outcomes{Updated: 3, Failed: 1}}, "1 row needs attention.", false},
		{"some failed", Summary{Outcomes: Outcomes{Failed: 1, Unknown: 1, Invalid: 1}}, "3 rows need attention.", false},
		{"stopped", Summary{Outcomes: Outcomes{Updated: 1, Pending: 2000}}, "2,000 rows were not tried yet.", false},
		{"stopped by a guard", Summary{Reason: "the tenant refuses the sign-in: 401", Outcomes: Outcomes{Updated: 1, Pending: 1}}, "Stopped: the tenant refuses the sign-in: 401. 1 row was not tried yet.", false},
		{"stopped with nothing left", Summary{Reason: "--canary: a row is wrong", Outcomes: Outcomes{Updated: 1}}, "Stopped: --canary: a row is wrong. Every row is as the sheet says.", false},
		{"interrupted", Summary{ExitCode: &interrupted, Outcomes: Outcomes{Pending: 2}}, "Stopped: it was interrupted. 2 rows were not tried yet.", false},
		{killed, Summary{Outcomes: Outcomes{Pending: 2}}, "Stopped: the process was killed. 2 rows were not tried yet.", false},
		{"failed and stopped", Summary{Outcomes: Outcomes{Failed: 2, Pending: 5}}, "2 rows need attention and 5 were not tried yet.", false},
		{"dry run", Summary{DryRun: true, ToSend: 5}, "Dry run: nothing was sent; 5 rows would be.", true},
		{"dry run that was stopped", Summary{DryRun: true, ToSend: 5, Outcomes: Outcomes{Pending: 1}}, "Dry run: nothing was sent; 1 row not looked at yet.", false},
		{"dry run with faults", Summary{DryRun: true, ToSend: 5, Outcomes: Outcomes{Invalid: 1}}, "Dry run: nothing was sent; 1 row cannot be sent.", false},
	}
	for _, tt := range tests {
		if tt.name != killed {
			tt.s.FinishedAt = &at
		}
		if got, good := tt.s.Headline(); got != tt.want || good != tt.good {
			t.Errorf("%s: got %q, %v", tt.name, got, good)
		}
	}
}

func TestShare(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"share: rounded up", share(2, 3), "67\u00a0%"},
		{"share: rounded down", share(1, 3), "33\u00a0%"},
		{"share: next to none", share(1, 1000), "<\u00a01\u00a0%"},
		{"share: nearly all", share(999, 1000), ">\u00a099\u00a0%"},
		{"share: all", share(1000, 1000), "100\u00a0%"},
		{"share: of none", share(0, 0), "0\u00a0%"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, not %q", tt.name, tt.got, tt.want)
		}
	}
}
