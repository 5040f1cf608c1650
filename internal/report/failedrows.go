package report

import (
	"strconv"

	"nermbulk/internal/journal"
)

// maxFailedRows are on the page; failed.csv has all.
const maxFailedRows = 1000

// failedRow is a line of the page's table.
type failedRow struct {
	Row      int
	ID       string
	Status   string
	HTTP     string
	Error    string
	Body     string
	Attempts int
}

// failedRows keeps the first rows that failed, cut, so that they stay small.
type failedRows struct {
	first []failedRow
	all   int
}

func (f *failedRows) add(out journal.Outcome) {
	f.all++
	if len(f.first) >= maxFailedRows {
		return
	}
	r := failedRow{
		Row: out.Row, ID: shown(out.ID), Status: string(out.Status),
		Error: shown(out.Error), Body: shown(out.ErrorBody), Attempts: out.Attempts,
	}
	if r.Error == "" {
		r.Error = shown(out.Note)
	}
	if out.HTTPStatus != 0 {
		r.HTTP = strconv.Itoa(out.HTTPStatus)
	}
	f.first = append(f.first, r)
}

// shown cuts a text for the page.
func shown(s string) string { return cut(clean(head(s, 4*maxShown)), maxShown) }
