package report

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// planned is a line of plan.csv.
type planned struct {
	Row     int    `csv:"row"`
	ID      string `csv:"id"`
	Action  string `csv:"action"`
	Method  string `csv:"method"`
	Path    string `csv:"path"`
	Body    string `csv:"body"`
	Changes string `csv:"changes"` // after a comparison only
}

// planWriter is the gocsv.CSVWriter that writes the first columns of a plan.
type planWriter struct {
	*sheet.Writer
	columns int
}

func (w planWriter) Write(cells []string) error { return w.Writer.Write(cells[:w.columns]) }

// writePlan writes plan.csv of a dry run. It has commas whatever the sheet
// has, since it is nobody's copy but a file for scripts as well.
func (m *making) writePlan(ctx context.Context, to io.Writer) error {
	w := planWriter{sheet.NewWriter(to, ','), 6}
	if m.Compare {
		w.columns++
	}
	lines, err := newBatch[planned](w)
	if err != nil {
		return err
	}
	err = m.Sheet.Each(ctx, func(r *sheet.Row) error {
		p, ok, err := m.plan(r.Number, sheet.Trim(r.ID))
		if err != nil || !ok {
			return err
		}
		return lines.add(planned{
			Row: p.Row, ID: noNUL(p.ID), Action: p.Action, Method: p.Method, Path: p.Path,
			Body: noNUL(string(p.Body)), Changes: noNUL(p.Changes),
		})
	})
	return cmp.Or(err, lines.drain())
}

// plan returns a row's plan. A row that was found invalid has one even if the
// journal holds only that outcome.
func (o Options) plan(row int, id string) (p journal.Planned, ok bool, err error) {
	replay := o.replayOf(row)
	p, ok, err = replay.Planned(row)
	if err != nil {
		return p, false, fmt.Errorf("read the plan of row %d: %w", row, err)
	}
	if s := replay.Status(row); !ok && (s == journal.Invalid || s == journal.Unchanged) {
		return journal.Planned{Row: row, ID: id, Action: string(s)}, true, nil
	}
	return p, ok, nil
}
