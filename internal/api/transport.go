package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
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
func newTransport(timeout time.Duration, roots *x509.CertPool, proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	dialer := &net.Dialer{Timeout: min(timeout, connectTimeout), KeepAlive: 15 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  proxy,
		OnProxyConnectResponse: proxyAnswer,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return countWrites(ctx, conn), nil
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    min(timeout, connectTimeout),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		// Answers are small; unpacking them would cost more than it saves.
		DisableCompression: true,
		Protocols:          protocols,
	}
}

// proxyAnswer names the proxy's status where net/http gives only its text.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the proxy answered HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return nil
}
