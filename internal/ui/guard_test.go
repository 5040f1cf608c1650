package ui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nermbulk/internal/job"
)

// served is a page that is served, without a command behind it.
func served(t *testing.T) *Page {
	t.Helper()
	t.Chdir(t.TempDir())
	p, err := Listen("127.0.0.1:0", Options{
		Offers:  []Offer{{Name: "practice", Label: "Practice tenant", Flags: map[string]string{"sandbox": "true"}}},
		Job:     func(string, map[string]string, string) (job.Options, error) { return job.Options{}, nil },
		Explain: func(err error, _ string) error { return err },
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, err := p.Serve(ctx)
		done <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

// ask sends one request as it is.
func ask(t *testing.T, r *http.Request) (code int, body string, h http.Header) {
	t.Helper()
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

func TestWhoIsLetIn(t *testing.T) {
	p := served(t)
	own := "http://" + p.l.Addr().String()
	_, port, _ := strings.Cut(p.l.Addr().String(), ":")
	for name, c := range map[string]struct {
		method, path, host, origin, site string
		cookie, token                    string
		want                             int
	}{
		"the page":                      {want: 200},
		"by the name localhost":         {host: "localhost:" + port, want: 200},
		"a name pointed here":           {host: "evil.example", want: 421},
		"a name pointed here, the port": {host: "evil.example:" + port, want: 421},
		"another port of this machine":  {host: "127.0.0.1:1", want: 421},
		"no cookie":                     {cookie: "none", want: 401},
		"another cookie":                {cookie: "WRONG", want: 401},
		"no cookie, the script":         {path: "/app.js", cookie: "none", want: 401},
		"no cookie, the events":         {path: "/events", cookie: "none", want: 401},
		"another site's origin":         {origin: "https://evil.example", want: 403},
		"the origin of a sandbox":       {origin: "null", want: 403},
		"another page of this machine":  {origin: "http://127.0.0.1:1", want: 403},
		"a link on another site":        {site: "cross-site", want: 403},
		"a page of the same site":       {site: "same-site", want: 403},
		"typed":                         {site: "none", want: 200},
		"a write":                       {method: "POST", path: "/tenant", origin: own, want: 204},
		"a write without its token":     {method: "POST", path: "/tenant", token: "none", origin: own, want: 403},
		"a write with another token":    {method: "POST", path: "/tenant", token: "WRONG", origin: own, want: 403},
		"a write from another site":     {method: "POST", path: "/tenant", origin: "https://evil.example", want: 403},
		"a write as a read":             {path: "/tenant?choice=practice", want: 405},
		"a delete without the token":    {method: "DELETE", path: "/", token: "none", want: 403},
		"a file beyond the runs":        {path: "/files/..%2f/run.json", want: 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(orElse(c.method, "GET"), own+orElse(c.path, "/"), strings.NewReader("choice=practice"))
			r.RequestURI = ""
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Host = orElse(c.host, r.Host)
			for header, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			if c.cookie != "none" {
				r.AddCookie(&http.Cookie{Name: p.guard.cookie, Value: orElse(c.cookie, p.guard.secret)})
			}
			if c.token != "none" {
				r.Header.Set(tokenHeader, orElse(c.token, p.guard.token))
			}
			code, body, h := ask(t, r)
			if code != c.want {
				t.Errorf("%d, not %d: %s", code, c.want, body)
			}
			if strings.Contains(body, p.guard.secret) {
				t.Error("the cookie's value is in the answer")
			}
			if h.Get("Content-Security-Policy") != policy || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("its headers are %v", h)
			}
			if code != 200 && strings.Contains(body, p.guard.token) {
				t.Error("the write token is in an answer that refuses")
			}
		})
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func TestKeyIsGoodOnce(t *testing.T) {
	p := served(t)
	address := p.Address()
	get := func(url string, cookies ...*http.Cookie) (int, []*http.Cookie) {
		r, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		code, body, h := ask(t, r)
		if strings.Contains(body, "write-token") && len(cookies) == 0 {
			t.Error("the page is in the answer to a key")
		}
		return code, (&http.Response{Header: h}).Cookies()
	}
	code, cookies := get(address)
	if code != 200 || len(cookies) != 1 {
		t.Fatalf("%d and %v for a new key", code, cookies)
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Domain != "" || !strings.HasSuffix(c.Name, p.l.Addr().String()[len("127.0.0.1:"):]) {
		t.Errorf("the cookie is %v", c)
	}
	if code, cookies := get(address); code != 401 || len(cookies) != 0 {
		t.Errorf("%d and %v for a key that was used", code, cookies)
	}
	if code, _ := get("http://"+p.l.Addr().String()+"/", c); code != 200 {
		t.Errorf("%d with the cookie", code)
	}
	if code, _ := get("http://" + p.l.Addr().String() + "/?key="); code != 401 {
		t.Errorf("%d for no key", code)
	}
	first := p.Address()
	for range mostKeys {
		p.Address()
	}
	if code, _ := get(first); code != 401 {
		t.Errorf("%d for a key that %d newer ones have replaced", code, mostKeys)
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "example.com:80", "127.0.0.1", ""} {
		if p, err := Listen(addr, Options{}); err == nil {
			p.l.Close()
			t.Errorf("%q is listened on", addr)
		}
	}
}

func TestDroppedSheetIsKept(t *testing.T) {
	p := served(t)
	p.work.tenant = &tenant{}
	p.work.o.Job = func(string, map[string]string, string) (job.Options, error) {
		return job.Options{}, errors.New("not to be checked here")
	}
	chunked := func(content string) string {
		return fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(content), content)
	}
	drop := func(name, framed string) int {
		conn, err := net.Dial("tcp", p.l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /upload?name=%s HTTP/1.1\r\nHost: %s\r\nCookie: %s=%s\r\n%s: %s\r\n%s",
			name, p.l.Addr(), p.guard.cookie, p.guard.secret, tokenHeader, p.guard.token, framed)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if err := os.WriteFile("mine.csv", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"mine.csv": "theirs", "..%2F..%2Fup.csv": "up", "C%3A%5Cx%5Cwin.csv": "win", "%2Ehidden": "h"} {
		if code := drop(name, chunked(content)); code != 204 {
			t.Errorf("%d for %s", code, name)
		}
	}
	if code := drop("half.csv", "Content-Length: 1000\r\n\r\nhalf"); code == 204 {
		t.Error("half a sheet was taken for a whole one")
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if info, err := e.Info(); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", e.Name(), info.Mode())
		}
	}
	if want := []string{"mine-2.csv", "mine.csv", "sheet.hidden", "up.csv", "win.csv"}; !slices.Equal(names, want) {
		t.Errorf("there are %v, not %v", names, want)
	}
	if mine, _ := os.ReadFile("mine.csv"); string(mine) != "mine" {
		t.Errorf("a sheet was dropped over another: %s", mine)
	}
	if up, _ := os.ReadFile(filepath.Join("..", "up.csv")); len(up) > 0 {
		t.Error("a sheet was kept elsewhere")
	}
}
