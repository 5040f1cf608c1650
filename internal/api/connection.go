package api

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// connection is one connection to the tenant. It carries one request at a time,
// so that what breaks it leaves no other request in doubt.
type connection interface {
	RoundTrip(*http.Request) (*http.Response, error)
	Err() error // why it can carry no further request; nil while it can
	Close() error
	// Written counts the bytes that were given to the network, those of a TLS
	// handshake too.
	Written() int64
}

// dialer makes a connection; the context bounds the making only.
type dialer func(context.Context) (connection, error)

// dialTo makes connections to the host of base: with TLS where it says https,
// through the transport's proxy where it has one.
func dialTo(t *http.Transport, base *url.URL) dialer {
	port := base.Port()
	switch {
	case port != "":
	case base.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	addr := net.JoinHostPort(base.Hostname(), port)
	return func(ctx context.Context) (connection, error) {
		written := new(atomic.Int64)
		conn, err := t.NewClientConn(context.WithValue(ctx, writtenKey{}, written), base.Scheme, addr)
		if err != nil {
			return nil, err
		}
		return countedConnection{conn, written}, nil
	}
}

type countedConnection struct {
	*http.ClientConn
	written *atomic.Int64
}

func (c countedConnection) Written() int64 { return c.written.Load() }

// writtenKey is the context's key of the counter of a connection that is being
// made.
type writtenKey struct{}

// countWrites has a connection count in the counter that the context bears.
func countWrites(ctx context.Context, conn net.Conn) net.Conn {
	written, ok := ctx.Value(writtenKey{}).(*atomic.Int64)
	if !ok {
		return conn
	}
	return writeCounter{conn, written}
}

type writeCounter struct {
	net.Conn
	written *atomic.Int64
}

func (c writeCounter) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// exchanges keeps exchanges with their connections for the next requests, the
// one that was used last first, so that no more are kept open than are needed.
// It is safe for concurrent use.
type exchanges struct {
	most   int // that are kept
	mu     sync.Mutex
	idle   []*exchange // in the order of their last use
	closed bool
}

// take returns a kept exchange, nil when there is none.
func (e *exchanges) take() *exchange {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := len(e.idle) - 1
	if last < 0 {
		return nil
	}
	x := e.idle[last]
	e.idle[last] = nil
	e.idle = e.idle[:last]
	return x
}

// keep takes back an exchange that was used just now, and closes one that was
// not for too long.
func (e *exchanges) keep(x *exchange, now time.Time) {
	var stale *exchange
	x.shrink()
	e.mu.Lock()
	if !e.closed {
		e.idle = append(e.idle, x)
	}
	switch {
	case e.closed:
		stale = x
	case len(e.idle) > e.most || e.idle[0].idle(now) > idleTimeout:
		stale = e.idle[0]
		e.idle = append(e.idle[:0], e.idle[1:]...)
	}
	e.mu.Unlock()
	if stale != nil {
		stale.close()
	}
}

// close closes every kept exchange, and those that are given back later.
func (e *exchanges) close() {
	e.mu.Lock()
	idle := e.idle
	e.idle, e.closed = nil, true
	e.mu.Unlock()
	for _, x := range idle {
		x.close()
	}
}
