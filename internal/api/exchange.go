package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	maxAnswer     = 16 << 20 // bytes read of an answer that holds a session
	maxListAnswer = 64 << 20 // and of a page of sessions
	maxErrorBody  = 64 << 10 // and of any other answer
)

// exchange is one request and its answer. It is reused from request to
// request: everything that net/http needs for one is made once. Only an
// exchange that ended in order is reused, since after any other the transport
// may still hold on to its parts.
type exchange struct {
	req    *http.Request
	url    url.URL
	header http.Header
	grant  *grant // what the header authorises with
	reader bytes.Reader
	body   io.ReadCloser // of reader, in the form that net/http knows to be in memory: else it would flush the header first
	out    []byte        // what reader reads: a copy, since the transport may still read it when the caller has its answer
	buf    []byte        // the answer's body

	again   func() (io.ReadCloser, error) // the request's GetBody
	cancel  context.CancelFunc
	timer   *time.Timer
	reached atomic.Bool // a connection was had: something may have been sent
	wrote   atomic.Bool // the transport is done with the request
}

// reply is what an exchange ended with. Its body is the exchange's buffer.
type reply struct {
	status  int // 0: no answer
	header  http.Header
	body    []byte
	tooLong bool  // the body is longer than what was read of it
	err     error // the exchange broke; with a status: while the body was read
	timeout bool  // it broke because its time was over
	reached bool
	sent    time.Time
	at      time.Time // when it ended
}

func newExchange(base *url.URL, agent string) *exchange {
	ctx, cancel := context.WithCancel(context.Background())
	x := &exchange{cancel: cancel, url: url.URL{Scheme: base.Scheme, Host: base.Host}}
	x.header = http.Header{"Accept": jsonType, "User-Agent": {agent}}
	x.timer = time.AfterFunc(time.Hour, cancel)
	x.timer.Stop()
	x.body = io.NopCloser(&x.reader)
	// net/http uses GetBody only when it is certain that not one byte was
	// written (a PATCH counts as not repeatable after that), so a kept
	// connection that turns out closed costs no doubt.
	x.again = func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(x.out)), nil
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// Another connection is looked for only after one on which nothing, or
		// nothing but a GET, was sent.
		GetConn:      func(string) { x.reached.Store(false) },
		GotConn:      func(httptrace.GotConnInfo) { x.reached.Store(true) },
		WroteHeaders: func() { x.reached.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { x.wrote.Store(true) },
	})
	x.req = (&http.Request{
		URL: &x.url, Header: x.header, Host: base.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	return x
}

// authorise has the request bear a grant. Every worker's exchange mostly bears
// the one that it bore before.
func (x *exchange) authorise(g *grant) {
	if x.grant != g {
		x.header["Authorization"], x.grant = g.header, g
	}
}

// setBody gives the request its body, nil for none.
func (x *exchange) setBody(b []byte) {
	x.req.ContentLength = int64(len(b))
	if b == nil {
		x.req.Body, x.req.GetBody = nil, nil
		delete(x.header, "Content-Type")
		return
	}
	if x.req.Body == nil {
		x.header["Content-Type"] = jsonType
	}
	x.out = append(x.out[:0], b...)
	x.reader.Reset(x.out)
	x.req.Body, x.req.GetBody = x.body, x.again
}

var jsonType = []string{"application/json"}

// run carries the exchange out. clean says that it may be used again once the
// reply's body is no longer needed. It takes no context: an exchange that has
// begun is ended only by its timeout.
func (x *exchange) run(rt roundTripper, timeout time.Duration, maxOK int) (r reply, clean bool) {
	x.reached.Store(false)
	x.wrote.Store(false)
	r.sent = time.Now()
	x.timer.Reset(timeout)
	resp, err := rt.RoundTrip(x.req)
	if err == nil {
		r.status, r.header = resp.StatusCode, resp.Header
		limit := maxErrorBody
		if r.status == http.StatusOK {
			limit = maxOK
		}
		r.tooLong, err = x.read(resp.Body, resp.ContentLength, limit)
		r.body = x.buf
		_ = resp.Body.Close() // what matters was read
		clean = err == nil && !r.tooLong && resp.ProtoMajor == 1 && x.wrote.Load()
	}
	r.at = time.Now()
	if r.err = err; !x.timer.Stop() {
		clean = false
		r.timeout = err != nil
	}
	r.reached = x.reached.Load() || r.status != 0
	if !clean {
		x.cancel()
	}
	return r, clean
}

// read reads a body into the buffer, at most limit bytes of it.
func (x *exchange) read(body io.Reader, length int64, limit int) (tooLong bool, err error) {
	x.buf = x.buf[:0]
	if want := min(length, int64(limit)); want >= int64(cap(x.buf)) {
		x.buf = make([]byte, 0, want+1)
	}
	for {
		if len(x.buf) == cap(x.buf) {
			x.buf = append(x.buf, 0)[:len(x.buf)]
		}
		n, err := body.Read(x.buf[len(x.buf):cap(x.buf)])
		x.buf = x.buf[:len(x.buf)+n]
		switch {
		case len(x.buf) > limit:
			x.buf = x.buf[:limit]
			return true, nil
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}
