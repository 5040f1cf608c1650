package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testID    = "0ca8c10d-3f1b-4a5e-9b5c-2f3f0d0d7a11"
	testToken = "s3cr3t-token/of+known==value"
)

// sessionJSON is a 200's body for the id.
func sessionJSON(id string) string {
	return `{"workflow_session":{"id":"` + id + `","status":"completed","attributes":{"a":"1"}}}`
}

func mustStatic(t testing.TB) Auth {
	t.Helper()
	a, err := StaticToken(testToken, "bearer")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newTestClient fills in what the options leave out and closes the client.
func newTestClient(t testing.TB, o Options) *Client {
	t.Helper()
	if o.Auth.header == "" && o.Auth.oauth == nil {
		o.Auth = mustStatic(t)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// tenant is an HTTP server that records what it was asked.
type tenant struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
}

type seen struct {
	method, uri, body string
	header            http.Header
}

func newTenant(t testing.TB, answer http.HandlerFunc) *tenant {
	t.Helper()
	s := &tenant{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, seen{r.Method, r.RequestURI, string(body), r.Header.Clone()})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *tenant) seen() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.requests...)
}

// scripted stands in for the network where time is virtual. Each request
// takes the next step; the last one repeats.
type scripted struct {
	mu    sync.Mutex
	steps []step
	made  []time.Time // when each request was tried, unreached ones too
}

// step is what comes of one request: an error, or an answer.
type step struct {
	err    error
	sent   bool // with err: the connection was had before
	stale  bool // with err: a kept connection was closed unused, and there is no other
	status int
	header http.Header
	body   string
	takes  time.Duration
}

var errRefused = errors.New("connection refused")

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	st := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	s.made = append(s.made, time.Now())
	s.mu.Unlock()
	trace := httptrace.ContextClientTrace(req.Context())
	if st.err == nil || st.sent {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if st.stale {
		trace.GotConn(httptrace.GotConnInfo{Reused: true})
		trace.GetConn("")
	}
	if err := sleep(req.Context(), st.takes); err != nil {
		return nil, err
	}
	if st.err != nil {
		return nil, st.err
	}
	trace.WroteRequest(httptrace.WroteRequestInfo{})
	header := st.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: st.status, Header: header, ProtoMajor: 1, ContentLength: int64(len(st.body)),
		Body: io.NopCloser(strings.NewReader(st.body)),
	}, nil
}

func (s *scripted) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.made...)
}

// newScriptedClient is a client around a script; fit for a synctest bubble.
func newScriptedClient(t testing.TB, o Options, steps ...step) (*Client, *scripted) {
	t.Helper()
	if o.Auth.header == "" {
		o.Auth = mustStatic(t)
	}
	o.setDefaults()
	s := &scripted{steps: steps}
	base := &url.URL{Scheme: "https", Host: "acme.example", Path: "/api"}
	return newClient(o, base, s), s
}

func ok() step { return step{status: 200, body: sessionJSON(testID)} }

func patch(c *Client, run bool) Answer {
	return c.Patch(context.Background(), Request{ID: testID, Run: run, Body: []byte(`{"workflow_session":{"status":"completed"}}`)})
}

// logBuffer is a log that a test can read while others write it.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
