package report

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/gocarina/gocsv"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// planned is a line of plan.csv.
type planned struct {
	Row    string `csv:"row"`
	ID     string `csv:"id"`
	Action string `csv:"action"`
	Method string `csv:"method"`
	Path   string `csv:"path"`
	Body   string `csv:"body"`
}

// compared is a line of plan.csv after a comparison.
// (gocsv passes over the fields of an embedded type that is not exported.)
type compared struct {
	Row     string `csv:"row"`
	ID      string `csv:"id"`
	Action  string `csv:"action"`
	Method  string `csv:"method"`
	Path    string `csv:"path"`
	Body    string `csv:"body"`
	Changes string `csv:"changes"`
}

// planWriter keeps gocsv from flushing the file after each batch.
type planWriter struct{ *sheet.Writer }

func (planWriter) Flush() {}

// writePlan writes plan.csv of a dry run. It has commas whatever the sheet
// has, since it is nobody's copy but a file for scripts as well.
func writePlan(ctx context.Context, o Options) ([]File, error) {
	path := filepath.Join(o.Dir, "plan.csv")
	if !o.DryRun {
		return nil, remove(path)
	}
	err := journal.Replace(path, func(f io.Writer) error {
		out := sheet.NewWriter(f, ',')
		w := planWriter{out}
		var err error
		if o.Compare {
			err = marshalPlan(ctx, o, w, comparedOf)
		} else {
			err = marshalPlan(ctx, o, w, plannedOf)
		}
		if err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
	if err != nil {
		return nil, fmt.Errorf("write the plan: %w", err)
	}
	return []File{{"plan", path}}, nil
}

func plannedOf(p journal.Planned) planned {
	return planned{
		Row: strconv.Itoa(p.Row), ID: noNUL(p.ID), Action: p.Action,
		Method: p.Method, Path: p.Path, Body: noNUL(string(p.Body)),
	}
}

func comparedOf(p journal.Planned) compared {
	l := plannedOf(p)
	return compared{l.Row, l.ID, l.Action, l.Method, l.Path, l.Body, noNUL(p.Changes)}
}

// marshalPlan writes the header and, in batches, a line for each planned row.
func marshalPlan[T any](ctx context.Context, o Options, w gocsv.CSVWriter, line func(journal.Planned) T) error {
	if err := gocsv.MarshalCSV([]T{}, w); err != nil {
		return err
	}
	lines := make([]T, 0, batchRows)
	id := idColumn(o.Sheet.Columns())
	err := o.Sheet.Each(ctx, func(r *sheet.Row) error {
		p, ok, err := o.plan(r, sheet.Trim(cell(r, id)))
		if err != nil || !ok {
			return err
		}
		lines = append(lines, line(p))
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
// journal holds only that finding.
func (o Options) plan(r *sheet.Row, id string) (journal.Planned, bool, error) {
	p, ok, err := o.Replay.Planned(r.Number)
	if err != nil {
		return p, false, fmt.Errorf("read the plan of row %d: %w", r.Number, err)
	}
	if ok {
		return p, true, nil
	}
	if s := o.Replay.Status(r.Number); s == journal.Invalid || s == journal.Unchanged {
		return journal.Planned{Row: r.Number, ID: id, Action: string(s)}, true, nil
	}
	return p, false, nil
}
