package api

import (
	"net/http"
	"time"
)

// event is what one attempt came to.
type event int

const (
	confirmed event = iota // a 200 with what was asked for
	unreached              // nothing was sent
	throttled              // turned away for the rate: not applied
	broken                 // perhaps applied, and may go better next time
	unclear                // a 2xx that is not the documented answer
	refused                // not applied, for good
	denied                 // 401 or 403
)

// judge tells what a status means before its body is looked at; asked is the
// answer's Retry-After, negative when it has none. A 2xx other than 200 is
// unclear, a 200 confirmed until its body is read.
func judge(status int, asked time.Duration) event {
	switch {
	case status == http.StatusOK:
		return confirmed
	case status < 300:
		return unclear
	case status == http.StatusTooManyRequests,
		status == http.StatusServiceUnavailable && asked >= 0:
		return throttled
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return denied
	case status == http.StatusRequestTimeout, status >= 500:
		return broken
	}
	return refused
}

// effect is what the calls of one kind can do to a session.
type effect int

const (
	reads      effect = iota // nothing: GET
	repeatable               // a PATCH of values, the same when repeated
	once                     // a PATCH that runs the session: a repeat is a second run
)

// decide tells what follows from an attempt: another one, or the verdict.
// last says that no attempt is left, doubt that an attempt before this one may
// have been applied. It is not asked about unreached, which costs no attempt.
func decide(e event, does effect, last, doubt bool) (again bool, v Verdict) {
	switch e {
	case confirmed:
		return false, OK
	case denied:
		return false, Denied
	case unclear:
		if does == once {
			return false, Doubtful
		}
		return false, Refused
	case throttled:
		if last && doubt {
			return false, Doubtful
		}
		return !last, Exhausted
	case broken:
		if does == reads {
			return !last, Exhausted
		}
		return does == repeatable && !last, Doubtful
	}
	return false, Refused
}

// doubts reports whether an attempt that ended so may have been applied.
func doubts(e event, does effect) bool {
	return does != reads && (e == broken || e == unclear && does == once)
}
