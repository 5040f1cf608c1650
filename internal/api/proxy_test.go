package api

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// newProxy is a CONNECT proxy that asks for jo:hunter2 and leads every
// request to the address given.
func newProxy(t *testing.T, leadTo string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic am86aHVudGVyMg==" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		to, err := net.Dial("tcp", leadTo)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer to.Close()
		w.WriteHeader(http.StatusOK)
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(to, from); to.Close() })
		_, _ = io.Copy(from, to)
		from.Close()
		both.Wait()
	}))
	t.Cleanup(s.Close)
	return s
}

func TestProxy(t *testing.T) {
	s, roots := newTLSTenant(t, false, nil, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, sessionJSON(testID))
	})
	addr := strings.TrimPrefix(s.URL, "https://")
	proxy := newProxy(t, addr)
	tests := []struct {
		name, user, at string
		want           Verdict
		message        string
	}{
		{"through it", "jo:hunter2@", proxy.URL, OK, ""},
		{"refused by it", "jo:wrong-hunter2@", proxy.URL, Unreachable, "the proxy answered HTTP 407 Proxy Authentication Required"},
		{"no proxy there", "jo:hunter2@", "http://127.0.0.1:1", Unreachable, "the proxy: connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			through, err := url.Parse(strings.Replace(tt.at, "http://", "http://"+tt.user, 1))
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Auth: mustStatic(t), Timeout: defaultTimeout}
			o.setDefaults()
			// The name is known to nobody but the proxy.
			base := &url.URL{Scheme: "https", Host: "example.com", Path: "/api"}
			c := newClient(o, base, dialTo(newTransport(o.Timeout, roots, http.ProxyURL(through)), base))
			defer c.Close()
			a := patch(c, false)
			if a.Verdict != tt.want || !strings.HasSuffix(a.Message, tt.message) || strings.Contains(a.Message, "hunter2") {
				t.Errorf("%v: %s", a.Verdict, a.Message)
			}
		})
	}
}

// net/http reads the environment once in a process, so that this one runs in
// another.
func TestProxyFromEnvironment(t *testing.T) {
	if os.Getenv("NERMBULK_TEST_PROXY") != "" {
		c := newTestClient(t, Options{BaseURL: "https://tenant.example/api"})
		t.Log("RESULT", patch(c, false).Message)
		return
	}
	proxy := newProxy(t, "127.0.0.1:1")
	child := exec.Command(os.Args[0], "-test.run=^TestProxyFromEnvironment$", "-test.v")
	child.Env = append(os.Environ(), "NERMBULK_TEST_PROXY=1", "NO_PROXY=", "https_proxy=", "no_proxy=",
		"HTTPS_PROXY="+strings.Replace(proxy.URL, "http://", "http://jo:hunter2@", 1))
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "RESULT tenant.example could not be reached: the proxy answered HTTP 502 Bad Gateway") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "hunter2") {
		t.Errorf("the password is told:\n%s", out)
	}
}
