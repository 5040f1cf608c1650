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
	"path"
	"strings"
	"sync"
	"sync/atomic"
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

// scripted stands in for the network where time is virtual. Each connection,
// and each request on one that is kept, takes the next step; the last one
// repeats. An id of rows always gets its own, whatever step its request took.
type scripted struct {
	mu     sync.Mutex
	steps  []step
	rows   map[string]step
	answer func(method, id string) step // instead of the steps; one at a time
	made   []time.Time                  // when each request was tried, unreached ones too
	left   []sentRequest
}

// sentRequest is a request that left.
type sentRequest struct {
	at            time.Time
	authorization string
}

// step is what comes of one request: an error, or an answer.
type step struct {
	err    error
	sent   bool // with err: a connection was had before
	kept   bool // the connection stays open after it
	status int
	header http.Header
	body   string
	takes  time.Duration
	panics bool // instead of a connection
}

var errRefused = errors.New("connection refused")

func (s *scripted) next() step {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	s.made = append(s.made, time.Now())
	return st
}

// dial takes the next step, and fails if nothing is sent in it.
func (s *scripted) dial(ctx context.Context) (connection, error) {
	st := s.next()
	if st.panics {
		panic("broken inside")
	}
	if st.err == nil || st.sent {
		return &scriptedConn{script: s, step: st}, nil
	}
	if err := sleep(ctx, st.takes); err != nil {
		return nil, err
	}
	return nil, st.err
}

// scriptedConn carries one request. Where it is kept, another one takes the
// script's next step, which is to find it closed.
type scriptedConn struct {
	script *scripted
	step
	requests atomic.Int64
}

func (c *scriptedConn) RoundTrip(req *http.Request) (*http.Response, error) {
	if c.requests.Load() > 0 {
		return nil, c.script.next().err
	}
	c.requests.Add(1)
	c.script.mu.Lock()
	c.script.left = append(c.script.left, sentRequest{time.Now(), req.Header.Get("Authorization")})
	id := path.Base(req.URL.Path)
	if own, ok := c.script.rows[id]; ok {
		c.step = own
	}
	if c.script.answer != nil {
		c.step = c.script.answer(req.Method, id)
	}
	c.script.mu.Unlock()
	trace := httptrace.ContextClientTrace(req.Context())
	trace.WroteHeaders()
	if err := sleep(req.Context(), c.takes); err != nil {
		return nil, err
	}
	if c.err != nil {
		return nil, c.err
	}
	trace.WroteRequest(httptrace.WroteRequestInfo{})
	header := c.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: c.status, Header: header, ContentLength: int64(len(c.body)),
		Body: io.NopCloser(strings.NewReader(c.body)),
	}, nil
}

// Err ends the connection after its one request, unless it is kept.
func (c *scriptedConn) Err() error {
	if c.requests.Load() > 0 && !c.kept {
		return io.EOF
	}
	return nil
}

func (c *scriptedConn) Close() error   { return nil }
func (c *scriptedConn) Written() int64 { return c.requests.Load() }

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
	return newClient(o, base, s.dial), s
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
