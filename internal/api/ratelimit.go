package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/pace"
)

// observation is what an attempt's end says about the tenant's limit; asked is
// the answer's Retry-After, negative when it has none.
func observation(r reply, asked time.Duration) pace.Observation {
	o := pace.Observation{SentAt: r.sent, At: r.at, RetryAfter: asked}
	if r.status == 0 {
		if r.reached && r.timeout {
			o.Outcome = pace.Overloaded
		}
		return o
	}
	h := readHint(r.header, r.at)
	o.Outcome, o.Hint.Rate = pace.Granted, h.rate
	if h.remaining >= 0 && h.reset > 0 {
		o.Hint.Remaining, o.Hint.Reset = int(min(h.remaining, 1e6)), h.reset
	}
	switch classify(r.status, asked) {
	case throttled:
		o.Outcome = pace.Refused
		if asked < 0 {
			o.RetryAfter = h.reset
		}
	case overloaded:
		o.Outcome = pace.Overloaded
	}
	return o
}

// hint is what an answer's headers say about the tenant's limit. NERM documents
// none, but a gateway in front of it may send the usual ones.
type hint struct {
	remaining float64       // requests left; below 0 when not given
	reset     time.Duration // until there are more; below 0 when not given
	rate      float64       // requests per second; 0 when not given
}

const (
	// hintReset is the longest reset, and hintWindow the longest window, that
	// can be about requests as we send them; longer ones are quotas of another kind.
	hintReset  = 5 * time.Minute
	hintWindow = time.Minute
	// hintLeast is the lowest rate that is believed before any refusal.
	hintLeast = 1.0
)

// The keys are as net/http spells them, so that a look costs no more than one
// in a map.
const (
	headerRemaining = "X-Ratelimit-Remaining"
	headerReset     = "X-Ratelimit-Reset"
	headerRateLimit = "Ratelimit"
	headerPolicy    = "Ratelimit-Policy"
)

// readHint reads the headers of an answer that came at a time.
func readHint(h http.Header, at time.Time) hint {
	out := hint{remaining: -1, reset: -1}
	if v := h[headerRemaining]; len(v) > 0 {
		out.remaining = hintNumber(v[0])
	}
	if v := h[headerReset]; len(v) > 0 {
		out.reset = resetIn(hintNumber(v[0]), at)
	}
	// RateLimit: limit=100, remaining=7, reset=3; in later drafts "name";r=7;t=3.
	for _, v := range h[headerRateLimit] {
		for _, p := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' }) {
			switch key, value, _ := strings.Cut(strings.TrimSpace(p), "="); key {
			case "remaining", "r":
				out.remaining = hintNumber(value)
			case "reset", "t":
				out.reset = resetIn(hintNumber(value), at)
			}
		}
	}
	for _, v := range h[headerPolicy] {
		for policy := range strings.SplitSeq(v, ",") {
			if r := policyRate(policy); r >= hintLeast && (out.rate == 0 || r < out.rate) {
				out.rate = r
			}
		}
	}
	return out
}

// policyRate reads 100;w=10, or in later drafts "name";q=100;w=10.
func policyRate(policy string) float64 {
	quota, window := -1.0, -1.0
	for i, p := range strings.Split(policy, ";") {
		key, value, found := strings.Cut(strings.TrimSpace(p), "=")
		switch {
		case i == 0 && !found, key == "q":
			if key != "q" {
				value = key
			}
			quota = hintNumber(value)
		case key == "w":
			window = hintNumber(value)
		}
	}
	if quota <= 0 || window <= 0 || window > hintWindow.Seconds() {
		return 0
	}
	return quota / window
}

// resetIn reads a reset in seconds, or as the Unix time that some send.
func resetIn(seconds float64, at time.Time) time.Duration {
	const unix = 1e9 // 2001; no reset lasts so long
	if seconds > unix {
		seconds -= float64(at.UnixMilli()) / 1e3
	}
	if seconds < 0 || seconds > hintReset.Seconds() {
		return -1
	}
	return time.Duration(seconds * float64(time.Second))
}

// hintNumber is below 0 for what is none.
func hintNumber(s string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || f != f || f < 0 {
		return -1
	}
	return f
}
