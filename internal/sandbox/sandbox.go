// Package sandbox is a simulated NERM tenant on loopback: workflow sessions
// that can be read, listed and updated, the API's own errors, a token
// endpoint, faults on demand and a page that shows the requests as they come.
// It is there to rehearse against and to prove, by its own record, what was
// applied and how often. It never listens beyond loopback, keeps everything in
// memory, and in a file if it is asked to, and knows nothing of sheets, journals or
// clients.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// defaultTokenLife is what the vendor's sample answer of the token endpoint
// gives (749 s).
const defaultTokenLife = 749 * time.Second

// Options configure a Tenant. The zero value is a tenant without faults that
// accepts any token.
type Options struct {
	Faults // those that the tenant starts with; brought into their range

	// Seed decides which requests the faults hit: with the same seed the same
	// attempts of the same session fail, in whatever order they arrive.
	Seed uint64
	// Token is the one API key accepted; empty accepts any that is not empty.
	// Tokens issued by POST /oauth/token are accepted too.
	Token string
	// ClientID and ClientSecret are what POST /oauth/token accepts; each empty
	// one accepts anything that is not empty.
	ClientID, ClientSecret string
	// NoAttributes makes the tenant refuse to list its attributes (403).
	NoAttributes bool
	// NestedQuery makes the tenant read query[limit], query[offset] and
	// query[order], and nothing of limit, offset and order.
	NestedQuery bool
	// TokenLife is how long a token of POST /oauth/token is valid; 0 is 749 s.
	TokenLife time.Duration
}

// Tenant is a simulated tenant. Its methods are safe for concurrent use, and
// sessions can be added while it serves.
type Tenant struct {
	opts   Options
	active atomic.Pointer[activeFaults]

	mu      sync.Mutex           // guards what follows
	ids     []uuid.UUID          // of the sessions, in the order they were added
	entries map[uuid.UUID]*entry // nil for a session that nobody asked for yet
	recent  []uuid.UUID          // asked for last, newest at the end
	version uint64               // grows with every change, for listings
	listing listing

	attributes []*attribute // never changed in place

	state    *os.File // nil where none is kept
	stateErr error    // the first of writing it

	tokens   map[string]time.Time // issued, with their expiry
	totals   Totals
	requests []request // the last ones
}

// New returns an empty tenant.
func New(o Options) *Tenant {
	if o.TokenLife <= 0 {
		o.TokenLife = defaultTokenLife
	}
	t := &Tenant{
		opts:    o,
		entries: make(map[uuid.UUID]*entry),
		tokens:  make(map[string]time.Time),

		attributes: seedAttributes(),
	}
	t.SetFaults(o.Faults)
	return t
}

// Totals counts requests since the tenant was made. Every request is in exactly
// one of Patch, Get, List, Attributes, Token and Other; the rest says what became of them.
type Totals struct {
	Patch int `json:"patch"`
	Get   int `json:"get"`
	List  int `json:"list"` // of sessions
	Token int `json:"token"`

	Attributes int `json:"attributes"` // lists of them, and of their options

	Other int `json:"other"` // unknown paths; the page's own are not counted

	Applied   int `json:"applied"`   // PATCHes
	Runs      int `json:"runs"`      // PATCHes applied with run=true
	Refused   int `json:"refused"`   // 4xx other than 429
	Throttled int `json:"throttled"` // 429
	Failed    int `json:"failed"`    // 5xx made by Faults.Fail; not applied
	Dropped   int `json:"dropped"`   // answers kept back: Faults.Drop, or the client left
}

// Requests returns the count of all requests.
func (n Totals) Requests() int { return n.Patch + n.Get + n.List + n.Attributes + n.Token + n.Other }

// Totals returns the counts now.
func (t *Tenant) Totals() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.totals
}

// Applied is how many PATCHes were applied, dropped answers included.
func (t *Tenant) Applied() int { return t.Totals().Applied }

// kind is what a request asks for. Faults are drawn by it.
type kind int

const (
	kindOther kind = iota
	kindPatch
	kindGet
	kindList
	kindAttributes
	kindOptions
	kindToken
)

// of is the count of one kind.
func (n *Totals) of(k kind) *int {
	return [...]*int{&n.Other, &n.Patch, &n.Get, &n.List, &n.Attributes, &n.Attributes, &n.Token}[k]
}

// count counts a request and its answer.
func (n *Totals) count(k kind, a answer) {
	*n.of(k)++
	switch {
	case a.drop:
		n.Dropped++
	case a.status == http.StatusTooManyRequests:
		n.Throttled++
	case a.status >= 500:
		n.Failed++
	case a.status >= 400:
		n.Refused++
	}
}

// grace is how long a stopping server lets requests finish.
const grace = 5 * time.Second

// Listen opens addr ("127.0.0.1:8787"; port 0 takes any free one) for Serve. An
// address that other machines could reach is refused: the tenant believes any
// token and holds whatever is sent to it.
func Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox address %q needs a host and a port, such as 127.0.0.1:8787", addr)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("sandbox address %q is not loopback: the sandbox is for this machine only, use 127.0.0.1 or localhost", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // without the address, which is in the text already
		}
		return nil, fmt.Errorf("sandbox cannot listen on %s: %w; choose another port, or 0 for any that is free", addr, err)
	}
	return l, nil
}

// isLoopback reports whether a host name or IP is this machine only. That
// localhost is, Serve makes sure of.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Serve answers on l, which it owns and closes, until ctx is done; then it lets
// requests finish for a few seconds and returns nil. It returns only after every
// goroutine it started has ended. An error means that it could not go on
// accepting.
func (t *Tenant) Serve(ctx context.Context, l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		_ = l.Close() // nothing was accepted
		return fmt.Errorf("sandbox listener %s is not loopback", a)
	}
	var connections sync.WaitGroup
	srv := &http.Server{
		Handler:           t.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are the faults' purpose
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				connections.Done()
			}
		},
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()

	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if srv.Shutdown(deadline) != nil {
		_ = srv.Close() // ends what did not finish in time
	}
	if err == nil {
		err = <-served
	}
	connections.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("sandbox stopped serving: %w", err)
}
