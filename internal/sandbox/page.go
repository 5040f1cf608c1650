package sandbox

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"maps"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS template.CSS

//go:embed page.js
var pageJS template.JS

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// pagePolicy lets the page's own style and script run and nothing else. Hashes
// and not a nonce, since the page also reads itself again to refresh its parts.
var pagePolicy = "default-src 'none'; style-src '" + contentHash(string(pageCSS)) +
	"'; script-src '" + contentHash(string(pageJS)) + "'; connect-src 'self'; img-src data:; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

func contentHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

const (
	// keptRequests and recentSessions are how many the page shows, the newest
	// first.
	keptRequests, recentSessions = 200, 200
	// shownPath bounds a request's path as the page shows it, in bytes.
	shownPath = 200
)

type pageData struct {
	Style      template.CSS
	Script     template.JS
	Seed       uint64
	Faults     Faults
	Fail, Drop float64 // per cent
	Totals     Totals
	Requests   []request // newest first
	Kept       int
	Sessions   int
	Recent     []pageSession
}

// request is one request as the page shows it.
type request struct {
	Time, Method, Path string
	Result             string // the status, or "dropped"
	Class              string // how the page marks it
	Millis             float64
}

type pageSession struct {
	ID, Status, Attributes, Updated string
	Patches, Runs                   uint32
}

// note counts a request and keeps it among the last ones.
func (t *Tenant) note(k kind, a answer, start time.Time, r *http.Request) {
	path := r.URL.Path
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	q := request{
		Time: start.Format("15:04:05.000"), Method: r.Method, Path: cut(path, shownPath), Result: strconv.Itoa(a.status),
		Millis: float64(time.Since(start).Round(10*time.Microsecond)) / float64(time.Millisecond),
	}
	switch {
	case a.drop:
		q.Result, q.Class = "dropped", "bad"
	case a.status >= 500:
		q.Class = "bad"
	case a.status >= 400:
		q.Class = "warn"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.totals.count(k, a)
	if len(t.requests) == 2*keptRequests {
		t.requests = slices.Delete(t.requests, 0, keptRequests)
	}
	t.requests = append(t.requests, q)
}

// servePage answers what belongs to the page. A name that is not this machine's
// in Host means that some other site's name was pointed here (DNS rebinding),
// and is refused. The page itself asks for what is new: its address then holds
// the count of the requests that it shows.
func (t *Tenant) servePage(w http.ResponseWriter, r *http.Request) {
	if !ownHost(r.Host) {
		http.Error(w, "this page is served as localhost or 127.0.0.1 only", http.StatusMisdirectedRequest)
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "use "+http.MethodGet, http.StatusMethodNotAllowed)
		return
	}
	if r.URL.RawQuery == "after="+strconv.Itoa(t.Totals().Requests()) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, t.pageData()); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page.Bytes()) // a browser that left is no fault of ours
}

// ownHost reports whether a Host header names this machine.
func ownHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return isLoopback(strings.ToLower(host))
}

func (t *Tenant) pageData() pageData {
	percent := func(share float64) float64 { return math.Round(share*1e9) / 1e7 } // 0.07 × 100 is no 7.000000000000001
	f := t.Faults()
	t.mu.Lock()
	defer t.mu.Unlock()
	data := pageData{
		Style: pageCSS, Script: pageJS,
		Seed: t.opts.Seed, Faults: f, Fail: percent(f.Fail), Drop: percent(f.Drop),
		Totals: t.totals, Kept: keptRequests, Sessions: len(t.ids),
		Requests: slices.Clone(t.requests[max(0, len(t.requests)-keptRequests):]),
	}
	slices.Reverse(data.Requests)
	for _, id := range slices.Backward(t.recent) {
		data.Recent = append(data.Recent, t.pageSession(id))
	}
	return data
}

// pageSession makes a row of the page; the caller holds mu.
func (t *Tenant) pageSession(id uuid.UUID) pageSession {
	s := t.session(id)
	var attributes []string
	for _, uid := range slices.Sorted(maps.Keys(s.Attributes)) {
		attributes = append(attributes, cut(uid, 60)+": "+cut(s.Attributes[uid], 60))
	}
	e := t.entries[id]
	return pageSession{
		ID: s.ID, Status: s.Status, Attributes: cut(strings.Join(attributes, "; "), 400),
		Patches: e.patches, Runs: e.runs, Updated: s.UpdatedAt.Format("2006-01-02 15:04:05Z"),
	}
}

// cut shortens text to so many bytes, on a character's boundary.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
