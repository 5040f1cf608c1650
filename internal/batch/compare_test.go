package batch

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

const (
	annID = "0a0a0a0a-0000-4000-8000-000000000001"
	benID = "0b0b0b0b-0000-4000-8000-000000000002"
)

func TestProofOf(t *testing.T) {
	tests := map[string]struct {
		sent, held string
		want       proof
	}{
		"other text":                       {"a", "b", certain},
		"empty before":                     {annID, "", certain},
		"cleared":                          {"", "Ann (ann@example.com)", certain},
		"another id":                       {annID, benID, certain},
		"a name for an id":                 {annID, "Ann Lee (ann@example.com)", shownAsName},
		"a name without an address":        {annID, "Acme Ltd", shownAsName},
		"names for ids":                    {annID + "," + benID, "Ann, Ben", shownAsName},
		"a name with a comma":              {annID, "Lee, Ann (ann@example.com)", shownAsName},
		"an id and a name":                 {"Ann," + benID, "Ann (ann@example.com), Ben", shownAsName},
		"an id and a name that is another": {"Cid," + benID, "Ann, Ben", unproven},
		"the same name":                    {"Ann", "Ann (ann@example.com)", shownAsName},
		"another name":                     {"Ann", "Ben (ben@example.com)", certain},
		"text in the place of an id":       {"none", annID, unproven},
		"one more id":                      {annID + "," + benID, annID, certain},
		"one name less":                    {"Ann", "Ann (ann@example.com), Ben", certain},
		"the id in capitals":               {strings.ToUpper(annID), annID, shownAsName},
		"not an address":                   {"Ann", "Ann (absent)", certain},
	}
	for name, tt := range tests {
		if got := proofOf(tt.sent, tt.held); got != tt.want {
			t.Errorf("%s: %d, not %d", name, got, tt.want)
		}
	}
}

func TestSettledAt(t *testing.T) {
	sent := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]struct {
		status               int
		took, timeout, after time.Duration // after: since the request left
	}{
		"reset at once":            {0, 0, 30 * time.Second, 40 * time.Second},
		"timeout":                  {0, 30 * time.Second, 30 * time.Second, 40 * time.Second},
		"a short timeout":          {0, time.Second, time.Second, 4 * time.Second},
		"a middling timeout":       {0, 5 * time.Second, 5 * time.Second, 10 * time.Second},
		"a gateway's timeout":      {504, 20 * time.Second, 30 * time.Second, 30 * time.Second},
		"408":                      {408, time.Second, 30 * time.Second, 11 * time.Second},
		"a gateway's other errors": {502, time.Second, 30 * time.Second, 4 * time.Second},
		"the tenant's own error":   {500, 20 * time.Second, 30 * time.Second, 21 * time.Second},
		"a 200 that is none":       {200, 0, 30 * time.Second, time.Second},
	}
	for name, tt := range tests {
		if got := settledAt(tt.status, sent, sent.Add(tt.took), tt.timeout).Sub(sent); got != tt.after {
			t.Errorf("%s: %v, not %v", name, got, tt.after)
		}
	}
}

// What a session holds already is not sent, and whatever is sent is as in the
// whole body.
func TestNarrow(t *testing.T) {
	content := "id,status,workflow_id,requester_id,requester_type,profile_ids,attributes.a,attributes.b,attributes.c,run\n" +
		testID(0) + ",Closed," + strings.ToUpper(annID) + "," + annID + ",user,\"" + annID + ";" + benID + "\",\"x\"\"\r\ny\",<clear>,\"p,q\",true\n"
	all := `"status":"closed","workflow_id":"` + annID + `","requester_id":"` + annID + `","requester_type":"User","profile_ids":["` + annID + `","` + benID + `"]`
	attributes := `"attributes":{"a":"x\"\ny","b":"","c":"p,q"}`
	tests := map[string]struct{ session, want string }{
		"nothing is told":      {`{}`, all + "," + attributes},
		"all differs":          {`{"status":"new","workflow_id":"` + benID + `","requester_id":"` + benID + `","requester_type":"NeprofileUser","profile_ids":[],"attributes":{"a":"1","b":"2","c":"3"}}`, all + "," + attributes},
		"only an attribute":    {`{"status":"CLOSED","workflow_id":"` + annID + `","requester_id":"` + annID + `","requester_type":"User","profile_ids":"` + benID + ", " + annID + `","attributes":{"a":"x\"\r\ny","b":"2","c":"p, q"}}`, `"attributes":{"b":""}`},
		"the requester's type": {`{"status":"CLOSED","workflow_id":"` + annID + `","requester_id":"` + annID + `","requester_type":"NeprofileUser","profile_ids":"` + benID + ", " + annID + `","attributes":{"a":"x\"\r\ny","c":"p, q"}}`, `"requester_id":"` + annID + `","requester_type":"User"`},
		"only the run is left": {`{"status":"closed","workflow_id":"` + annID + `","requester_id":"` + annID + `","requester_type":"User","profile_ids":"` + benID + ", " + annID + `","attributes":{"a":"x\"\ny","b":null,"c":"p,q"}}`, `"attributes":{}`},
	}
	s := openSheet(t, content, sheet.Options{})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var c Change
			planner := NewPlanner(s.Columns(), defaultRules())
			err := s.Each(t.Context(), func(row *sheet.Row) error {
				if problems := planner.Plan(row, &c); len(problems) > 0 {
					t.Fatal(problems)
				}
				return nil
			})
			session, parseErr := api.ParseSession([]byte(tt.session))
			if err != nil || parseErr != nil {
				t.Fatal(err, parseErr)
			}
			var other Change
			c.copyTo(&other)
			whole := other.Hash()
			if c.narrow(compare(&c, &session)); string(c.Body) != bodyOpen+tt.want+"}}" {
				t.Errorf("%s\nnot\n%s", c.Body, bodyOpen+tt.want+"}}")
			}
			if c.Hash() != whole {
				t.Error("the hash is another one")
			}
		})
	}
}

// A row that an earlier session of the run may have sent is not unchanged: the
// run has overwritten it, and undo.csv must put it back.
func TestCompareAfterResume(t *testing.T) {
	const content = "id,status,attributes.a\n00000000-0000-4000-8000-000000000000,closed,v\n"
	other := []byte(`{"status":"new","attributes":{"a":"old"}}`)
	tests := map[string]struct {
		earlier *past
		status  string // that the session has now
		want    journal.Status
		patches int
	}{
		"in flight, and was applied":    {&past{inFlight: true, before: other}, "closed", journal.Updated, 0},
		"in flight, and was not":        {&past{inFlight: true, before: other}, "new", journal.Updated, 1},
		"in flight, nothing read":       {&past{inFlight: true}, "closed", journal.Unchanged, 0},
		"failed with a 5xx, applied":    {&past{status: journal.Failed, before: other, outcome: journal.Outcome{HTTPStatus: 502, Attempts: 5}}, "closed", journal.Updated, 0},
		"failed without an answer":      {&past{status: journal.Failed, before: other, outcome: journal.Outcome{Attempts: 1}}, "closed", journal.Updated, 0},
		"refused, mended by hand":       {&past{status: journal.Failed, before: other, outcome: journal.Outcome{HTTPStatus: 422, Attempts: 1}}, "closed", journal.Unchanged, 0},
		"not tried":                     {&past{status: journal.Pending}, "closed", journal.Unchanged, 0},
		"unknown, of a panic, applied":  {&past{status: journal.Unknown, before: other}, "closed", journal.Updated, 0},
		"unknown, of a panic, was not":  {&past{status: journal.Unknown, before: other}, "new", journal.Updated, 1},
		"what was kept cannot be read ": {&past{inFlight: true, before: []byte("[]")}, "closed", journal.Unchanged, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &onceTenant{status: tt.status, attrs: map[string]string{"a": "v"}, acts: []act{ok}}
				m, err := runOnce(t, content, to, tt.earlier, 0, func(o *Options) { o.Compare, o.RetryFailed = true, true })
				if err != nil {
					t.Fatal(err)
				}
				got := m.outcomes(t)[2]
				if got.Status != tt.want || to.patches != tt.patches {
					t.Errorf("%d requests, %+v", to.patches, got)
				}
				if asked := got.Status == journal.Updated && tt.patches == 0; asked != strings.Contains(got.Note, "an earlier request of this run") {
					t.Errorf("the note is %q", got.Note)
				}
			})
		})
	}
}

// What a sheet of an earlier run calls unknown is compared like any other row,
// unless it runs its session.
func TestCompareOfAnUnknownRow(t *testing.T) {
	const content = "id,status,run,result.status\n00000000-0000-4000-8000-000000000000,closed,%,unknown\n"
	for run, before := range map[string]int{"no": 1, "yes": 1} {
		synctest.Test(t, func(t *testing.T) {
			to := &onceTenant{status: "new", attrs: map[string]string{}, updated: time.Now().Add(-time.Hour), acts: []act{ok}}
			sheet := strings.Replace(content, "%", run, 1)
			if run == "yes" { // it must be seen that it was not applied
				sheet = strings.Replace(strings.Replace(sheet, "result.status", "attributes.a,result.status", 1), ",unknown", ",v,unknown", 1)
			}
			m, err := runOnce(t, sheet, to, nil, 0, func(o *Options) { o.Compare = true })
			kept := 0
			for _, r := range m.records {
				if _, ok := r.(journal.Before); ok {
					kept++
				}
			}
			if got := m.outcomes(t)[2]; err != nil || got.Status != journal.Updated || kept != before || to.patches != 1 {
				t.Errorf("run %s: %v, %+v, %d kept", run, err, got, kept)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		field sheet.Field
		cell  string
		want  bool
	}{
		"text":                 {sheet.Attribute, "=1+1", false},
		"an error":             {sheet.Attribute, " #N/A ", true},
		"the marker":           {sheet.Attribute, "<Clear>", true},
		"any status":           {sheet.Status, "on hold", false},
		"a type":               {sheet.RequesterType, "user", false},
		"no type":              {sheet.RequesterType, "Robot", true},
		"an id":                {sheet.WorkflowID, annID, false},
		"no id":                {sheet.RequesterID, "Ann", true},
		"ids":                  {sheet.ProfileIDs, annID + ", " + benID, false},
		"a name among ids":     {sheet.ProfileIDs, annID + ", Ann", true},
		"nothing changes less": {sheet.ProfileID, "", false},
	} {
		if got := Refused(tt.field, tt.cell); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestMostPages(t *testing.T) {
	for _, tt := range []struct{ rows, total, want int }{
		{10_000, 10_000, 410}, {1000, 90_000, 1000}, {10_000, 0, 500}, {5, 0, 1}, {300, 1, 14},
	} {
		if got := mostPages(tt.rows, tt.total); got != tt.want {
			t.Errorf("%d rows of %d sessions: %d, not %d", tt.rows, tt.total, got, tt.want)
		}
	}
}

func TestEqualNames(t *testing.T) {
	for _, same := range [][2]string{
		{"pending_approval", "Pending Approval"}, {"closed", "closed"}, {"AUTH-STATUS1", "auth status1"}, {"un_assigned", "unassigned "}, {"ÜBER", "über"}, {"a\u00a0b", "a_b"}, {"", "_"},
	} {
		if !equalNames(same[0], same[1]) || !equalNames(same[1], same[0]) {
			t.Errorf("%q and %q are one name", same[0], same[1])
		}
	}
	for _, other := range [][2]string{{"closed", "close"}, {"new", "now"}, {"", "new"}, {"über", "uber"}} {
		if equalNames(other[0], other[1]) || equalNames(other[1], other[0]) {
			t.Errorf("%q and %q are two names", other[0], other[1])
		}
	}
}
