package api

import (
	"cmp"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"nermbulk/internal/pace"
)

// Options are a client's settings. Only BaseURL and Auth are required.
type Options struct {
	BaseURL     string                   // see ParseBaseURL
	Auth        Auth                     // see StaticToken and ClientCredentials
	Workers     int                      // connections kept open; callers bound what they have in flight themselves; 0 = 8
	Timeout     time.Duration            // of one attempt, from connecting to the answer's last byte; 0 = 30 s
	MaxAttempts int                      // requests that may leave for one call; 0 = 5
	OutageWait  time.Duration            // how long to wait for a tenant that cannot be reached; 0 = do not wait
	PageWait    time.Duration            // for one page of the attributes or their options, all attempts and waits included; 0 = as long as for any call
	Rate        float64                  // requests per second permitted, every attempt counted; 0 = no ceiling
	Learned     float64                  // requests per second that an earlier session found to be granted; 0 = not known
	RootCAs     *x509.CertPool           // see ReadRoots; nil = the system's
	Env         func(name string) string // where HTTPS_PROXY and the like are looked up; nil = no proxy
	UserAgent   string                   // such as nermbulk/1.0; "" = nermbulk
	Log         *slog.Logger             // nil = no log. Nothing secret is ever logged
}

// Client talks to one tenant. It is safe for concurrent use. A call waits
// while the tenant throttles or cannot be reached; its context ends those
// waits, and never an exchange under way: that has its own timeout, so that
// what came of it is known.
type Client struct {
	base        *url.URL
	timeout     time.Duration
	maxAttempts int
	pageWait    time.Duration
	rate        float64
	log         *slog.Logger

	exchanges   exchanges
	newExchange func() *exchange
	signIn      signIn
	issuer      *http.Transport // to the token URL; nil with a static token
	held        hold
	limiter     *pace.Limiter
	outage      breaker
	starved     starvation
	calls       atomic.Int64 // under way
	counts      counts
	awaited     awaited
	clock       tenantClock
	secrets     redactor
}

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
	case o.Workers < 0, o.Timeout < 0, o.MaxAttempts < 0, o.OutageWait < 0, o.PageWait < 0, !(o.Rate >= 0), !(o.Learned >= 0):
		return nil, errors.New("workers, timeout, attempts, outage wait and rate may not be negative")
	}
	proxy, err := proxyFor(base, o.Env)
	if err != nil {
		return nil, err
	}
	o.setDefaults()
	c := newClient(o, base, dialTo(newTransport(o.Timeout, o.RootCAs, proxy), base))
	c.hideProxy(proxy)
	if o.Auth.oauth != nil {
		if proxy, err = proxyFor(o.Auth.tokenURL, o.Env); err != nil {
			return nil, err
		}
		c.hideProxy(proxy)
		c.issuer = newTransport(o.Timeout, o.RootCAs, proxy)
		carrier := tokenTransport{base: c.issuer, agent: o.UserAgent, counts: &c.counts}
		c.signIn.fetch = newFetch(o.Auth, carrier, o.Timeout, &c.secrets)
	}
	return c, nil
}

// newClient builds everything around a dialer; o has its defaults.
func newClient(o Options, base *url.URL, dial dialer) *Client {
	c := &Client{
		base:        base,
		timeout:     o.Timeout,
		maxAttempts: o.MaxAttempts,
		pageWait:    o.PageWait,
		rate:        o.Rate,
		log:         o.Log,
		exchanges:   exchanges{most: o.Workers},
		newExchange: func() *exchange { return newExchange(dial, base, o.UserAgent) },
		signIn:      signIn{log: o.Log},
		limiter:     pace.New(o.Rate, o.Learned),
		outage:      breaker{maxOutage: o.OutageWait},
		starved:     starvation{patience: cmp.Or(o.OutageWait, defaultPatience)},
	}
	c.secrets.add(o.Auth.secret)
	if o.Auth.header != "" {
		c.signIn.inUse.Store(&token{header: []string{o.Auth.header}})
	}
	return c
}

// hideProxy makes the credentials in a proxy's address known as secrets.
func (c *Client) hideProxy(proxy *url.URL) {
	if proxy == nil {
		return
	}
	if password, ok := proxy.User.Password(); ok {
		c.secrets.add(password)
		c.secrets.add(proxy.User.Username() + ":" + password) // which is sent in base64
	}
}

const (
	defaultTimeout  = 30 * time.Second
	defaultPatience = 5 * time.Minute
)

func (o *Options) setDefaults() {
	o.Workers = cmp.Or(o.Workers, 8)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 5)
	o.UserAgent = cmp.Or(o.UserAgent, "nermbulk")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Counters returns what was counted since the call before.
func (c *Client) Counters() Counters { return c.counts.take() }

// Sent returns how many requests have left so far, those for a token not
// counted.
func (c *Client) Sent() int { return int(c.counts.sent.Load()) }

// Unanswered returns for how long the tenant has answered nothing while a
// request waited for it; 0 when it owes no answer.
func (c *Client) Unanswered() time.Duration {
	since := c.awaited.since.Load()
	if since == 0 {
		return 0
	}
	return max(0, time.Since(time.Unix(0, since)))
}

// Limits returns the rate and pause of the moment.
func (c *Client) Limits() pace.State { return c.limiter.State() }

// Outage returns since when the tenant cannot be reached; ok is false when it
// can be, as far as is known.
func (c *Client) Outage() (since time.Time, ok bool) {
	since, _, ok = c.outage.state()
	return since, ok
}

// OutageCause returns in words for people why the tenant could not be reached the
// last time that it could not; "" if it always could.
func (c *Client) OutageCause() string {
	_, cause, _ := c.outage.state()
	return cause
}

// StartOver forgets that the tenant refused requests for the rate, and how long
// it asked to wait: what follows is asked of another part of it. No call may be
// under way.
func (c *Client) StartOver() {
	c.limiter = pace.New(c.rate, 0)
	c.starved = starvation{patience: c.starved.patience}
}

// Close closes the connections and waits for a token request under way. No
// call may be under way or follow.
func (c *Client) Close() {
	c.signIn.close()
	c.exchanges.close()
	if c.issuer != nil {
		c.issuer.CloseIdleConnections()
	}
}
