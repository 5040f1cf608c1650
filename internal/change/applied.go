package change

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/api"
)

// MaybeApplied reports whether a row that failed may have been applied
// nevertheless: its last answer leaves that open, or there was an attempt
// before it. status is 0 when there was no answer.
func MaybeApplied(attempts, status int) bool {
	switch {
	case attempts == 0:
		return false
	case attempts > 1, status == http.StatusRequestTimeout:
		return true
	}
	return status < 300 || status >= 500
}

// MayHaveWritten reports whether a row has changed its session, or may have, by
// its latest outcome; an empty one is none. inFlight: a request was to leave since,
// of which nothing is known.
func MayHaveWritten(outcome string, inFlight bool, attempts, status int) bool {
	switch outcome {
	case "updated", "unknown":
		return true
	case "failed":
		return inFlight || MaybeApplied(attempts, status)
	}
	return inFlight
}

// Applied is what a session that was read back says about a change that may
// have been applied.
type Applied int

// What can be said.
const (
	AppliedUnknown Applied = iota
	WasApplied
	NotApplied
	// PerhapsApplied: it was, as far as clocks of whole seconds show.
	PerhapsApplied
)

// Modified is whether a session was changed since a request left.
type Modified int

// What can be said.
const (
	ModifiedUnknown Modified = iota
	Unmodified
	ModifiedAround // shortly before or after
	PerhapsModified
	WasModified
)

// clockSlack is how long before a request left a session must have been
// modified for Unmodified: the clocks of a tenant's machines differ.
const clockSlack = 2 * time.Second

// Left is when a request left, by the tenant's clock: between the two times.
// The zero value is not known.
type Left struct{ Earliest, Latest time.Time }

// ModifiedSince decides by the session's updated_at. before is the session as
// it was read before the request left; nil if it was not.
func ModifiedSince(s, before *api.Session, left Left) Modified {
	updated, err := time.Parse(time.RFC3339, s.UpdatedAt)
	precision := time.Second
	if strings.Contains(s.UpdatedAt, ".") {
		precision = time.Millisecond
	}
	switch known := before != nil && before.UpdatedAt != ""; {
	case err != nil, left.Earliest.IsZero():
		return ModifiedUnknown
	case updated.Before(left.Earliest.Add(-clockSlack)):
		return Unmodified
	case known && before.UpdatedAt == s.UpdatedAt, updated.Add(precision).Before(left.Earliest):
		return ModifiedAround
	case known, !updated.Before(left.Latest):
		return WasModified
	}
	return PerhapsModified
}

// Applied decides whether a change that may have been applied was, from the
// session as it was read back, and from what it was before, if that is known.
//
// Of a change that runs its session, equal values show nothing by themselves:
// they may have been so before. One of them must have been another, or the
// session must have been modified since. Running a session can move its status
// on, so a status alone that differs is no proof unless it is still the earlier
// one, or nothing modified the session. That nothing but a run was asked for
// leaves nothing to compare.
func (c Comparison) Applied(before *Comparison, m Modified) Applied {
	certain := c.Count(Certain)
	switch {
	case len(c.differences) == 0 && c.same > 0:
		switch {
		case !c.run, before != nil && c.mended(before), m == WasModified:
			return WasApplied
		case m == PerhapsModified:
			return PerhapsApplied
		}
		return AppliedUnknown
	case certain == 0:
		return AppliedUnknown
	case !c.run:
		return NotApplied
	case m > Unmodified:
		return AppliedUnknown
	case m == Unmodified:
		return NotApplied
	case certain == 1 && c.Names(Certain) == "status" && (before == nil || before.in("status").Held != c.in("status").Held):
		return AppliedUnknown
	}
	return NotApplied
}

// mended reports whether a field that is as the change asks was another before.
func (c Comparison) mended(before *Comparison) bool {
	return slices.ContainsFunc(before.differences, func(d Difference) bool {
		return d.Certainty == Certain && c.in(d.label).value == nil
	})
}
