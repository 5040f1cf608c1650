package api

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
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
		from, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		var both sync.WaitGroup
		// The client may have begun to talk TLS already: what came of that is in
		// the buffer.
		both.Go(func() { _, _ = io.Copy(to, buffered); to.Close() })
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
			c := newClient(o, base, dialTo(newTransport(o.Timeout, roots, through), base))
			defer c.Close()
			a := patch(c, false)
			if a.Verdict != tt.want || !strings.HasSuffix(a.Message, tt.message) || strings.Contains(a.Message, "hunter2") {
				t.Errorf("%v: %s", a.Verdict, a.Message)
			}
		})
	}
}

// environment is where variables are looked up.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestProxyFromEnvironment(t *testing.T) {
	proxy := strings.Replace(newProxy(t, "127.0.0.1:1").URL, "http://", "http://jo:hunter2@", 1)
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		c := newTestClient(t, Options{BaseURL: "https://tenant.example/api", Env: environment(map[string]string{name: proxy})})
		if a := patch(c, false); a.Message != "tenant.example could not be reached: the proxy answered HTTP 502 Bad Gateway" {
			t.Errorf("%s: %v: %s", name, a.Verdict, a.Message)
		}
	}
}

func TestProxyFor(t *testing.T) {
	const proxy = "http://proxy.example:3128"
	tests := []struct {
		name, to string
		env      map[string]string
		want     string
	}{
		{"none", "https://acme.example", nil, ""},
		{"for https", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy}, proxy},
		{"for http alone", "https://acme.example", map[string]string{"HTTP_PROXY": proxy}, ""},
		{"for all", "https://acme.example", map[string]string{"ALL_PROXY": proxy}, proxy},
		{"the nearer one", "https://acme.example", map[string]string{"ALL_PROXY": "socks5://other.example", "https_proxy": proxy}, proxy},
		{"an empty one", "https://acme.example", map[string]string{"HTTPS_PROXY": " ", "ALL_PROXY": proxy}, proxy},
		{"without a scheme", "https://acme.example", map[string]string{"HTTPS_PROXY": "proxy.example:3128"}, proxy},
		{"socks", "https://acme.example", map[string]string{"ALL_PROXY": "SOCKS5://jo:pw@proxy.example"}, "socks5://jo:pw@proxy.example"},
		{"escaped", "https://acme.example", map[string]string{"ALL_PROXY": "http://jo:a%25%23%2F%3F%40b@proxy.example/"}, "http://jo:a%25%23%2F%3F%40b@proxy.example/"},
		{"this machine", "http://localhost:8080", map[string]string{"HTTP_PROXY": proxy, "ALL_PROXY": proxy}, ""},
		{"not by name", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "no_proxy": "other.example, ACME.example"}, ""},
		{"not below", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "example"}, ""},
		{"not below a dot", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": ".example"}, ""},
		{"not below a star", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "*.example"}, ""},
		{"below a star alone", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "*.acme.example"}, proxy},
		{"a name that ends alike", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "me.example,xample"}, proxy},
		{"another port", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "acme.example:8443"}, proxy},
		{"its port", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "acme.example:443"}, ""},
		{"an address", "https://[2001:db8::1]:8443", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "10.0.0.1,[2001:db8:0::1]:8443"}, ""},
		{"a network", "https://10.1.2.3", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "10.0.0.0/8"}, ""},
		{"no host at all", "https://acme.example", map[string]string{"HTTPS_PROXY": proxy, "NO_PROXY": "*"}, ""},
		{"none that is needed", "https://acme.example", map[string]string{"HTTPS_PROXY": "http://jo:a%b@proxy.example", "NO_PROXY": "acme.example"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to, err := url.Parse(tt.to)
			if err != nil {
				t.Fatal(err)
			}
			got, err := proxyFor(to, environment(tt.env))
			if err != nil {
				t.Fatal(err)
			}
			if got == nil {
				got = &url.URL{}
			}
			if got.String() != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// A proxy that cannot be used is never passed by, nor is its password shown.
func TestProxyThatCannotBeUsed(t *testing.T) {
	const escapes = "a % has to be written as %25"
	tests := []struct{ address, want string }{
		{"http://bob:pa%zw@127.0.0.1:3128", escapes},
		{"http://bob:pa#zw@127.0.0.1:3128", escapes},
		{"http://bob:pa/zw@127.0.0.1:3128", escapes},
		{"http://bob:pa?zw@127.0.0.1:3128", escapes},
		{"http://bob:12/zw@127.0.0.1:3128", escapes},
		{"http://bob:12?zw@127.0.0.1:3128", escapes},
		{"http://bob:12#zw@127.0.0.1:3128", escapes},
		{"http://bob:12/@127.0.0.1:3128", escapes},
		{"bob:pa%zw@127.0.0.1:3128", escapes},
		{"ftp://bob:pazw@127.0.0.1", "it has to begin with http://"},
		{"http://bob:pazw@:3128", "it has no host"},
		{"http://bob:pazw@127.0.0.1:70000", "its port is none"},
		{"http://[::1", "it is not an address"},
	}
	for _, tt := range tests {
		for _, to := range []string{"tenant", "token URL"} {
			o := Options{BaseURL: "http://127.0.0.1/api", Auth: clientCredentials(t, "https://issuer.example/oauth/token"), Env: environment(map[string]string{"ALL_PROXY": tt.address})}
			if to == "tenant" {
				o.BaseURL, o.Auth = "https://tenant.example/api", mustStatic(t)
			}
			_, err := New(o)
			if err == nil {
				t.Errorf("%s, to the %s: it is used, or passed by", tt.address, to)
				continue
			}
			said := err.Error()
			if !strings.Contains(said, tt.want) || !strings.Contains(said, "ALL_PROXY") || strings.Contains(said, "zw") || strings.Contains(said, "bob") {
				t.Errorf("%s, to the %s: %s", tt.address, to, err)
			}
		}
	}
}
