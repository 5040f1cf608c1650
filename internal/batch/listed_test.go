package batch

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// listedTenant lists n sessions, of which differs reports those that are not
// as testSheet asks. An answer takes a while, in virtual time.
type listedTenant struct {
	scripted
	n       int
	differs func(n int) bool
	takes   time.Duration
	gets    int
	count   sync.Mutex
	at      map[string]time.Time // when a session was shown last, by id
}

func (l *listedTenant) show(n int) api.Session {
	a := fmt.Sprintf("v%d", n)
	if l.differs(n) {
		a = "old"
	}
	s, _ := api.ParseSession(fmt.Appendf(nil, `{"id":%q,"status":"closed","attributes":{"a":%q}}`, testID(n), a))
	l.at[s.ID] = time.Now()
	return s
}

func newListedTenant(n int, takes time.Duration, differs func(int) bool) *listedTenant {
	l := &listedTenant{n: n, differs: differs, takes: takes, at: map[string]time.Time{}}
	l.list = func(q api.Query) (api.Page[api.Session], api.Answer) {
		time.Sleep(takes)
		l.count.Lock()
		defer l.count.Unlock()
		page := api.Page[api.Session]{Total: n}
		for i := q.Offset; i < min(q.Offset+q.Limit, n); i++ {
			page.Items = append(page.Items, l.show(i))
		}
		return page, api.Answer{Status: 200}
	}
	l.get = func(id string) api.Answer {
		time.Sleep(takes)
		l.count.Lock()
		defer l.count.Unlock()
		l.gets++
		var i int
		fmt.Sscanf(id, "%08d", &i)
		s := l.show(i)
		return api.Answer{Status: 200, Attempts: 1, Session: &s}
	}
	l.patch = func(r api.Request) api.Answer {
		time.Sleep(takes)
		return api.Answer{Status: 200, Attempts: 1, Session: &api.Session{ID: r.ID}}
	}
	return l
}

// Whatever is decided by the list, unchanged or sent, is decided within a minute
// of when the list showed it.
func TestNothingIsDecidedByAnOldList(t *testing.T) {
	for name, tt := range map[string]struct {
		rows    int
		takes   time.Duration
		differs func(int) bool
		gets    int // at most
	}{
		"an undo of 300 rows":    {300, 100 * time.Millisecond, func(int) bool { return true }, 0},
		"little drift":           {5000, 100 * time.Millisecond, func(n int) bool { return n%100 == 0 }, 0},
		"everything, for long":   {3000, 100 * time.Millisecond, func(int) bool { return true }, 300},
		"a tenant that is slow":  {400, 5 * time.Second, func(n int) bool { return n%2 == 0 }, 200},
		"half of it, and hourly": {6000, 300 * time.Millisecond, func(n int) bool { return n%2 == 0 }, 1500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := newListedTenant(tt.rows, tt.takes, tt.differs)
				s := openSheet(t, testSheet(tt.rows, nil), sheet.Options{})
				m := &memory{}
				o := Options{Sheet: s, Rules: defaultRules(), Tenant: to, Journal: m, Workers: 1, Attempts: 5, Now: time.Now, Compare: true, Left: tt.rows}
				var err error
				if o.Overview, err = Check(t.Context(), s, o.Rules, false, func(sheet.Problem) {}); err != nil {
					t.Fatal(err)
				}
				if stop, err := Run(t.Context(), o); err != nil || stop.Kind != NotStopped {
					t.Fatal(stop, err)
				}
				befores := 0
				for _, r := range m.records {
					if b, ok := r.(journal.Before); ok && strings.Contains(string(b.Session), "old") {
						befores++
					}
				}
				sent := 0
				for row, o := range m.outcomes(t) {
					want := journal.Unchanged
					if tt.differs(row - 2) {
						want, sent = journal.Updated, sent+1
					}
					if age := o.At.Sub(to.at[o.ID]); o.Status != want || age > maxAge+tt.takes {
						t.Errorf("row %d is %s %v after its session was shown", row, o.Status, age)
					}
				}
				if len(to.patched) != sent || befores != sent || to.gets > tt.gets {
					t.Errorf("%d PATCHes for %d rows, %d kept, %d GETs", len(to.patched), sent, befores, to.gets)
				}
			})
		})
	}
}

// A row that the first check called invalid stays so, though a resume passes
// over the rows above that made it so.
func TestStrictIsTheSameAtEachPass(t *testing.T) {
	content := "id,attributes.a\n" + testID(1) + ",01/15/2026\n" + testID(2) + ",15/01/2026\n" + testID(3) + ",01/16/2026\n"
	s := openSheet(t, content, sheet.Options{})
	m := &memory{}
	to := &scripted{}
	o := Options{Sheet: s, Rules: defaultRules(), Tenant: to, Journal: m, Workers: 1, Attempts: 5, Now: time.Now, SkipInvalid: true,
		Earlier: pasts{2: {status: journal.Updated}}.replay(t)}
	o.Rules.Strict = true
	var err error
	if o.Overview, err = Check(t.Context(), s, o.Rules, true, func(sheet.Problem) {}); err != nil {
		t.Fatal(err)
	}
	if stop, err := Run(t.Context(), o); err != nil || stop.Kind != NotStopped {
		t.Fatal(stop, err)
	}
	if rows := m.outcomes(t); rows[3].Status != journal.Invalid || rows[4].Status != journal.Updated || len(to.patched) != 1 {
		t.Errorf("%+v, sent %v", rows, to.patched)
	}
}
