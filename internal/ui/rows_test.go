package ui

import (
	"slices"
	"testing"

	"nermbulk/internal/report"
)

func TestWhatBecomesOfARow(t *testing.T) {
	for _, c := range []struct {
		name, kind, status, problem, note string
		want                              []string
	}{
		{name: "of a sheet", want: []string{"7"}},
		{name: "to be sent", kind: "preview", status: "patch", want: []string{"7", "would be sent", ""}},
		{name: "not readable in a preview", kind: "preview", status: "failed", problem: "HTTP 403", want: []string{"7", "failed", "HTTP 403"}},
		{name: "with a note in a preview", kind: "preview", status: "unchanged", note: "a name", want: []string{"7", "unchanged", "a name"}},
		{name: "with both in a preview", kind: "preview", status: "failed", problem: "HTTP 403", note: "a name", want: []string{"7", "failed", "HTTP 403; a name"}},
		{name: "failed", kind: "results", status: "failed", problem: "HTTP 400", want: []string{"7", "failed", "HTTP 400"}},
		{name: "failed with a note", kind: "results", status: "failed", problem: "HTTP 400", note: "a name", want: []string{"7", "failed", "HTTP 400; a name"}},
	} {
		row := report.GridRow{Number: 7}
		if c.status != "" {
			row.Result = &report.RowResult{}
			row.Result.Error, row.Result.Note = c.problem, c.note
			setStatus(&row.Result.Status, c.status)
		}
		if got := leadOf(row, c.kind); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func setStatus[S ~string](to *S, status string) { *to = S(status) }
