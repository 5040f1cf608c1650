package api

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"nermbulk/internal/pace"
)

// Options are a client's settings. Only BaseURL and Auth are required.
type Options struct {
	BaseURL     string         // see ParseBaseURL
	Auth        Auth           // see StaticToken and ClientCredentials
	Workers     int            // connections kept open; callers bound what they have in flight themselves; 0 = 8
	Timeout     time.Duration  // of one attempt, from connecting to the answer's last byte; 0 = 30 s
	MaxAttempts int            // requests that may leave for one call; 0 = 5
	OutageWait  time.Duration  // how long to wait for a tenant that cannot be reached; 0 = do not wait
	Rate        float64        // requests per second permitted, every attempt counted; 0 = no ceiling
	Learned     float64        // requests per second that an earlier session found to be granted; 0 = not known
	RootCAs     *x509.CertPool // see ReadRoots; nil = the system's
	UserAgent   string         // such as nermbulk/1.0; "" = nermbulk
	Log         *slog.Logger   // nil = no log. Nothing secret is ever logged
}

// Client talks to one tenant. It is safe for concurrent use. A call waits
// while the tenant throttles or cannot be reached; its context ends those
// waits, and never an exchange under way: that has its own timeout, so that
// what came of it is known.
type Client struct {
	base        *url.URL
	paths       paths
	timeout     time.Duration
	maxAttempts int
	log         *slog.Logger

	exchanges   exchanges
	newExchange func() *exchange
	closeIdle   []func()
	credentials *credentials
	limiter     *pace.Limiter
	gate        gate
	counts      counts
	secrets     redactor
	explain     explainer
}

// roundTripper is all that fetching tokens needs of a transport.
type roundTripper interface {
	RoundTrip(*http.Request) (*http.Response, error)
}

const (
	defaultWorkers     = 8
	defaultTimeout     = 30 * time.Second
	defaultMaxAttempts = 5
)

// New makes a client; it does not connect. The errors say which setting is
// wrong and hold no secret. Close it at the end.
func New(o Options) (*Client, error) {
	base, err := ParseBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Auth.header == "" && o.Auth.oauth == nil:
		return nil, errors.New("no credentials: set NERM_TOKEN, give --token-file, or set NERM_CLIENT_ID, NERM_CLIENT_SECRET and NERM_TOKEN_URL")
	case o.Workers < 0, o.Timeout < 0, o.MaxAttempts < 0, o.OutageWait < 0, !(o.Rate >= 0), !(o.Learned >= 0):
		return nil, errors.New("workers, timeout, attempts, outage wait and rate may not be negative")
	}
	proxy, password, err := proxyFor(base)
	if err != nil {
		return nil, err
	}
	o.setDefaults()
	tenant := newTransport(o.Timeout, o.RootCAs, http.ProxyURL(proxy))
	c := newClient(o, base, dialTo(tenant, base))
	c.secrets.add(password)
	if o.Auth.oauth != nil {
		issuer := newTransport(o.Timeout, o.RootCAs, http.ProxyFromEnvironment)
		c.closeIdle = append(c.closeIdle, issuer.CloseIdleConnections)
		c.useTokensFrom(issuer, o)
	}
	return c, nil
}

// newClient builds everything around a dialer; o is whole.
func newClient(o Options, base *url.URL, dial dialer) *Client {
	c := &Client{
		base:        base,
		paths:       newPaths(base),
		timeout:     o.Timeout,
		maxAttempts: o.MaxAttempts,
		log:         o.Log,
		credentials: newStaticCredentials(o.Auth.header),
		exchanges:   exchanges{most: o.Workers},
		limiter:     pace.New(o.Rate, o.Learned),
		gate:        gate{patience: o.OutageWait},
	}
	c.explain = explainer{base: base, secrets: &c.secrets}
	c.newExchange = func() *exchange { return newExchange(dial, base, o.UserAgent) }
	for _, secret := range o.Auth.secrets {
		c.secrets.add(secret)
	}
	return c
}

// useTokensFrom makes the client fetch its tokens over the transport given.
func (c *Client) useTokensFrom(rt roundTripper, o Options) {
	tripper := tokenTripper{base: rt, agent: o.UserAgent, counts: &c.counts}
	c.credentials = &credentials{
		fetch: newFetch(o.Auth.oauth, tripper, o.Timeout, &c.secrets),
		log:   o.Log,
	}
}

func (o *Options) setDefaults() {
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = defaultMaxAttempts
	}
	if o.UserAgent == "" {
		o.UserAgent = "nermbulk"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// proxyFor is the proxy that the environment names for the tenant, nil for
// none, and the password in its address.
func proxyFor(base *url.URL) (proxy *url.URL, password string, err error) {
	proxy, err = http.ProxyFromEnvironment(&http.Request{URL: base})
	if err != nil {
		// The error's text may repeat the variable, credentials included.
		return nil, "", fmt.Errorf("the proxy that HTTPS_PROXY or HTTP_PROXY names for %s cannot be used; correct it, or name the host in NO_PROXY", printable(base.Hostname()))
	}
	if proxy != nil && proxy.User != nil {
		password, _ = proxy.User.Password()
	}
	return proxy, password, nil
}

// Counters returns what was counted since the call before, and begins anew.
func (c *Client) Counters() Counters { return c.counts.take() }

// Limits returns the limit and pause of the moment.
func (c *Client) Limits() pace.State { return c.limiter.State() }

// Outage tells since when the tenant cannot be reached; ok is false when it
// can be, as far as is known.
func (c *Client) Outage() (since time.Time, ok bool) {
	since, _, ok = c.gate.state()
	return since, ok
}

// OutageCause says in words for people why the tenant could not be reached the
// last time that it could not; "" if it always could.
func (c *Client) OutageCause() string { return c.gate.lastCause() }

// Close closes the connections and waits for a token request under way. No
// call may be under way or follow.
func (c *Client) Close() {
	c.credentials.close()
	c.exchanges.close()
	for _, closeIdle := range c.closeIdle {
		closeIdle()
	}
}
