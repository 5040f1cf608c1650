package batch

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

var (
	lost    = api.Answer{Verdict: api.Doubtful, Message: "no answer", InDoubt: true}
	gateway = api.Answer{Verdict: api.Doubtful, Status: http.StatusGatewayTimeout, Server: true, Message: "gateway timeout", InDoubt: true}
	failing = api.Answer{Verdict: api.Doubtful, Status: 500, Server: true, Message: "went wrong", InDoubt: true}
	ok      = act{applies: true}
)

const (
	bothFields = "id,status,attributes.a,run\n00000000-0000-4000-8000-000000000000,closed,v,true\n"
	statusOnly = "id,status,run\n00000000-0000-4000-8000-000000000000,closed,true\n"
	runOnly    = "id,run\n00000000-0000-4000-8000-000000000000,true\n"
)

// TestOnce holds rows that run their session against every way in which that
// could happen twice, or end in a wrong outcome.
func TestOnce(t *testing.T) {
	gone := func(a api.Answer, applies bool, after, takes time.Duration) act { return act{applies, after, takes, a} }
	success := func(status int) api.Answer {
		return api.Answer{Verdict: api.Doubtful, Status: status, Message: "not documented", InDoubt: true}
	}
	asSent := func(a act) onceTenant { // as the row asks before anything is sent
		return onceTenant{status: "closed", attrs: map[string]string{"a": "v"}, acts: []act{a}}
	}
	tests := map[string]*struct {
		sheet    string // "" = bothFields
		tenant   onceTenant
		earlier  *past
		options  func(*Options)
		cancel   time.Duration // when the run is interrupted
		want     journal.Status
		runs     int
		patches  int
		stays    bool // in flight: to be read back when the run goes on
		withdraw bool
		note     string
	}{
		"answered":                               {tenant: onceTenant{acts: []act{ok}}, want: journal.Updated, runs: 1, patches: 1},
		"timeout, applied before it":             {tenant: onceTenant{acts: []act{gone(lost, true, time.Second, 30*time.Second)}}, want: journal.Updated, runs: 1, patches: 1, note: "read back"},
		"timeout, applied five seconds later":    {tenant: onceTenant{acts: []act{gone(lost, true, 35*time.Second, 30*time.Second)}}, want: journal.Updated, runs: 1, patches: 1},
		"reset at once, applied late":            {tenant: onceTenant{acts: []act{gone(lost, true, 25*time.Second, 0)}}, want: journal.Updated, runs: 1, patches: 1},
		"gateway gave up, applied late":          {tenant: onceTenant{acts: []act{gone(gateway, true, 35*time.Second, 29*time.Second)}}, want: journal.Updated, runs: 1, patches: 1},
		"an error after a long time, not so":     {tenant: onceTenant{acts: []act{gone(failing, false, 0, 20*time.Second), ok}}, want: journal.Updated, runs: 1, patches: 2},
		"short timeout, applied after two":       {tenant: onceTenant{acts: []act{gone(lost, true, 3*time.Second, time.Second)}}, options: func(o *Options) { o.Timeout = time.Second }, want: journal.Updated, runs: 1, patches: 1},
		"never applied":                          {tenant: onceTenant{acts: []act{gone(lost, false, 0, 0), ok}}, want: journal.Updated, runs: 1, patches: 2},
		"moved on by the run":                    {tenant: onceTenant{moves: "processing", acts: []act{gone(failing, true, 0, 0)}}, want: journal.Unknown, runs: 1, patches: 1},
		"moved on, age not told":                 {tenant: onceTenant{moves: "processing", hidesAge: true, acts: []act{gone(failing, true, 0, 0)}}, want: journal.Unknown, runs: 1, patches: 1},
		"moved on, only a status was sent":       {sheet: statusOnly, tenant: onceTenant{moves: "processing", acts: []act{gone(failing, true, 0, 0)}}, want: journal.Unknown, runs: 1, patches: 1},
		"the same, age not told":                 {sheet: statusOnly, tenant: onceTenant{moves: "processing", hidesAge: true, acts: []act{gone(failing, true, 0, 0)}}, want: journal.Unknown, runs: 1, patches: 1},
		"only a status, not applied":             {sheet: statusOnly, tenant: onceTenant{acts: []act{gone(failing, false, 0, 0), ok}}, want: journal.Updated, runs: 1, patches: 2},
		"the same, by what it was before":        {sheet: statusOnly, tenant: onceTenant{hidesAge: true, acts: []act{gone(failing, false, 0, 0), ok}}, options: func(o *Options) { o.Compare = true }, want: journal.Updated, runs: 1, patches: 2},
		"moved back to what it was: was touched": {sheet: statusOnly, tenant: onceTenant{moves: "new", acts: []act{gone(failing, true, 0, 0)}}, options: func(o *Options) { o.Compare = true }, want: journal.Unknown, runs: 1, patches: 1},
		"only a run":                             {sheet: runOnly, tenant: onceTenant{acts: []act{gone(failing, true, 0, 0)}}, want: journal.Unknown, runs: 1, patches: 1},
		"only a run, not applied":                {sheet: runOnly, tenant: onceTenant{acts: []act{gone(failing, false, 0, 0)}}, want: journal.Unknown, patches: 1},
		"as it was before, and was touched":      {tenant: asSent(gone(failing, true, 0, 0)), options: func(o *Options) { o.Compare = true }, want: journal.Updated, runs: 1, patches: 1, note: "read back"},
		"as it was before: not seen to run":      {tenant: asSent(gone(failing, false, 0, 0)), options: func(o *Options) { o.Compare = true }, want: journal.Unknown, patches: 1},
		"equal values, lost and applied":         {tenant: asSent(gone(lost, true, 3*time.Second, 10*time.Second)), want: journal.Updated, runs: 1, patches: 1, note: "read back"},
		"equal values, applied at once":          {tenant: asSent(gone(lost, true, 0, 0)), want: journal.Updated, runs: 1, patches: 1},
		"equal values, at once, rows in order":   {tenant: asSent(gone(lost, true, 0, 0)), options: func(o *Options) { o.Rules.InOrder = true }, want: journal.Unknown, runs: 1, patches: 1},
		"equal values, never applied":            {tenant: asSent(gone(lost, false, 0, 0)), want: journal.Unknown, patches: 1},
		"equal values, age not told":             {tenant: onceTenant{status: "closed", attrs: map[string]string{"a": "v"}, hidesAge: true, acts: []act{gone(lost, true, 0, 0)}}, want: journal.Unknown, runs: 1, patches: 1},
		"another at first, equal later":          {tenant: onceTenant{hidesAge: true, acts: []act{gone(failing, false, 0, 0), gone(failing, true, 0, 0)}}, want: journal.Updated, runs: 1, patches: 2},
		"202, applied at once":                   {tenant: onceTenant{acts: []act{gone(success(202), true, 0, 0)}}, want: journal.Updated, runs: 1, patches: 1, note: "read back"},
		"202, applied later":                     {tenant: onceTenant{acts: []act{gone(success(202), true, 8*time.Second, 0)}}, want: journal.Updated, runs: 1, patches: 1, note: "read back"},
		"202, not seen to be applied":            {tenant: onceTenant{acts: []act{gone(success(202), false, 0, 0)}}, want: journal.Unknown, patches: 1},
		"204, of equal values":                   {tenant: asSent(gone(success(204), false, 0, 0)), want: journal.Unknown, patches: 1},
		"as it was before is never unchanged":    {tenant: onceTenant{status: "closed", attrs: map[string]string{"a": "v"}, acts: []act{ok}}, options: func(o *Options) { o.Compare = true }, want: journal.Updated, runs: 1, patches: 1},
		"compare, lost and applied":              {tenant: onceTenant{acts: []act{gone(lost, true, 0, 0)}}, options: func(o *Options) { o.Compare = true }, want: journal.Updated, runs: 1, patches: 1, note: "read back"},
		"attempts used up by read-backs":         {tenant: onceTenant{acts: []act{gone(failing, false, 0, 0)}}, options: func(o *Options) { o.Attempts = 3 }, want: journal.Failed, patches: 3},
		"attempts used up by one call":           {tenant: onceTenant{acts: []act{gone(api.Answer{Verdict: api.Doubtful, Status: 500, Attempts: 5, InDoubt: true}, false, 0, 0)}}, want: journal.Failed, patches: 1},
		"refused after a doubt":                  {tenant: onceTenant{acts: []act{gone(failing, false, 0, 0), gone(api.Answer{Verdict: api.Refused, Status: 422, Message: "no"}, false, 0, 0)}}, want: journal.Failed, patches: 2},
		"turned away to the end":                 {tenant: onceTenant{acts: []act{gone(api.Answer{Verdict: api.Exhausted, Status: 429, Attempts: 5}, false, 0, 0)}}, want: journal.Failed, patches: 1},
		"cannot be read back":                    {tenant: onceTenant{reads: []api.Answer{{Verdict: api.Exhausted, Status: 502, Message: "down"}}, acts: []act{gone(lost, true, 0, 0)}}, want: journal.Unknown, runs: 1, patches: 1},
		"401 while it is read back":              {tenant: onceTenant{reads: []api.Answer{{Verdict: api.Denied, Status: 401, Message: "no"}}, acts: []act{gone(lost, true, 0, 0)}}, runs: 1, patches: 1, stays: true},
		"401 at once":                            {tenant: onceTenant{acts: []act{gone(api.Answer{Verdict: api.Denied, Status: 401}, false, 0, 0)}}, patches: 1, withdraw: true},
		"401 after a doubt":                      {tenant: onceTenant{acts: []act{gone(failing, false, 0, 0), gone(api.Answer{Verdict: api.Denied, Status: 401}, false, 0, 0)}}, patches: 2, stays: true},
		"out of reach after a doubt":             {tenant: onceTenant{acts: []act{gone(failing, false, 0, 0), gone(api.Answer{Verdict: api.Unreachable}, false, 0, 0)}}, patches: 2, stays: true},
		"interrupted while it waits":             {tenant: onceTenant{acts: []act{gone(lost, false, 0, 0)}}, cancel: 5 * time.Second, patches: 1, stays: true},

		"resumed, was applied":            {earlier: flying(nil), tenant: onceTenant{age: 30 * time.Second, status: "closed", attrs: map[string]string{"a": "v"}, acts: []act{ok}}, want: journal.Updated, note: "read back"},
		"resumed, equal and older":        {earlier: flying(nil), tenant: asSent(ok), want: journal.Unknown},
		"resumed, was not":                {earlier: flying(nil), tenant: onceTenant{acts: []act{ok}}, want: journal.Updated, runs: 1, patches: 1},
		"resumed, has moved on":           {earlier: flying(nil), tenant: onceTenant{status: "processing", attrs: map[string]string{"a": "other"}, acts: []act{ok}}, want: journal.Unknown},
		"resumed, was so before":          {earlier: flying([]byte(`{"status":"closed","attributes":{"a":"v"}}`)), tenant: onceTenant{status: "closed", attrs: map[string]string{"a": "v"}, acts: []act{ok}}, want: journal.Unknown},
		"resumed, only a run":             {sheet: runOnly, earlier: flying(nil), tenant: onceTenant{acts: []act{ok}}, want: journal.Unknown},
		"resumed, 401 when sent again":    {earlier: flying(nil), tenant: onceTenant{acts: []act{gone(api.Answer{Verdict: api.Denied, Status: 401}, false, 0, 0)}}, patches: 1, stays: true},
		"resumed, a later row of its id":  {earlier: flying(nil), tenant: onceTenant{hidesAge: true, attrs: map[string]string{"a": "later"}, acts: []act{ok}}, options: func(o *Options) { o.Rules.InOrder = true }, want: journal.Unknown},
		"unknown before, has moved on":    {earlier: ended(journal.Unknown), tenant: onceTenant{status: "processing", attrs: map[string]string{"a": "other"}, acts: []act{ok}}, want: journal.Unknown},
		"failed before is not sent again": {earlier: ended(journal.Failed), tenant: onceTenant{acts: []act{ok}}},
		"failed before, and asked for":    {earlier: ended(journal.Failed), options: func(o *Options) { o.RetryFailed = true }, tenant: onceTenant{acts: []act{ok}}, want: journal.Updated, runs: 1, patches: 1},
		"failed before, was applied late": {earlier: &past{status: journal.Failed, before: []byte(`{"status":"new","attributes":{"a":"old"}}`), outcome: journal.Outcome{Run: true, HTTPStatus: 500, Attempts: 5}}, options: func(o *Options) { o.RetryFailed, o.Compare = true, true }, tenant: onceTenant{status: "closed", attrs: map[string]string{"a": "v"}, acts: []act{ok}}, want: journal.Updated, note: "an earlier request"},
		"updated before is never asked":   {earlier: ended(journal.Updated), options: func(o *Options) { o.RetryFailed = true }, tenant: onceTenant{acts: []act{ok}}},
		"canary, lost and applied":        {options: func(o *Options) { o.Canary, o.Compare = 1, true }, tenant: onceTenant{acts: []act{gone(lost, true, 0, 0)}}, want: journal.Updated, runs: 1, patches: 1},
		"canary, not applied":             {options: func(o *Options) { o.Canary = 1 }, tenant: onceTenant{acts: []act{gone(lost, false, 0, 0), ok}}, want: journal.Updated, runs: 1, patches: 2},

		"the sheet says unknown, was applied": {sheet: earlierResult("unknown", "1999-12-31T23:59:00Z"), tenant: onceTenant{age: 30 * time.Second, status: "closed", acts: []act{ok}}, want: journal.Updated},
		"the sheet says unknown, and older":   {sheet: earlierResult("unknown", "1999-12-31T23:59:00Z"), tenant: onceTenant{status: "closed", acts: []act{ok}}, want: journal.Unknown},
		"the sheet says unknown, equal":       {sheet: earlierResult("unknown", ""), tenant: onceTenant{status: "closed", acts: []act{ok}}, want: journal.Unknown},
		"the sheet says unknown, was not":     {sheet: earlierResult("Unknown", "2000-01-01T00:00:00Z"), tenant: onceTenant{acts: []act{ok}}, want: journal.Updated, runs: 1, patches: 1},
		"the sheet says unknown, moved on":    {sheet: earlierResult("unknown", "1999-12-31T23:00:00Z"), tenant: onceTenant{status: "processing", acts: []act{ok}}, want: journal.Unknown},
		"the sheet says unknown, no time":     {sheet: earlierResult("unknown", ""), tenant: onceTenant{status: "processing", acts: []act{ok}}, want: journal.Unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.sheet == "" {
					tt.sheet = bothFields
				}
				if tt.tenant.status == "" {
					tt.tenant.status = "new"
				}
				if tt.tenant.attrs == nil {
					tt.tenant.attrs = map[string]string{"a": "old"}
				}
				// Moved on means that something touched it a while ago.
				if tt.tenant.age == 0 {
					tt.tenant.age = 24 * time.Hour
					if tt.tenant.status == "processing" {
						tt.tenant.age = 30 * time.Second
					}
				}
				tt.tenant.updated = time.Now().Add(-tt.tenant.age)
				m, err := runOnce(t, tt.sheet, &tt.tenant, tt.earlier, tt.cancel, tt.options)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour) // whatever is late has happened
				got := m.outcomes(t)[2]
				if got.Status != tt.want || tt.tenant.runs != tt.runs || tt.tenant.patches != tt.patches || !strings.Contains(got.Note, tt.note) {
					t.Errorf("%d runs of %d requests, not %d of %d; %+v, not %s", tt.tenant.runs, tt.tenant.patches, tt.runs, tt.patches, got, tt.want)
				}
				withdrawn, intent := false, false
				for _, r := range m.records {
					switch r.(type) {
					case journal.Intent:
						intent, withdrawn = true, false
					case journal.Withdrawn:
						withdrawn = true
					}
				}
				if withdrawn != tt.withdraw || tt.stays && (!intent && tt.earlier == nil || got.Status != "") {
					t.Errorf("withdrawn: %v, in the journal: %+v", withdrawn, m.records)
				}
			})
		})
	}
}
