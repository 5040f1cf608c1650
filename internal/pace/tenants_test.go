package pace

import (
	"math"
	"sort"
	"time"
)

// wording is how a tenant words its refusals.
type wording int

const (
	alwaysSecond wording = iota // 429 with Retry-After: 1
	timeLeft                    // 429 with the time left, in whole seconds, rounded up
	silent                      // 429 without Retry-After
	overload                    // 503 without Retry-After, which is what nginx sends by default
)

func (w wording) String() string {
	return [...]string{"429, 1 s", "429, time left", "429", "503"}[w]
}

// refuse is a refusal so many seconds before the next request can be granted.
func (w wording) refuse(left float64) simReply {
	switch w {
	case alwaysSecond:
		return simReply{wait: time.Second}
	case timeLeft:
		return simReply{wait: time.Duration(math.Ceil(left)) * time.Second}
	}
	return simReply{wait: -1, overload: w == overload}
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

func (b *simBucket) serve(t time.Duration) simReply {
	if !b.began {
		b.began, b.tokens, b.last = true, b.burst, t
	}
	b.tokens = math.Min(b.burst, b.tokens+b.gained(b.last, t))
	b.last = t
	if b.tokens >= 1-1e-9 {
		b.tokens--
		return simReply{ok: true}
	}
	return b.wording.refuse((1 - b.tokens) / b.rate)
}

func (b *simBucket) gained(from, to time.Duration) float64 {
	if b.change == 0 || to <= b.change {
		return b.rate * (to - from).Seconds()
	}
	return b.rate*max(0, b.change-from).Seconds() + b.then*(to-max(from, b.change)).Seconds()
}

func (b *simBucket) whole(from, to time.Duration) (time.Duration, time.Duration, float64) {
	return from, to, b.gained(from, to)
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

	starts []time.Duration // of the windows so far
	used   int
}

func (w *simWindow) limit(t time.Duration) int {
	if w.change > 0 && t >= w.change {
		return w.then
	}
	return w.count
}

func (w *simWindow) serve(t time.Duration) simReply {
	if len(w.starts) == 0 {
		w.starts = append(w.starts, -w.phase)
	}
	start := w.starts[len(w.starts)-1]
	if over := t - start; over >= w.size {
		w.used = 0
		start += over / w.size * w.size
		if w.onCall {
			start = t
		}
		w.starts = append(w.starts, start)
	}
	if w.used < w.limit(t) {
		w.used++
		return simReply{ok: true}
	}
	return w.wording.refuse((start + w.size - t).Seconds())
}

func (w *simWindow) whole(from, to time.Duration) (begin, end time.Duration, grant float64) {
	i := sort.Search(len(w.starts), func(i int) bool { return w.starts[i] >= from })
	j := sort.Search(len(w.starts), func(i int) bool { return w.starts[i]+w.size > to }) - 1
	if j < i {
		return from, from, 0
	}
	begin, end = w.starts[i], w.starts[j]+w.size
	size := w.size.Seconds()
	if w.change == 0 || end <= w.change {
		return begin, end, float64(w.count) * (end - begin).Seconds() / size
	}
	return begin, end, (float64(w.count)*max(0, w.change-begin).Seconds() + float64(w.then)*(end-max(begin, w.change)).Seconds()) / size
}

// simSliding grants count requests in any time of its size.
type simSliding struct {
	count   int
	size    time.Duration
	wording wording

	granted []time.Duration
}

func (w *simSliding) serve(t time.Duration) simReply {
	if n := len(w.granted) - w.count; n >= 0 {
		if left := w.granted[n] + w.size - t; left > 0 {
			return w.wording.refuse(left.Seconds())
		}
	}
	w.granted = append(w.granted, t)
	return simReply{ok: true}
}

// whole begins when the window of the first request is over: what was taken of
// it before nobody gets again.
func (w *simSliding) whole(from, to time.Duration) (begin, end time.Duration, grant float64) {
	begin = max(from, w.size)
	n := (to - begin) / w.size
	return begin, begin + n*w.size, float64(int(n) * w.count)
}

// simConcurrent answers at most n requests at once, each after a time.
type simConcurrent struct {
	n       int
	takes   time.Duration
	away    time.Duration // there and back
	wording wording

	busy int
}

func (c *simConcurrent) serve(time.Duration) simReply {
	if c.busy >= c.n {
		return c.wording.refuse(c.takes.Seconds())
	}
	c.busy++
	return simReply{ok: true, takes: c.takes, done: func() { c.busy-- }}
}

// whole counts n requests in flight at once, the way there and back included:
// who keeps more in flight is refused as soon as two arrive together.
func (c *simConcurrent) whole(from, to time.Duration) (time.Duration, time.Duration, float64) {
	return from, to, float64(c.n) * (to - from).Seconds() / (c.takes + c.away).Seconds()
}
