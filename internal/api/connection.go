package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nermbulk/internal/text"
)

const (
	// connectTimeout bounds dialing and the TLS handshake each, so that a
	// host that swallows packets is an outage and not a doubtful answer.
	connectTimeout = 10 * time.Second
	// idleTimeout is below what servers and load balancers commonly allow
	// (60 s and more): a request that meets a connection which the server is
	// just closing may or may not have been applied, and it is better never
	// to be in that doubt.
	idleTimeout = 30 * time.Second
	// maxHeader bounds an answer's header.
	maxHeader = 256 << 10
)

// newTransport returns a transport of our own: no defaults shared with other
// code, TLS 1.2 at least and verified always. It speaks HTTP/1.1 alone: over
// HTTP/2 a connection that breaks would leave every worker's request in doubt.
func newTransport(timeout time.Duration, roots *x509.CertPool, proxy *url.URL) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	t := &http.Transport{
		OnProxyConnectResponse: proxyAnswer,
		DialContext:            (&net.Dialer{Timeout: min(timeout, connectTimeout), KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    min(timeout, connectTimeout),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		// Answers are small; unpacking them would cost more than it saves.
		DisableCompression: true,
		Protocols:          protocols,
	}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	return t
}

// proxyAnswer names the proxy's status where net/http gives only its text.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the proxy answered HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return nil
}

// ReadRoots returns the system's root certificates and those of a PEM file,
// for Options.RootCAs.
func ReadRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("certificate file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		// A system without a store of its own still trusts the file.
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificate file %s: it holds no certificate in PEM form (a block that begins with -----BEGIN CERTIFICATE-----)", text.Line(file, maxTyped))
	}
	return roots, nil
}

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

// dialer makes a connection, which may end with the context.
type dialer func(context.Context) (connection, error)

// dialTo makes connections to the host of base: with TLS where it says https,
// through the transport's proxy where it has one.
func dialTo(t *http.Transport, base *url.URL) dialer {
	addr := net.JoinHostPort(base.Hostname(), portOf(base))
	return func(ctx context.Context) (connection, error) {
		if canWatch && t.Proxy == nil {
			return dialDirect(ctx, t, base, addr)
		}
		s, own := new(socket), t.Clone()
		own.DialContext = func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
			s.Conn, err = t.DialContext(ctx, network, addr)
			return s, err
		}
		conn, err := own.NewClientConn(ctx, base.Scheme, addr)
		if err != nil {
			return nil, err
		}
		return struct {
			*http.ClientConn
			*socket
		}{conn, s}, nil
	}
}

// socket is a connection to the tenant or its proxy, without TLS.
type socket struct {
	net.Conn
	written atomic.Int64
	dry     bool // nothing more is read from the network
}

// Read fails as after a deadline while it is dry: that is the one error after which
// TLS can be read on.
func (s *socket) Read(p []byte) (int, error) {
	if s.dry {
		return 0, os.ErrDeadlineExceeded
	}
	return s.Conn.Read(p)
}

func (s *socket) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.written.Add(int64(n))
	return n, err
}

func (s *socket) Written() int64 { return s.written.Load() }

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
		e.idle = slices.Delete(e.idle, 0, 1)
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
