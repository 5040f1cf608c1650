package sandbox

import (
	"math"
	"sync"
	"time"
)

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

// retryAfter is a wait as the header tells it: whole seconds, rounded up, at
// least one.
func retryAfter(wait time.Duration) int {
	return max(1, int(math.Ceil(wait.Seconds())))
}
