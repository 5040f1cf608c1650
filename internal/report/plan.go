package report

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/gocarina/gocsv"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// planned is a line of plan.csv.
type planned struct {
	Row     string `csv:"row"`
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

// Flush does nothing: gocsv calls it after each batch, and the file is flushed
// once, at the end.
func (planWriter) Flush() {}

// writePlan writes plan.csv of a dry run. It has commas whatever the sheet
// has, since it is nobody's copy but a file for scripts as well.
func writePlan(ctx context.Context, path string, o Options) error {
	if !o.DryRun {
		return remove(path)
	}
	err := journal.Replace(path, func(f io.Writer) error {
		w := planWriter{sheet.NewWriter(f, ','), 6}
		if o.Compare {
			w.columns++
		}
		if err := w.writeAll(ctx, o); err != nil {
			return err
		}
		w.Writer.Flush()
		return w.Error()
	})
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// writeAll writes the header and, in batches, a line for each planned row.
func (w planWriter) writeAll(ctx context.Context, o Options) error {
	lines := make([]planned, 0, batchRows)
	if err := gocsv.MarshalCSV(lines, w); err != nil {
		return err
	}
	err := o.Sheet.Each(ctx, func(r *sheet.Row) error {
		p, ok, err := o.plan(r.Number, sheet.Trim(r.ID))
		if err != nil || !ok {
			return err
		}
		lines = append(lines, planned{
			Row: strconv.Itoa(p.Row), ID: noNUL(p.ID), Action: p.Action, Method: p.Method, Path: p.Path,
			Body: noNUL(string(p.Body)), Changes: noNUL(p.Changes),
		})
		if len(lines) < batchRows {
			return nil
		}
		err = gocsv.MarshalCSVWithoutHeaders(lines, w)
		lines = lines[:0]
		return err
	})
	if err != nil {
		return err
	}
	return gocsv.MarshalCSVWithoutHeaders(lines, w)
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
