package batch

import (
	"context"
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
	compare bool
	inOrder bool // several rows may be of one id
}

func (s *runTrue) send(ctx context.Context, t *task) (result, error) {
	if !t.Run {
		return s.tenantSender.send(ctx, t)
	}
	started := s.now()
	last := api.Answer{}
	if t.Doubtful {
		until := t.Since.Add(min(max(s.timeout, waitAfterError), maxWaitResumed))
		if r, again, err := s.readBack(ctx, t, t.Since, until, last); !again {
			return r, err
		}
	}
	inDoubt := t.Doubtful
	for {
		intent := s.intent(t)
		if err := s.journal.Commit(intent); err != nil {
			return result{}, err
		}
		a := s.tenant.Patch(ctx, api.Request{ID: t.ID, Run: true, Body: t.Body, Attempts: s.attempts - last.Attempts})
		a.Attempts += last.Attempts
		a.Duration = s.now().Sub(started)
		last = a
		switch {
		case a.Verdict == api.OK:
			return s.updated(t, a), nil
		case a.Verdict == api.Doubtful:
			inDoubt = true
			r, again, err := s.readBack(ctx, t, intent.At, appliedBy(a.Status, intent.At, s.now(), s.timeout), a)
			if !again {
				return r, err
			}
			if a.Attempts >= s.attempts {
				return s.end(t, journal.Failed, a), nil
			}
		case s.stops(a):
			if a.InDoubt || inDoubt {
				return result{}, nil // it stays in flight, and is read back when the run goes on
			}
			return result{}, s.journal.Append(journal.Withdrawn{At: s.now(), Row: t.Row, ID: t.ID})
		default:
			return s.end(t, journal.Failed, a), nil
		}
	}
}

// readBack finds out whether a change that may have been applied was. again: it
// was certainly not, and may be sent again; that it was not is believed from
// until on. Else the row's turn is over.
func (s *runTrue) readBack(ctx context.Context, t *task, since, until time.Time, last api.Answer) (r result, again bool, err error) {
	for {
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
		case applied == change.WasApplied:
			last.Message, last.Body, last.Status = "", nil, got.Status
			r = s.end(t, journal.Updated, last)
			r.outcome.Note = "the answer was lost; the session was read back and is as the row asks"
			return r, false, nil
		case applied == change.AppliedUnknown:
			last.Message = joinSentences(last.Message, "the session does not tell whether it was applied")
			return s.end(t, journal.Unknown, last), false, nil
		}
		// Not applied so far. The request may still be under way.
		if left := until.Sub(s.now()); left > 0 {
			if !pause(ctx, left) {
				return result{}, false, nil
			}
			continue
		}
		if s.compare && t.before == nil {
			err = s.keepBefore(t, got.Session)
		}
		return result{}, err == nil, err
	}
}

// read reads the session and decides whether the change was applied.
func (s *runTrue) read(ctx context.Context, t *task, since time.Time) (change.Applied, api.Answer) {
	got := s.tenant.Get(ctx, t.ID)
	if got.Verdict != api.OK {
		return change.AppliedUnknown, got
	}
	var before *change.Comparison
	if t.before != nil {
		earlier := change.Compare(&t.Change, t.before)
		before = &earlier
	}
	modified := change.ModifiedSince(got.Session, since, got.ServerTime, s.now())
	applied := change.Compare(&t.Change, got.Session).Applied(before, modified)
	if applied == change.NotApplied && t.Doubtful && s.inOrder && modified != change.Unmodified {
		// A later row of the same id may have overwritten what this one wrote.
		return change.AppliedUnknown, got
	}
	return applied, got
}

// keepBefore records what a session holds before it is overwritten.
func (s *tenantSender) keepBefore(t *task, session *api.Session) error {
	t.before = session
	return s.journal.Append(journal.Before{Row: t.Row, ID: t.ID, Session: slices.Clone(session.Raw)})
}

// pause waits; it returns false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
