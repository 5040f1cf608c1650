package batch

import (
	"context"
	"fmt"
	"slices"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// list asks for the tenant's list of sessions where a comparison of many rows
// is cheaper with it.
func (e *engine) list(ctx context.Context) (err error) {
	// With several rows of one id, the list would not know what the first of
	// them has changed.
	if !e.Compare || e.Left <= 1 {
		return nil
	}
	if e.Rules.InOrder {
		if e.Say != nil {
			e.Say("each session is read by itself: with --duplicates in-order a row can change what a list has shown")
		}
		return nil
	}
	said := ""
	if e.listed, said, err = takeSnapshot(ctx, e.Tenant, e.Left, e.Scratch); said != "" && e.Say != nil {
		e.Say(said)
	}
	return err
}

// skipSame reads the session first. A row that already matches ends here,
// unless it runs its session; of another one, what differs is left to be sent,
// and what would be overwritten goes to the journal.
// done: the row's turn is over.
func (l *live) skipSame(ctx context.Context, c *Change) (e ending, done bool, err error) {
	if found, ok := l.isListed(c); ok {
		return l.unchanged(c, found, api.Answer{}), true, nil
	}
	got := l.tenant.Get(ctx, c.ID)
	if l.stops(got) {
		return ending{}, true, nil
	}
	if got.Verdict != api.OK {
		got.Message = joinSentences("not sent: its session could not be read", got.Message)
		return l.end(c, journal.Failed, got), true, nil
	}
	found := compare(c, got.Session)
	if found.matches(c) {
		got.Attempts = 0
		return l.unchanged(c, found, got), true, nil
	}
	if was := c.before; c.Run && c.mayStand && was != nil {
		earlier := compare(c, was)
		if settle(found, &earlier, touchUnknown) == wasApplied {
			return l.appliedEarlier(c, got), true, nil
		}
	}
	c.narrow(found)
	return ending{}, false, l.keepBefore(c, got.Session)
}

// keepBefore notes what a session holds before it is overwritten.
func (l *live) keepBefore(c *Change, s *api.Session) error {
	c.before = s
	return l.journal.Append(journal.Before{Row: c.Row, ID: c.ID, Session: slices.Clone(s.Raw)})
}

// isListed reports whether the tenant's list showed the session as the row
// asks. A session that differs is read again: the list may be hours old.
func (l *live) isListed(c *Change) (found comparison, ok bool) {
	session, ok := l.listed.find(c.ID)
	if !ok || c.Clears > 0 && len(session.Attributes) == 0 {
		// A list that leaves the attributes out does not show them empty.
		return found, false
	}
	found = compare(c, &session)
	return found, found.matches(c)
}

// unchanged ends a row that needs no request. Where an earlier request of this
// run is what made it so, the run has changed the session.
func (l *live) unchanged(c *Change, found comparison, a api.Answer) ending {
	e := l.end(c, journal.Unchanged, a)
	if c.mayStand && c.before != nil && !compare(c, c.before).matches(c) {
		e = l.appliedEarlier(c, a)
	}
	if names := found.names(shownAsName); names != "" {
		e.outcome.Note = joinSentences(e.outcome.Note, "cannot be compared, and was not sent for it: "+names+" (the tenant shows a name)")
		l.hidden.Add(1)
	}
	return e
}

// appliedEarlier ends a row that an earlier session of the run has applied,
// though its answer did not say so.
func (l *live) appliedEarlier(c *Change, a api.Answer) ending {
	a.Attempts = 0
	e := l.end(c, journal.Updated, a)
	e.outcome.Note = "an earlier request of this run was applied after all: the session is as the row asks"
	return e
}

// matches reports whether nothing is left to change: every field was there to
// be compared, and none is known to differ. A name in the place of an id is
// all that the tenant ever shows of it: sending it for that would send it at
// every run. Running a session is a change of its own.
func (c comparison) matches(change *Change) bool {
	return !change.Run && c.same+c.count(shownAsName) == change.Fields
}

// tellHidden says how many rows were not sent though a field of them could not
// be compared.
func (e *engine) tellHidden() {
	if n := e.hidden.Load(); n > 0 && e.Say != nil {
		e.Say(fmt.Sprintf("rows that could not be compared whole, and are as the tenant has them otherwise: %d; the tenant shows a name where the sheet has an id (see result.note or plan.csv); a run without --compare sends them", n))
	}
}
