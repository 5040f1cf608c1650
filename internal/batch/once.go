package batch

import (
	"context"
	"net/http"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// How long "it was not applied" is not believed: a tenant can still be at work
// when the connection is gone, or when a gateway gave up waiting for it.
const (
	settleError   = time.Second      // after the tenant's own error
	settleGateway = 3 * time.Second  // after a gateway's
	settleAtMost  = 10 * time.Second // after one that had waited long enough
	settleResumed = 5 * time.Second  // at most, after the intent of a session that was killed
)

// settledAt is when a request that left at sent and came to its end now has
// been applied if it ever will be. timeout is what one attempt is given.
func settledAt(status int, sent, now time.Time, timeout time.Duration) time.Time {
	long := min(max(timeout, settleGateway), settleAtMost)
	switch status {
	case 0: // the tenant may have begun with it as late as its time allowed
		if late := sent.Add(timeout); late.After(now) {
			now = late
		}
		return now.Add(long)
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return now.Add(long)
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return now.Add(settleGateway)
	}
	return now.Add(settleError)
}

// sendOnce sends a change that runs its session. Its intent is on disk before
// the request leaves, and a request that may have been applied is followed by
// a look at the session, never by a second request in the blind.
func (l *live) sendOnce(ctx context.Context, c *Change) (ending, error) {
	started := l.now()
	total := api.Answer{}
	if c.Doubtful {
		until := c.Since.Add(min(max(l.timeout, settleError), settleResumed))
		e, again, err := l.readBack(ctx, c, c.Since, until, total)
		if !again {
			return e, err
		}
	}
	inDoubt := c.Doubtful
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
			inDoubt = true
			e, again, err := l.readBack(ctx, c, intent.At, settledAt(a.Status, intent.At, l.now(), l.timeout), a)
			if !again {
				return e, err
			}
			if a.Attempts >= l.attempts {
				return l.end(c, journal.Failed, a), nil
			}
		case l.stops(a):
			if a.InDoubt || inDoubt {
				return ending{}, nil // it stays in flight, and is read back when the run goes on
			}
			return ending{}, l.journal.Append(journal.Withdrawn{At: l.now(), Row: c.Row, ID: c.ID})
		default:
			return l.end(c, journal.Failed, a), nil
		}
	}
}

// readBack looks whether a change that may have been applied was. again: it
// was certainly not, and may be sent again; that it was not is believed from
// until on. Else the row's turn is over.
func (l *live) readBack(ctx context.Context, c *Change, since, until time.Time, last api.Answer) (e ending, again bool, err error) {
	for {
		seen, got := l.look(ctx, c, since)
		if l.stops(got) {
			return ending{}, false, nil
		}
		last.Duration = max(last.Duration, got.Duration)
		switch {
		case got.Verdict != api.OK:
			if got.Message != "" {
				last.Message = joinSentences(last.Message, "it could not be read back: "+got.Message)
			}
			return l.end(c, journal.Unknown, last), false, nil
		case seen == wasApplied:
			last.Message, last.Body, last.Status = "", nil, got.Status
			e = l.end(c, journal.Updated, last)
			e.outcome.Note = "the answer was lost; the session was read back and is as the row asks"
			return e, false, nil
		case seen == cannotTell:
			last.Message = joinSentences(last.Message, "the session does not tell whether it was applied")
			return l.end(c, journal.Unknown, last), false, nil
		}
		// Not applied, as it stands. The request may still be under way.
		if left := until.Sub(l.now()); left > 0 {
			if !l.pause(ctx, left) {
				return ending{}, false, nil
			}
			continue
		}
		if l.compare && c.before == nil {
			err = l.keepBefore(c, got.Session)
		}
		return ending{}, err == nil, err
	}
}

// look reads the session and judges it.
func (l *live) look(ctx context.Context, c *Change, since time.Time) (finding, api.Answer) {
	got := l.tenant.Get(ctx, c.ID)
	if got.Verdict != api.OK {
		return cannotTell, got
	}
	var was *comparison
	if c.before != nil {
		earlier := compare(c, c.before)
		was = &earlier
	}
	t := touchedSince(got.Session, since, got.ServerTime, l.now())
	seen := settle(compare(c, got.Session), was, t)
	if seen == notApplied && c.Doubtful && l.inOrder && t != untouched {
		// A later row of the same id may have overwritten what this one wrote.
		return cannotTell, got
	}
	return seen, got
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
