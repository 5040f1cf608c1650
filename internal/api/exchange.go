package api

import (
	"bytes"
	"context"
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
	keptBuffer    = 1 << 20  // bytes of a buffer that an exchange keeps between requests
)

// exchange is one request and its answer, on a connection of its own. It is
// reused from request to request: everything that net/http needs for one is
// made once. Only an exchange that ended in order is reused, since after any
// other the connection may still hold on to its parts.
//
// A connection of http.Transport's pool would do as well, but finding one there
// and giving it back costs a tenth of all that a run does: see directConnection.
type exchange struct {
	dial dialer
	conn connection // nil before the first request
	used time.Time  // when the last request on it ended

	req    *http.Request
	url    url.URL
	header http.Header
	reader bytes.Reader
	body   io.ReadCloser // of reader, in the form that net/http knows to be in memory: else it would flush the header first
	out    []byte        // what reader reads: a copy, since the connection may still read it when the caller has its answer
	buf    bytes.Buffer  // the answer's body

	limited io.LimitedReader // what buf reads from

	cancel context.CancelFunc
	timer  *time.Timer
	headed atomic.Bool // the request's header was given to the connection
	wrote  atomic.Bool // the connection is done with the request
}

// reply is what an exchange ended with. Its body is the exchange's buffer.
type reply struct {
	status  int // 0: no answer
	header  http.Header
	body    []byte
	tooLong bool          // the body is longer than what was read of it
	err     error         // the exchange broke; with a status: while the body was read
	timeout bool          // it broke because its time was over
	within  time.Duration // which was that
	reached bool          // there was a connection on which something may have been sent
	sent    time.Time
	at      time.Time // when it ended
}

var jsonType = []string{"application/json"}

func newExchange(dial dialer, base *url.URL, agent string) *exchange {
	ctx, cancel := context.WithCancel(context.Background())
	x := &exchange{dial: dial, cancel: cancel, url: url.URL{Scheme: base.Scheme, Host: base.Host}}
	x.header = http.Header{"Accept": jsonType, "User-Agent": {agent}}
	x.timer = time.AfterFunc(time.Hour, cancel)
	x.timer.Stop()
	x.body = io.NopCloser(&x.reader)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { x.headed.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { x.wrote.Store(true) },
	})
	x.req = (&http.Request{
		URL: &x.url, Header: x.header, Host: base.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	return x
}

// close ends an exchange for good.
func (x *exchange) close() {
	x.cancel()
	x.hangUp()
}

// hangUp closes the connection, if there is one.
func (x *exchange) hangUp() {
	if x.conn != nil {
		_ = x.conn.Close() // whatever mattered was read
		x.conn = nil
	}
}

// prepare makes the request of a call.
func (x *exchange) prepare(q *call, base *url.URL, t *token) {
	x.req.Method = q.method()
	x.header["Authorization"] = t.header
	x.setBody(q.body)
	q.address(&x.url, base)
}

// setBody gives the request its body, nil for none.
func (x *exchange) setBody(b []byte) {
	x.req.ContentLength = int64(len(b))
	if b == nil {
		x.req.Body = nil
		delete(x.header, "Content-Type")
		return
	}
	x.header["Content-Type"] = jsonType
	x.out = append(x.out[:0], b...)
	x.reader.Reset(x.out)
	x.req.Body = x.body
}

// run carries the exchange out. clean says that it may be used again once the
// reply's body is no longer needed. It takes no context: an exchange that has
// begun is ended only by its timeout.
func (x *exchange) run(timeout time.Duration, maxOK int) (r reply, clean bool) {
	r.sent, r.within = time.Now(), timeout
	x.timer.Reset(timeout)
	resp, reached, err := x.send(r.sent)
	if r.reached = reached; err == nil {
		r.status, r.header = resp.StatusCode, resp.Header
		limit := maxErrorBody
		if r.status == http.StatusOK {
			limit = maxOK
		}
		// After a 101 the connection is ours, and the timeout would not end it.
		switched := r.status == http.StatusSwitchingProtocols
		if x.buf.Reset(); !switched {
			r.tooLong, err = x.read(resp.Body, resp.ContentLength, limit)
		}
		r.body = x.buf.Bytes()
		clean = err == nil && !r.tooLong && x.wrote.Load() && !switched
		if clean && resp.Close {
			x.hangUp()
		}
	}
	r.at = time.Now()
	if r.err = err; !x.timer.Stop() {
		clean = false
		r.timeout = err != nil
	}
	if x.used = r.at; !clean {
		x.close()
	}
	if resp != nil {
		_ = resp.Body.Close() // what matters was read; of what is left nothing can come any more
	}
	return r, clean
}

// send sends the request on the kept connection, or on a new one. reached says
// that there was a connection on which something of it may have been sent.
func (x *exchange) send(now time.Time) (resp *http.Response, reached bool, err error) {
	if x.conn != nil && (x.conn.Err() != nil || x.idle(now) > idleTimeout) {
		x.hangUp()
	}
	for {
		kept := x.conn != nil
		if !kept {
			if x.conn, err = x.dial(x.req.Context()); err != nil {
				x.conn = nil
				return nil, false, err
			}
		}
		x.headed.Store(false)
		x.wrote.Store(false)
		written := x.conn.Written()
		resp, err = x.conn.RoundTrip(x.req)
		// Without its whole header, which is reported before its last byte is
		// sent, a request was not sent.
		sent := x.headed.Load() && x.conn.Written() != written
		if err == nil || !kept || sent && x.req.Body != nil || x.req.Context().Err() != nil {
			return resp, true, err
		}
		// The kept connection turned out closed. A request that was certainly not
		// sent, or that changes nothing, goes out on another, and it costs no
		// attempt.
		x.hangUp()
		x.reader.Reset(x.out)
	}
}

// idle returns for how long the exchange was not used. While a laptop or a
// virtual machine sleeps, only the wall clock goes on.
func (x *exchange) idle(now time.Time) time.Duration {
	return max(now.Sub(x.used), now.Round(0).Sub(x.used.Round(0)))
}

// shrink drops buffers that one large request or answer asked for.
func (x *exchange) shrink() {
	if x.buf.Cap() > keptBuffer {
		x.buf = bytes.Buffer{}
	}
	if cap(x.out) > keptBuffer {
		x.out = nil
		x.reader.Reset(nil)
	}
}

// read reads a body into the buffer, at most limit bytes of it.
func (x *exchange) read(body io.Reader, length int64, limit int) (tooLong bool, err error) {
	if length >= 0 {
		x.buf.Grow(int(min(length, int64(limit))) + bytes.MinRead)
	}
	x.limited = io.LimitedReader{R: body, N: int64(limit) + 1}
	_, err = x.buf.ReadFrom(&x.limited)
	if tooLong = x.buf.Len() > limit; tooLong {
		x.buf.Truncate(limit)
		return true, nil
	}
	return false, err
}
