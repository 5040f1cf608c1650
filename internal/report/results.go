package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gocarina/gocsv"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// result is what is written of a row after its own columns. What most rows
// leave empty is nil then: gocsv has less to do for it.
type result struct {
	Row        string  `csv:"result.row"`
	Status     string  `csv:"result.status"`
	HTTPStatus string  `csv:"result.http_status"`
	Error      *string `csv:"result.error"`
	ErrorBody  *string `csv:"result.error_body"`
	Note       *string `csv:"result.note"`
	Attempts   string  `csv:"result.attempts"`
	DurationMS string  `csv:"result.duration_ms"`
	FinishedAt string  `csv:"result.finished_at"`
}

// resultOf leaves the columns empty that have nothing to say, so that a 0 is
// never mistaken for an answer.
func resultOf(out journal.Outcome) result {
	r := result{
		Row: strconv.Itoa(out.Row), Status: string(out.Status),
		Error: told(out.Error), ErrorBody: told(out.ErrorBody), Note: told(out.Note),
	}
	if out.HTTPStatus != 0 {
		r.HTTPStatus = strconv.Itoa(out.HTTPStatus)
	}
	if out.Attempts != 0 {
		r.Attempts = strconv.Itoa(out.Attempts)
	}
	if out.Attempts != 0 || out.Duration != 0 {
		r.DurationMS = strconv.FormatInt(out.Duration.Milliseconds(), 10)
	}
	if !out.At.IsZero() {
		r.FinishedAt = moment(out.At)
	}
	return r
}

// moment writes a time as the journal does, in milliseconds: RFC 3339 is the one
// layout that the library writes fast.
func moment(at time.Time) string {
	text := at.UTC().AppendFormat(make([]byte, 0, 32), time.RFC3339)
	ms := at.Nanosecond() / int(time.Millisecond)
	text = append(text[:len(text)-1], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
	return string(text)
}

// told is a text that a row may have.
func told(s string) *string {
	if s == "" {
		return nil
	}
	clean := noNUL(s)
	return &clean
}

// noNUL replaces what no CSV file may hold: the sheet that has it would be
// refused when it is run again.
func noNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// batchRows is how many rows are turned into CSV at a time.
const batchRows = 256

// resultWriter writes rows with their results. It is the gocsv.CSVWriter that
// puts a row's own cells before the columns that gocsv makes of its result.
type resultWriter struct {
	all, failing *sheet.Writer
	own          []int // the sheet's columns that are kept, in order

	cells   []string         // of the rows that wait, len(own) for each
	excess  map[int][]string // by their place among those, the cells beyond the last column of rows that have some
	results []result
	failed  []bool
	line    []string
	next    int // the row that gocsv writes next
	fails   int // rows written to failing
}

func newResultWriter(all, failing io.Writer, s *sheet.Sheet) *resultWriter {
	w := &resultWriter{
		excess:  map[int][]string{},
		all:     sheet.NewWriter(all, s.Delimiter()),
		failing: sheet.NewWriter(failing, s.Delimiter()),
	}
	for _, c := range s.Columns() {
		if c.Field != sheet.Result {
			w.own = append(w.own, c.Index)
		}
	}
	return w
}

// header writes the first line: the sheet's own names, then gocsv's.
func (w *resultWriter) header(columns []sheet.Column) error {
	for _, i := range w.own {
		w.cells = append(w.cells, columns[i].Name)
	}
	w.failed = append(w.failed, true)
	defer w.reset()
	return gocsv.MarshalCSV([]result{}, w)
}

func (w *resultWriter) add(r *sheet.Row, out journal.Outcome) error {
	for _, i := range w.own {
		w.cells = append(w.cells, cell(r, i))
	}
	if r.Long {
		w.excess[len(w.results)] = r.Excess
	}
	w.results = append(w.results, resultOf(out))
	w.failed = append(w.failed, isFailure(out.Status))
	if len(w.results) < batchRows {
		return nil
	}
	return w.drain()
}

// drain writes the rows that wait.
func (w *resultWriter) drain() error {
	for _, failed := range w.failed {
		if failed {
			w.fails++
		}
	}
	defer w.reset()
	return gocsv.MarshalCSVWithoutHeaders(w.results, w)
}

func (w *resultWriter) reset() {
	clear(w.cells) // lets go of the sheet's strings
	clear(w.excess)
	w.cells, w.results, w.failed, w.next = w.cells[:0], w.results[:0], w.failed[:0], 0
}

// Write is called by gocsv with a result's columns, in the order of add. What a
// row has too much stands behind them, where it is too much again: a copy that
// left it out could be sent.
func (w *resultWriter) Write(columns []string) error {
	n := len(w.own)
	w.line = append(w.line[:0], w.cells[w.next*n:(w.next+1)*n]...)
	w.line = append(w.line, columns...)
	w.line = append(w.line, w.excess[w.next]...)
	failed := w.failed[w.next]
	w.next++
	if failed {
		if err := w.failing.Write(w.line); err != nil {
			return err
		}
	}
	return w.all.Write(w.line)
}

// Flush does nothing: gocsv calls it after each batch, and the files are
// flushed once by close.
func (w *resultWriter) Flush() {}

// Error returns the first error of either file.
func (w *resultWriter) Error() error { return errors.Join(w.all.Error(), w.failing.Error()) }

func (w *resultWriter) close() error {
	if err := w.drain(); err != nil {
		return err
	}
	w.all.Flush()
	w.failing.Flush()
	return w.Error()
}

// writeResults writes results.csv and failed.csv in one pass over the sheet
// and shows each row to seen. failed.csv is there even if no row failed, with
// its header alone, for whoever looks into it every night; it is named to
// people only when there is something in it.
func writeResults(ctx context.Context, o Options, seen func(*sheet.Row, journal.Outcome) error) ([]File, error) {
	results, failed := filepath.Join(o.Dir, "results.csv"), filepath.Join(o.Dir, "failed.csv")
	fails := 0
	err := journal.Replace(results, func(all io.Writer) error {
		return journal.Replace(failed, func(failing io.Writer) error {
			w := newResultWriter(all, failing, o.Sheet)
			err := w.pass(ctx, o, seen)
			fails = w.fails
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("write the results: %w", err)
	}
	files := []File{{"results", results}}
	if fails > 0 {
		files = append(files, File{"failed", failed})
	}
	return files, nil
}

// pass writes every row of the sheet, and makes sure that it was the sheet
// that the journal speaks of: row numbers of another one would put outcomes
// beside the wrong rows.
func (w *resultWriter) pass(ctx context.Context, o Options, seen func(*sheet.Row, journal.Outcome) error) error {
	if err := w.header(o.Sheet.Columns()); err != nil {
		return err
	}
	id := idColumn(o.Sheet.Columns())
	err := o.Sheet.Each(ctx, func(r *sheet.Row) error {
		out, err := o.outcome(r, sheet.Trim(cell(r, id)))
		if err != nil {
			return err
		}
		if err := w.add(r, out); err != nil {
			return err
		}
		return seen(r, out)
	})
	if err != nil {
		return err
	}
	want, got := o.Replay.Last().SHA256, o.Sheet.SHA256()
	if want != "" && got != "" && !strings.EqualFold(want, got) {
		return fmt.Errorf("%s is not the sheet that was sent (its SHA-256 is %s, the journal's is %s): put the run's own copy back",
			o.Sheet.Name(), got, want)
	}
	return w.close()
}

// remove deletes a file that an earlier report made and this one has no use for.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the file of an earlier report: %w", err)
	}
	return nil
}
