package pace

import (
	"time"
)

const (
	// pauseUntold is the first pause when the tenant tells none.
	pauseUntold = time.Second
	// toldWindow is the shortest pause that speaks for a window: a bucket that
	// grants anything worth sending has a token again in a second.
	toldWindow = 2 * time.Second
	// glance is how often, in seconds, the guesses are told what was granted.
	glance = 0.1
	// smoothing is the weight of one answer in the smoothed latency.
	smoothing = 0.1
	// overtaking is the share of what is in flight that the account of the
	// tenant may be wrong by, because requests overtake each other.
	overtaking = 0.1
	// miscount is what it may be wrong by at any rate, in requests.
	miscount = 1.2
)

// pauses grow while the one request that tries after each is refused again.
// The first three end within ten seconds, the window that is most common.
var pauses = []time.Duration{250 * time.Millisecond, 3 * time.Second, 6 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute}

// ceiling learns from the tenant's refusals what it grants, and says how fast
// to send. It keeps a set of guesses of the tenant's limit, tells them what
// was granted and refused, and asks for what those would bear that still
// explain it. It has neither a clock nor a lock, and does not know of pacing.
//
// From a refusal to the first request granted after the pause it is blocked.
type ceiling struct {
	top   float64 // requests per second, never to be exceeded; may be infinite
	start time.Time

	guesses guesses
	trail   trail
	granted float64 // requests, in all
	fresh   float64 // granted since the guesses were told
	latency float64 // seconds, smoothed

	throttled   bool // refused at least once: from then on base holds
	blocked     bool
	pausedUntil time.Time
	block       block

	base  float64 // requests per second, while nothing more is tried
	since float64 // when it was set
	calm  float64 // seconds from then until more is tried
}

// block is what is known of the last time that the tenant refused. Times are
// in seconds since the start.
type block struct {
	began    float64
	sent     time.Time // when the request left that was refused first
	seeded   bool      // the guesses were made at it
	ended    float64
	refused  float64 // when the last request in it was refused
	tries    int     // refused although they waited for the pause to end
	asked    float64 // requests per second when it began
	calmFor  float64 // seconds from the end of the block before it
	hasty    int     // blocks in a row that began soon after the one before
	strained bool    // it began when more was tried than the base
}

func newCeiling(top, learned float64, now time.Time) *ceiling {
	c := &ceiling{top: top, start: now, calm: calmFirst}
	if learned > 0 {
		c.throttled, c.base = true, learned
		c.granted = learned // was granted before, so that the start need not be slow
	}
	return c
}

// seconds is the time since the start at which the tenant dealt with a
// request, as far as that can be told: halfway. It never goes back.
func (c *ceiling) seconds(sent, at time.Time) float64 {
	return max(c.guesses.at, sent.Add(at.Sub(sent)/2).Sub(c.start).Seconds())
}

// noise is by how many requests the account of what is left may be wrong.
func (c *ceiling) noise() float64 {
	r := c.base
	if r == 0 {
		r = c.trail.since(c.guesses.at - 1)
	}
	return miscount + overtaking*c.latency*r
}

// tell tells the guesses what was granted up to now.
func (c *ceiling) tell(m float64) {
	c.guesses.granted(m, c.fresh)
	c.fresh = 0
}

// grant learns from a request that was granted.
func (c *ceiling) grant(sent, at time.Time) {
	m := c.seconds(sent, at)
	c.granted++
	c.latency += smoothing * (at.Sub(sent).Seconds() - c.latency)
	c.trail.add(m, 1)
	if !c.throttled {
		return
	}
	if c.blocked && c.block.seeded && c.block.tries == 0 && sent.Before(c.block.sent) {
		c.guesses.overtaken()
	}
	c.fresh++
	over := c.blocked && !sent.Before(c.pausedUntil) // the block is
	if !over && m < c.guesses.at+glance {
		return
	}
	c.tell(m)
	if over {
		c.blocked, c.block.ended = false, m
		c.guesses.turned()
		c.settle(m)
	} else if !c.blocked {
		c.climb(m)
	}
}

// refuse learns from a request that was refused, and pauses as long as the tenant
// asked for; after is below 0 when it did not say.
func (c *ceiling) refuse(sent, at time.Time, after time.Duration) {
	m := c.seconds(sent, at)
	c.tell(m)
	late := c.blocked && sent.Before(c.pausedUntil) // it left before the pause was known
	switch {
	case late:
	case c.blocked:
		c.block.tries++
		c.guesses.empty(m - c.block.refused)
	default:
		c.begin(m, sent, at)
	}
	c.guesses.refused(c.noise())
	c.block.refused = m
	if after < 0 {
		after = pauseUntold
	}
	if !late {
		if after >= toldWindow {
			c.guesses.told(after.Seconds())
		}
		after = max(after, c.stay(m, after))
	}
	if until := at.Add(after); until.After(c.pausedUntil) {
		c.pausedUntil = until
	}
}

// foresee learns from a granted request that told, before the first refusal,
// that the next would be refused for a time.
func (c *ceiling) foresee(sent, at time.Time, reset time.Duration) {
	if !c.throttled {
		c.refuse(sent, at, reset)
	}
}

// limitTo never lets more through than the tenant says that it grants; 0 tells
// nothing.
func (c *ceiling) limitTo(rate float64) {
	if rate > 0 {
		c.top = min(c.top, below*rate)
	}
}

// begin begins a block: a limit is met.
func (c *ceiling) begin(m float64, sent, at time.Time) {
	b := block{began: m, sent: sent, asked: c.rate(at), calmFor: m - c.block.ended}
	if !c.throttled {
		c.throttled, b.seeded = true, true
		b.asked = c.firstSeed(m)
	}
	b.strained = b.asked > 1.002*c.base
	if b.calmFor < hasty {
		b.hasty = c.block.hasty + 1
	}
	c.block, c.blocked = b, true
	c.guesses.below(1.01*b.asked, m-c.since > steady)
}

// stay is how long to stay away by what is known of the tenant, which may be
// longer than it told.
func (c *ceiling) stay(m float64, told time.Duration) time.Duration {
	p := pauses[min(c.block.tries, len(pauses)-1)]
	v, ok := c.guesses.judge(c.noise())
	if !ok || !v.window || told >= toldWindow {
		return p
	}
	// It is a window, and told to try each second until it ends.
	left := time.Duration((v.late - m + 0.05) * float64(time.Second))
	if v.late-v.soon < 1.5 || c.block.tries > 0 && left < p {
		return left
	}
	return p
}
