package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds how long a tenant (or a proxy with a wrong clock) can
// make everything stand still.
const maxRetryAfter = 5 * time.Minute

// retryAfter is how long the tenant asks to wait: its Retry-After header, in
// seconds or as an HTTP date, at most maxRetryAfter. A date is measured
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
