package sandbox

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// The most that faults can be set to.
const (
	maxRate    = 1e6
	maxWindow  = time.Hour
	maxLatency = 10 * time.Minute
)

// Faults make the tenant as bad as a real one. They hold for requests under
// /api; the token endpoint has none, so that a rehearsal does not end with a
// failed sign-in. A request that bears no valid token, and one that is
// throttled, costs no draw.
type Faults struct {
	// RateLimit is the requests a second that are granted; the rest is answered
	// with 429 and Retry-After. 0 grants all. It is a token bucket that starts
	// full and holds one second's worth (at least one request).
	RateLimit float64
	// Window, where it is not 0, grants RateLimit × Window requests in each
	// window of that length instead, as gateways do that count by the window.
	Window time.Duration
	// Latency is added to each answer: half of it before the request is applied
	// and half after, so that a client's timeout falls on either side.
	Latency time.Duration
	// Fail is the share (0 to 1) of requests answered with 500, 502, 503 or 504
	// without being applied.
	Fail float64
	// Drop is the share (0 to 1) of requests that are applied and whose
	// connection is then closed without an answer.
	Drop float64
	// Names makes attributes that hold UUIDs read back as people's names.
	Names bool
	// Spaced makes statuses read back with spaces for underscores.
	Spaced bool
}

// clamped brings every fault into its range; what is no number is 0.
func (f Faults) clamped() Faults {
	within := func(v, most float64) float64 {
		if math.IsNaN(v) {
			return 0
		}
		return min(max(v, 0), most)
	}
	f.RateLimit = within(f.RateLimit, maxRate)
	f.Window = min(max(f.Window, 0), maxWindow)
	f.Latency = min(max(f.Latency, 0), maxLatency)
	f.Fail = within(f.Fail, 1)
	f.Drop = within(f.Drop, 1)
	return f
}

// regime is the faults in force with the limiter that keeps them.
type regime struct {
	Faults
	limiter *limiter
}

// SetFaults changes the faults for the requests that come from now on, brought
// into their range. A limit that stays the same keeps what was used of it.
func (t *Tenant) SetFaults(f Faults) {
	next := &regime{Faults: f.clamped()}
	for {
		last := t.regime.Load()
		if last != nil && last.RateLimit == next.RateLimit && last.Window == next.Window {
			next.limiter = last.limiter
		} else {
			next.limiter = newLimiter(next.RateLimit, next.Window)
		}
		if t.regime.CompareAndSwap(last, next) {
			return
		}
	}
}

// Faults gives the faults in force.
func (t *Tenant) Faults() Faults { return t.regime.Load().Faults }

// fate is what the faults do to one request.
type fate struct {
	fail int // the status to answer without applying; 0 none
	drop bool
}

// failStatuses are what Fail answers with, each as often.
var failStatuses = [...]int{500, 502, 503, 504}

// fate draws a request's faults from the seed, the session, and how many such
// requests that session had before: never from the order in which requests for
// different sessions happen to arrive. Requests that name no known session are
// numbered as they come.
func (t *Tenant) fate(r *regime, k kind, id uuid.UUID) fate {
	if r.Fail == 0 && r.Drop == 0 {
		return fate{}
	}
	var source rand.PCG
	source.Seed(t.opts.Seed^hash(id), uint64(k)<<32|uint64(t.number(k, id)))
	share := func() float64 { return float64(source.Uint64()>>11) / (1 << 53) }
	failing, dropping, which := share(), share(), source.Uint64()
	f := fate{drop: dropping < r.Drop}
	if failing < r.Fail {
		f.fail = failStatuses[which%uint64(len(failStatuses))]
		f.drop = false // an answer that says "not applied" must be told
	}
	return f
}

// number counts a session's requests of one kind, from 0.
func (t *Tenant) number(k kind, id uuid.UUID) uint32 {
	ask := askGet
	if k == kindPatch {
		ask = askPatch
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.entries[id]; !ok {
		return uint32(t.counts.kinds[k].Load())
	}
	e := t.touch(id)
	n := e.asked[ask]
	e.asked[ask]++
	return n
}
