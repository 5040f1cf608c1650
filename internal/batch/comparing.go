package batch

import (
	"cmp"
	"context"
	"slices"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
)

// sayCompared says how rows were compared, and how many were not sent though a
// field of them could not be.
func (e *engine) sayCompared() {
	if e.listing.used {
		e.say("%s", e.listing.describe(e.Left, e.readAlone.Load()))
	}
	if n := e.hidden.Load(); n > 0 {
		e.say("rows that could not be compared whole, and are as the tenant has them otherwise: %d; the tenant shows a name where the sheet has an id (see result.note or plan.csv); a run without --compare sends them", n)
	}
}

// compareNow compares a change with its session as the list showed it within
// the last minute, or else as it is now. The answer is OK if it was compared.
func (s tenantSender) compareNow(ctx context.Context, t *task) (change.Comparison, api.Answer) {
	if t.shown != nil && s.Now().Sub(t.shown.at) < maxAge {
		return change.Compare(&t.Change, &t.shown.Session), api.Answer{Session: &t.shown.Session}
	}
	s.readAlone.Add(1)
	got := s.Tenant.Get(ctx, t.ID)
	return change.Compare(&t.Change, got.Session), got
}

// comparing reads the session first. A row that already matches ends here,
// unless it runs its session; of another one, what differs is left to be sent,
// and what would be overwritten goes to the journal.
type comparing struct {
	tenantSender
	next sender
}

func (s comparing) send(ctx context.Context, t *task) (result, error) {
	if t.Doubtful && t.Run {
		return s.next.send(ctx, t)
	}
	found, got := s.compareNow(ctx, t)
	switch {
	case s.stops(got):
		return result{}, nil
	case got.Verdict != api.OK:
		got.Message = joinSentences("not sent: its session could not be read", got.Message)
		return s.end(t, journal.Failed, got), nil
	}
	got.Attempts, got.RequestID = 0, "" // of a reading
	if t.Run && t.maybeApplied && t.before != nil {
		before := change.Compare(&t.Change, t.before)
		if found.Applied(&before, change.ModifiedUnknown) == change.WasApplied {
			return s.appliedEarlier(t, got), nil
		}
	}
	why := s.changedSince(t, got.Session)
	switch {
	case found.Matches() && (why == "" || t.maybeApplied || t.Doubtful):
		return s.unchanged(t, found, got), nil
	case s.takesMore(t, found, why):
		t.shown = nil
		return s.send(ctx, t)
	case why != "":
		return s.changed(t, why, got), nil
	case !s.mayLeave(t):
		return result{}, nil
	}
	return s.overwrite(ctx, t, found, got.Session)
}

// overwrite sends what differs. What did not leave in time is compared again.
func (s comparing) overwrite(ctx context.Context, t *task, found change.Comparison, session *api.Session) (result, error) {
	t.ChangedOnly(found)
	if err := s.keepBefore(t, session); err != nil {
		return result{}, err
	}
	r, err := s.next.send(ctx, t)
	switch {
	case err != nil:
	case r.late:
		return s.send(ctx, t)
	case s.IfUnchanged != nil && r.outcome.Status == journal.Updated && r.outcome.UpdatedAt == "": // the answer did not have it
		if got := s.Tenant.Get(ctx, t.ID); got.Verdict == api.OK {
			r = s.wrote(r, got.Session)
		}
	}
	return r, err
}

// unchanged ends a row that needs no request. Where an earlier request of this
// run is what made it so, the run has changed the session.
func (s comparing) unchanged(t *task, found change.Comparison, a api.Answer) result {
	r := s.end(t, journal.Unchanged, a)
	if t.maybeApplied && t.before != nil && !change.Compare(&t.Change, t.before).Matches() {
		r = s.appliedEarlier(t, a)
	}
	if names := found.Names(change.ShownAsName); names != "" {
		r.outcome.Note = joinSentences(r.outcome.Note, "cannot be compared, and was not sent for it: "+names+" (the tenant shows a name)")
		s.hidden.Add(1)
	}
	return r
}

// appliedEarlier ends a row that an earlier session of the run has applied,
// though its answer did not say so.
func (s comparing) appliedEarlier(t *task, a api.Answer) result {
	r := s.end(t, journal.Updated, a)
	r.outcome.Note = "an earlier request of this run was applied after all: the session is as the row asks"
	return s.wrote(r, a.Session)
}

// What a dry run plans for a row.
const (
	actionPatch     = "patch"
	actionUnchanged = "unchanged"
	actionInvalid   = "invalid"
)

// dryRunSender records what would be sent. With a comparison it reads each
// session, and never writes one.
type dryRunSender struct{ tenantSender }

func (s dryRunSender) send(ctx context.Context, t *task) (result, error) {
	plan := journal.Planned{
		Row: t.Row, ID: t.ID, Action: actionPatch, Method: "PATCH",
		Path: "/workflow_sessions/" + cmp.Or(t.ID, "{id}"), // of a uid that was not looked up
	}
	if t.Run {
		plan.Path += "?run=true"
	}
	if s.Compare {
		found, got := s.compareNow(ctx, t)
		switch {
		case s.stops(got):
			return result{}, nil
		case got.Verdict != api.OK:
			got.Message = joinSentences("its session could not be read", got.Message)
			return s.end(t, journal.Failed, got), nil
		}
		switch why := s.changedSince(t, got.Session); {
		case s.takesMore(t, found, why):
			t.shown = nil
			return s.send(ctx, t)
		case why != "":
			got.Attempts, got.RequestID = 0, ""
			return s.changed(t, why, got), nil
		}
		plan.Changes = found.Describe()
		for _, d := range found.All() {
			plan.Fields = append(plan.Fields, journal.FieldChange{Field: d.Label(), Old: d.Held, New: d.Asked(), Remark: d.Remark()})
		}
		if found.Matches() {
			plan.Action, plan.Method, plan.Path = actionUnchanged, "", ""
			if found.Count(change.ShownAsName) > 0 {
				s.hidden.Add(1)
			}
			return result{}, s.Journal.Append(plan)
		}
		t.ChangedOnly(found)
	}
	if !s.mayLeave(t) {
		return result{}, nil
	}
	plan.Body = slices.Clone(t.Body)
	return result{}, s.Journal.Append(plan)
}
