// Package sandbox is a simulated NERM tenant on loopback: workflow sessions
// that can be read, listed and updated, the API's own errors, a token
// endpoint, faults on demand and a page that shows the requests as they come.
// It is there to rehearse against and to prove, by its own record, what was
// applied and how often. It never listens beyond loopback, keeps everything in
// memory, and knows nothing of sheets, journals or clients.
package sandbox

import (
	"crypto/rand"
	"net/http"
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
	// The faults the tenant starts with; see Faults, whose fields these are.
	RateLimit float64
	Window    time.Duration
	Latency   time.Duration
	Fail      float64
	Drop      float64
	Names     bool
	Spaced    bool

	// Seed decides which requests the faults hit: with the same seed the same
	// attempts of the same session fail, in whatever order they arrive.
	Seed uint64
	// Token is the one API key accepted; empty accepts any that is not empty.
	// Tokens handed out by POST /oauth/token are accepted beside it.
	Token string
	// ClientID and ClientSecret are what POST /oauth/token accepts; each empty
	// one accepts anything that is not empty.
	ClientID, ClientSecret string
	// TokenLife is how long a token of POST /oauth/token holds; 0 is 749 s.
	TokenLife time.Duration
}

// Tenant is a simulated tenant. Its methods are safe for concurrent use, and
// sessions can be added while it serves.
type Tenant struct {
	opts   Options
	regime atomic.Pointer[regime]
	counts counters
	events ring
	bodies sync.Pool    // *bytes.Buffer, for request bodies
	watch  atomic.Int64 // open streams of the page

	keyMu sync.Mutex
	key   [32]byte // signs the tokens handed out

	mu      sync.Mutex           // guards what follows
	ids     []uuid.UUID          // of the sessions, in the order they were added
	entries map[uuid.UUID]*entry // nil for a session that nobody asked for yet
	names   map[string]string    // field names, each kept once
	recent  []uuid.UUID          // touched last, newest at the end
	version uint64               // grows with every change, for listings
	listing listing
}

// New makes an empty tenant. Faults out of their range are brought into it.
func New(o Options) *Tenant {
	if o.TokenLife <= 0 {
		o.TokenLife = defaultTokenLife
	}
	t := &Tenant{
		opts:    o,
		entries: make(map[uuid.UUID]*entry),
		names:   make(map[string]string),
	}
	t.RevokeTokens()
	t.SetFaults(Faults{
		RateLimit: o.RateLimit, Window: o.Window, Latency: o.Latency,
		Fail: o.Fail, Drop: o.Drop, Names: o.Names, Spaced: o.Spaced,
	})
	return t
}

// RevokeTokens makes every token that POST /oauth/token handed out so far
// worthless, as an administrator does who withdraws them early.
func (t *Tenant) RevokeTokens() {
	t.keyMu.Lock()
	defer t.keyMu.Unlock()
	rand.Read(t.key[:]) // never fails: it ends the process where it cannot read
}

// Handler serves the tenant: the API under /api, POST /oauth/token, and the
// page at /. Streams of the page end with their requests' contexts.
func (t *Tenant) Handler() http.Handler { return &server{tenant: t} }
