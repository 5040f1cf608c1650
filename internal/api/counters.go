package api

import (
	"slices"
	"sync/atomic"
	"time"
)

// Counters counts what a client did since they were read last.
type Counters struct {
	Patch     int // PATCH requests that left
	Get       int // GET requests that left, those of List too
	Token     int // requests for an access token
	Throttled int // answers that refused for the rate: 429, and 503 with Retry-After
	Retried   int // attempts beyond a request's first
	// Latency counts answered requests (not those for a token) by the time
	// from sending to the answer's last byte. The key is the upper bound of
	// a bucket in milliseconds; buckets are 1 ms, and above 20 ms 5 % wide.
	// nil when there were none.
	Latency map[int]int
}

// counts is the live form of Counters, safe for concurrent use.
type counts struct {
	patch, get, token, throttled, retried atomic.Int64
	sent                                  atomic.Int64 // PATCH and GET requests that left; never set to zero
	latency                               [len(latencyBounds)]atomic.Int64
}

// latencyBounds are the upper bounds of the latency buckets in milliseconds.
var latencyBounds = func() (bounds [256]int32) {
	bound := int32(0)
	for i := range bounds {
		bound += max(1, bound/20)
		bounds[i] = bound
	}
	return bounds
}()

// bucket returns the index of the bucket that holds d; what is longer than the
// last bound counts there.
func bucket(d time.Duration) int {
	last := len(latencyBounds) - 1
	ms := min((d+time.Millisecond-1)/time.Millisecond, time.Duration(latencyBounds[last]))
	i, _ := slices.BinarySearch(latencyBounds[:], int32(ms))
	return i
}

func (c *counts) answered(d time.Duration) { c.latency[bucket(d)].Add(1) }

// awaited knows since when the tenant owes an answer.
type awaited struct {
	inFlight atomic.Int64
	since    atomic.Int64 // Unix time in nanoseconds; 0 while nothing is owed
}

func (a *awaited) begin() {
	a.inFlight.Add(1)
	if a.since.Load() == 0 {
		a.since.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// end records that a request ended. One without an answer leaves it owed: the
// next attempt asks for the same.
func (a *awaited) end(answered bool, at time.Time) {
	left := a.inFlight.Add(-1)
	switch {
	case answered && left > 0:
		a.since.Store(at.UnixNano())
	case answered:
		a.since.Store(0)
	}
}

// take returns the counts and sets them to zero.
func (c *counts) take() Counters {
	t := Counters{
		Patch:     int(c.patch.Swap(0)),
		Get:       int(c.get.Swap(0)),
		Token:     int(c.token.Swap(0)),
		Throttled: int(c.throttled.Swap(0)),
		Retried:   int(c.retried.Swap(0)),
	}
	for i := range c.latency {
		if n := c.latency[i].Swap(0); n > 0 {
			if t.Latency == nil {
				t.Latency = make(map[int]int)
			}
			t.Latency[int(latencyBounds[i])] = int(n)
		}
	}
	return t
}
