package ui

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"sync"
)

// policy lets the page load its own files and nothing else: no other host, no
// inline script or style, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// tokenHeader holds the write token. A header of its own makes a browser ask
// first before another site's page may send it.
const tokenHeader = "X-Nermbulk-Token"

// mostKeys bounds the keys that wait to be used; the oldest go.
const mostKeys = 32

// guard decides which requests are the page's own.
type guard struct {
	hosts  []string // that the page is served as
	cookie string   // its name; cookies know no ports, so it has the port in it
	secret string   // the cookie's value
	token  string   // of each write

	mu   sync.Mutex
	keys []string // good once
}

func newGuard(addr string) *guard {
	_, port, _ := net.SplitHostPort(addr) // of a listener
	return &guard{
		hosts: []string{addr, "localhost:" + port}, cookie: "nermbulk_" + port,
		secret: rand.Text(), token: rand.Text(),
	}
}

func (g *guard) newKey() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys = append(g.keys, rand.Text())
	g.keys = g.keys[max(0, len(g.keys)-mostKeys):]
	return g.keys[len(g.keys)-1]
}

// takeKey reports whether a key is good. It is not again.
func (g *guard) takeKey(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.IndexFunc(g.keys, func(k string) bool { return same(k, key) })
	if at >= 0 {
		g.keys = slices.Delete(g.keys, at, at+1)
	}
	return at >= 0
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// wrap passes on the requests of the page's own browser and refuses all others.
// A Host that is not the page's own means that some other name was pointed here
// (DNS rebinding); an Origin that is not, that another site sends.
func (g *guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
		switch {
		case !slices.Contains(g.hosts, r.Host):
			http.Error(w, "this page is served as "+g.hosts[0]+" only", http.StatusMisdirectedRequest)
		case origin != "" && origin != "http://"+r.Host:
			http.Error(w, "this page takes requests from itself only", http.StatusForbidden)
		case r.Method == http.MethodGet && r.URL.Path == "/" && g.takeKey(r.URL.Query().Get("key")):
			http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			g.redirect(w)
		case !g.hasCookie(r):
			http.Error(w, "this address was used already, or has no key: press Enter in the terminal where nermbulk runs for a new one", http.StatusUnauthorized)
		case site != "" && site != "same-origin" && site != "none":
			http.Error(w, "this page takes requests from itself only", http.StatusForbidden)
		case r.URL.Path == "/" && r.URL.RawQuery != "": // a used key, such as of a second look at the terminal
			g.redirect(w)
		case r.Method != http.MethodGet && !same(r.Header.Get(tokenHeader), g.token):
			http.Error(w, "this page was served by a nermbulk that has ended: load it again", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// redirect sends the browser to the page by a document that loads it, since a
// browser keeps a strict cookie back from a redirect that another program's
// link began.
func (g *guard) redirect(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Refresh", "0; url=/")
	_, _ = w.Write([]byte("<!doctype html><html lang=\"en\"><title>nermbulk</title><a href=\"/\">go on</a>"))
}

func (g *guard) hasCookie(r *http.Request) bool {
	return slices.ContainsFunc(r.CookiesNamed(g.cookie), func(c *http.Cookie) bool { return same(c.Value, g.secret) })
}
