package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// fakeList is a tenant's list that can change between two pages.
type fakeList struct {
	ids      []string
	page     int // sessions a page, at most
	noTotal  bool
	change   map[int]func(*fakeList) // before the nth request, from 1
	requests int
	pointers bool // pages are found by an opaque pointer
	stuck    bool // every page is the first
	nested   bool // only query[limit], query[offset] and query[order] are read
	lies     int  // the total that it gives instead
	fixed    bool // the size of a page is its own, whatever is asked for
	fails    int  // the request that is answered 500; 0 = none
}

func (l *fakeList) List(_ context.Context, q Query) (Page[Session], Answer) {
	l.requests++
	if change := l.change[l.requests]; change != nil {
		change(l)
	}
	if l.requests == l.fails {
		return Page[Session]{}, Answer{Verdict: Exhausted, Status: http.StatusInternalServerError, Message: "broken"}
	}
	offset := q.Offset
	if l.pointers {
		offset = 0
		if q.Next != "" {
			if _, err := fmt.Sscanf(q.Next, "/workflow_sessions?after=%d", &offset); err != nil {
				panic(err)
			}
		}
	}
	ids, limit := l.ids, min(l.page, q.Limit)
	if l.nested && !q.Nested { // nor is the order the one that was asked for
		ids = slices.Clone(ids)
		slices.Reverse(ids)
	}
	if l.stuck || l.nested && !q.Nested {
		offset, limit = 0, l.page
	}
	if l.fixed {
		limit = l.page
	}
	var p Page[Session]
	end := min(offset+limit, len(l.ids))
	for _, id := range ids[min(offset, end):end] {
		p.Items = append(p.Items, Session{ID: id})
	}
	if !l.noTotal {
		p.Total = cmp.Or(l.lies, len(l.ids))
	}
	switch {
	case end >= len(l.ids):
	case l.pointers:
		p.Next = fmt.Sprintf("/workflow_sessions?after=%d", end)
	case !l.noTotal:
		p.Next = fmt.Sprintf("/workflow_sessions?limit=100&offset=%d", end)
	}
	return p, Answer{Verdict: OK}
}

func named(from, to int) []string {
	var ids []string
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("session-%04d", i))
	}
	return ids
}

// readWhole reads the whole list and returns how many sessions more the tenant
// counted than came.
func readWhole(t *testing.T, list func(context.Context, Query) (Page[Session], Answer), visit func(Session)) (missing int, err error) {
	t.Helper()
	last := false
	for page, err := range Pages(t.Context(), list, Query{Whole: true}) {
		if incomplete, ok := errors.AsType[*IncompleteError](err); ok && !incomplete.Repeated {
			missing = incomplete.Missing
		} else if err != nil {
			return 0, err
		} else {
			last = page.Last
		}
		for _, s := range page.Items {
			visit(s)
		}
	}
	if !last {
		t.Error("the last page is not marked")
	}
	return missing, nil
}

func TestPagesOfAWholeList(t *testing.T) {
	leave := func(n int) func(*fakeList) { return func(l *fakeList) { l.ids = l.ids[n:] } }
	for _, test := range []struct {
		name        string
		list        fakeList
		want        []string // that must have been visited
		mostRequest int
	}{
		{"nothing", fakeList{page: 100}, nil, 1},
		{"one session", fakeList{page: 100, ids: named(0, 1)}, named(0, 1), 1},
		{"one full page, whose total may be that of the page", fakeList{page: 100, ids: named(0, 100)}, named(0, 100), 2},
		{"three pages", fakeList{page: 100, ids: named(0, 250)}, named(0, 250), 3},
		{"no total is told", fakeList{page: 100, noTotal: true, ids: named(0, 250)}, named(0, 250), 4},
		{"no total and one session", fakeList{page: 100, noTotal: true, ids: named(0, 1)}, named(0, 1), 2},
		{"pages smaller than asked for", fakeList{page: 10, ids: named(0, 95)}, named(0, 95), 11},
		{"one session a page", fakeList{page: 1, ids: named(0, 5)}, named(0, 5), 8},
		{"pointers that only the tenant understands", fakeList{page: 100, pointers: true, ids: named(0, 250)}, named(0, 250), 3},
		{"the other form only", fakeList{page: 100, nested: true, ids: named(0, 250)}, named(0, 250), 5},
		{"the other form only, without a total", fakeList{page: 100, nested: true, noTotal: true, ids: named(0, 250)}, named(0, 250), 6},
		{"the other form only, where one page holds all", fakeList{page: 100, nested: true, ids: named(0, 60)}, named(0, 60), 1},
		{"the other form only, and small pages", fakeList{page: 30, nested: true, ids: named(0, 95)}, named(0, 95), 6},
		{"more than was asked for", fakeList{page: 250, fixed: true, ids: named(0, 600)}, named(0, 600), 3},
		{"no pages at all", fakeList{page: 60, stuck: true, noTotal: true, ids: named(0, 60)}, named(0, 60), 4},
		{"a total of less than came", fakeList{page: 100, lies: 7, ids: named(0, 250)}, named(0, 250), 4},
		{"a total of one page", fakeList{page: 100, lies: 100, ids: named(0, 250)}, named(0, 250), 4},
		{"a session moves to a page that was read", fakeList{page: 100, ids: named(0, 400), change: map[int]func(*fakeList){
			3: func(l *fakeList) { l.ids = slices.Insert(slices.Delete(slices.Clone(l.ids), 320, 321), 10, l.ids[320]) },
		}}, named(0, 400), 10},
		{"a session moves to a page that is still to be read", fakeList{page: 100, ids: named(0, 400), change: map[int]func(*fakeList){
			3: func(l *fakeList) { l.ids = slices.Insert(slices.Delete(slices.Clone(l.ids), 10, 11), 320, l.ids[10]) },
		}}, named(0, 400), 7},
		{"two sessions change places", fakeList{page: 100, ids: named(0, 400), change: map[int]func(*fakeList){
			3: func(l *fakeList) { l.ids = slices.Clone(l.ids); l.ids[10], l.ids[320] = l.ids[320], l.ids[10] },
		}}, named(0, 400), 10},
		{"new sessions at the end", fakeList{page: 100, ids: named(0, 150), change: map[int]func(*fakeList){
			2: func(l *fakeList) { l.ids = named(0, 270) },
		}}, named(0, 270), 4},
		{"sessions that come in at the front", fakeList{page: 100, ids: named(300, 550), change: map[int]func(*fakeList){
			2: func(l *fakeList) { l.ids = append(named(0, 150), l.ids...) },
		}}, named(300, 550), 20},
		{"sessions that leave", fakeList{page: 100, ids: named(0, 450), change: map[int]func(*fakeList){
			2: leave(1), 3: leave(30), 4: leave(70),
		}}, named(0, 450), 20},
		{"more leave than a page holds", fakeList{page: 100, ids: named(0, 900), change: map[int]func(*fakeList){
			4: leave(250),
		}}, named(0, 900), 30},
		{"the list is suddenly shorter than what was read", fakeList{page: 100, ids: named(0, 300), change: map[int]func(*fakeList){
			3: func(l *fakeList) { l.ids = append(slices.Clone(l.ids[:20]), l.ids[250:]...) },
		}}, append(named(0, 20), named(250, 300)...), 20},
		{"all have left", fakeList{page: 100, ids: named(0, 300), change: map[int]func(*fakeList){
			3: leave(300),
		}}, named(0, 199), 20},
		{"every other one leaves while it is read", fakeList{page: 100, ids: named(0, 600), change: map[int]func(*fakeList){
			3: func(l *fakeList) {
				kept := l.ids[:0:0]
				for i, id := range l.ids {
					if i >= 300 || i%2 == 0 {
						kept = append(kept, id)
					}
				}
				l.ids = kept
			},
		}}, named(300, 600), 30},
	} {
		t.Run(test.name, func(t *testing.T) {
			times := map[string]int{}
			missing, err := readWhole(t, test.list.List, func(s Session) { times[s.ID]++ })
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range test.want {
				if times[id] == 0 {
					t.Errorf("%s was lost", id)
				}
			}
			for id, n := range times {
				if n != 1 {
					t.Errorf("%s was visited %d times", id, n)
				}
			}
			if test.list.requests > test.mostRequest {
				t.Errorf("%d requests, want %d at most", test.list.requests, test.mostRequest)
			}
			if missing > 0 && !strings.Contains(test.name, "front") {
				t.Errorf("%d are said to be missing", missing)
			}
		})
	}
}

func TestListThatDoesNotEnd(t *testing.T) {
	t.Run("the same page for ever", func(t *testing.T) {
		list := &fakeList{page: 100, noTotal: true, stuck: true, ids: named(0, 500)}
		_, err := readWhole(t, list.List, func(Session) {})
		if err == nil || !strings.Contains(err.Error(), "more sessions than it gave: it gave sessions again") {
			t.Errorf("error %v", err)
		}
		if list.requests > 4 {
			t.Errorf("%d requests", list.requests)
		}
	})
	t.Run("an error in the middle", func(t *testing.T) {
		list := &fakeList{page: 100, ids: named(0, 500), fails: 3}
		_, err := readWhole(t, list.List, func(Session) {})
		failed, ok := errors.AsType[*ListError](err)
		if !ok || failed.Answer.Status != http.StatusInternalServerError {
			t.Errorf("error %v", failed)
		}
	})
	t.Run("sessions that the tenant counts but never gives", func(t *testing.T) {
		list := &fakeList{page: 100, ids: named(0, 2500)}
		missing, err := readWhole(t, liar{list}.List, func(Session) {})
		if err != nil {
			t.Fatal(err)
		}
		if missing != 7 {
			t.Errorf("%d missing, want 7", missing)
		}
	})
}

func TestPages(t *testing.T) {
	for _, test := range []struct {
		name     string
		list     fakeList
		want     []string // in their order
		requests int
		failure  string
	}{
		{name: "nothing", list: fakeList{page: 100}, requests: 1},
		{name: "three pages", list: fakeList{page: 100, ids: named(0, 250)}, want: named(0, 250), requests: 3},
		{name: "no total", list: fakeList{page: 100, noTotal: true, ids: named(0, 250)}, want: named(0, 250), requests: 4},
		{name: "pages smaller than asked for", list: fakeList{page: 10, ids: named(0, 95)}, want: named(0, 95), requests: 10},
		{name: "the other form only", list: fakeList{page: 100, nested: true, ids: named(0, 250)}, want: named(0, 250), requests: 5},
		{name: "more than was asked for", list: fakeList{page: 250, fixed: true, ids: named(0, 600)}, want: named(0, 600), requests: 3},
		{name: "pointers", list: fakeList{page: 100, pointers: true, ids: named(0, 250)}, want: named(0, 250), requests: 3},
		{name: "one page for ever", list: fakeList{page: 100, stuck: true, noTotal: true, ids: named(0, 250)}, want: named(0, 100), requests: 4, failure: "it gave sessions again"},
		{name: "an error", list: fakeList{page: 100, ids: named(0, 250), fails: 2}, want: named(0, 100), requests: 2, failure: "broken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			failure, last := "", 0
			for page, err := range Pages(t.Context(), test.list.List, Query{}) {
				if err != nil {
					failure = err.Error()
				}
				if page.Last {
					last++
				}
				if page.Again {
					got = nil
				}
				for _, s := range page.Items {
					got = append(got, s.ID)
				}
			}
			if !slices.Equal(got, test.want) || test.list.requests != test.requests {
				t.Errorf("%d sessions after %d requests", len(got), test.list.requests)
			}
			if !strings.Contains(failure, test.failure) || (failure == "") != (last == 1) {
				t.Errorf("error %q, %d last pages", failure, last)
			}
		})
	}
	list := &fakeList{page: 100, ids: named(0, 250)}
	for range Pages(t.Context(), list.List, Query{}) {
		break
	}
	if list.requests != 1 {
		t.Errorf("%d requests for one page", list.requests)
	}
}

// liar counts seven sessions too many.
type liar struct{ *fakeList }

func (l liar) List(ctx context.Context, q Query) (Page[Session], Answer) {
	p, a := l.fakeList.List(ctx, q)
	p.Total += 7
	return p, a
}
