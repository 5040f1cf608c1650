package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// maxBody bounds a request's body: far more than any row of a sheet.
const maxBody = 64 << 20

const sessionsPath = "/api/workflow_sessions"

// Handler serves the tenant: the API under /api, POST /oauth/token, and the
// page at /.
func (t *Tenant) Handler() http.Handler { return http.HandlerFunc(t.serve) }

func (t *Tenant) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/":
		t.servePage(w, r)
	case path == "/api" || strings.HasPrefix(path, "/api/"):
		t.exchange(w, r, t.serveAPI)
	case path == "/oauth/token":
		t.exchange(w, r, t.serveToken)
	default: // the forgotten /api
		t.exchange(w, r, func(*http.Request) (kind, answer) {
			return kindOther, htmlPage(http.StatusNotFound, "404 Not Found", "The page you were looking for does not exist.")
		})
	}
}

// exchange makes an answer, counts it, keeps it for the page and sends it.
func (t *Tenant) exchange(w http.ResponseWriter, r *http.Request, serve func(*http.Request) (kind, answer)) {
	start := time.Now()
	k, a := serve(r)
	t.note(k, a, start, r)
	w.Header().Set("X-Request-Id", uuid.NewString())
	a.write(w)
}

// route finds what a request under /api asks for, and of which session.
func route(r *http.Request) (k kind, id string) {
	rest, ok := strings.CutPrefix(r.URL.Path, sessionsPath)
	switch {
	case r.URL.Path == "/api/ne_attributes" && r.Method == http.MethodGet:
		return kindAttributes, ""
	case r.URL.Path == "/api/ne_attribute_options" && r.Method == http.MethodGet:
		return kindOptions, ""
	case !ok:
	case rest == "" && r.Method == http.MethodGet:
		return kindList, ""
	case len(rest) > 1 && rest[0] == '/' && !strings.Contains(rest[1:], "/"):
		switch r.Method {
		case http.MethodGet:
			return kindGet, rest[1:]
		case http.MethodPatch:
			return kindPatch, rest[1:]
		}
	}
	return kindOther, ""
}

// serveAPI answers a request under /api: token, limit, latency, faults, and
// only then what was asked.
func (t *Tenant) serveAPI(r *http.Request) (kind, answer) {
	gone := answer{drop: true} // the answer to a client that did not wait for it
	k, text := route(r)
	id, isID := parseID(text)
	if problem := t.authorize(r.Header.Get("Authorization")); problem != "" {
		return k, refusal(http.StatusUnauthorized, "Unauthorized: "+problem)
	}
	now := t.active.Load()
	if wait, ok := now.limiter.take(); !ok {
		a := refusal(http.StatusTooManyRequests, "Rate limit exceeded")
		a.retryAfter = wait
		return k, a
	}
	// The body is read before any wait: net/http notices that a client left
	// only once its request has been read to the end.
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return k, refusal(http.StatusRequestEntityTooLarge, "The request body is too large")
		}
		return k, gone
	}
	fail, drop := t.drawFaults(now.Faults, k, id)
	if !pause(r.Context(), now.Latency/2) {
		return k, gone
	}
	var a answer
	switch {
	case fail != 0:
		a = failure(fail)
	case k == kindList:
		a = t.list(now.Faults, r.URL.Query())
	case (k == kindAttributes || k == kindOptions) && t.opts.NoAttributes:
		a = refusal(http.StatusForbidden, "You are not authorized to list attributes")
	case k == kindAttributes:
		a = t.listAttributes(now.Faults, r.URL.Query())
	case k == kindOptions:
		a = t.listOptions(now.Faults, r.URL.Query())
	case k == kindOther:
		a = refusal(http.StatusNotFound, "The requested resource was not found")
	case !isID || !t.has(id):
		a = refusal(http.StatusNotFound, "The requested Workflow Session was not found")
	case k == kindGet:
		a = inJSON(http.StatusOK, map[string]any{"workflow_session": now.show(t.read(id))})
	default:
		a = t.patch(now.Faults, r, id, body)
	}
	if !pause(r.Context(), now.Latency-now.Latency/2) {
		return k, gone
	}
	a.drop = drop
	return k, a
}

func (t *Tenant) patch(f Faults, r *http.Request, id uuid.UUID, body []byte) answer {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return refusal(http.StatusBadRequest, "Content-Type must be application/json")
	}
	changes, refused := t.parsePatch(body)
	if refused != nil {
		return *refused
	}
	run := r.URL.Query().Get("run")
	s := t.apply(id, changes, run == "true" || run == "1")
	return inJSON(http.StatusOK, map[string]any{"workflow_session": f.show(s)})
}

// pause waits, and reports whether the client did too.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// answer is one response, made before it is known whether it will be sent.
type answer struct {
	status     int
	html       bool
	body       []byte
	retryAfter time.Duration // 0 none
	drop       bool          // the connection is closed with nothing written
}

func inJSON(status int, v any) answer {
	body, _ := json.Marshal(v) // what is answered always marshals
	return answer{status: status, body: body}
}

// refusal is an answer in the API's form of an error.
func refusal(status int, text string) answer {
	return inJSON(status, map[string]string{"error": text})
}

// htmlPage is an answer as a web server or a proxy gives it, not the API.
func htmlPage(status int, title, text string) answer {
	body := "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>" + title + "</title></head>\n" +
		"<body>\n<h1>" + title + "</h1>\n<p>" + text + "</p>\n</body>\n</html>\n"
	return answer{status: status, html: true, body: []byte(body)}
}

// failure is the answer of a tenant, or of a proxy in front of it, that is down.
func failure(status int) answer {
	switch status {
	case http.StatusBadGateway:
		return htmlPage(status, "502 Bad Gateway", "The server received an invalid response from an upstream server.")
	case http.StatusGatewayTimeout:
		return htmlPage(status, "504 Gateway Time-out", "The server did not get a response in time from an upstream server.")
	case http.StatusServiceUnavailable:
		return refusal(status, "Service Unavailable")
	}
	return refusal(status, "Sorry something went wrong")
}

func (a answer) write(w http.ResponseWriter) {
	if a.drop {
		panic(http.ErrAbortHandler) // net/http's way to close without an answer
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if a.html {
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.retryAfter.Seconds()))))
	}
	if a.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that left is no fault of ours
}

// show returns a session that the caller owns as an answer shows it.
func (f Faults) show(s Session) any {
	if f.Spaced {
		s.Status = spaced(s.Status)
	}
	if f.Names {
		for uid, value := range s.Attributes {
			s.Attributes[uid] = asNames(value)
		}
	}
	if !f.Nulls || s.ProfileID != "" {
		return s
	}
	return struct {
		Session
		ProfileID *string `json:"profile_id"` // in place of the session's own
	}{Session: s}
}
