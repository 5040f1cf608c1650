package batch

import (
	"context"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// How long after a request "it was not applied" is not believed: a tenant can
// still be at work when the connection is gone. One that had not answered
// within the timeout is given as long again.
const (
	settleAfterLoss = time.Second
	settleAtMost    = 10 * time.Second
)

// sendOnce sends a change that runs its session. Its intent is on disk before
// the request leaves, and a request that may have been applied is followed by
// a look at the session, never by a second request in the blind.
func (l *live) sendOnce(ctx context.Context, c *Change, before *api.Session) (ending, error) {
	started := l.now()
	total := api.Answer{}
	since := c.Since
	if c.Doubtful {
		e, again := l.readBack(ctx, c, before, since, settleAfterLoss, total)
		if !again {
			return e, nil
		}
	}
	for {
		intent := l.intent(c)
		if err := l.journal.Commit(intent); err != nil {
			return ending{}, err
		}
		a := l.tenant.Patch(ctx, api.Request{ID: c.ID, Run: true, Body: c.Body, Attempts: l.attempts - total.Attempts})
		a.Attempts += total.Attempts
		a.Duration = l.now().Sub(started)
		total = a
		switch {
		case a.Verdict == api.OK:
			return l.updated(c, a), nil
		case a.Verdict == api.Doubtful:
			wait := settleAfterLoss
			if a.Status == 0 {
				wait = l.timeout + min(max(l.timeout, settleAfterLoss), settleAtMost)
			}
			e, again := l.readBack(ctx, c, before, intent.At, wait, a)
			if !again {
				return e, nil
			}
			if a.Attempts >= l.attempts {
				return l.end(c, journal.Failed, a), nil
			}
		case l.stops(a):
			if a.InDoubt {
				return ending{}, nil
			}
			return ending{}, l.journal.Append(journal.Withdrawn{At: l.now(), Row: c.Row, ID: c.ID})
		default:
			return l.end(c, journal.Failed, a), nil
		}
	}
}

// readBack looks whether a change that may have been applied was. again: it
// was certainly not, and may be sent again.
func (l *live) readBack(ctx context.Context, c *Change, before *api.Session, since time.Time, wait time.Duration, last api.Answer) (e ending, again bool) {
	for {
		seen, got := l.look(ctx, c, before, since)
		if l.stops(got) {
			return ending{}, false
		}
		last.Duration = max(last.Duration, got.Duration)
		switch {
		case got.Verdict != api.OK:
			if got.Message != "" {
				last.Message = joinSentences(last.Message, "it could not be read back: "+got.Message)
			}
			return l.end(c, journal.Unknown, last), false
		case seen == wasApplied:
			last.Message, last.Body, last.Status = "", nil, got.Status
			e = l.end(c, journal.Updated, last)
			e.outcome.Note = "the answer was lost; the session was read back and is as the row asks"
			return e, false
		case seen == cannotTell:
			last.Message = joinSentences(last.Message, "the session does not tell whether it was applied")
			return l.end(c, journal.Unknown, last), false
		}
		// Not applied, as it stands. The request may still be under way.
		left := wait - l.now().Sub(since)
		if since.IsZero() || left <= 0 {
			return ending{}, true
		}
		if !l.pause(ctx, left) {
			return ending{}, false
		}
	}
}

// look reads the session and judges it.
func (l *live) look(ctx context.Context, c *Change, before *api.Session, since time.Time) (finding, api.Answer) {
	got := l.tenant.Get(ctx, c.ID)
	if got.Verdict != api.OK {
		return cannotTell, got
	}
	seen := settle(compare(c, got.Session), touchedSince(got.Session, since, got.ServerTime, l.now()))
	if seen == wasApplied && before != nil {
		// What already was as the row asks cannot show that it ran.
		if len(compare(c, before).differences) == 0 {
			return cannotTell, got
		}
	}
	return seen, got
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
