package cli_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// practise chooses the practice tenant.
func (v *visitor) practise(t *testing.T) { v.do(t, "tenant", "choice", "practice") }

// toQuestion previews the sheet that is open, and asks to send it.
func (v *visitor) toQuestion(t *testing.T, rate string) {
	t.Helper()
	v.do(t, "preview")
	v.waitFor(t, `id="go-send"`)
	v.do(t, "send", "rate", rate)
	v.waitFor(t, `id="confirm-yes"`)
}

func TestNoSheetOnThePage(t *testing.T) {
	t.Parallel()
	p := servePage(t)
	v := visit(t, p.address, nil)
	v.practise(t)
	for _, c := range []struct{ name, content, words string }{
		{"letter.pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"},
		{"old.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600), "old Excel workbook"},
		{"page.csv", "<!doctype html><script>pwned=1</script>", "HTML"},
		{"answer.csv", `{"workflow_sessions":[]}`, "JSON"},
		{"picture.xlsx", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a picture"},
		{"half.xlsx", "PK\x03\x04\x14\x00\x06\x00", "damaged"},
		{"half.csv.gz", "\x1f\x8b\x08\x00\x00", "gzip"},
		{"nothing.csv", "", "empty"},
	} {
		page := v.drop(t, c.name, strings.NewReader(c.content), c.words)
		if strings.Contains(page, "<script>pwned") || strings.Contains(page, `id="to-preview"`) {
			t.Errorf("%s can be sent, or runs:\n%s", c.name, page)
		}
		if code, _ := v.try(t, "preview"); code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d for its preview", c.name, code)
		}
	}
	v.drop(t, "good.csv", strings.NewReader(sheetFor(3)), "good.csv") // and the page goes on
}

// heavySheet is a sheet of 32 KB a row that is made as it is read.
func heavySheet(rows int) io.Reader {
	r, w := io.Pipe()
	go func() {
		note := strings.Repeat("a heavy sheet ", 2300)
		_, err := io.WriteString(w, "id,status,attributes.note\n")
		for i := 0; i < rows && err == nil; i++ {
			_, err = fmt.Fprintf(w, "%s,completed,%s\n", idOf(i), note)
		}
		w.CloseWithError(err)
	}()
	return r
}

func TestHeavySheetOnThePage(t *testing.T) {
	t.Parallel()
	rows := 10_000
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		rows /= 10 // the race detector looks at each byte for long
	}
	p := servePage(t)
	v := visit(t, p.address, nil)
	v.practise(t)
	v.drop(t, "heavy.csv", heavySheet(rows), ",000 rows, all of them can be sent")
	last := v.get(t, v.own+"rows?"+url.Values{
		"grid": {"sheet"}, "version": {v.found(t, `data-version="([^"]+)"`)}, "from": {strconv.Itoa(rows - 1)}, "rows": {"1"},
	}.Encode())
	if !strings.Contains(last, idOf(rows-1)) || len(last) > 10_000 {
		t.Errorf("its last row is shown as %.1000s", last)
	}
	info, err := os.Stat(filepath.Join(p.dir, "heavy.csv"))
	if err != nil || info.Size() < int64(rows)*30_000 {
		t.Errorf("%v, %v is kept", info, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("how much memory was in use is known on Linux alone")
	}
	peak, _ := strconv.Atoi(regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindStringSubmatch(string(status))[1])
	t.Logf("%d MiB were in use", peak>>10)
	if peak>>10 > 200 {
		t.Errorf("%d MiB were in use", peak>>10)
	}
}

func TestBrowserGoesAwayInTheMiddle(t *testing.T) {
	t.Parallel()
	const sessions = 60
	tenant, base := stubbornTenant(t, sessions)
	p, w := servePage(t, "NERMBULK_RATE=0"), newWire(t)
	v := visit(t, p.address, w)
	v.do(t, "tenant", "choice", "typed", "name", base, "token", pageToken, "scheme", "bearer")
	v.drop(t, "good.csv", strings.NewReader(goodSheet(sessions)), `id="to-preview"`)
	v.toQuestion(t, "5") // for long enough
	v.do(t, "confirm", "question", "1", "answer", "yes", "name", "127.0.0.1")
	v.waitFor(t, `id="pause"`)
	w.CloseClientConnections()
	v.CloseIdleConnections()

	// Another one comes, by a new address.
	v = visit(t, p.enter(t), w)
	v.waitFor(t, `id="pause"`)
	v.do(t, "rate", "rate", "0")
	page := v.waitFor(t, "5. Results: good.csv")
	if !strings.Contains(page, `<b>59</b><span>updated</span>`) || tenant.Totals().Patch != sessions-1 { // one is refused before it comes there
		t.Errorf("%d were sent, and the page is\n%s", tenant.Totals().Patch, page)
	}
	for _, file := range []string{"results.csv", "failed.csv", "undo.csv", "summary.json", "report.html"} {
		v.get(t, v.own+strings.TrimPrefix(v.found(t, `href="/(files/[^"]+/`+regexp.QuoteMeta(file)+`)"`), "/"))
	}
	noSecret(t, p, w)
}

// A check whose tenant cannot be reached says so on the page, and goes on when
// it can; and what the tenant did not give is said as well.
func TestOutageDuringTheCheckOnThePage(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	v := visit(t, servePage(t).address, nil)
	v.do(t, "tenant", "choice", "typed", "name", "http://"+address+"/api", "token", pageToken, "scheme", "bearer")
	page := v.drop(t, "good.csv", strings.NewReader(goodSheet(3)), "the tenant cannot be reached: ")
	if words := "; waiting for it, at most 5m00s"; !strings.Contains(page, words) || !strings.Contains(page, "Checking every row") {
		t.Errorf("%q, while the sheet is checked, is not on\n%s", words, page)
	}
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	tenant := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	})}}
	tenant.Start()
	t.Cleanup(tenant.Close)
	page = v.waitFor(t, `id="to-preview"`)
	if words := "warning: the sheet is not checked against the tenant&#39;s attributes: HTTP 403"; !strings.Contains(page, words) {
		t.Errorf("%q is not on\n%s", words, page)
	}
}

// goodSheet is a sheet of n rows that can be sent.
func goodSheet(n int) string {
	var s strings.Builder
	s.WriteString("id,status,attributes.badge\n")
	for i := range n {
		fmt.Fprintf(&s, "%s,completed,%03d\n", idOf(i), i)
	}
	return s.String()
}

func TestTwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	p := servePage(t, "NERMBULK_RATE=0")
	one := visit(t, p.address, nil)
	two := visit(t, p.enter(t), nil)
	one.practise(t)
	two.drop(t, "two.csv", strings.NewReader(goodSheet(40)), `id="to-preview"`)
	one.waitFor(t, "The sheet: two.csv")

	// What both do at the same time is done once.
	both := func(path string, values ...string) (done int, words string) {
		codes, said := make([]int, 8), make([]string, 8)
		var all sync.WaitGroup
		for i := range codes {
			all.Go(func() { codes[i], said[i] = []*visitor{one, two}[i%2].try(t, path, values...) })
		}
		all.Wait()
		for i, code := range codes {
			if code == http.StatusNoContent {
				done++
			} else {
				words = said[i]
			}
		}
		return done, words
	}
	if done, words := both("correct", "row", "2", "column", "1", "text", "closed"); done == 0 || words != "" && !strings.Contains(words, "is being checked") {
		t.Errorf("a cell was corrected %d times, and %q was said", done, words)
	}
	one.waitFor(t, `id="to-preview"`)
	one.do(t, "preview")
	one.waitFor(t, `id="go-send"`)
	if done, words := both("send", "rate", "0"); done != 1 || !strings.Contains(words, "a run is going on") {
		t.Errorf("the run was begun %d times, and %q was said", done, words)
	}
	two.waitFor(t, `id="confirm-yes"`)
	if code, words := one.try(t, "confirm", "question", "0", "answer", "yes"); code != http.StatusUnprocessableEntity || !strings.Contains(words, "given already") {
		t.Errorf("%d %q for an answer to another question", code, words)
	}
	if done, words := both("confirm", "question", "1", "answer", "yes"); done != 1 || !strings.Contains(words, "nothing waits") {
		t.Errorf("the question was answered %d times, and %q was said", done, words)
	}
	for _, v := range []*visitor{one, two} {
		v.waitFor(t, "5. Results: two.csv")
	}
	// What was sent is not sent again by a press on what a tab still shows.
	if code, words := two.try(t, "send", "rate", "0"); code != http.StatusUnprocessableEntity || !strings.Contains(words, "look at the preview first") {
		t.Errorf("%d %q for a sheet that was sent", code, words)
	}
	one.do(t, "preview")
	one.waitFor(t, "Dry run")
	if code, words := two.try(t, "failed", "run", "another"); code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s for a run that is not shown", code, words)
	}
	runs := regexp.MustCompile(`data-post="/show"`).FindAllString(one.get(t, one.own), -1) // dry ones are not listed
	if len(runs) != 1 {
		t.Errorf("there are %d runs", len(runs))
	}
}

// What is sent is what the preview has shown.
func TestSheetChangedSinceItsPreview(t *testing.T) {
	t.Parallel()
	p := servePage(t, "NERMBULK_RATE=0")
	v := visit(t, p.address, nil)
	v.practise(t)
	sheet := filepath.Join(p.dir, "a.csv")
	write(t, sheet, goodSheet(5))
	v.do(t, "open", "path", "a.csv")
	v.waitFor(t, `id="to-preview"`)
	v.do(t, "preview")
	v.waitFor(t, `id="go-send"`)
	write(t, sheet, strings.ReplaceAll(goodSheet(5), "completed", "rejected"))
	v.do(t, "send", "rate", "0")
	v.waitFor(t, "the sheet was changed since the preview: look at its preview again; nothing was sent")
	v.toQuestion(t, "0")
	v.do(t, "confirm", "question", "1", "answer", "yes")
	v.waitFor(t, "5. Results: a.csv")
}

// What a run's cells mean, its failed rows mean on the page too, in whatever form
// they were written.
func TestFailedRowsMeanTheSame(t *testing.T) {
	t.Parallel()
	p := servePage(t, "NERMBULK_RATE=0")
	v := visit(t, p.address, nil)
	v.practise(t)
	write(t, filepath.Join(p.dir, "a.csv"), "id,status,workflow_id\n"+idOf(1)+",Abgelehnt,\n"+idOf(2)+",Abgelehnt,none\n")
	for _, form := range []string{"csv", "xlsx"} {
		nermbulk(t, p.dir, nil, "run", "a.csv", "--sandbox", "--attributes", "off", "--value", "status:Abgelehnt=rejected", "--skip-invalid",
			"--results", form, "--run-dir", "runs/"+form)
		v.do(t, "show", "run", form)
		v.do(t, "failed", "run", form)
		v.waitFor(t, "The sheet: failed."+form)
		page := v.waitFor(t, "is not a UUID")
		if strings.Contains(page, "is not a status") || !strings.Contains(page, `<option value="off" selected`) {
			t.Errorf("%s: the page is\n%s", form, page)
		}
	}
}

func TestTwoPagesInOneDirectory(t *testing.T) {
	t.Parallel()
	_, base := stubbornTenant(t, 20)
	p := servePage(t, "NERMBULK_RATE=0")
	first := visit(t, p.address, nil)
	other := servePageIn(t, p.dir, "NERMBULK_RATE=0")
	second := visit(t, other.address, nil)
	typed := []string{"choice", "typed", "name", base, "token", pageToken, "scheme", "bearer"}
	first.do(t, "tenant", typed...)
	second.do(t, "tenant", typed...)

	// Each is a program of its own: what opens one opens no other.
	if code, _ := (&visitor{Client: second.Client, own: first.own, token: second.token}).try(t, "preview"); code != http.StatusUnauthorized {
		t.Errorf("%d from the other's browser", code)
	}
	jarred := &visitor{Client: first.Client, own: first.own, token: second.token}
	if code, words := jarred.try(t, "preview"); code != http.StatusForbidden || !strings.Contains(words, "load it again") {
		t.Errorf("%d %s for a token of the other", code, words)
	}
	first.drop(t, "good.csv", strings.NewReader(goodSheet(20)), `id="to-preview"`)
	first.toQuestion(t, "1") // for long enough
	first.do(t, "confirm", "question", first.found(t, `name="question" value="(\d+)"`), "answer", "yes", "name", "127.0.0.1")
	first.waitFor(t, `id="pause"`)

	name := second.found(t, `data-post="/show" data-run="([^"]+)"`)
	second.do(t, "show", "run", name)
	page := second.waitFor(t, "5. Results")
	for _, button := range []string{`id="undo"`, `id="resume"`, `id="fix-failed"`} {
		if strings.Contains(page, button) {
			t.Errorf("%s is offered of a run that another process has", button)
		}
	}
	for _, path := range []string{"undo", "failed"} {
		if code, words := second.try(t, path, "run", name); code != http.StatusUnprocessableEntity || !strings.Contains(words, "another process") {
			t.Errorf("%s: %d %q for a run that another process has", path, code, words)
		}
	}
	second.do(t, "resume", "run", name)
	second.waitFor(t, "another process")
	first.do(t, "stop")
	first.waitFor(t, "5. Results")
}

func TestStrangeRequests(t *testing.T) {
	t.Parallel()
	p, w := servePage(t), newWire(t)
	v := visit(t, p.address, w)
	for name, values := range map[string][]string{
		"a token of two lines":      {"tenant", "choice", "typed", "name", "acme", "token", pageToken + "\nX: y"},
		"an address with the token": {"tenant", "choice", "typed", "name", "https://x:" + pageToken + "@acme.example/api", "token", pageToken},
		"a tenant over http":        {"tenant", "choice", "typed", "name", "http://acme.example/api", "token", pageToken},
		"a scheme of another kind":  {"tenant", "choice", "typed", "name", "acme", "token", pageToken, "scheme", "none"},
		"a sheet before a tenant":   {"open", "path", "x.csv"},
		"a step that is none":       {"step", "step", "-1"},
	} {
		if code, words := v.try(t, values[0], values[1:]...); code != http.StatusUnprocessableEntity || words == "" {
			t.Errorf("%s: %d %q", name, code, words)
		}
	}
	v.practise(t)
	write(t, filepath.Join(p.dir, "a.csv"), goodSheet(5))
	write(t, filepath.Join(filepath.Dir(p.dir), "b.csv"), goodSheet(5))
	v.do(t, "open", "path", "a.csv")
	v.waitFor(t, `id="to-preview"`)
	for name, values := range map[string][]string{
		"a sheet beyond the directory": {"open", "path", "../b.csv"},
		"a sheet by its whole path":    {"open", "path", filepath.Join(p.dir, "a.csv")},
		"a cell that is not there":     {"correct", "row", "999", "column", "0", "text", "x"},
		"a row before the first":       {"correct", "row", "-1", "column", "0", "text", "x"},
		"a column before the first":    {"correct", "row", "2", "column", "-1", "text", "x"},
		"a column that is not there":   {"correct", "row", "2", "column", "99", "text", "x"},
		"a cell of no number":          {"correct", "row", "x", "column", "y"},
		"nothing to correct":           {"fix"},
		"an answer to no question":     {"confirm", "answer", "yes"},
		"a rate of no run":             {"rate", "rate", "NaN"},
		"a pause of no run":            {"pause", "on", "true"},
		"a run beyond the directory":   {"resume", "run", "../../runs/x"},
		"an undo of nothing":           {"undo", "run", ""},
		"a field for no column":        {"map", "column", "no such", "field", "status"},
		"a send before its preview":    {"send", "rate", "0"},
	} {
		if code, words := v.try(t, values[0], values[1:]...); code != http.StatusUnprocessableEntity || words == "" {
			t.Errorf("%s: %d %q", name, code, words)
		}
	}
	v.drop(t, "odd.csv", strings.NewReader(sheetFor(3)), "Contract End")
	v.do(t, "map", "column", "Contract End", "field", "no such")
	v.waitFor(t, `"no such" is not a field`)
	v.do(t, "read", "map", "Contract End=attributes.end_date\r\n") // the way out
	v.waitFor(t, `id="to-preview"`)
	if gone := v.get(t, v.own+"rows?grid=sheet&version=0&rows=1"); !strings.Contains(gone, `"gone":"these rows are not open any more`) {
		t.Errorf("rows of another check: %s", gone)
	}
	if code, _ := v.try(t, "open", "path", strings.Repeat("x", 2<<20)); code != http.StatusUnprocessableEntity {
		t.Errorf("%d for two megabytes of a form", code)
	}
	names := []string{"x.csv:stream", "a\x00b.csv", "new\nline.csv", strings.Repeat("long", 100) + ".csv", "..", "<img src=x onerror=pwned=1>.csv", "\u202egnp.csv", "dots."}
	for _, name := range names {
		v.send(t, "upload?name="+url.QueryEscape(name), "", strings.NewReader(goodSheet(5)))
		v.waitFor(t, `id="to-preview"`)
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.ContainsAny(e.Name(), "\n\x00:<>\u202e") || slices.Contains([]string{"dots.", ".."}, e.Name()) {
			t.Errorf("a sheet was kept as %q", e.Name())
		}
	}
	noSecret(t, p, w)
}
