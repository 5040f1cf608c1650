package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gocarina/gocsv"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// writeResults writes results.csv and failed.csv in one pass over the sheet
// and passes each row to seen. failed.csv is there even if no row failed, with
// its header alone, for whoever looks into it every night.
func writeResults(ctx context.Context, o Options, seen func(*sheet.Row, journal.Outcome) error) error {
	paths := []string{filepath.Join(o.Dir, "results.csv"), filepath.Join(o.Dir, "failed.csv")}
	err := journal.ReplaceAll(paths, func(files []io.Writer) error {
		w := &resultWriter{
			all: sheet.NewWriter(files[0], o.Sheet.Delimiter()), failing: sheet.NewWriter(files[1], o.Sheet.Delimiter()),
			source: sourceRowsOf(o.Sheet),
		}
		return w.writeAll(ctx, o, seen)
	})
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// result is what is written of a row after its own columns.
type result struct {
	Row        string `csv:"result.row"`
	Status     string `csv:"result.status"`
	HTTPStatus string `csv:"result.http_status"`
	Error      string `csv:"result.error"`
	ErrorBody  string `csv:"result.error_body"`
	Note       string `csv:"result.note"`
	Attempts   string `csv:"result.attempts"`
	DurationMS string `csv:"result.duration_ms"`
	FinishedAt string `csv:"result.finished_at"`
	SourceRow  string `csv:"result.source_row"` // of a sheet that has rows of another one alone: the last column
}

// resultOf leaves the columns empty that have no value, so that a 0 is never
// mistaken for an answer.
func resultOf(out journal.Outcome) result {
	r := result{
		Row: strconv.Itoa(out.Row), Status: string(out.Status), HTTPStatus: number(out.HTTPStatus), Attempts: number(out.Attempts),
		Error: noNUL(out.Error), ErrorBody: noNUL(out.ErrorBody), Note: noNUL(out.Note),
	}
	if out.Attempts != 0 || out.Duration != 0 {
		r.DurationMS = strconv.FormatInt(out.Duration.Milliseconds(), 10)
	}
	if out.Status == toSend {
		r.Status = string(journal.Pending)
	}
	if isFailure(out.Status) && out.RequestID != "" {
		r.Note = strings.TrimPrefix(r.Note+"; request_id: "+noNUL(out.RequestID), "; ")
	}
	if !out.At.IsZero() {
		r.FinishedAt = string(text.AppendTime(nil, out.At))
	}
	return r
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// noNUL replaces what no CSV file may hold: the sheet that has it would be
// refused when it is run again.
func noNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// batchRows is how many lines gocsv turns into CSV at a time.
const batchRows = 256

// batch writes lines of CSV, whose columns are the fields of an L. Each batch
// flushes its writer.
type batch[L any] struct {
	to    gocsv.CSVWriter
	lines []L // that wait
}

// newBatch writes the header.
func newBatch[L any](to gocsv.CSVWriter) (*batch[L], error) {
	b := &batch[L]{to, make([]L, 0, batchRows)}
	return b, gocsv.MarshalCSV(b.lines, to)
}

func (b *batch[L]) add(line L) error {
	if b.lines = append(b.lines, line); len(b.lines) < batchRows {
		return nil
	}
	return b.drain()
}

// drain writes the lines that wait.
func (b *batch[L]) drain() error {
	err := gocsv.MarshalCSVWithoutHeaders(b.lines, b.to)
	b.lines = b.lines[:0]
	return err
}

// resultWriter writes rows with their results. It is the gocsv.CSVWriter that
// puts a row's own cells before the columns that gocsv makes of its result.
type resultWriter struct {
	all, failing *sheet.Writer
	own          []int // the sheet's columns that are kept, in order
	source       sourceRows

	rows [batchRows]ownCells // of the results that wait
	next int                 // the row that gocsv writes next
	line []string
}

// ownCells is what the sheet has of a row.
type ownCells struct {
	cells  []string
	excess []string // beyond the last column
	failed bool
}

// writeAll writes every row of the sheet, and makes sure that it was the sheet
// that the journal is of: row numbers of another one would give rows the
// outcomes of others.
func (w *resultWriter) writeAll(ctx context.Context, o Options, seen func(*sheet.Row, journal.Outcome) error) error {
	header := &w.rows[0]
	header.failed = true
	for _, c := range o.Sheet.Columns() {
		if c.Field != sheet.Result {
			w.own = append(w.own, c.Index)
			header.cells = append(header.cells, c.Name)
		}
	}
	results, err := newBatch[result](w)
	if err != nil {
		return err
	}
	err = o.Sheet.Each(ctx, func(r *sheet.Row) error {
		out, err := o.endOf(r)
		if err != nil {
			return err
		}
		w.keep(&w.rows[len(results.lines)], r, isFailure(out.Status))
		res := resultOf(out)
		res.SourceRow = w.source.of(r)
		if err := results.add(res); err != nil {
			return err
		}
		return seen(r, out)
	})
	if err != nil {
		return err
	}
	start := o.Replays[0].Last
	want, got := cmp.Or(start.FileSHA256, start.SHA256), o.Sheet.SHA256()
	if want != "" && got != "" && !strings.EqualFold(want, got) {
		return fmt.Errorf("%s is not the sheet that was sent (its SHA-256 is %s, the journal's is %s): put the run's own copy back",
			o.Sheet.Name(), got, want)
	}
	return results.drain()
}

func (w *resultWriter) keep(row *ownCells, r *sheet.Row, failed bool) {
	row.cells, row.excess, row.failed = row.cells[:0], nil, failed
	for _, i := range w.own {
		row.cells = append(row.cells, cell(r, i))
	}
	if r.Long() {
		row.excess = r.Excess
	}
}

// Write is called by gocsv with a result's columns, in the order of rows. The
// row's excess cells come last, where they are excess again: a copy without
// them could be sent.
func (w *resultWriter) Write(columns []string) error {
	row := &w.rows[w.next]
	w.next++
	if w.source == nil {
		columns = columns[:len(columns)-1]
	}
	w.line = append(append(append(w.line[:0], row.cells...), columns...), row.excess...)
	if row.failed {
		if err := w.failing.Write(w.line); err != nil {
			return err
		}
	}
	return w.all.Write(w.line)
}

// Flush is called by gocsv after each batch.
func (w *resultWriter) Flush() {
	w.next = 0
	w.all.Flush()
	w.failing.Flush()
}

// Error returns the first error of either file.
func (w *resultWriter) Error() error { return errors.Join(w.all.Error(), w.failing.Error()) }

// endOf returns a row's outcome; in a dry run a row without any has what is
// planned.
func (o Options) endOf(r *sheet.Row) (journal.Outcome, error) {
	out, known, err := o.outcome(r.Number)
	if err == nil && !known && o.DryRun {
		out.Status, err = o.plannedStatus(r.Number)
	}
	if out.ID == "" {
		out.ID = sheet.Trim(r.ID)
	}
	return out, err
}

// outcome returns what became of a row. One that the journal does not know is
// pending.
func (o Options) outcome(row int) (out journal.Outcome, known bool, err error) {
	replay := o.replayOf(row)
	out, known, err = replay.OutcomeOf(replay.Entry(row))
	if err != nil {
		return out, known, fmt.Errorf("read the outcome of row %d: %w", row, err)
	}
	if !known {
		out.Status = journal.Pending
	}
	out.Row = row // in the present sheet
	return out, known, nil
}

// plannedStatus returns the outcome that a row's plan leads to, toSend, or
// Pending for a row that the dry run did not get to.
func (o Options) plannedStatus(row int) (journal.Status, error) {
	plan, ok, err := o.plan(row, "")
	switch s := journal.Status(plan.Action); {
	case !ok:
		return journal.Pending, err
	case s == journal.Unchanged, s == journal.Invalid:
		return s, nil
	}
	return toSend, nil
}

// isFailure reports whether a row belongs into failed.csv.
func isFailure(s journal.Status) bool {
	return s == journal.Failed || s == journal.Unknown || s == journal.Invalid
}

// cell returns a row's cell, or nothing where the row or the sheet has none.
func cell(r *sheet.Row, index int) string {
	if index < 0 || index >= len(r.Cells) {
		return ""
	}
	return r.Cells[index]
}

// What a row was numbered: in its sheet, and in the first of the sheets that it
// was in where that is a corrected failed.csv, or one of its own.
const (
	rowColumn       = "result.row"
	sourceRowColumn = "result.source_row"
)

// sourceRows are the columns of a sheet that hold the number of a row in an
// earlier sheet, the earliest sheet's first. Without any the sheet is the first one.
type sourceRows []int

func sourceRowsOf(s *sheet.Sheet) (columns sourceRows) {
	for _, name := range []string{sourceRowColumn, rowColumn} {
		for _, c := range s.Columns() {
			if c.Field == sheet.Result && "result."+c.UID == name {
				columns = append(columns, c.Index)
			}
		}
	}
	return columns
}

// of returns the number that a row had in the first sheet; empty for one that was
// added since.
func (columns sourceRows) of(r *sheet.Row) string {
	for _, index := range columns {
		if number := sheet.Trim(cell(r, index)); number != "" {
			return noNUL(number)
		}
	}
	return ""
}
