package batch

import (
	"context"
	"slices"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// skipSame reads the session first. A row that already matches ends here,
// unless it runs its session; what would be overwritten goes to the journal.
// done: the row's turn is over.
func (l *live) skipSame(ctx context.Context, c *Change) (e ending, before *api.Session, done bool, err error) {
	if l.isListed(c) {
		return l.end(c, journal.Unchanged, api.Answer{}), nil, true, nil
	}
	got := l.tenant.Get(ctx, c.ID)
	if l.stops(got) {
		return ending{}, nil, true, nil
	}
	if got.Verdict != api.OK {
		got.Message = joinSentences("not sent: its session could not be read", got.Message)
		return l.end(c, journal.Failed, got), nil, true, nil
	}
	if found := compare(c, got.Session); found.matches(c) {
		got.Attempts = 0
		return l.end(c, journal.Unchanged, got), nil, true, nil
	}
	err = l.journal.Append(journal.Before{Row: c.Row, ID: c.ID, Session: slices.Clone(got.Session.Raw)})
	return ending{}, got.Session, false, err
}

// isListed reports whether the tenant's list showed the session as the row
// asks. A session that differs is read again: the list may be hours old.
func (l *live) isListed(c *Change) bool {
	session, ok := l.listed.find(c.ID)
	return ok && compare(c, &session).matches(c)
}

// matches reports whether nothing is left to change: every field was there to
// be compared, and is the same. Running a session is a change of its own.
func (c comparison) matches(change *Change) bool {
	return len(c.differences) == 0 && !change.Run && c.same == change.Fields
}
