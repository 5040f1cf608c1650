package sandbox

import (
	"math"
	"math/rand/v2"
	"sync"
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
// failed sign-in. A request without a valid token, and one that is
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
	// Nulls makes profile_id and next null where there is none; else they are
	// left out, as the API describes them.
	Nulls bool
}

// clamped brings every fault into its range; NaN becomes 0.
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

// activeFaults are the faults in force, with the limiter of their rate.
type activeFaults struct {
	Faults
	limiter *limiter
}

// SetFaults changes the faults for the requests that come from now on, brought
// into their range. A limiter whose settings stay the same keeps its count.
func (t *Tenant) SetFaults(f Faults) {
	f = f.clamped()
	t.mu.Lock()
	defer t.mu.Unlock()
	next := &activeFaults{f, newLimiter(f.RateLimit, f.Window)}
	if last := t.active.Load(); last != nil && last.RateLimit == f.RateLimit && last.Window == f.Window {
		next.limiter = last.limiter
	}
	t.active.Store(next)
}

// Faults returns the faults in force.
func (t *Tenant) Faults() Faults { return t.active.Load().Faults }

// failStatuses are what Fail answers with, each as often.
var failStatuses = [...]int{500, 502, 503, 504}

// drawFaults draws a request's faults: the status to answer without applying it (0
// none), and whether to drop the answer. It draws from the seed, the session,
// and how many such requests that session had before: never from the order in
// which requests for different sessions happen to arrive. Requests that name no
// known session are numbered as they come.
func (t *Tenant) drawFaults(f Faults, k kind, id uuid.UUID) (fail int, drop bool) {
	if f.Fail == 0 && f.Drop == 0 {
		return 0, false
	}
	var source rand.PCG
	source.Seed(t.opts.Seed^hash(id), uint64(k)<<32|uint64(t.number(k, id)))
	share := func() float64 { return float64(source.Uint64()>>11) / (1 << 53) }
	failing, dropping, which := share(), share(), source.Uint64()
	if failing < f.Fail { // an answer that says "not applied" must arrive
		return failStatuses[which%uint64(len(failStatuses))], false
	}
	return 0, dropping < f.Drop
}

// number counts a session's requests of one kind, from 0.
func (t *Tenant) number(k kind, id uuid.UUID) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.entries[id]; !ok {
		return uint32(*t.totals.of(k))
	}
	asked := &t.entry(id).asked[k]
	*asked++
	return *asked - 1
}

// limiter grants requests: a token bucket, or so many in each window. It only
// answers yes or no; nobody waits in it.
type limiter struct {
	rate   float64       // a second; 0 grants all
	window time.Duration // 0: a token bucket

	mu    sync.Mutex
	left  float64   // tokens, or what the window still grants
	since time.Time // of the last refill, or of the window's begin
}

func newLimiter(rate float64, window time.Duration) *limiter {
	l := &limiter{rate: rate, window: window, since: time.Now()}
	l.left = l.full()
	return l
}

// full is the most that can be granted at once.
func (l *limiter) full() float64 {
	if l.window > 0 {
		return math.Max(1, math.Round(l.rate*l.window.Seconds()))
	}
	return math.Max(1, l.rate)
}

// take grants one request, or says how long until the next could be.
func (l *limiter) take() (wait time.Duration, ok bool) {
	if l.rate == 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.window > 0 {
		if past := now.Sub(l.since); past >= l.window {
			l.since = l.since.Add(past.Truncate(l.window))
			l.left = l.full()
		}
	} else {
		l.left = math.Min(l.full(), l.left+now.Sub(l.since).Seconds()*l.rate)
		l.since = now
	}
	if l.left >= 1 {
		l.left--
		return 0, true
	}
	if l.window > 0 {
		return l.since.Add(l.window).Sub(now), false
	}
	return time.Duration((1 - l.left) / l.rate * float64(time.Second)), false
}
