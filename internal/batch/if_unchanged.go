package batch

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// OwnWrites are when the tenant says that this run has changed its sessions: a
// later row of a session is not refused for an earlier one. It is safe for
// concurrent use.
type OwnWrites struct {
	mu   sync.Mutex
	last map[uint64]int64 // in nanoseconds, by the id's hash; nil where no session has a later row
}

// NewOwnWrites returns those of the earlier sessions of a run, which may be nil.
// repeated says that sessions can have later rows, in this sheet or since it was
// edited.
func NewOwnWrites(run *journal.Replay, repeated bool) (*OwnWrites, error) {
	w := &OwnWrites{}
	if repeated {
		w.last = map[uint64]int64{}
	}
	if run == nil || !repeated {
		return w, nil
	}
	for e := range run.Known() {
		o, _, err := run.OutcomeOf(e)
		if err != nil {
			return nil, err
		}
		w.add(o)
	}
	return w, nil
}

func (w *OwnWrites) add(o journal.Outcome) {
	at, ok := parseInstant(o.UpdatedAt)
	if !ok || w.last == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id := xxhash.Sum64String(o.ID)
	w.last[id] = max(w.last[id], at.UnixNano())
}

func (w *OwnWrites) has(id string, at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.last[xxhash.Sum64String(id)]
	return ok && last == at.UnixNano()
}

// sayUndated says that no row can be sent since the sheet does not say how old
// its rows are.
func (e *engine) sayUndated() {
	dated := slices.ContainsFunc(e.Sheet.Columns(), func(c sheet.Column) bool { return c.Field == sheet.ReadOnly && c.UID == "updated_at" })
	if e.IfUnchanged != nil && !dated {
		e.say("the sheet has no column updated_at, as an export has it: with --if-unchanged none of its rows is sent")
	}
}

// parseInstant reads a time of RFC 3339, which may have a space or small letters.
func parseInstant(s string) (time.Time, bool) {
	s = strings.ToUpper(s)
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		at, err = time.Parse("2006-01-02 15:04:05Z07:00", s)
	}
	return at, err == nil
}

// changedSince returns why a session may not be overwritten by a row
// (--if-unchanged); "" where it may: it was not changed since the sheet was
// exported, or by this run alone.
func (s tenantSender) changedSince(t *task, session *api.Session) string {
	if s.IfUnchanged == nil {
		return ""
	}
	exported, typed := parseInstant(t.UpdatedAt)
	now, shown := parseInstant(session.UpdatedAt)
	switch {
	case t.UpdatedAt == "":
		return "not sent: the row has no updated_at, so whether its session was changed since the export cannot be known (--if-unchanged)"
	case !typed:
		return fmt.Sprintf("not sent: the row's updated_at (%.40q) is not a time such as 2026-01-31T09:30:00Z, so whether its session was changed since the export cannot be known (--if-unchanged)", t.UpdatedAt)
	case !shown:
		return "not sent: the tenant does not show when the session was changed, so whether that was since the export cannot be known (--if-unchanged)"
	case now.Equal(exported), s.IfUnchanged.has(t.ID, now):
		return ""
	}
	return fmt.Sprintf("not sent: changed since the export (--if-unchanged): the session at %s, the row has %s; export it again", session.UpdatedAt, t.UpdatedAt)
}

// takesMore reports whether a row cannot be decided by what a list showed of its
// session, which may be old: unless it is as the row asks, it is read.
func (s tenantSender) takesMore(t *task, found change.Comparison, why string) bool {
	return s.IfUnchanged != nil && t.shown != nil && (why != "" || !found.Matches())
}

// changed ends a row whose session may not be overwritten. Where an earlier
// request for it may have been applied, that stays known.
func (s tenantSender) changed(t *task, why string, last api.Answer) result {
	if last.Attempts == 0 {
		last.Status = 0
	}
	if t.maybeApplied {
		last.Attempts = max(1, last.Attempts)
	}
	last.Message, last.Body, last.Server = why, nil, false
	return s.end(t, journal.Failed, last)
}
