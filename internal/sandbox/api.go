package sandbox

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// maxBody bounds a request's body: far more than any row of a sheet.
const maxBody = 64 << 20

const sessionsPath = "/api/workflow_sessions"

// server is the tenant as one HTTP handler.
type server struct {
	tenant *Tenant
	stop   <-chan struct{} // closed when the server stops: streams end; may be nil
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/" || path == "/events":
		s.servePage(w, r)
		return
	case path == "/api" || strings.HasPrefix(path, "/api/"):
		s.exchange(w, r, s.tenant.serveAPI)
	case path == "/oauth/token":
		s.exchange(w, r, s.tenant.serveToken)
	default:
		s.exchange(w, r, func(*http.Request) (kind, answer) { return kindOther, notFoundPage() })
	}
}

// exchange makes an answer, counts it, keeps it for the page and sends it.
func (s *server) exchange(w http.ResponseWriter, r *http.Request, serve func(*http.Request) (kind, answer)) {
	start := time.Now()
	k, a := serve(r)
	q := shown(start, r, a)
	t := s.tenant
	t.mu.Lock()
	t.totals.count(k, a)
	t.requests.add(q)
	t.mu.Unlock()
	a.write(w)
}

// gone is the answer to a client that did not wait for it.
func gone() answer { return answer{drop: true} }

// route finds what a request under /api asks for, and of which session.
func route(r *http.Request) (k kind, id string) {
	rest, ok := strings.CutPrefix(r.URL.Path, sessionsPath)
	switch {
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
	k, text := route(r)
	id, isID := parseID(text)
	if a, ok := t.authorize(r.Header.Get("Authorization")); !ok {
		return k, a
	}
	now := t.active.Load()
	if wait, ok := now.limiter.take(); !ok {
		a := refusal(http.StatusTooManyRequests, msgRate)
		a.retryAfter = wait
		return k, a
	}
	// The body is read before any wait: net/http notices that a client left
	// only once its request has been read to the end.
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return k, refusal(http.StatusRequestEntityTooLarge, msgBodyTooLarge)
		}
		return k, gone()
	}
	fate := t.fate(now.Faults, k, id)
	if !pause(r.Context(), now.Latency/2) {
		return k, gone()
	}
	var a answer
	switch {
	case fate.fail != 0:
		a = failure(fate.fail)
	case !isID && (k == kindGet || k == kindPatch): // no session has such an id
		a = refusal(http.StatusNotFound, msgUnknown)
	default:
		a = t.handle(now.Faults, r, k, id, body)
	}
	if !pause(r.Context(), now.Latency-now.Latency/2) {
		return k, gone()
	}
	a.drop = fate.drop
	return k, a
}

func (t *Tenant) handle(f Faults, r *http.Request, k kind, id uuid.UUID, body []byte) answer {
	switch k {
	case kindGet:
		s, ok := t.read(id)
		if !ok {
			return refusal(http.StatusNotFound, msgUnknown)
		}
		return one(f, s)
	case kindPatch:
		return t.patch(f, r, id, body)
	case kindList:
		return t.list(f, r.URL.Query())
	}
	return refusal(http.StatusNotFound, msgNoSuchPath)
}

func (t *Tenant) patch(f Faults, r *http.Request, id uuid.UUID, body []byte) answer {
	t.mu.Lock()
	_, known := t.entries[id]
	t.mu.Unlock()
	if !known { // looked up before the body is checked, as a record is loaded first
		return refusal(http.StatusNotFound, msgUnknown)
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return refusal(http.StatusBadRequest, msgContentType)
	}
	changes, refused := parsePatch(body)
	if refused != nil {
		return *refused
	}
	run := false
	if r.URL.RawQuery != "" {
		value := r.URL.Query().Get("run")
		run = value == "true" || value == "1"
	}
	s, ok := t.apply(id, changes, run)
	if !ok {
		return refusal(http.StatusNotFound, msgUnknown)
	}
	return one(f, s)
}

func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json"
}

// pause waits, and reports whether the client did too.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
