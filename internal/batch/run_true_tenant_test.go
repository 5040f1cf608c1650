package batch

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// act is what a tenant does with one request that runs a session.
type act struct {
	applies bool
	after   time.Duration // from when it came, until it is applied
	takes   time.Duration // until the answer comes
	answer  api.Answer    // given OK, the session is filled in
}

// onceTenant holds one session that a row is to run, in virtual time.
type onceTenant struct {
	mu       sync.Mutex
	status   string
	attrs    map[string]string
	updated  time.Time
	age      time.Duration // since it was updated, when the run begins; 0 = a day
	moves    string        // the status that running the session leaves
	hidesAge bool          // the answer leaves updated_at out
	acts     []act         // for each request in turn; the last one for all others
	reads    []api.Answer
	runs     int
	patches  int
}

func (o *onceTenant) Patch(_ context.Context, r api.Request) api.Answer {
	sent := time.Now()
	o.mu.Lock()
	o.patches++
	a := o.acts[0]
	if len(o.acts) > 1 {
		o.acts = o.acts[1:]
	}
	o.mu.Unlock()
	if a.applies && a.after <= a.takes {
		time.Sleep(a.after)
		o.apply(string(r.Body))
		time.Sleep(a.takes - a.after)
	} else {
		time.Sleep(a.takes)
		if a.applies {
			time.AfterFunc(a.after-a.takes, func() { o.apply(string(r.Body)) })
		}
	}
	if a.answer.Attempts == 0 {
		a.answer.Attempts = 1
	}
	a.answer.SentAt = sent
	if a.answer.Verdict == api.OK {
		a.answer.Session = o.session()
	}
	return a.answer
}

// apply takes over what the rows of these tests can send, and runs the session.
func (o *onceTenant) apply(body string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.runs++
	o.updated = time.Now()
	if strings.Contains(body, `"status":"closed"`) {
		o.status = "closed"
	}
	if strings.Contains(body, `"a":"v"`) {
		o.attrs["a"] = "v"
	}
	if o.moves != "" {
		o.status = o.moves
	}
}

func (o *onceTenant) session() *api.Session {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &api.Session{ID: testID(0), Status: o.status, Attributes: maps.Clone(o.attrs), Has: api.FieldStatus | api.FieldAttributes, Raw: []byte("{}")}
	if !o.hidesAge {
		s.UpdatedAt = o.updated.Format(time.RFC3339)
	}
	return s
}

func (o *onceTenant) Get(context.Context, string) api.Answer {
	if len(o.reads) > 0 {
		a := o.reads[0]
		o.reads = o.reads[1:]
		if a.Verdict != api.OK {
			return a
		}
	}
	part := time.Duration(time.Now().Nanosecond())
	return api.Answer{Status: 200, Attempts: 1, Session: o.session(), Clock: api.Clock{Known: true, Least: -part, Most: time.Second - part}}
}

func (o *onceTenant) List(context.Context, api.Query) (api.Page[api.Session], api.Answer) {
	return api.Page[api.Session]{}, api.Answer{Verdict: api.Refused, Message: "no list"}
}

// past is what earlier sessions of a run left in the journal about a row.
type past struct {
	status   journal.Status
	inFlight bool
	intent   journal.Intent
	outcome  journal.Outcome
	before   []byte
}

// flying is a row whose request had left when its session was killed.
func flying(before []byte) *past {
	return &past{status: journal.Pending, inFlight: true, before: before, intent: journal.Intent{Run: true}}
}

func ended(status journal.Status) *past {
	return &past{status: status, outcome: journal.Outcome{Status: status, Run: true, HTTPStatus: 500, Attempts: 1}}
}

func earlierResult(status, finished string) string {
	return "id,status,run,result.status,result.finished_at,result.duration_ms\n" + testID(0) + ",closed,true," + status + "," + finished + ",900\n"
}

// runOnce sends a sheet of one row in virtual time.
func runOnce(t *testing.T, content string, to *onceTenant, earlier *past, cancelAfter time.Duration, set func(*Options)) (*memory, error) {
	t.Helper()
	s := openSheet(t, content, sheet.Options{})
	m := &memory{}
	o := Options{
		Sheet: s, Rules: defaultRules(), Tenant: to, Journal: m, Workers: 2, Attempts: 5,
		Timeout: 30 * time.Second, Now: time.Now, Left: 1,
	}
	if earlier != nil {
		// Times of the journal are those of the bubble's clock.
		if earlier.inFlight {
			earlier.intent.At = time.Now().Add(-time.Minute)
		}
		earlier.outcome.At = time.Now().Add(-time.Minute)
		o.Earlier = pasts{2: earlier}.replay(t)
	}
	if set != nil {
		set(&o)
	}
	var err error
	if o.Overview, err = Check(t.Context(), s, o.Rules, false, func(sheet.Problem) {}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if cancelAfter > 0 {
		time.AfterFunc(cancelAfter, cancel)
	}
	_, err = Run(ctx, o)
	return m, err
}
