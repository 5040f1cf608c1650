package job

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
)

// holdAgainstWritten has a sheet that a run wrote, and that is read in the run's
// directory, held against what was written: a spreadsheet program may have
// changed cells by itself. Any other sheet is left alone, and so is one whose
// run cannot be read. release closes what it opens.
func (s *Sheet) holdAgainstWritten(ctx context.Context, sh *sheet.Sheet) (release func() error) {
	none := func() error { return nil }
	if s.AsOf == nil || s.Rules.AllowReformatted || !sh.FromResults() {
		return none
	}
	written, err := s.openWritten(ctx)
	if err != nil || written == nil {
		return none
	}
	written.SkipHash()
	w := &writtenRows{sheet: written, key: -1}
	var columns []string
	for _, c := range written.Columns() {
		columns = append(columns, c.Name)
		if c.Field == sheet.Result && c.UID == "row" && slices.Contains([]string{report.UndoWritten, report.ResultsWritten}, filepath.Base(written.Name())) {
			w.key = c.Index
		}
	}
	s.Rules.Written = &change.Written{Columns: columns, Row: w.at}
	return w.close
}

// The names of the sheets that a run writes.
var (
	undoSheets   = []string{"undo.csv", "undo.xlsx"}
	resultSheets = []string{"results.csv", "failed.csv", "results.xlsx", "failed.xlsx"}
)

// Written reports whether a file is one that a run, or what its parts were joined
// into, wrote as a sheet to be sent.
func Written(path string) bool {
	dir, name := filepath.Split(path)
	if name = strings.ToLower(name); !slices.Contains(undoSheets, name) && !slices.Contains(resultSheets, name) {
		return false
	}
	_, err := journal.ReadInfo(filepath.Clean(dir))
	_, joined := os.Stat(filepath.Join(dir, report.ResultsWritten))
	return err == nil || joined == nil
}

// openWritten opens what a file of a run directory was made of: the run's own
// copy of the sheet, or that of undo.csv; of joined runs, that of results.csv. It
// returns nil for another file.
func (s *Sheet) openWritten(ctx context.Context) (*sheet.Sheet, error) {
	dir, name := filepath.Split(s.Path)
	kept := func(name string) (*sheet.Sheet, error) {
		return sheet.Open(ctx, filepath.Join(dir, name), sheet.Options{Fields: s.Options.Fields})
	}
	switch name = strings.ToLower(name); {
	case slices.Contains(undoSheets, name):
		return kept(report.UndoWritten)
	case slices.Contains(resultSheets, name):
		info, err := journal.ReadInfo(filepath.Clean(dir))
		if errors.Is(err, fs.ErrNotExist) { // no run's, but what its parts were joined into
			return kept(report.ResultsWritten)
		}
		if err != nil {
			return nil, err
		}
		of, err := s.AsOf.kept(dir, info.Options)
		if err != nil {
			return nil, err
		}
		path, err := sheetOf(dir, cmp.Or(info.FileSHA256, info.SHA256))
		if err != nil {
			return nil, err
		}
		return of.Open(ctx, path)
	}
	return nil, nil
}

// sheetOf returns the copy of a sheet in a run directory that has this hash.
func sheetOf(dir, hash string) (string, error) {
	copies, err := copiesIn(dir)
	if err != nil {
		return "", err
	}
	for _, path := range copies {
		if got, err := hashFile(path); err == nil && got == hash {
			return path, nil
		}
	}
	return "", errors.New("the run has no copy of its sheet")
}

// writtenRows finds rows of what was written. Most files come back in their
// order, so that one pass over what was written serves all of them; for one
// that does not, everything is kept in memory.
type writtenRows struct {
	sheet  *sheet.Sheet
	key    int // the column of result.row; -1 where rows are found by their number
	next   func() (*sheet.Row, bool)
	stop   func()
	row    *sheet.Row // served last; nil before the first and after the last
	number int        // that row's, or the one that was looked for in vain
	passes int
	all    map[int]string // cells joined by NUL, which no sheet has
}

// mostPasses is how often what was written is read from its start before it is
// kept in memory: a check reads a sheet once or twice, sending once more.
const mostPasses = 8

// at returns the cells of a row, nil for one that was not written.
func (w *writtenRows) at(number int) []string {
	if w.all == nil && (w.next == nil || number < w.number) {
		w.rewind()
	}
	if w.all != nil {
		if cells, ok := w.all[number]; ok {
			return strings.Split(cells, "\x00")
		}
		return nil
	}
	for w.number < number {
		var ok bool
		if w.row, ok = w.next(); !ok {
			w.row, w.number = nil, number
			break
		}
		w.number = w.numberOf(w.row)
	}
	if w.row == nil || w.number != number {
		return nil
	}
	return w.row.Cells
}

func (w *writtenRows) numberOf(row *sheet.Row) int {
	if w.key < 0 {
		return row.Number
	}
	n, _ := strconv.Atoi(sheet.Trim(row.Cells[w.key])) // 0 is no row's number
	return n
}

// rewind begins another pass, or keeps all rows when there were too many.
func (w *writtenRows) rewind() {
	if w.stop != nil {
		w.stop()
	}
	w.row, w.number = nil, 0
	if w.passes++; w.passes <= mostPasses {
		w.next, w.stop = iter.Pull(w.rows)
		return
	}
	w.all = map[int]string{}
	for row := range w.rows {
		w.all[w.numberOf(row)] = strings.Join(row.Cells, "\x00")
	}
}

var errEnough = errors.New("enough")

// rows reads the sheet. A sheet that cannot be read has no rows.
func (w *writtenRows) rows(yield func(*sheet.Row) bool) {
	_ = w.sheet.Each(context.Background(), func(row *sheet.Row) error {
		if !yield(row) {
			return errEnough
		}
		return nil
	})
}

func (w *writtenRows) close() error {
	if w.stop != nil {
		w.stop()
	}
	return w.sheet.Close()
}
