package pace

import (
	"math"
	"time"
)

// wording is how a tenant words its Retry-After.
type wording int

const (
	alwaysSecond wording = iota // always 1 s
	timeLeft                    // the time left, in whole seconds, rounded up
)

func (w wording) after(left float64) time.Duration {
	if w == alwaysSecond {
		return time.Second
	}
	return time.Duration(math.Ceil(left)) * time.Second
}

// simBucket is a token bucket: rate tokens per second, at most burst of them.
type simBucket struct {
	rate, burst float64
	wording     wording
	change      time.Duration // when the rate changes; 0: never
	then        float64       // the rate from then on

	tokens float64
	last   time.Duration
	began  bool
}

func (b *simBucket) serve(t time.Duration) (time.Duration, bool) {
	if !b.began {
		b.began, b.tokens, b.last = true, b.burst, t
	}
	b.tokens = math.Min(b.burst, b.tokens+b.capacity(b.last, t))
	b.last = t
	if b.tokens >= 1-1e-9 {
		b.tokens--
		return 0, true
	}
	return b.wording.after((1 - b.tokens) / b.rate), false
}

func (b *simBucket) capacity(from, to time.Duration) float64 {
	if b.change == 0 || to <= b.change {
		return b.rate * (to - from).Seconds()
	}
	return b.rate*max(0, b.change-from).Seconds() + b.then*(to-max(from, b.change)).Seconds()
}

// simWindow grants count requests in each window of size; its windows follow
// one another from phase before the start, or else begin with the first request
// after the last one ended.
type simWindow struct {
	count   int
	size    time.Duration
	phase   time.Duration
	onCall  bool
	wording wording
	change  time.Duration
	then    int

	start time.Duration
	used  int
	began bool
}

func (w *simWindow) limit(t time.Duration) int {
	if w.change > 0 && t >= w.change {
		return w.then
	}
	return w.count
}

func (w *simWindow) serve(t time.Duration) (time.Duration, bool) {
	if !w.began {
		w.began, w.start = true, -w.phase
	}
	if over := t - w.start; over >= w.size {
		w.used = 0
		w.start += over / w.size * w.size
		if w.onCall {
			w.start = t
		}
	}
	if w.used < w.limit(t) {
		w.used++
		return 0, true
	}
	return w.wording.after((w.start + w.size - t).Seconds()), false
}

func (w *simWindow) capacity(from, to time.Duration) float64 {
	per := w.size.Seconds()
	if w.change == 0 || to <= w.change {
		return float64(w.count) * (to - from).Seconds() / per
	}
	return float64(w.count)*max(0, w.change-from).Seconds()/per + float64(w.then)*(to-max(from, w.change)).Seconds()/per
}
