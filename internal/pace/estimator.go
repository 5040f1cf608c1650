package pace

import (
	"math"
	"time"
)

const (
	// defaultPause is the first pause when a refusal does not say how long.
	defaultPause = 250 * time.Millisecond
	// outagePause is the longest time, in seconds, between two requests that ask
	// whether an overload is over.
	outagePause = 15.0
	// windowHint is the shortest Retry-After that speaks for a window: a bucket
	// that grants anything worth sending has a token again in a second.
	windowHint = 2 * time.Second
	// updateEvery is how often, in seconds, the rate is reconsidered.
	updateEvery = 0.1
	// leastLearned is the lowest rate, in requests per second, that is taken over
	// from an earlier session: lower ones come of a session that was hardly granted
	// anything, and learning again costs little there.
	leastLearned = 1.0
	// smoothing is the weight of one answer in the smoothed latency.
	smoothing = 0.1
	// denyEvery is how far apart, in seconds, refusals are remembered, and denials
	// how many of a block.
	denyEvery = 0.05
	denials   = 100
	// miscount is by how many requests an account may be wrong in any case.
	miscount = 1.2
)

// estimator learns from refusals what the tenant grants, and returns the rate
// to send at. It has neither a clock nor a lock, and does not pace.
//
// It is blocked from a refusal to the first request that is granted after the
// pause.
type estimator struct {
	maxRate float64 // requests per second, never exceeded; may be infinite
	hinted  float64 // what the tenant says that it grants, at the least; may be infinite
	start   time.Time

	history history
	granted float64 // requests, in all
	latency float64 // seconds, smoothed
	spread  float64 // seconds, by which it differs from that, smoothed
	updated float64 // when the rate was last reconsidered

	throttled   bool // refused at least once: from then on base holds
	blocked     bool
	pausedUntil time.Time
	block       block
	before      block // the one before it
	blocks      int   // in all
	flight      int   // requests on their way

	lo, hi     float64 // a bucket grants between these, in requests per second
	saved      float64 // the most that a bucket seems to hold
	seen       span
	windows    windows
	bucketless bool    // it was closed for longer than a bucket would be
	doubted    bool    // the last block was taken for an outage
	held       bool    // one rate was held from the block before up to this one
	most       float64 // the lowest rate that was refused while it was held

	base    float64 // requests per second, while nothing more is tried
	baseAt  float64 // when it was set
	holdOff float64 // seconds from a block until more is tried
	climbAt float64 // when more is tried
}

// block is what is known of a time in which the tenant refused. Times are in
// seconds since the start.
type block struct {
	began   float64
	refused float64 // when the last request in it was refused
	ended   float64
	tries   int       // requests refused although they waited for the pause to end
	asked   float64   // requests per second when it began
	certain bool      // at least one of the refusals was surely because of the rate
	shut    float64   // until when it certainly granted nothing
	denied  []float64 // when requests were refused, some of them
}

type span struct{ lo, hi float64 }

// newEstimator returns an estimator that never exceeds maxRate. A learned rate
// above 0 is what was granted earlier; the start need not be slow then.
func newEstimator(maxRate, learned float64, now time.Time) *estimator {
	e := &estimator{
		maxRate: maxRate, hinted: math.Inf(1), start: now, holdOff: holdOffFirst,
		climbAt: math.Inf(1), hi: math.Inf(1), most: math.Inf(1), windows: newWindows(),
	}
	if learned >= leastLearned {
		e.throttled, e.granted = true, learned
		e.lo, e.hi, e.base, e.climbAt = learned, 1.02*learned, learned, holdOffSure
	}
	return e
}

// seconds is the time since the start at which the tenant dealt with a
// request, as far as that is known: halfway.
func (e *estimator) seconds(sent, at time.Time) float64 {
	return max(0, sent.Add(at.Sub(sent)/2).Sub(e.start).Seconds())
}

// onGranted learns from a request that was granted.
func (e *estimator) onGranted(sent, at time.Time) {
	now := e.seconds(sent, at)
	e.granted++
	took := at.Sub(sent).Seconds()
	if e.latency == 0 {
		e.latency, e.spread = took, took/16
	}
	e.spread += smoothing * (math.Abs(took-e.latency) - e.spread)
	e.latency += smoothing * (took - e.latency)
	e.history.add(now)
	switch {
	case !e.throttled:
	case e.blocked:
		if !sent.Before(e.pausedUntil) {
			e.blocked, e.block.ended = false, now
			e.learn()
		}
	case now > e.updated+updateEvery:
		e.updated = now
		e.climb(now)
	}
}

// onRefused learns from a request that was refused, and pauses for as long as
// the tenant asks; retryAfter is below 0 when it does not say.
// certain means that it was because of the rate, and not for another reason.
func (e *estimator) onRefused(sent, at time.Time, retryAfter time.Duration, certain bool) {
	now := e.seconds(sent, at)
	early := e.blocked && sent.Before(e.pausedUntil) // it left before the pause was known
	switch {
	case early:
	case e.blocked:
		e.block.tries++
	default:
		e.begin(block{began: now, refused: now, asked: e.rate(at)})
	}
	e.block.began = min(e.block.began, now)
	e.block.refused = max(e.block.refused, now)
	e.block.certain = e.block.certain || certain
	e.block.shut = max(e.block.shut, e.block.refused)
	if n := len(e.block.denied); n == 0 || now > e.block.denied[n-1]+denyEvery && n < denials {
		e.block.denied = append(e.block.denied, now)
	}
	if retryAfter >= windowHint { // rounded up to a second
		e.block.shut = max(e.block.shut, now+retryAfter.Seconds()-1)
	}
	pause := max(retryAfter, 0)
	if !early && pause < windowHint {
		pause = max(pause, e.pauseFor(now))
	}
	e.pause(at, pause)
}

// pause keeps everybody back for a time.
func (e *estimator) pause(at time.Time, d time.Duration) {
	if until := at.Add(d); until.After(e.pausedUntil) {
		e.pausedUntil = until
	}
}

// onExhausted learns from a granted request whose answer says, before the
// first refusal, that the next one would be refused for a time.
func (e *estimator) onExhausted(sent, at time.Time, reset time.Duration) {
	if !e.throttled {
		e.onRefused(sent, at, reset, true)
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
// more.
func (e *estimator) skip(away time.Duration, now time.Time) {
	later := func(at float64) float64 { return max(at, min(at+away.Seconds(), now.Sub(e.start).Seconds())) }
	e.baseAt, e.climbAt, e.block.ended = later(e.baseAt), later(e.climbAt), later(e.block.ended)
}

// pauseFor returns how long to wait before the next try.
func (e *estimator) pauseFor(now float64) time.Duration {
	const late = 0.03
	b, w := e.block, e.chosen()
	if b.tries == 0 && (w == nil || !b.certain && w.proofs < 2 || !e.foretells(w, b.refused)) {
		return defaultPause
	}
	at := e.opens(now, w) + late + e.slip()
	if b.tries == 0 && at > now+1 && w.size < longWindow {
		return defaultPause // it seems to have begun sooner than it did
	}
	if !b.certain && (w == nil || w.proofs < 2) { // an outage must not be waited for long after it is over
		at = min(at, now+outagePause)
	}
	return time.Duration(max(at-now, 0.1) * float64(time.Second))
}

// foretells reports whether a window must refuse at a moment.
func (e *estimator) foretells(w *window, at float64) bool {
	return e.history.between(at-w.size-e.slip(), at) >= 0.98*w.count-miscount
}

// opens returns when the next request may be granted, as a guess: of the windows that
// open at nearly the same time it waits for the last.
func (e *estimator) opens(now float64, w *window) float64 {
	first := e.opensFirst(now, w)
	at := first
	for i := range e.windows {
		if w := &e.windows[i]; w.explains() {
			if opens := e.reopens(w); opens < first+max(0.3, 0.1*(first-now)) {
				at = max(at, opens)
			}
		}
	}
	return at
}

// opensFirst returns when the window that the tenant is taken to have opens; once it did
// not, when another may that explains all.
func (e *estimator) opensFirst(now float64, w *window) float64 {
	if w != nil {
		at := e.slidesOn(w)
		if lag := e.before.ended - e.before.shut; !w.slides && w.proofs < 2 && lag > 0.1*w.size && w.size >= 20 && at-lag/2 > now+0.3 {
			return at - lag/2 // it may be open sooner
		}
		if at > now+0.05 {
			return at
		}
	}
	closed := max(1, now-e.block.began)
	if e.before.ended == 0 { // no window is known; one that began with the first request opens at such a time
		for _, at := range [...]float64{1, 2, 3, 5, 10, 15, 20, 30, 40, 50, 60} {
			if at > now+0.3 && at < now+1.05*closed {
				return at
			}
		}
	}
	at := math.Inf(1)
	for i := range e.windows {
		if w := &e.windows[i]; w.explains() {
			if opens := e.reopens(w); opens > now+max(0.3, 0.1*closed) {
				at = min(at, opens)
			}
		}
	}
	if at > now+1.25*closed { // that is far
		return now + min(60, closed)
	}
	return at
}

// reopens returns when a window that has refused grants again; 0 where that is not known.
func (e *estimator) reopens(w *window) float64 {
	b, p := &e.block, &e.before
	switch {
	case w.slides:
		return e.slidesOn(w)
	case p.ended == 0:
		return 0
	}
	return p.ended + math.Ceil((b.refused-p.ended)/w.size)*w.size
}

// slidesOn returns when the first of the requests that fill a window leaves it.
func (e *estimator) slidesOn(w *window) float64 {
	return max(0, e.history.backFrom(e.block.refused, w.count)) + w.size
}

func (e *estimator) begin(b block) {
	e.before, e.block = e.block, b
	e.throttled, e.blocked = true, true
}
