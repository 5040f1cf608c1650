package cli_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pageProcess is a `nermbulk ui` that goes on.
type pageProcess struct {
	dir     string
	address string // with the key that it printed first
	cmd     *exec.Cmd
}

// servePage starts `nermbulk ui` in a directory of its own.
func servePage(t *testing.T, env ...string) *pageProcess {
	t.Helper()
	p := &pageProcess{dir: t.TempDir()}
	p.cmd = exec.Command("nermbulk", "ui", "--no-open")
	p.cmd.Dir = p.dir
	p.cmd.Env = append([]string{"GORACE=" + noPause, "HOME=" + p.dir, "TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		_ = p.cmd.Wait() // it ended, or was interrupted
	})
	lines := bufio.NewScanner(stderr)
	for p.address == "" && lines.Scan() {
		_, p.address, _ = strings.Cut(lines.Text(), "the page to work from: ")
	}
	if p.address == "" {
		t.Fatal("nermbulk ui printed no address")
	}
	go func() {
		for lines.Scan() { // or it would wait for its reader
		}
	}()
	return p
}

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
		}
		id := idOf(i)
		if i == 8 {
			id = "{" + strings.ToUpper(id) + "}"
		}
		fmt.Fprintf(&s, "%s,%s,2027-01-%02d,%03d\n", id, status, i%28+1, i)
	}
	return s.String()
}

// shownRows is true once a grid shows its rows.
const shownRows = `document.querySelectorAll('.grid tbody [data-column]').length > 0`

func TestPageFromSheetToUndo(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := servePage(t, "NERMBULK_RATE=0")
	run(t, b, chromedp.Navigate(p.address))
	run(t, b, chromedp.WaitReady(chromedp.CSS("#steps")))
	b.waitFor(t, `document.body.dataset.live === 'true'`)
	b.looks(t, "ui-1-tenant")
	press(t, b, "#tenant-form button[type=submit]")
	b.waitFor(t, `document.getElementById('main').dataset.step === '2'`)
	drop(t, b, "people.csv", sheetFor(200))
	b.waitFor(t, `document.querySelector('.unknown form') !== null`)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-2-columns")
	in[chromedp.Void](t, b, `document.querySelector('.unknown input[name=field]').value = 'attributes.end_date'`)
	press(t, b, ".unknown button[type=submit]")
	b.waitFor(t, `document.querySelectorAll('#problems li').length > 2`)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-2-problems")
	press(t, b, "#fix-all")
	b.waitFor(t, `document.querySelectorAll('#problems ol li').length === 3`)
	press(t, b, "#problems button[data-text=completed]")
	b.waitFor(t, `document.querySelectorAll('#problems ol li').length === 2`)
	for _, row := range []string{"7", "8"} {
		press(t, b, "#problems button[data-goto='"+row+"']")
		b.waitFor(t, fmt.Sprintf(`document.activeElement.closest('tr')?.querySelector('th')?.textContent === %q`, row))
		run(t, b, chromedp.KeyEvent(kb.Enter))
		b.waitFor(t, `document.getElementById('editor').open`)
		b.waitFor(t, `document.getElementById('editor-choices').options.length > 50`)
		run(t, b, chromedp.KeyEvent("rejected"+kb.Enter))
		b.waitFor(t, fmt.Sprintf(`document.querySelector("#problems button[data-goto='%s']") === null`, row))
	}
	b.waitFor(t, `document.querySelector('#verdict.good') !== null`)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-2-good")
	press(t, b, "button.main[data-post='/preview']")
	b.waitFor(t, `document.querySelector('#go-send') !== null`)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-3-preview")
	in[chromedp.Void](t, b, `document.querySelector('#rate').value = '20'`)
	press(t, b, "#go-send")
	b.waitFor(t, `document.querySelector('#confirm-yes') !== null`)
	b.looks(t, "ui-4-confirm")
	press(t, b, "#confirm-yes")
	b.waitFor(t, `document.querySelector('#pause') !== null`)
	press(t, b, "#pause")
	b.waitFor(t, `document.querySelector('#pause').textContent === 'Go on'`)
	b.looks(t, "ui-4-paused")
	in[chromedp.Void](t, b, `document.querySelector('#new-rate').value = '0'`)
	press(t, b, ".controls form button")
	press(t, b, "#pause")
	b.waitFor(t, `document.getElementById('main').dataset.step === '5'`)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-5-results")
	press(t, b, "#undo")
	b.waitFor(t, `document.getElementById('main').dataset.step === '2'`)
	b.waitFor(t, shownRows)
	b.looks(t, "ui-6-undo")
}
