package cli_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserPatience bounds all that one page is put through.
const browserPatience = time.Minute

// browser is a headless Chromium with one page open. It keeps what the page
// asked of the network and what it complained of.
type browser struct {
	ctx context.Context

	mu        sync.Mutex
	asked     []string // URLs
	complains []string // errors of scripts, of the policy, of the console
}

// openBrowser starts Chromium, or skips the test where there is none.
func openBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("chromium is not installed: the pages are not looked at in a browser")
	}
	profile, err := os.MkdirTemp("", "nermbulk-browser-")
	if err != nil {
		t.Fatal(err)
	}
	// Helpers of the browser may outlive it by a moment and write there.
	t.Cleanup(func() { _ = os.RemoveAll(profile) })

	limited, stop := context.WithTimeout(context.Background(), browserPatience)
	t.Cleanup(stop)
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, stopBrowser := chromedp.NewExecAllocator(limited, append(options, more...)...)
	t.Cleanup(stopBrowser)
	ctx, closePage := chromedp.NewContext(allocator)
	t.Cleanup(closePage)

	b := &browser{ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("start %s: %s", path, err)
	}
	order(t, b, network.Enable, network.EnableParams{})
	order(t, b, log.Enable, cdp.Empty{})
	order(t, b, runtime.Enable, cdp.Empty{})
	return b
}

// hear notes what the page does.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *network.EventWebSocketCreated:
		b.asked = append(b.asked, e.URL)
	case *log.EventEntryAdded:
		b.complains = append(b.complains, fmt.Sprintf("%s: %s", e.Entry.Level, e.Entry.Text))
	case *runtime.EventExceptionThrown:
		b.complains = append(b.complains, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.complains = append(b.complains, "console."+string(e.Type))
	}
}

// order sends one command of the browser's protocol.
func order[P, R any](t *testing.T, b *browser, command cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		t.Fatalf("in the browser: %s", err)
	}
}

// run executes an action and returns its result.
func run[T any](t *testing.T, b *browser, action chromedp.Action[T]) T {
	t.Helper()
	value, err := chromedp.Run(b.ctx, action)
	if err != nil {
		t.Fatalf("in the browser: %s", err)
	}
	return value
}

// in evaluates an expression in the page.
func in[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("in the browser, %s: %s", expression, err)
	}
	return value
}

// waitFor waits until an expression is true.
func (b *browser) waitFor(t *testing.T, expression string) {
	t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(testTimeout))); err != nil {
		t.Fatalf("waited in the browser for %s: %s", expression, err)
	}
}

// quiet wants that the page asked only for URLs that begin in one of those
// ways, and complained of nothing.
func (b *browser) quiet(t *testing.T, allowed ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) == 0 {
		t.Error("no request was seen, not even the page's own")
	}
	for _, url := range b.asked {
		if !slices.ContainsFunc(allowed, func(start string) bool { return strings.HasPrefix(url, start) }) {
			t.Errorf("the page asks for %.200s", url)
		}
	}
	for _, text := range b.complains {
		t.Errorf("the browser complains: %s", text)
	}
}

// audit lists what is wrong with a page as it is laid out; see audit.js.
//
//go:embed testdata/audit.js
var audit string

// axe lists what axe-core finds, with what would mend it.
const axe = `axe.run({resultTypes: ['violations']}).then(({violations}) =>
	violations.flatMap((v) => v.nodes.map((n) => v.impact + ' ' + v.id + ': ' + n.target + ': ' + n.failureSummary)))`

// barriers lists what axe-core finds on the page as it is now.
func (b *browser) barriers(t *testing.T) []string {
	t.Helper()
	if in[string](t, b, "typeof axe") == "undefined" {
		run(t, b, chromedp.Evaluate[chromedp.Void](read(t, "../ui/testdata/axe.min.js")))
	}
	return run(t, b, chromedp.Evaluate[[]string](axe, chromedp.EvalAwaitPromise))
}

// looks audits the page in both colour schemes on a phone and on a desktop.
// With SCREENSHOTS set to a directory it leaves a picture of each there.
func (b *browser) looks(t *testing.T, name string) {
	t.Helper()
	backgrounds := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{360, 1280} {
			order(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			order(t, b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: width < 500,
			})
			for _, fault := range in[[]string](t, b, audit) {
				t.Errorf("%s page, %s, %d pixels wide: %s", name, scheme, width, fault)
			}
			for _, fault := range b.barriers(t) {
				t.Errorf("%s page, %s, %d pixels wide: %s", name, scheme, width, fault)
			}
			if got := in[int64](t, b, "innerWidth"); got != width {
				t.Errorf("%s page: laid out %d pixels wide, not %d", name, got, width)
			}
			backgrounds[in[string](t, b, "getComputedStyle(document.body).backgroundColor")] = true
			if dir := os.Getenv("SCREENSHOTS"); dir != "" {
				// In a window as high as the page, all of it is painted.
				order(t, b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
					Width: width, Height: in[int64](t, b, "document.documentElement.scrollHeight"), DeviceScaleFactor: 1, Mobile: width < 500,
				})
				run(t, b, chromedp.Sleep(300*time.Millisecond)) // parts that scroll are painted late
				picture := run(t, b, chromedp.FullScreenshot(100))
				write(t, filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)), string(picture))
			}
		}
	}
	if len(backgrounds) != 2 {
		t.Errorf("%s page: the backgrounds of the two colour schemes are %v", name, backgrounds)
	}
}
