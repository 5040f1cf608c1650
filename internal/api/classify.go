package api

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// class is what one attempt came to.
type class int

const (
	confirmed  class = iota // a 200 with what was asked for
	unreached               // nothing was sent
	throttled               // refused for the rate: not applied
	overloaded              // the same, or perhaps applied: 502, 503 without Retry-After, 504, no answer in time
	broken                  // perhaps applied, and may go better next time
	accepted                // another 2xx: it may have been applied
	unclear                 // a 200 that is not the documented answer
	refused                 // not applied, for good
	denied                  // 401 or 403
)

// classify returns what a status means before the body is read; asked is the
// answer's Retry-After, negative when it has none. A 200 is confirmed until its
// body is read.
func classify(status int, asked time.Duration) class {
	switch {
	case status == http.StatusOK:
		return confirmed
	case status < 200:
		return unclear
	case status < 300:
		return accepted
	case status == http.StatusTooManyRequests,
		status == http.StatusServiceUnavailable && asked >= 0:
		return throttled
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return denied
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return overloaded
	case status == http.StatusRequestTimeout, status >= 500:
		return broken
	}
	return refused
}

// effect is what a request does to a session when it is sent again, in the
// terms of RFC 9110.
type effect int

const (
	safe          effect = iota // nothing: GET
	idempotent                  // a PATCH of values, the same when repeated
	nonIdempotent               // a PATCH that runs the session: a repeat is a second run
)

// decide returns what follows from an attempt: another one, or the verdict.
// last says that no attempt is left, doubt that an attempt before this one may
// have been applied. An unreached attempt, which costs none, is not decided
// here.
func decide(c class, does effect, last, doubt bool) (again bool, v Verdict) {
	switch c {
	case confirmed:
		return false, OK
	case denied:
		return false, Denied
	case accepted, unclear:
		if mayApply(c, does) {
			return false, Doubtful
		}
		return false, Refused
	case throttled:
		if last && doubt {
			return false, Doubtful
		}
		return !last, Exhausted
	case broken, overloaded:
		if does == safe {
			return !last, Exhausted
		}
		return does == idempotent && !last, Doubtful
	}
	return false, Refused
}

// mayApply reports whether an attempt that ended so may have been applied.
func mayApply(c class, does effect) bool {
	return does != safe && (c == broken || c == overloaded || c == accepted || c == unclear && does == nonIdempotent)
}

// maxRetryAfter keeps what a tenant asks for within what a time.Duration can
// hold.
const maxRetryAfter = 365 * 24 * time.Hour

// retryAfter returns how long the tenant asks to wait: its Retry-After header,
// in seconds or as an HTTP date, at most maxRetryAfter. A date is measured
// against the answer's own Date header where there is one, so that a clock
// that is wrong here does not matter. Negative: it did not ask.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return -1
	}
	if secs, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case secs != secs || secs < 0:
			return -1
		case secs > maxRetryAfter.Seconds():
			return maxRetryAfter
		}
		return time.Duration(secs * float64(time.Second))
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return -1
	}
	if served, err := http.ParseTime(h.Get("Date")); err == nil {
		now = served
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// The waits between attempts, before jitter: they double from the first to
// the cap. A row that met a 5xx can wait long; a probe during an outage stays
// frequent, so that a tenant that was away for a minute costs a minute.
const (
	firstWait = 250 * time.Millisecond
	retryCap  = 20 * time.Second
	probeCap  = 5 * time.Second
)

// backoff returns the longest wait after the given number of failures (1 is
// the first).
func backoff(failures int, limit time.Duration) time.Duration {
	d := firstWait
	for range failures - 1 {
		if d *= 2; d >= limit {
			return limit
		}
	}
	return d
}

// jitter returns a wait between nothing and d, evenly spread: workers that
// failed together do not come back together.
func jitter(d time.Duration) time.Duration { return rand.N(max(d, 0) + 1) }

// sleep waits for d or until the context ends, and returns the context's
// error then.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}
