package batch

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nermbulk/internal/journal"
)

func TestAppliedBy(t *testing.T) {
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
		if got := appliedBy(tt.status, sent, sent.Add(tt.took), tt.timeout).Sub(sent); got != tt.after {
			t.Errorf("%s: %v, not %v", name, got, tt.after)
		}
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

func TestMostPages(t *testing.T) {
	for _, tt := range []struct{ rows, total, want int }{
		{10_000, 10_000, 410}, {1000, 90_000, 1000}, {10_000, 0, 500}, {5, 0, 1}, {300, 1, 14},
	} {
		if got := maxPages(tt.rows, tt.total); got != tt.want {
			t.Errorf("%d rows of %d sessions: %d, not %d", tt.rows, tt.total, got, tt.want)
		}
	}
}
