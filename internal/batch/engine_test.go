package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a tenant that answers as a test says.
type scripted struct {
	mu      sync.Mutex
	patch   func(r api.Request) api.Answer
	get     func(id string) api.Answer
	list    func(q api.Query) (api.Page[api.Session], api.Answer)
	patched []string // "id" or "id?run", in order
	flying  map[string]int
	crossed []string // ids that were in flight twice
}

func (s *scripted) Patch(_ context.Context, r api.Request) api.Answer {
	s.mu.Lock()
	name := r.ID
	if r.Run {
		name += "?run"
	}
	s.patched = append(s.patched, name)
	if s.flying == nil {
		s.flying = map[string]int{}
	}
	if s.flying[r.ID]++; s.flying[r.ID] > 1 {
		s.crossed = append(s.crossed, r.ID)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.flying[r.ID]--
		s.mu.Unlock()
	}()
	if s.patch == nil {
		return api.Answer{Status: 200, Attempts: 1, Session: &api.Session{ID: r.ID}}
	}
	return s.patch(r)
}

func (s *scripted) List(_ context.Context, q api.Query) (api.Page[api.Session], api.Answer) {
	if s.list == nil {
		return api.Page[api.Session]{}, api.Answer{Verdict: api.Refused, Message: "no list"}
	}
	return s.list(q)
}

func (s *scripted) Get(_ context.Context, id string) api.Answer { return s.get(id) }

// memory is a journal in memory.
type memory struct {
	mu      sync.Mutex
	records []journal.Record
	broken  error
}

func (m *memory) Append(r journal.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.records = append(m.records, r)
	return nil
}
func (m *memory) Write(r journal.Record) error  { return m.Append(r) }
func (m *memory) Commit(r journal.Record) error { return m.Append(r) }

// outcomes are the rows' results by row; it fails for a row with two.
func (m *memory) outcomes(t *testing.T) map[int]journal.Outcome {
	t.Helper()
	rows := map[int]journal.Outcome{}
	for _, r := range m.records {
		if o, ok := r.(journal.Outcome); ok {
			if _, twice := rows[o.Row]; twice {
				t.Errorf("row %d has two outcomes", o.Row)
			}
			rows[o.Row] = o
		}
	}
	return rows
}

func testID(n int) string { return fmt.Sprintf("%08d-0000-4000-8000-000000000000", n) }

// openSheet writes a sheet and opens it.
func openSheet(t testing.TB, content string, o sheet.Options) *sheet.Sheet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sheet.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Fields = change.SheetFields()
	s, err := sheet.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func defaultRules() change.Rules { return change.Rules{ClearMarker: change.DefaultClearMarker} }

// testSheet has n rows, of which run says which run their session.
func testSheet(n int, run func(i int) bool) string {
	var b strings.Builder
	b.WriteString("id,status,attributes.a,run\n")
	for i := range n {
		fmt.Fprintf(&b, "%s,closed,v%d,%v\n", testID(i), i, run != nil && run(i))
	}
	return b.String()
}

// runSheet checks and sends a sheet.
func runSheet(t *testing.T, content string, to *scripted, set func(*Options)) (Stop, *memory, error) {
	t.Helper()
	s := openSheet(t, content, sheet.Options{})
	m := &memory{}
	o := Options{
		Sheet: s, Rules: defaultRules(), Tenant: to, Journal: m,
		Workers: 4, Attempts: 5, Now: time.Now,
	}
	if set != nil {
		set(&o)
	}
	var err error
	if o.Overview, err = Check(t.Context(), s, o.Rules, o.SkipInvalid, func(sheet.Problem) {}); err != nil {
		t.Fatal(err)
	}
	o.Left = o.Overview.Valid
	stop, err := Run(t.Context(), o)
	return stop, m, err
}

func TestEveryRowIsSentOnce(t *testing.T) {
	to := &scripted{}
	stop, m, err := runSheet(t, testSheet(500, func(i int) bool { return i%3 == 0 }), to, nil)
	if err != nil || stop.Kind != NotStopped {
		t.Fatal(stop, err)
	}
	if len(to.patched) != 500 || len(m.outcomes(t)) != 500 {
		t.Errorf("%d requests, %d outcomes", len(to.patched), len(m.outcomes(t)))
	}
	for _, name := range to.patched {
		var i int
		if _, err := fmt.Sscanf(name, "%08d", &i); err != nil || strings.HasSuffix(name, "?run") != (i%3 == 0) {
			t.Errorf("%s: run=true must be sent where it is asked for, and only there", name)
		}
	}
	// An intent stands before its outcome.
	open := map[int]bool{}
	for _, r := range m.records {
		switch r := r.(type) {
		case journal.Intent:
			open[r.Row] = true
		case journal.Outcome:
			if !open[r.Row] {
				t.Errorf("row %d has an outcome before its intent", r.Row)
			}
		}
	}
}

func TestOutcomes(t *testing.T) {
	session := func(status, a string) *api.Session {
		return &api.Session{ID: testID(0), Status: status, Attributes: map[string]string{"a": a}, Has: api.FieldStatus | api.FieldAttributes}
	}
	read := func(status, a string) func(string) api.Answer {
		return func(string) api.Answer { return api.Answer{Status: 200, Session: session(status, a)} }
	}
	// A session that was modified after the request left.
	readNewer := func(status, a string) func(string) api.Answer {
		s := session(status, a)
		s.UpdatedAt = time.Now().Add(time.Hour).Format(time.RFC3339)
		return func(string) api.Answer { return api.Answer{Status: 200, Session: s, Clock: api.Clock{Known: true}} }
	}
	doubtful := api.Answer{Verdict: api.Doubtful, Status: 502, Server: true, Attempts: 1, Message: "bad gateway", InDoubt: true, SentAt: time.Now()}
	nothing := api.Answer{Verdict: api.Doubtful, Status: 204, Attempts: 1, Message: "the answer is empty", InDoubt: true, SentAt: time.Now()}
	tests := map[string]struct {
		run     bool
		answers []api.Answer // to each PATCH in turn
		get     func(string) api.Answer
		want    journal.Status
		patches int
		note    string
		message string
	}{
		"updated":                         {answers: []api.Answer{{Status: 200, Session: session("closed", "v0")}}, want: journal.Updated, patches: 1},
		"updated with a difference":       {answers: []api.Answer{{Status: 200, Session: session("closed", "other")}}, want: journal.Updated, patches: 1, note: "attributes.a"},
		"refused":                         {answers: []api.Answer{{Verdict: api.Refused, Status: 400, Message: "no"}}, want: journal.Failed, patches: 1, message: "no"},
		"every attempt turned away":       {answers: []api.Answer{{Verdict: api.Exhausted, Status: 429, Message: "slow down"}}, want: journal.Failed, patches: 1},
		"5xx to the end":                  {answers: []api.Answer{doubtful}, want: journal.Failed, patches: 1, message: "bad gateway"},
		"run: applied after all":          {run: true, answers: []api.Answer{doubtful}, get: readNewer("closed", "v0"), want: journal.Updated, patches: 1, note: "read back"},
		"run: spelt with spaces":          {run: true, answers: []api.Answer{doubtful}, get: readNewer("CLOSED", "v0"), want: journal.Updated, patches: 1},
		"run: not applied, sent again":    {run: true, answers: []api.Answer{doubtful, {Status: 200, Attempts: 1, Session: session("closed", "v0")}}, get: read("new", "old"), want: journal.Updated, patches: 2},
		"run: attempts used up":           {run: true, answers: []api.Answer{{Verdict: api.Doubtful, Status: 502, Attempts: 5, Message: "bad gateway"}}, get: read("new", "old"), want: journal.Failed, patches: 1},
		"run: only the status moved on":   {run: true, answers: []api.Answer{doubtful}, get: read("processing", "v0"), want: journal.Unknown, patches: 1, message: "does not tell"},
		"run: cannot be read back":        {run: true, answers: []api.Answer{doubtful}, get: func(string) api.Answer { return api.Answer{Verdict: api.Exhausted, Status: 500, Message: "down"} }, want: journal.Unknown, patches: 1, message: "could not be read back: down"},
		"run: refused is no doubt":        {run: true, answers: []api.Answer{{Verdict: api.Refused, Status: 422, Message: "no"}}, want: journal.Failed, patches: 1},
		"run: answered with another body": {run: true, answers: []api.Answer{{Verdict: api.Doubtful, Status: 200, Attempts: 1, Message: "not JSON", SentAt: time.Now()}}, get: readNewer("closed", "v0"), want: journal.Updated, patches: 1},
		"204: applied":                    {answers: []api.Answer{nothing}, get: read("closed", "v0"), want: journal.Updated, patches: 1, note: "read back"},
		"204: not applied":                {answers: []api.Answer{nothing}, get: read("closed", "old"), want: journal.Failed, patches: 1, message: "the answer is empty; read back"},
		"204: cannot be read back":        {answers: []api.Answer{nothing}, get: func(string) api.Answer { return api.Answer{Verdict: api.Refused, Status: 404, Message: "gone"} }, want: journal.Unknown, patches: 1, message: "could not be read back: gone"},
		"204: without its attributes":     {answers: []api.Answer{nothing}, get: func(string) api.Answer { return api.Answer{Status: 200, Session: &api.Session{ID: testID(0)}} }, want: journal.Unknown, patches: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			to := &scripted{get: tt.get}
			to.patch = func(api.Request) api.Answer {
				a := tt.answers[0]
				if len(tt.answers) > 1 {
					tt.answers = tt.answers[1:]
				}
				return a
			}
			stop, m, err := runSheet(t, testSheet(1, func(int) bool { return tt.run }), to, nil)
			if err != nil || stop.Kind != NotStopped {
				t.Fatal(stop, err)
			}
			o := m.outcomes(t)[2]
			if o.Status != tt.want || len(to.patched) != tt.patches || !strings.Contains(o.Note, tt.note) || !strings.Contains(o.Error, tt.message) {
				t.Errorf("%d requests, outcome %+v; want %s after %d", len(to.patched), o, tt.want, tt.patches)
			}
		})
	}
}

func TestGuards(t *testing.T) {
	fail := func(status int) func(api.Request) api.Answer {
		return func(api.Request) api.Answer {
			return api.Answer{Verdict: api.Refused, Status: status, Server: status >= 500, Message: "no", Attempts: 1}
		}
	}
	stopAs := func(v api.Verdict) func(api.Request) api.Answer {
		return func(api.Request) api.Answer { return api.Answer{Verdict: v, Message: "stop"} }
	}
	tests := map[string]struct {
		patch    func(api.Request) api.Answer
		change   func(*Options)
		want     StopKind
		outcomes [2]int // at least, at most
	}{
		"max failures":        {fail(400), func(o *Options) { o.MaxFailures = 10 }, StoppedByFailures, [2]int{10, 14}},
		"failures without it": {fail(400), nil, NotStopped, [2]int{200, 200}},
		"server errors":       {fail(500), nil, StoppedByServerErrors, [2]int{20, 24}},
		"denied":              {stopAs(api.Denied), nil, StoppedByDenial, [2]int{0, 0}},
		"unreachable":         {stopAs(api.Unreachable), nil, StoppedByOutage, [2]int{0, 0}},
		"limit":               {nil, func(o *Options) { o.Limit = 7 }, StoppedByLimit, [2]int{7, 7}},
		"limit of all rows":   {nil, func(o *Options) { o.Limit = 200 }, NotStopped, [2]int{200, 200}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			stop, m, err := runSheet(t, testSheet(200, nil), &scripted{patch: tt.patch}, tt.change)
			n := len(m.outcomes(t))
			if err != nil || stop.Kind != tt.want || n < tt.outcomes[0] || n > tt.outcomes[1] {
				t.Errorf("%v, %v, %d outcomes; want %v and %v", stop, err, n, tt.want, tt.outcomes)
			}
		})
	}
}

func TestOneSuccessEndsARowOfServerErrors(t *testing.T) {
	n := 0
	to := &scripted{}
	to.patch = func(r api.Request) api.Answer {
		if n++; n%20 == 0 {
			return api.Answer{Status: 200, Session: &api.Session{ID: r.ID}}
		}
		return api.Answer{Verdict: api.Doubtful, Status: 503, Server: true, Message: "no"}
	}
	stop, m, err := runSheet(t, testSheet(100, nil), to, func(o *Options) { o.Workers = 1 })
	if err != nil || stop.Kind != NotStopped || len(m.outcomes(t)) != 100 {
		t.Error(stop, err, len(m.outcomes(t)))
	}
}

func TestADeniedRunWithdrawsItsIntents(t *testing.T) {
	to := &scripted{patch: func(api.Request) api.Answer {
		return api.Answer{Verdict: api.Denied, Status: 401, Attempts: 1, Message: "no"}
	}}
	_, m, err := runSheet(t, testSheet(1, func(int) bool { return true }), to, nil)
	if err != nil {
		t.Fatal(err)
	}
	last, ok := m.records[len(m.records)-1].(journal.Withdrawn)
	if !ok || last.Row != 2 {
		t.Errorf("the journal ends with %+v: the row would be in doubt", m.records[len(m.records)-1])
	}
}

func TestPanicIsUnknown(t *testing.T) {
	to := &scripted{}
	to.patch = func(r api.Request) api.Answer {
		if r.ID == testID(3) {
			panic("broken")
		}
		return api.Answer{Status: 200, Session: &api.Session{ID: r.ID}}
	}
	stop, m, err := runSheet(t, testSheet(10, nil), to, nil)
	rows := m.outcomes(t)
	if err != nil || stop.Kind != NotStopped || len(rows) != 10 || rows[5].Status != journal.Unknown || !strings.Contains(rows[5].Error, "broken") {
		t.Errorf("%v, %v, %d rows, row 5: %+v", stop, err, len(rows), rows[5])
	}
}

// A panic ends its row and nothing else, whatever was being done.
func TestPanics(t *testing.T) {
	bad := func(id string) { // the fourth row
		if id == testID(3) {
			panic("broken")
		}
	}
	get := func(id string) api.Answer {
		return api.Answer{Status: 200, Session: &api.Session{ID: id, Raw: []byte("{}")}}
	}
	tests := map[string]struct {
		tenant *scripted
		set    func(*Options)
		want   journal.Status
		stop   StopKind
		rows   int // that have an outcome
	}{
		"after a request left": {&scripted{patch: func(r api.Request) api.Answer { bad(r.ID); return api.Answer{Session: &api.Session{}} }}, nil, journal.Unknown, NotStopped, 10},
		"while it is read":     {&scripted{get: func(id string) api.Answer { bad(id); return get(id) }}, func(o *Options) { o.Compare = true }, journal.Failed, NotStopped, 10},
		"in a dry run":         {&scripted{get: func(id string) api.Answer { bad(id); return get(id) }}, func(o *Options) { o.Compare, o.DryRun = true, true }, journal.Failed, NotStopped, 1},
		"of a canary":          {&scripted{patch: func(r api.Request) api.Answer { bad(r.ID); return api.Answer{Session: &api.Session{}} }, get: get}, func(o *Options) { o.Canary = 5 }, journal.Unknown, StoppedByCanary, 4},
		"of its reading back":  {&scripted{get: func(id string) api.Answer { bad(id); return get(id) }}, func(o *Options) { o.Canary = 5 }, journal.Updated, StoppedByCanary, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			stop, m, err := runSheet(t, testSheet(10, nil), tt.tenant, tt.set)
			rows := m.outcomes(t)
			if err != nil || stop.Kind != tt.stop || len(rows) != tt.rows || rows[5].Status != tt.want || !strings.Contains(rows[5].Error+rows[5].Note, "broken") {
				t.Errorf("%v, %v, %d rows, row 5: %+v", stop, err, len(rows), rows[5])
			}
		})
	}
}

// A panic outside of any row stops the run, and ends every goroutine of it.
func TestAPanicOfTheJournal(t *testing.T) {
	for _, inOrder := range []bool{false, true} {
		s := openSheet(t, testSheet(3000, nil), sheet.Options{})
		o := Options{Sheet: s, Rules: defaultRules(), Tenant: &scripted{}, Journal: panicking{&memory{}}, Workers: 4, Attempts: 5, Now: time.Now}
		o.Rules.InOrder = inOrder
		var err error
		if o.Overview, err = Check(t.Context(), s, o.Rules, false, func(sheet.Problem) {}); err != nil {
			t.Fatal(err)
		}
		if stop, err := Run(t.Context(), o); err == nil || stop.Kind != StoppedByJournal || !strings.Contains(err.Error(), "no journal") {
			t.Errorf("%v, %v", stop, err)
		}
	}
}

// panicking is a journal that cannot take outcomes.
type panicking struct{ *memory }

func (p panicking) Append(journal.Record) error { panic("no journal") }

func TestABrokenJournalStopsTheRun(t *testing.T) {
	full := errors.New("no space left on device")
	to := &scripted{}
	s := openSheet(t, testSheet(1000, nil), sheet.Options{})
	m := &memory{broken: full}
	overview, err := Check(t.Context(), s, defaultRules(), false, func(sheet.Problem) {})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := Run(t.Context(), Options{Sheet: s, Rules: defaultRules(), Overview: overview, Tenant: to, Journal: m, Workers: 4, Attempts: 5, Now: time.Now})
	if !errors.Is(err, full) || stop.Kind != StoppedByJournal || len(to.patched) != 0 {
		t.Errorf("%v, %v, %d requests left", stop, err, len(to.patched))
	}
}

func TestInOrder(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,attributes.a\n")
	for i := range 600 {
		fmt.Fprintf(&b, "%s,%d\n", testID(i*i%7), i)
	}
	last := map[string]int{}
	to := &scripted{}
	var mu sync.Mutex
	to.patch = func(r api.Request) api.Answer {
		var n int
		fmt.Sscanf(string(r.Body[strings.Index(string(r.Body), `"a":"`)+5:]), "%d", &n)
		mu.Lock()
		defer mu.Unlock()
		if before, ok := last[r.ID]; ok && before > n {
			t.Errorf("%s: row %d after row %d", r.ID, n, before)
		}
		last[r.ID] = n
		return api.Answer{Status: 200, Session: &api.Session{ID: r.ID}}
	}
	stop, m, err := runSheet(t, b.String(), to, func(o *Options) { o.Rules.InOrder = true })
	if err != nil || stop.Kind != NotStopped || len(m.outcomes(t)) != 600 || len(to.crossed) > 0 {
		t.Errorf("%v, %v, %d outcomes, in flight twice: %v", stop, err, len(m.outcomes(t)), to.crossed)
	}
}

func TestInOrderStopsWhole(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,attributes.a\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "%s,%d\n", testID(0), i)
	}
	to := &scripted{patch: func(api.Request) api.Answer { return api.Answer{Verdict: api.Denied, Message: "no"} }}
	stop, m, err := runSheet(t, b.String(), to, func(o *Options) { o.Rules.InOrder = true })
	if err != nil || stop.Kind != StoppedByDenial || len(m.outcomes(t)) != 0 {
		t.Errorf("%v, %v, %d outcomes", stop, err, len(m.outcomes(t)))
	}
}

func TestSkipInvalidLeavesOutRepeatedIDs(t *testing.T) {
	content := "id,status\n" + testID(1) + ",closed\n" + testID(2) + ",nonsense\n" + testID(3) + ",closed\n" + testID(1) + ",new\n"
	to := &scripted{}
	_, m, err := runSheet(t, content, to, func(o *Options) { o.SkipInvalid = true })
	rows := m.outcomes(t)
	if err != nil || len(to.patched) != 1 || to.patched[0] != testID(3) {
		t.Fatalf("%v, sent %v", err, to.patched)
	}
	for _, row := range []int{2, 3, 5} {
		if rows[row].Status != journal.Invalid || rows[row].Error == "" {
			t.Errorf("row %d: %+v", row, rows[row])
		}
	}
}

func TestCanary(t *testing.T) {
	good := func(id string) api.Answer {
		return api.Answer{Status: 200, Session: &api.Session{ID: id, Status: "closed", Has: api.FieldStatus}}
	}
	bad := func(id string) api.Answer {
		return api.Answer{Status: 200, Session: &api.Session{ID: id, Status: "new", Has: api.FieldStatus}}
	}
	stop, m, err := runSheet(t, testSheet(50, nil), &scripted{get: good}, func(o *Options) { o.Canary = 3 })
	if err != nil || stop.Kind != NotStopped || len(m.outcomes(t)) != 50 {
		t.Errorf("good canaries: %v, %v, %d outcomes", stop, err, len(m.outcomes(t)))
	}
	stop, m, err = runSheet(t, testSheet(50, nil), &scripted{get: bad}, func(o *Options) { o.Canary = 3 })
	if err != nil || stop.Kind != StoppedByCanary || len(m.outcomes(t)) != 1 {
		t.Errorf("a bad canary: %v, %v, %d outcomes", stop, err, len(m.outcomes(t)))
	}
	// A row of which nothing more can be found out must not stop every resume.
	to := &scripted{get: good}
	stop, m, err = runSheet(t, testSheet(50, func(i int) bool { return i == 0 }), to, func(o *Options) {
		o.Canary, o.Earlier = 3, pasts{2: ended(journal.Unknown)}.replay(t)
	})
	if err != nil || stop.Kind != NotStopped || m.outcomes(t)[2].Status != journal.Unknown || len(to.patched) != 49 {
		t.Errorf("an unknown row before the canaries: %v, %v, %d requests", stop, err, len(to.patched))
	}
}

func TestDryRunSendsNothing(t *testing.T) {
	to := &scripted{}
	stop, m, err := runSheet(t, testSheet(3, func(i int) bool { return i == 1 }), to, func(o *Options) { o.DryRun = true })
	if err != nil || stop.Kind != NotStopped || len(to.patched) != 0 || len(m.outcomes(t)) != 0 || len(m.records) != 3 {
		t.Fatalf("%v, %v, %d requests, %d records", stop, err, len(to.patched), len(m.records))
	}
	for _, r := range m.records {
		p := r.(journal.Planned)
		wantPath := "/workflow_sessions/" + p.ID
		if p.Row == 3 {
			wantPath += "?run=true"
		}
		if p.Action != "patch" || p.Method != http.MethodPatch || p.Path != wantPath || len(p.Body) == 0 {
			t.Errorf("%+v", p)
		}
	}
}

func TestCompareSkipsWhatIsThere(t *testing.T) {
	to := &scripted{get: func(id string) api.Answer {
		s := &api.Session{ID: id, Status: "Closed", Attributes: map[string]string{"a": "v1"}, Has: api.FieldStatus | api.FieldAttributes, Raw: []byte(`{"id":"x"}`)}
		return api.Answer{Status: 200, Session: s}
	}}
	_, m, err := runSheet(t, testSheet(3, nil), to, func(o *Options) { o.Compare = true })
	rows := m.outcomes(t)
	if err != nil || rows[3].Status != journal.Unchanged || rows[2].Status != journal.Updated || rows[4].Status != journal.Updated || len(to.patched) != 2 {
		t.Errorf("%v, sent %v, %+v", err, to.patched, rows)
	}
	before := 0
	for _, r := range m.records {
		if b, ok := r.(journal.Before); ok && len(b.Session) > 0 {
			before++
		}
	}
	if before != 2 {
		t.Errorf("%d sessions were kept before they were overwritten, want 2", before)
	}
}

func TestCompareByTheList(t *testing.T) {
	session := func(n int, a string) api.Session {
		raw := fmt.Sprintf(`{"id":%q,"status":"closed","attributes":{"a":%q}}`, testID(n), a)
		s, err := api.ParseSession([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	var lists, gets int
	to := &scripted{}
	to.list = func(q api.Query) (api.Page[api.Session], api.Answer) {
		lists++
		page := api.Page[api.Session]{Total: 250}
		for n := q.Offset; n < min(q.Offset+q.Limit, 250); n++ {
			a := fmt.Sprintf("v%d", n)
			if n%100 == 0 {
				a = "old"
			}
			page.Items = append(page.Items, session(n, a))
		}
		return page, api.Answer{Status: 200}
	}
	to.get = func(id string) api.Answer {
		gets++
		s := session(0, "old")
		s.ID = id
		return api.Answer{Status: 200, Session: &s}
	}
	said := ""
	_, m, err := runSheet(t, testSheet(251, nil), to, func(o *Options) {
		o.Compare, o.Workers, o.Say = true, 1, func(s string) { said += s }
	})
	rows := m.outcomes(t)
	if err != nil || lists != 3 || gets != 1 || len(to.patched) != 4 {
		t.Errorf("%v, %d lists, %d GETs, sent %v", err, lists, gets, to.patched)
	}
	for row, o := range rows {
		n := row - 2
		if want := n%100 == 0 || n == 250; (o.Status == journal.Updated) != want {
			t.Errorf("row %d: %s", row, o.Status)
		}
	}
	if !strings.Contains(said, "(250 sessions, 3 requests)") || !strings.Contains(said, "minute: 1 of 251 rows") {
		t.Errorf("said %q", said)
	}
}

func TestListIsCheaper(t *testing.T) {
	for _, tt := range []struct {
		rows, total int
		want        bool
	}{{10, 1000, false}, {11, 1000, true}, {11, 1001, false}, {500, 0, false}, {1, 1, false}, {2, 1, true}} {
		if got := listIsCheaper(tt.rows, tt.total); got != tt.want {
			t.Errorf("%d rows of %d sessions: %v", tt.rows, tt.total, got)
		}
	}
}

func TestNextTurn(t *testing.T) {
	tests := map[string]struct {
		status                     journal.Status
		run, inFlight, retryFailed bool
		want                       turn
	}{
		"not tried":                  {status: journal.Pending, want: fresh},
		"in flight":                  {status: journal.Pending, inFlight: true, want: fresh},
		"in flight, runs":            {status: journal.Pending, inFlight: true, run: true, want: doubt},
		"updated":                    {status: journal.Updated, want: skip},
		"unchanged":                  {status: journal.Unchanged, want: skip},
		"invalid":                    {status: journal.Invalid, want: skip},
		"failed":                     {status: journal.Failed, want: skip},
		"failed, again":              {status: journal.Failed, retryFailed: true, want: fresh},
		"unknown":                    {status: journal.Unknown, want: doubt},
		"unknown, being read back":   {status: journal.Unknown, inFlight: true, run: true, want: doubt},
		"failed, being sent again":   {status: journal.Failed, inFlight: true, want: fresh},
		"failed, being run again":    {status: journal.Failed, inFlight: true, run: true, want: doubt},
		"updated is not asked again": {status: journal.Updated, retryFailed: true, want: skip},
	}
	for name, tt := range tests {
		earlier := pasts{2: {status: tt.status, inFlight: tt.inFlight, intent: journal.Intent{Run: tt.run}}}.replay(t)
		if got := nextTurn(earlier.Entry(2), tt.retryFailed); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// Rows that ask for another one while they have no end get one that waits: within
// one another, but not too many, and none in the sheet's order.
func TestAnotherRowInBetween(t *testing.T) {
	for _, test := range []struct {
		name    string
		inOrder bool
		deepest int
	}{{"one that waits", false, 1 + maxServerErrors}, {"none in the sheet's order", true, 1}} {
		t.Run(test.name, func(t *testing.T) {
			const rows = 200
			to, deepest, depth := &scripted{}, 0, 0
			to.patch = func(r api.Request) api.Answer {
				depth++
				deepest = max(deepest, depth)
				for !test.inOrder && deepest < test.deepest && !r.Another() {
					runtime.Gosched() // the feed has not come to the next row yet
				}
				r.Another()
				depth--
				return api.Answer{Status: 200, Attempts: 1, Session: &api.Session{ID: r.ID}}
			}
			stop, m, err := runSheet(t, testSheet(rows, nil), to, func(o *Options) { o.Workers, o.Rules.InOrder = 1, test.inOrder })
			if err != nil || stop.Kind != NotStopped || len(m.outcomes(t)) != rows || len(to.patched) != rows {
				t.Fatalf("%v, %v, %d outcomes, %d requests", stop, err, len(m.outcomes(t)), len(to.patched))
			}
			if deepest != test.deepest {
				t.Errorf("%d rows within one another, want %d", deepest, test.deepest)
			}
		})
	}
}

// What one worker gets is no row's own error while others wait to be tried.
func TestOneWorkerThroughAnOutage(t *testing.T) {
	const overloads = 4
	var requests atomic.Int32
	tenant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1) <= overloads {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"workflow_session":{"id":%q,"status":"closed"}}`, path.Base(r.URL.Path))
	}))
	defer tenant.Close()
	auth, err := api.StaticToken("t", "bearer")
	if err != nil {
		t.Fatal(err)
	}
	client, err := api.New(api.Options{BaseURL: tenant.URL, Auth: auth, MaxAttempts: 2, OutageWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	stop, m, err := runSheet(t, testSheet(20, nil), nil, func(o *Options) { o.Tenant, o.Workers, o.Attempts = client, 1, 2 })
	if err != nil || stop.Kind != NotStopped {
		t.Fatal(stop, err)
	}
	for row, o := range m.outcomes(t) {
		if o.Status != journal.Updated {
			t.Errorf("row %d: %s: %s", row, o.Status, o.Error)
		}
	}
}
