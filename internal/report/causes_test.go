package report

import (
	"fmt"
	"slices"
	"testing"

	"nermbulk/internal/journal"
)

func TestCauses(t *testing.T) {
	type failure struct {
		err  string
		cell string
	}
	tests := []struct {
		name     string
		failures []failure
		want     []string
	}{
		{"alike", []failure{{err: "end_date can't be blank"}, {err: "end_date can't be blank"}},
			[]string{"2 rows: end_date can't be blank; rows 2, 3"}},
		{"most rows first", []failure{{err: "a"}, {err: "b"}, {err: "b"}},
			[]string{"2 rows: b; rows 3, 4", "1 row: a; row 2"}},
		{"the rows' own ids", []failure{{err: "session " + uuid(2) + " was not found"}, {err: "session " + uuid(3) + " was not found"}},
			[]string{"2 rows: session … was not found; rows 2, 3"}},
		{"other ids", []failure{{err: "no profile " + uuid(77)}, {err: "no profile " + uuid(78)}},
			[]string{"2 rows: no profile …; rows 2, 3"}},
		{"one value throughout stays", []failure{{`"complete" is not a status`, "complete"}, {`"complete" is not a status`, "complete"}},
			[]string{`2 rows: "complete" is not a status; rows 2, 3`}},
		{"values of cells", []failure{{`"a" is not a status`, "a"}, {`"b" is not a status`, " b "}},
			[]string{"2 rows: “…” is not a status; rows 2, 3"}},
		{"values that were cut", []failure{{`"long te…" is no date`, "long text"}, {`"else" is no date`, "else"}},
			[]string{"2 rows: “…” is no date; rows 2, 3"}},
		{"quoted fields are no values", []failure{{`"end_date" is missing`, "x"}, {`"start_date" is missing`, "y"}},
			[]string{`1 row: "end_date" is missing; row 2`, `1 row: "start_date" is missing; row 3`}},
		{"places", []failure{{err: "row 2, column C (status): no status"}, {err: "row 3, column C (status): no status"}},
			[]string{"2 rows: column C (status): no status; rows 2, 3"}},
		{"times, addresses and numbers", []failure{{err: "request 1234567 of a@b.example at 2026-03-02T21:00:00Z after 1.5 s"}, {err: "request 7654321 of c@d.example at 2026-03-02T21:00:07Z after 2.5 s"}},
			[]string{"2 rows: request … of … at … after … s; rows 2, 3"}},
		{"HTTP codes stay apart", []failure{{err: "HTTP 500"}, {err: "HTTP 502"}},
			[]string{"1 row: HTTP 500; row 2", "1 row: HTTP 502; row 3"}},
		{"control characters", []failure{{err: "a\x1b[31m\nb\u202e"}}, []string{"1 row: a b; row 2"}},
		{"no reason", []failure{{}}, []string{"1 row: no reason was recorded; row 2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCauses()
			for i, f := range tt.failures {
				c.Add(journal.Outcome{Row: i + 2, ID: uuid(i + 2), Error: f.err}, []string{uuid(i + 2), f.cell})
			}
			var got []string
			for _, f := range c.List() {
				got = append(got, f.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, not %q", got, tt.want)
			}
		})
	}
}

func TestExamplesOfManyRows(t *testing.T) {
	c := NewCauses()
	for row := 17; row < 3929; row++ {
		c.Add(journal.Outcome{Row: row, Error: "end_date can't be blank"}, nil)
	}
	f := c.List()[0]
	if want := "3,912 rows: end_date can't be blank; e.g. rows 17, 18, 19"; f.String() != want {
		t.Errorf("got %q", f)
	}
	if len(f.ExampleRows) != maxExamples {
		t.Errorf("got the examples %v", f.ExampleRows)
	}
}

// A tenant that writes something new each time must not fill memory or page.
func TestCausesAreBounded(t *testing.T) {
	c := NewCauses()
	letters := func(n int) string {
		return fmt.Sprintf("%c%c%c%c", 'a'+n%26, 'a'+n/26%26, 'a'+n/676%26, 'a'+n/17576%26)
	}
	const n = 2 * maxGroups
	for i := range n {
		c.Add(journal.Outcome{Row: i + 2, Error: "trouble " + letters(i)}, nil)
	}
	if len(c.groups) > maxGroups || len(c.folded) > maxGroups {
		t.Errorf("%d groups and %d texts are kept", len(c.groups), len(c.folded))
	}
	list := c.List()
	if len(list) != maxCauses+1 || list[maxCauses].Cause != "other causes" {
		t.Fatalf("%d causes, the last is %v", len(list), list[len(list)-1])
	}
	total := 0
	for _, f := range list {
		total += f.Rows
	}
	if total != n {
		t.Errorf("%d of %d rows have a cause", total, n)
	}
}
