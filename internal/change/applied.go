package change

import (
	"net/http"
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

// Applied is what a session that was read back says about a change that may
// have been applied.
type Applied int

// What can be said.
const (
	AppliedUnknown Applied = iota
	WasApplied
	NotApplied
)

// Modified is whether a session was changed since a request left.
type Modified int

// What can be said.
const (
	ModifiedUnknown Modified = iota
	Unmodified
	WasModified
)

// clockSlack allows for clocks that differ and for times of whole seconds.
const clockSlack = 2 * time.Second

// ModifiedSince decides by the session's updated_at. serverTime is the tenant's
// clock when the session was read, now ours; without it nothing can be said.
func ModifiedSince(s *api.Session, sent, serverTime, now time.Time) Modified {
	updated, err := time.Parse(time.RFC3339, s.UpdatedAt)
	if err != nil || sent.IsZero() || serverTime.IsZero() {
		return ModifiedUnknown
	}
	sent = sent.Add(serverTime.Sub(now))
	if updated.Before(sent.Add(-clockSlack)) {
		return Unmodified
	}
	return WasModified
}

// Applied decides whether a change that runs its session was applied, from the
// session as it was read back, and from what it was before, if that is known.
// Running a session can move its status on, so a status alone that differs is
// no proof unless it is still the earlier one, or nothing modified the session.
// That nothing but a run was asked for leaves nothing to compare.
func (c Comparison) Applied(before *Comparison, m Modified) Applied {
	certain := c.Count(Certain)
	switch {
	case c.isSame() && c.same > 0:
		if before != nil && before.isSame() {
			return AppliedUnknown // it was so before: that does not show that it ran
		}
		return WasApplied
	case certain == 0, m == WasModified:
		return AppliedUnknown
	case m == Unmodified:
		return NotApplied
	case certain == 1 && c.Names(Certain) == "status" && (before == nil || before.held("status") != c.held("status")):
		return AppliedUnknown
	}
	return NotApplied
}

// isSame reports whether all that the session has is as the change asks.
func (c Comparison) isSame() bool { return len(c.differences) == c.Count(Missing) }
