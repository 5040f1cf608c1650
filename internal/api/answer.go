// Package api talks to the workflow sessions of one NERM tenant: one change,
// one answer. It knows authentication, which failures can have been applied,
// when to try again and how fast to send. It never reads a sheet, never
// follows a redirect and never sends to a host other than the one it was
// given (and the token URL, for client credentials).
package api

import (
	"net/http"
	"sync"
	"time"
)

// Verdict is what an answer means for the change that was asked for.
type Verdict int

// The verdicts.
const (
	// OK: a 200 whose body is the session that was asked for.
	OK Verdict = iota
	// Refused: the tenant answered and did not apply it, for good.
	Refused
	// Doubtful: it may have been applied; the answer does not show it.
	Doubtful
	// Exhausted: the request was refused for the rate again and again, while
	// others were granted, and so was not applied. A GET,
	// which applies nothing, ends so after any failures that pass.
	Exhausted
	// Denied: 401 or 403, or the token URL refused the credentials; no
	// further request makes sense.
	Denied
	// Unreachable: for longer than the outage wait the tenant could not be
	// reached, or refused everything for the rate. InDoubt says whether an attempt before the outage may
	// have been applied.
	Unreachable
	// Canceled: the context ended while waiting. Attempts says whether a
	// request had left before, InDoubt whether one may have been applied.
	Canceled
)

var verdictNames = [...]string{
	OK: "ok", Refused: "refused", Doubtful: "doubtful", Exhausted: "exhausted",
	Denied: "denied", Unreachable: "unreachable", Canceled: "canceled",
}

// String returns the verdict in a word, for log lines and tests.
func (v Verdict) String() string { return verdictNames[v] }

// Answer is what came of one request, its retries included.
type Answer struct {
	Verdict  Verdict
	Status   int           // HTTP status of the last answer; 0 when there was none
	Session  *Session      // for OK, of Patch and Get
	Message  string        // for all but OK: one line that a person understands
	Body     []byte        // of the last answer as received (secrets redacted), at most 4 KiB; nil for OK
	Attempts int           // requests that left
	Duration time.Duration // from the first attempt's start to the last answer, waits between included
	Server   bool          // the last answer was a 5xx
	SentAt   time.Time     // when the last attempt left; zero when none did
	// RequestID is by what the tenant knows the request of the last answer
	// (X-Request-Id), as one line; empty where it gave none.
	RequestID string
	// Clock is what is known of the tenant's clock, for OK.
	Clock   Clock
	InDoubt bool // not OK, and at least one of the attempts may have been applied
}

// Clock is how far a tenant's clock is ahead of ours, as the Date of its
// answers shows: at least Least and at most Most. The zero value is not known.
type Clock struct {
	Known       bool
	Least, Most time.Duration
}

// tenantClock narrows a Clock with each answer: a Date has whole seconds, and
// where one second of the tenant's ends shows the rest. It is safe for
// concurrent use.
type tenantClock struct {
	mu    sync.Mutex
	text  string // the last Date that could be read
	date  time.Time
	known Clock
}

// observe takes in the Date of an answer to a request that left at sent and
// ended at at, and returns what is known now.
func (c *tenantClock) observe(date string, sent, at time.Time) Clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	if date != c.text {
		t, err := http.ParseTime(date)
		if err != nil {
			return c.known
		}
		c.text, c.date = date, t
	}
	seen := Clock{Known: true, Least: c.date.Sub(at), Most: c.date.Add(time.Second).Sub(sent)}
	narrowed := Clock{Known: true, Least: max(seen.Least, c.known.Least), Most: min(seen.Most, c.known.Most)}
	if !c.known.Known || narrowed.Least > narrowed.Most {
		narrowed = seen // the first answer, or one of the clocks was set
	}
	c.known = narrowed
	return c.known
}
