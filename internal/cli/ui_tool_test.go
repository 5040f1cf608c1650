package cli_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// pageProcess is a `nermbulk ui` that goes on.
type pageProcess struct {
	dir, temp string
	address   string // with the key that it printed first
	cmd       *exec.Cmd
	stdin     io.Writer
	fresh     chan string // addresses that Enter asked for
	printed   kept
}

// kept is what something wrote, which may go on meanwhile.
type kept struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *kept) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(b)
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.String()
}

// servePage starts `nermbulk ui` in a directory of its own.
func servePage(t *testing.T, env ...string) *pageProcess {
	t.Helper()
	return servePageIn(t, t.TempDir(), env...)
}

func servePageIn(t *testing.T, dir string, env ...string) *pageProcess {
	t.Helper()
	p := &pageProcess{dir: dir, temp: t.TempDir(), fresh: make(chan string, 1)}
	p.cmd = exec.Command("nermbulk", "ui", "--no-open")
	p.cmd.Dir = p.dir
	p.cmd.Env = append([]string{"GORACE=" + noPause, "HOME=" + p.dir, "TMPDIR=" + p.temp, "TMP=" + p.temp, "PATH=" + os.Getenv("PATH")}, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	t.Cleanup(func() {
		interrupt(p.cmd.Process)
		<-read
		_ = p.cmd.Wait() // it ended, or was interrupted
	})
	first := make(chan string, 1)
	go func() {
		defer close(read)
		defer close(first)
		lines := bufio.NewScanner(io.TeeReader(stderr, &p.printed))
		for lines.Scan() {
			if _, address, ok := strings.Cut(lines.Text(), "the page to work from: "); ok {
				first <- address
			} else if _, address, ok := strings.Cut(lines.Text(), "a new address, good once: "); ok {
				p.fresh <- address
			}
		}
	}()
	if p.address = <-first; p.address == "" {
		t.Fatal("nermbulk ui printed no address")
	}
	return p
}

// own is the start of all addresses of the page.
func (p *pageProcess) own() string {
	own, _, _ := strings.Cut(p.address, "?")
	return own
}

// enter presses Enter in the page's terminal, and returns the address that it
// prints then.
func (p *pageProcess) enter(t *testing.T) string {
	t.Helper()
	if _, err := io.WriteString(p.stdin, "\n"); err != nil {
		t.Fatal(err)
	}
	return <-p.fresh
}

// wire is a proxy that keeps what goes through it, but for the bodies of the
// requests that set a token.
type wire struct {
	*httptest.Server
	kept
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			fmt.Fprintln(w, r.Out.Method, r.Out.URL, r.Out.Header)
			if r.Out.URL.Path != "/tenant" && r.Out.Body != nil {
				r.Out.Body = w.keep(r.Out.Body)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			fmt.Fprintln(w, r.Status, r.Header)
			r.Body = w.keep(r.Body)
			return nil
		},
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		FlushInterval: -1,
		ErrorHandler:  func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Hostname() != "127.0.0.1" {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		w.CloseClientConnections()
		w.Close()
	})
	return w
}

func (w *wire) keep(body io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(body, w), body}
}

// visitor is a browser without a screen: it has the page's cookie and its write
// token.
type visitor struct {
	http.Client
	own, token string
}

// visit opens the page by an address that is good once.
func visit(t *testing.T, address string, through *wire) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	if through != nil {
		proxy, err := url.Parse(through.URL)
		if err != nil {
			t.Fatal(err)
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	t.Cleanup(transport.CloseIdleConnections)
	v := &visitor{Client: http.Client{Jar: jar, Transport: transport}}
	v.own, _, _ = strings.Cut(address, "?")
	v.get(t, address)
	v.token = v.found(t, `name="write-token" content="([^"]+)"`)
	return v
}

func (v *visitor) get(t *testing.T, address string) string {
	t.Helper()
	answer, err := v.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", address, answer.Status, err, body)
	}
	return string(body)
}

// found returns a part of the page as it is now.
func (v *visitor) found(t *testing.T, pattern string) string {
	t.Helper()
	parts := regexp.MustCompile(pattern).FindStringSubmatch(v.get(t, v.own))
	if parts == nil {
		t.Fatalf("%s is not on the page", pattern)
	}
	return html.UnescapeString(parts[1])
}

// send writes a body as it is, and returns the answer's words, none where it was
// done.
func (v *visitor) send(t *testing.T, path, kind string, body io.Reader) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.own+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-Nermbulk-Token", v.token)
	answer, err := v.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	words, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(words))
}

// try does something on the page.
func (v *visitor) try(t *testing.T, path string, values ...string) (int, string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	return v.send(t, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// do does something on the page that is to be done.
func (v *visitor) do(t *testing.T, path string, values ...string) {
	t.Helper()
	if code, words := v.try(t, path, values...); code != http.StatusNoContent {
		t.Fatalf("%s %q: %d %s", path, values, code, words)
	}
}

// drop drops a sheet on the page, and waits for what is said of it.
func (v *visitor) drop(t *testing.T, name string, content io.Reader, words string) string {
	t.Helper()
	if code, said := v.send(t, "upload?name="+url.QueryEscape(name), "", content); code != http.StatusNoContent {
		t.Fatalf("%s: %d %s", name, code, said)
	}
	return v.waitFor(t, words)
}

// waitFor follows the page's events until its text has these words, and returns
// the page.
func (v *visitor) waitFor(t *testing.T, words string) string {
	t.Helper()
	events, err := v.Get(v.own + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	late := time.AfterFunc(testTimeout, func() { events.Body.Close() })
	defer late.Stop()
	page, lines := "", bufio.NewScanner(events.Body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "data: ") {
			continue
		}
		if page = v.get(t, v.own); strings.Contains(html.UnescapeString(page), words) {
			return page
		}
	}
	_, page, _ = strings.Cut(page, "<main")
	t.Fatalf("waited for %q on the page:\n%.1500s", words, page)
	return ""
}

// forms are the ways in which a secret may be written.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret) // of a text
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
		strings.Trim(string(quoted), `"`), fmt.Sprintf("%q", secret), hex.EncodeToString([]byte(secret)),
	}
	for before := range 3 { // a text in base64 depends on what is before it
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			whole := encoding.EncodeToString([]byte("xx"[:before] + secret))
			all = append(all, whole[4*min(before, 1):len(whole)-4])
		}
	}
	return all
}

// noSecret looks for the token in all that the page's process left and printed,
// and in what went over the wire.
func noSecret(t *testing.T, p *pageProcess, w *wire) {
	t.Helper()
	look := func(where, text string) {
		for _, form := range forms(pageToken) {
			if strings.Contains(text, form) {
				t.Errorf("%s has the token as %s", where, form)
			}
		}
	}
	look("standard error", p.printed.String())
	look("the wire", w.String())
	if !strings.Contains(w.String(), "POST "+p.own()+"tenant") {
		t.Error("what went over the wire was not kept")
	}
	for _, dir := range []string{p.dir, p.temp} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				look(path, read(t, path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFormsOfASecret(t *testing.T) {
	for name, text := range map[string]string{
		"as it is": "x" + pageToken + "y", "of a form": "token=" + url.QueryEscape(pageToken), "of a page": html.EscapeString(pageToken),
		"in base64":     base64.StdEncoding.EncodeToString([]byte("Bearer " + pageToken + " and more")),
		"beside a name": base64.URLEncoding.EncodeToString([]byte("a:" + pageToken)), "as JSON": fmt.Sprintf("%q", pageToken),
	} {
		if !slices.ContainsFunc(forms(pageToken), func(form string) bool { return strings.Contains(text, form) }) {
			t.Errorf("%s: %s is not seen", name, text)
		}
	}
}
