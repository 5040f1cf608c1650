package batch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// lister is how the tenant's list of sessions is read.
type lister interface {
	List(ctx context.Context, q api.Query) (api.Page[api.Session], api.Answer)
}

const (
	// maxAge is for how long what a list shows of a session is good.
	maxAge = time.Minute

	firstWindow    = 6 // pages: what can be sent of them in a minute at 10 requests a second
	maxWindowBytes = 8 << 20
	maxWindowTime  = maxAge / 3 // for reading its pages
)

// window is a stretch of the tenant's list. Its rows are decided before the
// next one is read: so what is decided is not old, and memory does not grow
// with the tenant.
type window struct {
	sessions map[string]*shown // by id in lower case; nil for one that was shown twice
	begun    time.Time         // when its first page was asked for
	pages    int
	bytes    int
}

// shown is a session as the list showed it.
type shown struct {
	api.Session
	at time.Time // when its page was asked for
}

func (w *window) add(page api.Page[api.Session], asked time.Time) {
	if w.pages == 0 {
		w.sessions, w.begun = map[string]*shown{}, asked
	}
	w.pages++
	for _, session := range page.Items {
		id := strings.ToLower(session.ID)
		s := &shown{session, asked}
		if _, twice := w.sessions[id]; twice {
			s = nil // it changed meanwhile, and which came last is not known
		}
		w.sessions[id] = s
		w.bytes += len(session.Raw)
	}
}

// listing is what came of reading the list.
type listing struct {
	used            bool
	pages, sessions int
	broken          string // why it ended too early
	handled         rowSet // rows that were decided by it
}

// rowSet is a set of row numbers.
type rowSet []uint64

func (s rowSet) has(row int) bool { return row/64 < len(s) && s[row/64]>>(row%64)&1 != 0 }

func (s *rowSet) add(row int) {
	for row/64 >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[row/64] |= 1 << (row % 64)
}

// listIsCheaper decides between the list and one GET for each row. The list
// costs a request for each page of the whole tenant, however few of its
// sessions the sheet has.
func listIsCheaper(rows, total int) bool {
	return total > 0 && (total+api.PageSize-1)/api.PageSize < rows
}

// maxPages is how many pages are read at most. A tenant that does not say how
// many sessions it has may have a great many: what is spent on finding out is
// little against the GETs that follow if the list is given up.
func maxPages(rows, total int) int {
	if total == 0 {
		return max(1, rows/20)
	}
	// Sessions that are added meanwhile, and pages that are smaller than what
	// was asked for, make more pages than were counted.
	return min(rows, 4*((total+api.PageSize-1)/api.PageSize)+10)
}

// feedByList decides rows by the tenant's list of sessions, where that takes
// fewer requests than reading each of them. Those that it does not show are
// left to the sheet's own order.
func (e *engine) feedByList(ctx context.Context) error {
	switch {
	case !e.Compare || e.Left <= 1:
		return nil
	case e.Rules.InOrder:
		e.say("each session is read by itself: with --duplicates in-order a row can change what a list has shown")
		return nil
	}
	l, w, size, most := &e.listing, window{}, firstWindow, 0
	asked := e.Now()
	for page, failed := range api.Pages(ctx, e.Tenant.List, api.Query{}) {
		switch {
		case ctx.Err() != nil:
			return errStopped
		case failed != nil && !l.used:
			e.say("each session is read by itself: the list could not be had: %s", reason(failed))
			return nil
		case failed != nil:
			l.broken = reason(failed)
			continue // there is no other page
		case !l.used && page.Total > 0 && !listIsCheaper(e.Left, page.Total):
			e.say("each session is read by itself: %s for the rows cost no more than listing the tenant's %s", text.Count(e.Left, "GET"), text.Count(page.Total, "session"))
			return nil
		case !l.used:
			l.used, most = true, maxPages(e.Left, page.Total)
		}
		if page.Again {
			w, l.sessions = window{}, 0
		}
		w.add(page, asked)
		l.pages++
		l.sessions += len(page.Items)
		asked = e.Now()
		if l.pages == most && !page.Last {
			l.broken = "it did not come to an end"
			break
		}
		if w.pages < size && w.bytes < maxWindowBytes && asked.Sub(w.begun) < maxWindowTime {
			continue
		}
		if err := e.settle(ctx, &w); err != nil {
			return err
		}
		// What differs is to be sent before it has to be read again.
		asked = e.Now()
		switch took := asked.Sub(w.begun); {
		case took > maxAge*3/4:
			size = max(1, size/2)
		case took < maxAge/4:
			size *= 2
		}
		w = window{}
	}
	return e.settle(ctx, &w)
}

// settle decides the rows of a window: those that are as the sheet asks at
// once, and only then the others, which wait for their turn to be sent.
func (e *engine) settle(ctx context.Context, w *window) error {
	if len(w.sessions) == 0 {
		return nil
	}
	var differ []*task
	err := e.pass(ctx, func(row *sheet.Row) error {
		session := w.sessions[strings.ToLower(sheet.Trim(row.ID))]
		if session == nil || e.listing.handled.has(row.Number) {
			return nil
		}
		t, err := e.taskOf(row)
		if err != nil || t == nil {
			e.listing.handled.add(row.Number)
			return err
		}
		t.shown = session
		found := change.Compare(&t.Change, &session.Session)
		switch {
		case t.Doubtful && t.Run:
			return nil // read back in its turn
		case t.SetsAttributes() && len(session.Attributes) == 0:
			return nil // a list that leaves the attributes out does not show them empty
		case found.Matches():
			err = e.sendAndRecord(ctx, t)
		case found.HoldsAll(): // what is overwritten must be shown
			differ = append(differ, t)
		default:
			return nil
		}
		e.listing.handled.add(row.Number)
		return err
	})
	for _, t := range differ {
		if err == nil {
			err = e.begin(ctx, t)
		}
	}
	return err
}

// reason is why the list could not be read on, in the tenant's words where it
// answered.
func reason(err error) string {
	if list, ok := errors.AsType[*api.ListError](err); ok {
		return list.Answer.Message
	}
	return err.Error()
}

// describe says what the list was good for; read counts the rows that were
// read by themselves nevertheless.
func (l *listing) describe(rows int, read int64) string {
	if l.broken != "" {
		return fmt.Sprintf("the list ended after %d pages (%s): what it did not show (%d sessions were shown) was read by itself, rows: %d", l.pages, l.broken, l.sessions, read)
	}
	said := fmt.Sprintf("sessions were compared by the tenant's list (%s, %s)", text.Count(l.sessions, "session"), text.Count(l.pages, "request"))
	if read == 0 {
		return said + fmt.Sprintf(", instead of one GET for each of %s", text.Count(rows, "row"))
	}
	return said + fmt.Sprintf("; read by themselves, since it did not show all that they change, or not within the last minute: %s of %s", text.Number(int(read)), text.Count(rows, "row"))
}
