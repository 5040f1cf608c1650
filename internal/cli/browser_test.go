package cli_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"nermbulk/internal/sandbox"
)

// hostile are answers that attack who shows them: they end the elements that
// they may be in, run scripts in every way, and hold control characters.
var hostile = []struct {
	status int
	kind   string
	body   string
}{
	{400, "application/json", `{"error":"The session failed to update","errors":{"badge":"<script>pwned=1</script></style></code></table><img src=x onerror=pwned=2>"}}`},
	{422, "application/json", "{\"error\":\"\\u0000\\u001b[31mred\\u001b]0;title\\u0007 \\u202egnp.exe {{.}} ${pwned=3} javascript:pwned=4\"}"},
	{404, "text/html", "<html><title></title></style></head><body onload=pwned=5><svg/onload=pwned=6><script src=//example.invalid/x.js></script><h1>Not here\x00\x1b[2J</h1>"},
	{400, "text/plain", `"'><iframe srcdoc="<script>parent.pwned=7</script>"></iframe><a href="javascript:pwned=8" autofocus onfocus=pwned=9>x</a></script><!--`},
}

// hostileTenant takes two of three updates and answers the others badly.
func hostileTenant(t *testing.T) *httptest.Server {
	n := 0
	requests := make(chan int, 1) // holds the number of the next one
	requests <- n
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := <-requests
		requests <- n + 1
		if n%3 > 0 {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"workflow_session":{"id":%q}}`, filepath.Base(r.URL.Path))
			return
		}
		answer := hostile[n/3%len(hostile)]
		w.Header().Set("Content-Type", answer.kind)
		w.WriteHeader(answer.status)
		_, _ = w.Write([]byte(answer.body))
	}))
	t.Cleanup(s.Close)
	return s
}

// hostileRows makes a sheet for the sessions of idOf.
func hostileRows(n int) string {
	var b strings.Builder
	b.WriteString("id,status,attributes.note\n")
	for i := range n {
		fmt.Fprintf(&b, "%s,completed,</script><script>pwned=10</script>\n", idOf(i))
	}
	return b.String()
}

func outcomes(results table) map[string]int {
	counts := map[string]int{"updated": 0, "unchanged": 0, "failed": 0, "unknown": 0, "invalid": 0, "pending": 0}
	for _, row := range results.rows {
		counts[row["result.status"]]++
	}
	return counts
}

func TestReportInABrowser(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sheet.csv"), hostileRows(60))
	s := nermbulk(t, dir, []string{"NERM_TOKEN=any"}, "run", "sheet.csv", "--yes", "--rate", "0", "--workers", "3",
		"--base-url", hostileTenant(t).URL+"/api", "--run-dir", "r")
	if s.code != 1 {
		t.Fatalf("exit code %d; it printed:\n%s", s.code, s.stderr)
	}
	results, err := parseTable(read(t, filepath.Join(dir, "r", "results.csv")))
	if err != nil {
		t.Fatal(err)
	}
	failed, err := parseTable(read(t, filepath.Join(dir, "r", "failed.csv")))
	if err != nil {
		t.Fatal(err)
	}
	page := "file://" + filepath.ToSlash(filepath.Join(dir, "r", "report.html"))
	run(t, b, chromedp.Navigate(page))

	shown := in[map[string]int](t, b, `Object.fromEntries(Array.from(document.querySelectorAll('.tiles li'),
		(e) => [e.className, Number(e.querySelector('b').textContent.replaceAll(',', ''))]))`)
	if want := outcomes(results); !maps.Equal(shown, want) || want["failed"] != 20 {
		t.Errorf("the page shows %v, results.csv holds %v", shown, want)
	}
	const visible = `Array.from(document.querySelectorAll('#failed tbody tr')).filter((e) => e.checkVisibility()).map((e) => Number(e.cells[0].textContent))`
	if got := in[[]int](t, b, visible); len(got) != len(failed.rows) {
		t.Errorf("the page lists %d rows, failed.csv %d", len(got), len(failed.rows))
	}
	searchesRows(t, b, visible, failed)
	b.looks(t, "report")

	// The tenant's texts can be read, and did nothing.
	in[chromedp.Void](t, b, `document.querySelectorAll('details').forEach((e) => { e.open = true })`)
	text := in[string](t, b, "document.body.innerText")
	for _, part := range []string{"<script>pwned=1</script></style>", "<img src=x onerror=pwned=2>", "srcdoc="} {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not show %s", part)
		}
	}
	if strings.ContainsAny(text, "\x00\x1b\x07\u202e") {
		t.Error("control characters stand on the page")
	}
	b.looks(t, "report-open")
	inert(t, b, 1)
	b.quiet(t, page, "data:,")
}

// searchesRows types into the search and compares what stays with failed.csv.
func searchesRows(t *testing.T, b *browser, visible string, failed table) {
	t.Helper()
	one := failed.rows[len(failed.rows)/2]
	for _, c := range []struct {
		words string
		rows  int
	}{
		{one["id"], 1},
		{"failed " + strings.ToUpper(one["id"]), 1},
		{"no such words", 0},
		{"<SCRIPT>pwned=1", 5},
		{"", len(failed.rows)},
	} {
		in[chromedp.Void](t, b, `document.getElementById('search').select()`) // what is typed replaces it
		run(t, b, chromedp.SendKeys(chromedp.CSS("#search"), c.words+" "))
		if got := in[[]int](t, b, visible); len(got) != c.rows {
			t.Errorf("a search for %q leaves the rows %v, not %d rows", c.words, got, c.rows)
		}
	}
}

// inert checks that no text became code or an element.
func inert(t *testing.T, b *browser, scripts int) {
	t.Helper()
	if in[bool](t, b, "'pwned' in window") {
		t.Errorf("script number %v has run", in[any](t, b, "window.pwned"))
	}
	strange := fmt.Sprintf("document.querySelectorAll('img, iframe, object, embed, a, [onload], [onerror], [onfocus]').length + document.scripts.length - %d", scripts)
	if n := in[int](t, b, strange); n != 0 {
		t.Errorf("%d elements have come out of texts", n)
	}
}

func TestSandboxPageInABrowser(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	tenant := sandbox.New(sandbox.Options{})
	for i := range 60 {
		if err := tenant.AddID(idOf(i)); err != nil {
			t.Fatal(err)
		}
	}
	var handler atomic.Pointer[sandbox.Tenant] // nil while it is stopped
	handler.Store(tenant)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if serving := handler.Load(); serving != nil {
			serving.Handler().ServeHTTP(w, r)
			return
		}
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // the page's
	run(t, b, chromedp.Navigate(server.URL))
	b.waitFor(t, `document.getElementById('live').textContent.startsWith('Watching')`)
	if n := in[int](t, b, "document.querySelectorAll('#requests tbody tr').length"); n != 0 {
		t.Errorf("%d requests before any was made", n)
	}

	// Requests come while one looks, hostile paths among them.
	answer, err := http.Get(server.URL + "/api/workflow_sessions/%3C%2Ftable%3E%3Cscript%3Epwned=1%3C%2Fscript%3E%1b")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	results, _ := runSheet(t, 0, server.URL+"/api", hostileRows(60), []string{"NERM_TOKEN=any"})
	if got := outcomes(results)["updated"]; got != 60 {
		t.Fatalf("%d rows are updated", got)
	}
	b.waitFor(t, `document.querySelectorAll('#requests tbody tr').length === 61`)
	b.waitFor(t, `document.querySelectorAll('#sessions tbody th').length > 0`)
	patched := tenant.Totals().Patch
	b.waitFor(t, fmt.Sprintf(`document.querySelector('[data-count=patch]').textContent === '%d'`, patched))
	b.looks(t, "sandbox")
	inert(t, b, 1)
	b.quiet(t, server.URL+"/", "data:,")

	// It says that the sandbox was stopped, and shows the next one.
	handler.Store(nil)
	b.waitFor(t, `document.getElementById('live').textContent.startsWith('Not connected')`)
	handler.Store(sandbox.New(sandbox.Options{}))
	b.waitFor(t, `document.getElementById('live').textContent.startsWith('Watching')`)
	if n := in[int](t, b, "document.querySelectorAll('#requests tbody tr').length"); n != 0 {
		t.Errorf("%d requests of the sandbox before", n)
	}
}
