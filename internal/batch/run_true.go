package batch

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
)

// How long "it was not applied" is not believed: a tenant can still be at work
// when the connection is gone, or when a gateway gave up waiting for it.
const (
	waitAfterError   = time.Second      // the tenant's own
	waitAfterGateway = 3 * time.Second  // a gateway's
	maxWait          = 10 * time.Second // after one that had waited long enough
	maxWaitResumed   = 5 * time.Second  // after the intent of a session that was killed
)

// appliedBy is when a request that left at sent and came to its end now has
// been applied if it ever will be. timeout is what one attempt is given.
func appliedBy(status int, sent, now time.Time, timeout time.Duration) time.Time {
	long := min(max(timeout, waitAfterGateway), maxWait)
	switch status {
	case http.StatusAccepted: // it is applied later, if at all
		return now.Add(long)
	case 0: // the tenant may have begun with it as late as its time allowed
		if late := sent.Add(timeout); late.After(now) {
			now = late
		}
		return now.Add(long)
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return now.Add(long)
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return now.Add(waitAfterGateway)
	}
	return now.Add(waitAfterError)
}

// runTrue sends a change that runs its session (?run=true), which must never
// happen twice. Its intent is on disk before the request leaves, and a request
// that may have been applied is followed by reading the session, never by a
// second request in the blind. Other changes are the tenantSender's.
type runTrue struct {
	tenantSender
}

func (s runTrue) send(ctx context.Context, t *task) (result, error) {
	if !t.Run {
		return s.tenantSender.send(ctx, t)
	}
	started := s.Now()
	last := api.Answer{}
	if t.Doubtful {
		until := t.Since.Add(min(max(s.Timeout, waitAfterError), maxWaitResumed))
		if r, again, err := s.readBack(ctx, t, t.Since, until, last); !again {
			return r, err
		}
	}
	if !s.mayLeave(t) {
		return result{}, nil
	}
	inDoubt := t.Doubtful
	for {
		intent := s.intent(t)
		if err := s.Journal.Commit(intent); err != nil {
			return result{}, err
		}
		var unkept error
		a := s.patch(ctx, t, s.Attempts-last.Attempts, func(a api.Answer, at time.Time) {
			unkept = cmp.Or(unkept, s.Journal.Append(journal.Attempt{
				At: a.SentAt, Row: t.Row, ID: t.ID, Attempt: last.Attempts + a.Attempts,
				HTTPStatus: a.Status, Duration: at.Sub(a.SentAt), RequestID: a.RequestID, Error: a.Message,
			}))
		})
		if unkept != nil {
			return result{}, unkept
		}
		a.Attempts += last.Attempts
		a.Duration = s.Now().Sub(started)
		last = a
		switch {
		case a.Verdict == api.OK:
			return s.updated(t, a), nil
		case a.Verdict == api.Doubtful, late(ctx, a) && (a.InDoubt || inDoubt):
			inDoubt = true
			r, again, err := s.readBackAfter(ctx, t, a)
			switch {
			case !again:
				return r, err
			case accepted(a): // a second request could run it twice
				a.Message = joinSentences(a.Message, "read back, the session is not as the row asks")
				return s.end(t, journal.Unknown, a), nil
			case a.Attempts >= s.Attempts:
				return s.end(t, journal.Failed, a), nil
			}
		case s.stops(a):
			if a.InDoubt || inDoubt {
				return result{}, nil // it stays in flight, and is read back when the run goes on
			}
			return result{late: late(ctx, a)}, s.Journal.Append(journal.Withdrawn{At: s.Now(), Row: t.Row, ID: t.ID})
		default:
			return s.end(t, journal.Failed, a), nil
		}
	}
}

// How often and how many times a session is read again to see whether it was
// modified before or after a request left: long enough to see a second of the
// tenant's clock end.
const (
	lookAgain = 110 * time.Millisecond
	maxLooks  = 10
)

// accepted reports whether an answer is a success that is not the documented one.
func accepted(a api.Answer) bool {
	return a.Verdict == api.Doubtful && a.Status > http.StatusOK && a.Status < http.StatusMultipleChoices
}

// readBackAfter is readBack of a request that ended just now.
func (s tenantSender) readBackAfter(ctx context.Context, t *task, a api.Answer) (r result, again bool, err error) {
	return s.readBack(ctx, t, a.SentAt, appliedBy(a.Status, a.SentAt, s.Now(), s.Timeout), a)
}

// readBack finds out whether a change that may have been applied was. again: it
// was certainly not, and may be sent again; that it was not is believed from
// until on. Else the row's turn is over.
func (s tenantSender) readBack(ctx context.Context, t *task, since, until time.Time, last api.Answer) (r result, again bool, err error) {
	for looks := 0; ; looks++ {
		applied, got := s.read(ctx, t, since)
		if s.stops(got) {
			return result{}, false, nil
		}
		last.Duration = max(last.Duration, got.Duration)
		switch {
		case got.Verdict != api.OK:
			if got.Message != "" {
				last.Message = joinSentences(last.Message, "it could not be read back: "+got.Message)
			}
			return s.end(t, journal.Unknown, last), false, nil
		case applied == change.PerhapsApplied && !t.Doubtful && looks < maxLooks:
			if !pause(ctx, lookAgain) {
				return result{}, false, nil
			}
			continue
		case applied == change.WasApplied, applied == change.PerhapsApplied && !s.Rules.InOrder:
			last.Message, last.Body, last.Status = "", nil, got.Status
			r = s.end(t, journal.Updated, last)
			r.outcome.Note = "the answer did not show it; the session was read back and is as the row asks"
			return s.wrote(r, got.Session), false, nil
		case applied != change.NotApplied:
			last.Message = joinSentences(last.Message, "the session does not tell whether it was applied")
			return s.end(t, journal.Unknown, last), false, nil
		}
		// Not applied so far. The request may still be under way.
		if left := until.Sub(s.Now()); left > 0 {
			if !pause(ctx, left) {
				return result{}, false, nil
			}
			continue
		}
		if why := s.changedSince(t, got.Session); why != "" {
			return s.changed(t, why, last), false, nil
		}
		switch {
		case t.before != nil:
		case s.Compare:
			err = s.keepBefore(t, got.Session)
		default: // what it holds now is known to be another value
			t.before = got.Session
		}
		return result{}, err == nil, err
	}
}

// read reads the session and decides whether the change was applied.
func (s tenantSender) read(ctx context.Context, t *task, since time.Time) (change.Applied, api.Answer) {
	got := s.Tenant.Get(ctx, t.ID)
	if got.Verdict != api.OK {
		return change.AppliedUnknown, got
	}
	var before *change.Comparison
	if t.before != nil {
		earlier := change.Compare(&t.Change, t.before)
		before = &earlier
	}
	var left change.Left
	if got.Clock.Known && !since.IsZero() {
		left = change.Left{Earliest: since.Add(got.Clock.Least), Latest: since.Add(got.Clock.Most)}
	}
	modified := change.ModifiedSince(got.Session, t.before, left)
	applied := change.Compare(&t.Change, got.Session).Applied(before, modified)
	if applied == change.NotApplied && t.Doubtful && s.Rules.InOrder && modified != change.Unmodified {
		// A later row of the same id may have overwritten what this one wrote.
		return change.AppliedUnknown, got
	}
	return applied, got
}

// keepBefore records what a session holds before it is overwritten, and with what.
// Where an earlier request of the row may have overwritten it already, what it
// held before that one is what counts.
func (s tenantSender) keepBefore(t *task, session *api.Session) error {
	t.before = session
	before := journal.Before{Row: t.Row, ID: t.ID, Sent: t.Sent(), Session: slices.Clone(session.Raw)}
	if t.maybeApplied && t.kept != nil {
		before.Session = t.kept.Session
		maps.Copy(before.Sent, t.kept.Sent)
	}
	return s.Journal.Append(before)
}

// pause waits; it returns false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
