package api

import (
	"context"
	"math/rand/v2"
	"time"
)

// The waits between attempts, before jitter: they double from the first to
// the cap. A row that met a 5xx can wait long; a probe during an outage stays
// frequent, so that a tenant that was away for a minute costs a minute.
const (
	retryFirst = 250 * time.Millisecond
	retryCap   = 20 * time.Second
	probeFirst = 250 * time.Millisecond
	probeCap   = 5 * time.Second
)

// backoff is the longest wait after the given number of failures (1 is the
// first).
func backoff(failures int, first, limit time.Duration) time.Duration {
	d := first
	for range failures - 1 {
		if d *= 2; d >= limit {
			return limit
		}
	}
	return d
}

// jitter is a wait between nothing and d, evenly spread: workers that failed
// together do not come back together.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d + 1)
}

// sleep waits for d or until the context ends, and returns the context's
// error then.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
