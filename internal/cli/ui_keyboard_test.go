package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mostTabs bounds how often Tab is pressed on the way to one part of the page.
const mostTabs = 150

// tabTo goes to a part of the page with Tab, or Shift and Tab where that is
// nearer. What has the focus on the way must show it.
func (b *browser) tabTo(t *testing.T, selector string) {
	t.Helper()
	b.waitFor(t, fmt.Sprintf(`document.querySelector(%q) !== null`, selector))
	var shift []chromedp.KeyOption
	if in[bool](t, b, fmt.Sprintf(`(document.querySelector(%q).compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_FOLLOWING) > 0 && document.activeElement !== document.body`, selector)) {
		shift = append(shift, chromedp.KeyModifiers(kb.ModifierShift))
	}
	for range mostTabs {
		if in[bool](t, b, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			return
		}
		run(t, b, chromedp.KeyEvent(kb.Tab, shift...))
		if fault := in[string](t, b, `(() => {
			const e = document.activeElement, s = getComputedStyle(e);
			return e === document.body || e.checkVisibility() && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 ? '' : e.outerHTML.slice(0, 200);
		})()`); fault != "" {
			t.Errorf("it cannot be seen that this has the focus: %s", fault)
		}
	}
	t.Fatalf("Tab does not come to %s; the focus is on %s", selector, in[string](t, b, `document.activeElement.outerHTML.slice(0, 300)`))
}

// keys goes to a part of the page and types there.
func (b *browser) keys(t *testing.T, selector, keys string) {
	t.Helper()
	b.tabTo(t, selector)
	run(t, b, chromedp.KeyEvent(keys))
}

// hasFocus wants that the focus is, or comes to be, on a part of the page.
func (b *browser) hasFocus(t *testing.T, selector string) {
	t.Helper()
	b.waitFor(t, fmt.Sprintf(`document.activeElement.matches(%q)`, selector))
}

// typeOver corrects the cell that has the focus, which stays there.
func (b *browser) typeOver(t *testing.T, text string) {
	t.Helper()
	cell := in[string](t, b, `(() => { const cell = document.activeElement.closest('[data-column]'); return "tr[data-index='" + cell.parentElement.dataset.index + "'] > [data-column='" + cell.dataset.column + "']" })()`)
	run(t, b, chromedp.KeyEvent(kb.Enter))
	b.waitFor(t, `document.getElementById('editor').open`)
	run(t, b, chromedp.KeyEvent(text+kb.Enter))
	b.waitFor(t, fmt.Sprintf(`document.querySelector(".grid %s .text")?.textContent === %q`, strings.ReplaceAll(cell, `"`, `\"`), text))
	b.waitFor(t, `document.querySelector('#verdict') !== null`)
	b.hasFocus(t, cell)
}

// toResults previews and sends the sheet with the keyboard.
func (b *browser) toResults(t *testing.T, rate string) {
	t.Helper()
	b.keys(t, "#to-preview", kb.Enter)
	b.waitFor(t, shownRows)
	b.keys(t, "#rate", rate+kb.Enter)
	b.waitFor(t, `document.querySelector('#confirm-yes') !== null`)
	b.hasFocus(t, "#h-send")
	if in[bool](t, b, `document.querySelector('#confirm-name') !== null`) {
		b.keys(t, "#confirm-name", "127.0.0.1")
	}
	b.keys(t, "#confirm-yes", kb.Enter)
}

func TestKeyboardAloneInABrowser(t *testing.T) {
	t.Parallel()
	const sessions = 200
	tenant, base := stubbornTenant(t, sessions)
	before := held(t, tenant, sessions)
	b := openBrowser(t)
	p := servePage(t, "NERMBULK_RATE=0")
	write(t, filepath.Join(p.dir, "people.csv"), sheetFor(sessions))
	b.open(t, p.address)
	b.keys(t, "[name=choice]", kb.ArrowDown)
	b.keys(t, "#tenant-name", base)
	b.keys(t, "#tenant-token", pageToken+kb.Enter)

	b.hasFocus(t, "#h-sheet") // each step begins at its heading
	b.keys(t, "[data-post='/open']", kb.Enter)
	b.waitFor(t, shownRows)
	b.keys(t, ".unknown input[name=field]", "attributes.end_date"+kb.Enter)
	b.problems(t, 5)
	b.keys(t, "#fix-all", kb.Enter)
	b.problems(t, 4)
	b.keys(t, "#problems [data-post='/fix'][data-row='5']", kb.Enter)
	b.problems(t, 3)
	for row, text := range map[string]string{"7": "rejected", "8": "closed", "14": "completed"} {
		b.keys(t, "#problems [data-goto='"+row+"']", kb.Enter)
		b.waitFor(t, fmt.Sprintf(`document.activeElement.closest('tr')?.querySelector('th').textContent === %q`, row))
		b.typeOver(t, text)
	}
	// To rows that are not there yet, and back.
	run(t, b, chromedp.KeyEvent(kb.End, chromedp.KeyModifiers(kb.ModifierCtrl)))
	b.hasFocus(t, fmt.Sprintf("tr[data-index='%d'] > [data-column]", sessions-1))
	run(t, b, chromedp.KeyEvent(kb.PageUp+kb.ArrowUp))
	b.hasFocus(t, "tr[data-index] > [data-column]")

	b.toResults(t, "40")
	b.hasFocus(t, "#main") // of the question, nothing is left
	b.waitFor(t, `Number(document.getElementById('bar')?.value) > 3`)
	b.keys(t, "#pause", " ")
	b.waitFor(t, `document.getElementById('pause').textContent === 'Go on'`)
	b.hasFocus(t, "#pause")
	b.keys(t, "#new-rate", "0"+kb.Enter)
	b.keys(t, "#pause", kb.Enter)
	b.hasFocus(t, "#h-results")
	b.waitFor(t, shownRows)
	if tiles := in[string](t, b, `document.querySelector('.tiles .failed b').textContent`); tiles != "1" {
		t.Fatalf("%s rows failed", tiles)
	}

	b.keys(t, "#fix-failed", kb.Enter)
	b.hasFocus(t, "#h-sheet")
	b.waitFor(t, shownRows)
	b.tabTo(t, "#grid [data-column]")
	run(t, b, chromedp.KeyEvent(kb.End))
	b.typeOver(t, "B-9")
	b.toResults(t, "0")
	b.hasFocus(t, "#h-results")
	for _, before := range []string{"", "#runs tr:last-child [data-post='/show']"} { // the newest run first
		if before != "" {
			b.keys(t, before, kb.Enter)
			b.waitFor(t, `document.querySelector('#h-results')?.textContent.includes('people-corrected.csv') && document.querySelector('#undo') !== null`)
		}
		b.keys(t, "#undo", kb.Enter)
		b.hasFocus(t, "#h-sheet")
		b.waitFor(t, `document.querySelector('#verdict.good') !== null`)
		b.toResults(t, "0")
		b.hasFocus(t, "#h-results")
	}
	if after := held(t, tenant, sessions); after != before {
		t.Errorf("the tenant is not as it was:\n%s\nnot\n%s", after, before)
	}
	b.quiet(t, p.own())
}

// newTab opens another tab in the same browser, which follows what goes on
// though another one is in front.
func (b *browser) newTab(t *testing.T) *browser {
	t.Helper()
	ctx, closePage := chromedp.NewContext(b.ctx)
	t.Cleanup(closePage)
	tab := &browser{ctx: ctx}
	for _, one := range []*browser{b, tab} {
		order(t, one, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	}
	return tab
}

func TestTwoTabsInABrowser(t *testing.T) {
	t.Parallel()
	one := openBrowser(t)
	order(t, one, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	p := servePage(t, "NERMBULK_RATE=0")
	one.open(t, p.address)
	two := one.newTab(t)
	two.open(t, p.own())

	press(t, two, "#tenant-form button[type=submit]")
	one.atStep(t, 2)
	two.atStep(t, 2)
	drop(t, two, "people.csv", strings.Replace(goodSheet(150), "completed", "Complted", 1))
	one.problems(t, 1)
	one.waitFor(t, shownRows)

	// What one does in a tab stays there, whatever comes from the other: the cell
	// that has the focus, what is typed, and what is open.
	in[chromedp.Void](t, one, `document.querySelector('#reading summary').click()`)
	fillIn(t, one, "#read-worksheet", "utf-")
	one.tabTo(t, "#grid [data-column]")
	run(t, one, chromedp.KeyEvent(kb.ArrowDown+kb.ArrowDown+kb.ArrowRight))
	const cell = "tr[data-index='2'] > [data-column='1']"
	one.hasFocus(t, cell)
	run(t, one, chromedp.KeyEvent(kb.Enter))
	one.waitFor(t, `document.getElementById('editor').open`)
	barriers := one.barriers(t)
	run(t, one, chromedp.KeyEvent(kb.Escape)) // and nothing is corrected
	one.hasFocus(t, cell)
	press(t, two, "#problems button[data-post='/fix']")
	one.waitFor(t, `document.querySelector('#verdict.good') !== null`)
	one.waitFor(t, `document.querySelector("#grid tr[data-index='0'] [data-column='2'] .text").textContent === 'completed'`)
	one.hasFocus(t, cell)
	if got := in[string](t, one, `document.getElementById('read-worksheet').value + document.getElementById('reading').open`); got != "utf-true" {
		t.Errorf("what was typed and opened is %s", got)
	}
	// A reader of the screen hears what is new, and of nothing else.
	one.waitFor(t, `document.querySelector('[role=status][aria-live=polite]').textContent === document.getElementById('verdict').textContent`)
	in[chromedp.Void](t, one, `window.heard = []; new MutationObserver((all) => heard.push(...all.map((m) => m.target.textContent))).observe(document.getElementById('status'), {childList: true, characterData: true, subtree: true})`)
	press(t, two, "#to-preview")
	for _, tab := range []*browser{one, two} {
		tab.waitFor(t, `document.querySelector('#go-send') !== null`)
		tab.hasFocus(t, "#h-preview")
	}
	press(t, one, "#go-send")
	one.hasFocus(t, "#h-send")
	if barriers = append(barriers, one.barriers(t)...); len(barriers) > 0 {
		t.Errorf("the editor and the question have barriers: %q", barriers)
	}
	press(t, two, "#confirm-yes")
	one.hasFocus(t, "#h-results")
	if heard := in[[]string](t, one, "heard"); len(heard) == 0 || len(heard) > 4 {
		t.Errorf("a reader of the screen hears %q", heard)
	}
	if moving := in[[]string](t, one, `Array.from(document.querySelectorAll('*')).filter((e) => {
		const s = getComputedStyle(e);
		return e.getAnimations().length || s.scrollBehavior === 'smooth' || [s.transitionDuration, s.animationDuration].some((d) => parseFloat(d) > 0);
	}).map((e) => e.outerHTML.slice(0, 100))`); len(moving) > 0 {
		t.Errorf("it moves: %q", moving)
	}
}
