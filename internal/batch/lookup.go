package batch

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// LookUp finds the ids of those uids of a sheet that have none: with one request
// for each, or by the list of all sessions, whichever takes fewer. A session that
// is not shown with the very uid is never taken for one of it. say is called with
// what was decided, in words for people.
//
// An error is the context's, that of the sheet, or a *api.ListError: then
// nothing is known.
func LookUp(ctx context.Context, s *sheet.Sheet, ids *sheet.IDs, tenant lister, workers int, say func(string)) error {
	missing := ids.Seal()
	if missing == 0 {
		return nil
	}
	l := &lookUp{sheet: s, ids: ids, tenant: tenant, workers: workers, say: say}
	var list error
	if missing > 1 {
		if list = l.byList(ctx, missing); list == nil || isFatal(list) {
			return list
		}
		ids.Forget()
	}
	if !errors.Is(list, errNotCheaper) && list != nil {
		say("each uid is looked up by itself: " + reason(list))
	}
	filter := l.byFilter(ctx, missing)
	if filter == nil || isFatal(filter) {
		return filter
	}
	ids.Forget()
	if list == nil || errors.Is(list, errNotCheaper) {
		say("uids are looked up in the list of all sessions: " + reason(filter))
		if list = l.byList(ctx, 0); list == nil || isFatal(list) {
			return list
		}
	}
	return &api.ListError{List: "sessions", Answer: api.Answer{Verdict: api.Refused, Message: reason(filter) + "; " + reason(list)}}
}

type lookUp struct {
	sheet   *sheet.Sheet
	tenant  lister
	workers int
	say     func(string)

	mu  sync.Mutex
	ids *sheet.IDs
}

var (
	errNotCheaper = errors.New("the list takes more requests")
	errNotShown   = errors.New("the tenant's list of sessions does not show their uids")
	errUnfiltered = errors.New("the tenant answers a question for one uid with other sessions")
)

// isFatal reports whether an error ends the looking up, since another way would
// end in the same: the caller's, the sign-in's, an outage.
func isFatal(err error) bool {
	list, ok := errors.AsType[*api.ListError](err)
	if ok {
		return list.Answer.Verdict == api.Denied || list.Answer.Verdict == api.Unreachable || list.Answer.Verdict == api.Canceled
	}
	_, incomplete := errors.AsType[*api.IncompleteError](err)
	return !incomplete && !errors.Is(err, errNotCheaper) && !errors.Is(err, errNotShown) && !errors.Is(err, errUnfiltered)
}

// byList reads the list of all sessions, unless one request for each of so many
// uids is less; 0 is where there is no other way.
func (l *lookUp) byList(ctx context.Context, missing int) error {
	pages, sessions, most, shown := 0, 0, 0, false
	for page, err := range api.Pages(ctx, l.tenant.List, api.Query{Whole: true}) {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case pages > 0 || missing == 0:
		case page.Total > 0 && !page.Last && !listIsCheaper(missing, page.Total):
			return errNotCheaper
		default:
			most = maxPages(missing, page.Total)
			l.say(fmt.Sprintf("looking up %s in the tenant's list of sessions", text.Count(missing, "uid")))
		}
		for _, s := range page.Items {
			shown = shown || s.UID != ""
			l.ids.Found(s.UID, s.ID)
		}
		sessions += len(page.Items)
		if pages++; pages == most && !page.Last {
			return errNotCheaper
		}
	}
	if sessions > 0 && !shown {
		return errNotShown
	}
	return nil
}

// byFilter asks for each uid by itself.
func (l *lookUp) byFilter(ctx context.Context, missing int) error {
	l.say(fmt.Sprintf("looking up %s, with one request for each", text.Count(missing, "uid")))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(max(1, l.workers))
	err := l.sheet.EachUID(asking, func(uid string) error {
		if l.take(uid) {
			group.Go(func() error { return l.ask(asking, uid) })
		}
		return nil
	})
	if asked := group.Wait(); asked != nil {
		return asked
	}
	return err
}

func (l *lookUp) take(uid string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids.Take(uid)
}

// ask asks for the sessions of one uid.
func (l *lookUp) ask(ctx context.Context, uid string) error {
	page, answer := l.tenant.List(ctx, api.Query{UID: uid})
	if answer.Verdict != api.OK {
		return &api.ListError{Answer: answer, List: "sessions"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range page.Items {
		if s.UID != uid {
			return errUnfiltered
		}
		l.ids.Found(s.UID, s.ID)
	}
	return nil
}
