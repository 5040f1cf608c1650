package cli_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"nermbulk/internal/sandbox"
)

// drop drops a file on the page, as a person does from another window.
func drop(t *testing.T, b *browser, name, content string) {
	t.Helper()
	in[chromedp.Void](t, b, fmt.Sprintf(`(() => {
		const bytes = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0)), data = new DataTransfer();
		data.items.add(new File([bytes], %q));
		document.getElementById('drop').dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
	})()`, base64.StdEncoding.EncodeToString([]byte(content)), name))
}

func press(t *testing.T, b *browser, selector string) {
	t.Helper()
	b.waitFor(t, fmt.Sprintf(`(document.querySelector(%q) ?? {}).disabled === false`, selector))
	in[chromedp.Void](t, b, fmt.Sprintf(`document.querySelector(%q).click()`, selector))
}

// sheetFor makes a sheet of n rows, of which five are wrong.
func sheetFor(n int) string {
	var s strings.Builder
	s.WriteString("id,status,Contract End,attributes.badge\n")
	for i := range n {
		status := "completed"
		switch i {
		case 3:
			status = "Complted"
		case 5:
			status = "nothing known"
		case 6:
			status = "<script>pwned=1</script>"
		case 12:
			status = "#N/A"
		}
		id := idOf(i)
		if i == 8 {
			id = "{" + strings.ToUpper(id) + "}"
		}
		fmt.Fprintf(&s, "%s,%s,2027-01-%02d,%03d\n", id, status, i%28+1, i)
	}
	return s.String()
}

// open opens the page and waits until it follows what goes on.
func (b *browser) open(t *testing.T, address string) {
	t.Helper()
	run(t, b, chromedp.Navigate(address))
	run(t, b, chromedp.WaitReady(chromedp.CSS("#steps")))
	b.waitFor(t, `document.body.dataset.live === 'true'`)
}

// problems waits until so many are listed.
func (b *browser) problems(t *testing.T, n int) {
	t.Helper()
	b.waitFor(t, fmt.Sprintf(`document.querySelectorAll('#problems ol li').length === %d`, n))
}

// shownRows is true once a grid shows its rows.
const shownRows = `document.querySelectorAll('.grid tbody [data-column]').length > 0`

// stubbornTenant is a simulated tenant that refuses one session's update as long
// as its badge is the one that the sheet has at first.
func stubbornTenant(t *testing.T, sessions int) (tenant *sandbox.Tenant, base string) {
	t.Helper()
	tenant = sandbox.New(sandbox.Options{Token: pageToken})
	for i := range sessions {
		if err := tenant.AddID(idOf(i)); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, idOf(9)) {
			body, err := io.ReadAll(r.Body)
			if err != nil || strings.Contains(string(body), `"009"`) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":"The workflow session failed to create/update","errors":{"badge":"<b>009</b> is taken"}}`)
				return
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
		}
		tenant.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return tenant, server.URL + "/api"
}

// pageToken has characters that are escaped in each form of text.
const pageToken = `a-token/that+nobody&may"see"<1>=`

// held is what a tenant holds of some sessions, apart from when it was changed.
func held(t *testing.T, tenant *sandbox.Tenant, sessions int) string {
	t.Helper()
	var b strings.Builder
	for i := range sessions {
		r, ok := tenant.Record(idOf(i))
		if !ok {
			t.Fatalf("there is no session %s", idOf(i))
		}
		attributes := map[string]string{}
		for name, value := range r.Session.Attributes {
			if value != "" {
				attributes[name] = value
			}
		}
		fmt.Fprintln(&b, r.Session.ID, r.Session.Status, attributes)
	}
	return b.String()
}

// fillIn gives a field of the page another text.
func fillIn(t *testing.T, b *browser, selector, text string) {
	t.Helper()
	b.waitFor(t, fmt.Sprintf(`document.querySelector(%q) !== null`, selector))
	in[chromedp.Void](t, b, fmt.Sprintf(`document.querySelector(%q).value = %q`, selector, text))
}

// atStep waits until the page shows a step.
func (b *browser) atStep(t *testing.T, step int) {
	t.Helper()
	b.waitFor(t, fmt.Sprintf(`document.getElementById('main').dataset.step === '%d'`, step))
}

// correctCell follows a problem to its cell, and types another text there.
func correctCell(t *testing.T, b *browser, row, text string) {
	t.Helper()
	press(t, b, "#problems button[data-goto='"+row+"']")
	b.waitFor(t, fmt.Sprintf(`document.activeElement.closest('tr')?.querySelector('th')?.textContent === %q`, row))
	run(t, b, chromedp.KeyEvent(kb.Enter))
	b.waitFor(t, `document.getElementById('editor').open`)
	run(t, b, chromedp.KeyEvent(text+kb.Enter))
	b.waitFor(t, fmt.Sprintf(`document.querySelector("#problems button[data-goto='%s']") === null`, row))
}

// previewAndSend goes from a sheet without problems to the question, and agrees.
func previewAndSend(t *testing.T, b *browser, rate string) {
	t.Helper()
	press(t, b, "#to-preview")
	b.waitFor(t, `document.querySelector('#go-send') !== null`)
	b.waitFor(t, shownRows)
	fillIn(t, b, "#rate", rate)
	press(t, b, "#go-send")
	b.waitFor(t, `document.querySelector('#confirm-yes') !== null`)
	if in[bool](t, b, `document.querySelector('#confirm-name') !== null`) {
		press(t, b, "#confirm-yes")
		b.waitFor(t, `document.getElementById('problem').textContent.startsWith("type the tenant's name")`)
		fillIn(t, b, "#confirm-name", "127.0.0.1")
	}
	press(t, b, "#confirm-yes")
}

func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	const sessions = 200
	tenant, base := stubbornTenant(t, sessions)
	before := held(t, tenant, sessions)
	w := newWire(t)
	b := openBrowser(t, chromedp.ProxyServer(w.URL), chromedp.Flag("proxy-bypass-list", "<-loopback>"))
	p := servePage(t, "NERMBULK_RATE=0")
	b.open(t, p.address)
	in[chromedp.Void](t, b, `document.getElementById('choice-typed').click()`)
	b.looks(t, "ui-1-tenant")
	fillIn(t, b, "#tenant-name", base)
	fillIn(t, b, "#tenant-token", pageToken)
	press(t, b, "#tenant-form button[type=submit]")
	b.atStep(t, 2)

	drop(t, b, "people.xlsx", string(workbookOf(strings.NewReplacer(",", "|", "#N/A", "err=#N/A").Replace(sheetFor(sessions)))))
	b.waitFor(t, `document.querySelector('.unknown form') !== null`)
	b.waitFor(t, shownRows)
	fillIn(t, b, ".unknown input[name=field]", "attributes.end_date")
	press(t, b, ".unknown button[type=submit]")
	b.problems(t, 5)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-2-sheet")
	press(t, b, "#fix-all")
	b.problems(t, 4)
	press(t, b, "#problems button[data-post='/fix'][data-row='5']")
	b.problems(t, 3)
	correctCell(t, b, "7", "rejected")
	correctCell(t, b, "8", "closed")
	correctCell(t, b, "14", "completed")
	b.waitFor(t, `document.querySelector('#verdict.good') !== null`)

	press(t, b, "#to-preview")
	b.waitFor(t, `document.querySelector('#go-send') !== null`)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-3-preview")
	press(t, b, "#step-2")
	b.atStep(t, 2)
	previewAndSend(t, b, "40")
	b.waitFor(t, `Number(document.getElementById('bar')?.value) > 3`)
	press(t, b, "#pause")
	b.waitFor(t, `document.getElementById('pause').textContent === 'Go on'`)
	b.looks(t, "ui-4-send")
	fillIn(t, b, "#new-rate", "0")
	press(t, b, ".controls form button")
	b.waitFor(t, `document.querySelector('.controls form button:not([aria-disabled])') !== null`)
	if in[string](t, b, `document.getElementById('pause').textContent`) != "Go on" || tenant.Totals().Patch >= sessions-1 {
		t.Errorf("%d were sent while it was paused", tenant.Totals().Patch)
	}
	press(t, b, "#pause")
	b.atStep(t, 5)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-5-results")
	if tiles := in[string](t, b, `document.querySelector('.tiles .failed b').textContent`); tiles != "1" {
		t.Fatalf("%s rows failed", tiles)
	}

	press(t, b, "#fix-failed")
	b.atStep(t, 2)
	b.waitFor(t, shownRows)
	in[chromedp.Void](t, b, `document.querySelector('#grid tbody tr td[data-column="5"]').focus()`)
	run(t, b, chromedp.KeyEvent(kb.Enter))
	b.waitFor(t, `document.getElementById('editor').open && document.getElementById('editor-text').value === '009'`)
	run(t, b, chromedp.KeyEvent("B-9"+kb.Enter))
	b.waitFor(t, `document.querySelector('.notice')?.textContent.includes('failed-corrected.csv')`)
	previewAndSend(t, b, "0")
	b.atStep(t, 5)
	if r, _ := tenant.Record(idOf(9)); r.Session.Attributes["badge"] != "B-9" {
		t.Errorf("the corrected row is %v", r.Session.Attributes)
	}

	// The newest run is undone first.
	press(t, b, "#undo")
	b.atStep(t, 2)
	b.waitFor(t, `document.querySelector('#verdict.good') !== null`)
	previewAndSend(t, b, "0")
	b.atStep(t, 5)
	press(t, b, "#runs tbody tr:last-child button[data-post='/show']")
	b.waitFor(t, `document.querySelector('#h-results')?.textContent.includes('people.xlsx') && document.querySelector('#undo') !== null`)
	press(t, b, "#undo")
	b.atStep(t, 2)
	b.waitFor(t, `document.querySelector('#verdict.good') !== null`)
	previewAndSend(t, b, "0")
	b.atStep(t, 5)
	if after := held(t, tenant, sessions); after != before {
		t.Errorf("the tenant is not as it was:\n%s\nnot\n%s", after, before)
	}
	if in[bool](t, b, "'pwned' in window || document.querySelector('main script, main img, main b b') !== null") {
		t.Error("a text became an element")
	}
	reportIsApart(t, b)
	b.mu.Lock()
	b.complains = slices.DeleteFunc(b.complains, func(text string) bool { return strings.Contains(text, " 422 ") }) // the name that was not typed
	b.mu.Unlock()
	b.quiet(t, p.own())
	noSecret(t, p, w)
}

// reportIsApart opens the report of the run that is shown, which cannot reach the
// page.
func reportIsApart(t *testing.T, b *browser) {
	t.Helper()
	run(t, b, chromedp.Navigate(in[string](t, b, `document.querySelector("a[href$='report.html']").href`)))
	run(t, b, chromedp.WaitReady(chromedp.CSS(".tiles")))
	if in[string](t, b, "origin") != "null" {
		t.Error("the report is of the page's own origin")
	}
	if in[string](t, b, "getComputedStyle(document.querySelector('.tiles')).display") != "grid" {
		t.Error("the report has lost its style")
	}
}
