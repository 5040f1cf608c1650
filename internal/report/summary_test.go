package report

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/journal"
)

// mixedRun is a run in which something of everything happened.
func mixedRun(t *testing.T) *run {
	return newRun(t, "id,status\n"+uuid(1)+",closed\n"+uuid(2)+",open\n"+uuid(3)+",new\n",
		journal.Outcome{At: began.Add(time.Second), Row: 2, ID: uuid(1), Status: journal.Updated, HTTPStatus: 200, Attempts: 1, Duration: 90 * time.Millisecond},
		journal.Tick{At: began.Add(time.Second), Patch: 2, Get: 1, Token: 1, Throttled: 1, Retried: 1, Ceiling: 10, Latency: map[int]int{100: 3}},
		journal.Outcome{At: began.Add(2 * time.Second), Row: 3, ID: uuid(2), Status: journal.Failed, HTTPStatus: 400, Attempts: 1, Error: "end_date can't be blank"},
		journal.Tick{At: began.Add(2 * time.Second), Patch: 1, Ceiling: 5, Latency: map[int]int{200: 1}},
		journal.End{At: began.Add(3 * time.Second), ExitCode: 3, Reason: "100 rows failed (--max-failures)"},
	)
}

const mixedJSON = `{
  "sheet": "sessions.csv",
  "host": "acme.nonemployee.com",
  "started_at": "2026-03-02T21:00:00Z",
  "finished_at": "2026-03-02T21:00:03Z",
  "exit_code": 3,
  "rows": 3,
  "outcomes": {
    "updated": 1,
    "unchanged": 0,
    "failed": 1,
    "unknown": 0,
    "invalid": 0,
    "pending": 1
  },
  "requests": {
    "patch": 3,
    "get": 1,
    "token": 1,
    "throttled": 1,
    "retried": 1
  },
  "latency_ms": {
    "p50": 100,
    "p90": 200,
    "p99": 200,
    "max": 200
  },
  "failures": [
    {
      "cause": "end_date can't be blank",
      "rows": 1,
      "example_rows": [
        3
      ]
    }
  ],
  "dry_run": false,
  "to_send": 0,
  "removed": {
    "sent": 0,
    "not_sent": 0
  },
  "operator": {
    "user": "ann",
    "machine": "desk"
  }
}
`

func TestSummaryJSON(t *testing.T) {
	r := mixedRun(t)
	s := r.must()
	if got := r.file("summary.json"); got != mixedJSON {
		t.Errorf("summary.json is\n%s\nnot\n%s", got, mixedJSON)
	}
	var b strings.Builder
	if err := s.WriteJSON(&b); err != nil || b.String() != mixedJSON {
		t.Errorf("the summary as returned is\n%s (%v)", b.String(), err)
	}
}

func TestSummaryCountsRequestsThatAKillTook(t *testing.T) {
	r := newRun(t, "id,status\n"+uuid(1)+",closed\n"+uuid(2)+",open\n",
		journal.Outcome{At: began, Row: 2, ID: uuid(1), Status: journal.Updated, Attempts: 1},
		journal.Outcome{At: began, Row: 3, ID: uuid(2), Status: journal.Updated, Attempts: 3},
		journal.Tick{At: began, Patch: 1},
	)
	if got := r.must().Requests.Patch; got != 4 {
		t.Errorf("%d requests for rows that took 4", got)
	}
}

func TestSummaryOfAKilledRun(t *testing.T) {
	r := newRun(t, "id,status\n"+uuid(1)+",closed\n")
	r.must()
	var got map[string]any
	if err := json.Unmarshal([]byte(r.file("summary.json")), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"finished_at": nil, "exit_code": nil, "failures": []any{}, "rows": 1.0} {
		if v, ok := got[key]; !ok || !reflect.DeepEqual(v, want) {
			t.Errorf("%s is %v, not %v", key, v, want)
		}
	}
}

func TestPrint(t *testing.T) {
	r := mixedRun(t)
	s := r.must()
	s.Undo = UndoNote{
		Rows: 1204, Flags: []string{"--allow-unknown-status"},
		Lost: []Failure{{Cause: "status was empty before", Rows: 2, ExampleRows: []int{4, 9}}},
	}
	path := func(name string) string { return filepath.Join(r.dir, name) }
	tests := []struct {
		name string
		next string
		with func(*Summary)
		want string
	}{
		{"stopped", "nermbulk run sessions.csv --resume", func(*Summary) {}, `sessions.csv on acme.nonemployee.com (run): 3 rows
  updated            1
  failed             1
  pending            1
stopped: 100 rows failed (--max-failures)

why:
  1 row: end_date can't be blank; row 3

undo.csv puts back 1,204 rows; run it with --allow-unknown-status

cannot be put back:
  2 rows: status was empty before; rows 4, 9

files:
  results  ` + path("results.csv") + `
  failed   ` + path("failed.csv") + `
  summary  ` + path("summary.json") + `
  page     ` + path("report.html") + `

next:
nermbulk run sessions.csv --resume
`},
		{"nothing done and killed", "", func(s *Summary) {
			*s = Summary{Sheet: "a\x1b[2J.csv", Host: "h", Rows: 12000, Outcomes: Outcomes{Pending: 12000}}
		}, `a.csv on h (run): 12,000 rows
  updated            0
  pending       12,000
the run did not end in order: it was killed
`},
		{"dry run", "", func(s *Summary) {
			*s = Summary{Sheet: "a.csv", Host: "h", Rows: 1, DryRun: true, Outcomes: Outcomes{Unchanged: 1}, FinishedAt: &began}
		}, `a.csv on h (dry run, nothing was sent): 1 row
  to send            0
  unchanged          1
`},
		{"a part with many causes", "one\ntwo", func(s *Summary) {
			*s = Summary{
				Sheet: "a.csv", Shard: "2/4", Rows: 23, Outcomes: Outcomes{Failed: 23}, FinishedAt: &began, Removed: journal.Removed{Sent: 1200},
				Files: []File{{"results", "r/results.csv"}}, Notes: []string{"there is no workbook of results.csv: it is too long"},
			}
			for i := range 23 {
				s.Failures = append(s.Failures, Failure{Cause: fmt.Sprintf("<%d> & more", i), Rows: 1, ExampleRows: []int{i}})
			}
		}, `a.csv (run, part 2 of 4): 23 rows
  updated            0
  failed            23
no longer in the sheet: 1,200 sent before, 0 not yet sent

why:
` + causes(20) + `  and 3 more causes: see summary.json

files:
  results  r/results.csv
  there is no workbook of results.csv: it is too long

next:
one
two
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := s
			tt.with(&s)
			var b strings.Builder
			if err := s.Print(&b, tt.next); err != nil {
				t.Fatal(err)
			}
			if b.String() != tt.want {
				t.Errorf("printed\n%s\nnot\n%s", b.String(), tt.want)
			}
		})
	}
}

// causes are the lines of n causes as they are printed.
func causes(n int) (lines string) {
	for i := range n {
		lines += fmt.Sprintf("  1 row: <%d> & more; row %d\n", i, i)
	}
	return lines
}
