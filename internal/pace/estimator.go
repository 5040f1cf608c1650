package pace

import (
	"math"
	"time"
)

const (
	// defaultPause is the first pause when a refusal does not say how long.
	defaultPause = time.Second
	// windowHint is the shortest Retry-After that speaks for a window: a bucket
	// that grants anything worth sending has a token again in a second.
	windowHint = 2 * time.Second
	// updateEvery is how often, in seconds, the hypotheses are updated with what
	// was granted.
	updateEvery = 0.1
	// smoothing is the weight of one answer in the smoothed latency.
	smoothing = 0.1
	// reordered is the share of what is in flight that the account of the
	// tenant may be wrong by, because requests overtake each other.
	reordered = 0.1
	// miscount is what it may be wrong by in any case, in requests.
	miscount = 1.2
)

// pauses grow while the one request that tries after each is refused again.
// The first three end within ten seconds, the window that is most common.
var pauses = []time.Duration{250 * time.Millisecond, 3 * time.Second, 6 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute}

// estimator learns from refusals what the tenant grants, and returns the rate
// to send at. It keeps a set of hypotheses of the tenant's limit, updates them
// with what was granted and refused, and asks for what those would grant that
// still explain it. It has neither a clock nor a lock, and does not pace.
//
// It is blocked from a refusal to the first request that is granted after the
// pause.
type estimator struct {
	maxRate float64 // requests per second, never exceeded; may be infinite
	hinted  float64 // what the tenant says that it grants, at the least; may be infinite
	start   time.Time

	hypotheses hypotheses
	history    history
	granted    float64 // requests, in all
	pending    float64 // granted since the hypotheses were updated
	latency    float64 // seconds, smoothed

	throttled   bool // refused at least once: from then on base holds
	blocked     bool
	pausedUntil time.Time
	block       block

	base    float64 // requests per second, while nothing more is tried
	baseAt  float64 // when it was set
	holdOff float64 // seconds from then until more is tried
}

// block is what is known of the last time that the tenant refused. Times are
// in seconds since the start.
type block struct {
	began     float64
	sent      time.Time // when the request that was refused first left
	seeded    bool      // the hypotheses were seeded at it
	ended     float64
	refused   float64 // when the last request in it was refused
	tries     int     // requests refused although they waited for the pause to end
	asked     float64 // requests per second when it began
	freeFor   float64 // seconds since the end of the block before it
	inARow    int     // blocks in a row that began soon after the one before
	aboveBase bool    // it began while more than the base was tried
}

// newEstimator returns an estimator that never exceeds maxRate. A learned rate
// above 0 is what was granted earlier; the start need not be slow then.
func newEstimator(maxRate, learned float64, now time.Time) *estimator {
	e := &estimator{maxRate: maxRate, hinted: math.Inf(1), start: now, holdOff: holdOffFirst}
	if learned > 0 {
		e.throttled, e.base = true, learned
		e.granted = learned
	}
	return e
}

// seconds is the time since the start at which the tenant dealt with a
// request, as far as that is known: halfway. It never goes back.
func (e *estimator) seconds(sent, at time.Time) float64 {
	return max(e.hypotheses.at, sent.Add(at.Sub(sent)/2).Sub(e.start).Seconds())
}

// noise is by how many requests the account of what is left may be wrong.
func (e *estimator) noise() float64 {
	r := e.base
	if r == 0 {
		r = e.history.since(e.hypotheses.at - 1)
	}
	return miscount + reordered*e.latency*r
}

// update updates the hypotheses with what was granted up to now.
func (e *estimator) update(now float64) {
	e.hypotheses.granted(now, e.pending)
	e.pending = 0
}

// onGranted learns from a request that was granted.
func (e *estimator) onGranted(sent, at time.Time) {
	now := e.seconds(sent, at)
	e.granted++
	e.latency += smoothing * (at.Sub(sent).Seconds() - e.latency)
	e.history.add(now, 1)
	if !e.throttled {
		return
	}
	if e.blocked && e.block.seeded && e.block.tries == 0 && sent.Before(e.block.sent) {
		e.hypotheses.grantedEarlier()
	}
	e.pending++
	ends := e.blocked && !sent.Before(e.pausedUntil)
	if !ends && now < e.hypotheses.at+updateEvery {
		return
	}
	e.update(now)
	if ends {
		e.blocked, e.block.ended = false, now
		e.hypotheses.windowEnded()
		e.settle(now)
	} else if !e.blocked {
		e.climb(now)
	}
}

// onRefused learns from a request that was refused, and pauses for as long as
// the tenant asks; retryAfter is below 0 when it does not say.
func (e *estimator) onRefused(sent, at time.Time, retryAfter time.Duration) {
	now := e.seconds(sent, at)
	e.update(now)
	early := e.blocked && sent.Before(e.pausedUntil) // it left before the pause was known
	switch {
	case early:
	case e.blocked:
		e.block.tries++
		e.hypotheses.refusedAfterIdle(now - e.block.refused)
	default:
		e.beginBlock(now, sent, at)
	}
	e.hypotheses.refused(e.noise())
	e.block.refused = now
	pause := retryAfter
	if pause < 0 {
		pause = defaultPause
	}
	if !early {
		if pause >= windowHint {
			e.hypotheses.hint(pause.Seconds())
		}
		pause = max(pause, e.pauseFor(now, pause))
	}
	if until := at.Add(pause); until.After(e.pausedUntil) {
		e.pausedUntil = until
	}
}

// onExhausted learns from a granted request whose answer says, before the
// first refusal, that the next one would be refused for a time.
func (e *estimator) onExhausted(sent, at time.Time, reset time.Duration) {
	if !e.throttled {
		e.onRefused(sent, at, reset)
	}
}

// limitTo caps the rate at what the tenant says that it grants; 0 says nothing.
func (e *estimator) limitTo(rate float64) {
	if rate > 0 {
		e.hinted = min(e.hinted, usedShare*rate)
		e.maxRate = min(e.maxRate, e.hinted)
	}
}

// permit changes the rate that the user permits. What was learned of the tenant
// stays.
func (e *estimator) permit(maxRate float64) { e.maxRate = min(maxRate, e.hinted) }

// skip leaves out the time before now in which nothing was sent because the user
// did not want it: that the tenant refused nothing then is no reason to ask for
// more. The hypotheses go on: whatever it grants was filled up meanwhile.
func (e *estimator) skip(away time.Duration, now time.Time) {
	later := func(at float64) float64 { return max(at, min(at+away.Seconds(), now.Sub(e.start).Seconds())) }
	e.baseAt, e.block.ended = later(e.baseAt), later(e.block.ended)
}

// beginBlock begins a block: a limit is met.
func (e *estimator) beginBlock(now float64, sent, at time.Time) {
	b := block{began: now, sent: sent, asked: e.rate(at), freeFor: now - e.block.ended}
	if !e.throttled {
		e.throttled, b.seeded = true, true
		b.asked = e.firstSeed(now)
	}
	b.aboveBase = b.asked > 1.002*e.base
	if b.freeFor < tooSoon {
		b.inARow = e.block.inARow + 1
	}
	e.block, e.blocked = b, true
	e.hypotheses.dropAbove(1.01*b.asked, now-e.baseAt > steady)
}

// pauseFor returns how long to pause by what is known of the tenant, which may
// be longer than it asked for.
func (e *estimator) pauseFor(now float64, asked time.Duration) time.Duration {
	p := pauses[min(e.block.tries, len(pauses)-1)]
	est, ok := e.hypotheses.estimate(e.noise())
	if !ok || !est.window || asked >= windowHint {
		return p
	}
	// It is a window, whose tenant asks to try each second until it ends.
	left := time.Duration((est.latest - now + 0.05) * float64(time.Second))
	if est.latest-est.earliest < 1.5 || e.block.tries > 0 && left < p {
		return left
	}
	return p
}
