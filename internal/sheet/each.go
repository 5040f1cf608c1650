package sheet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gocarina/gocsv"
)

// Each calls fn for every row that is not blank, from the first one, in the
// caller's goroutine. It ends with fn's first error, with the context's, or
// with that of the file. What is wrong with the sheet is no error: see Problems.
func (s *Sheet) Each(ctx context.Context, fn func(*Row) error) error { return s.each(ctx, false, fn) }

// EachOfAllParts is Each for the rows of all parts of the sheet.
func (s *Sheet) EachOfAllParts(ctx context.Context, fn func(*Row) error) error {
	return s.each(ctx, true, fn)
}

func (s *Sheet) each(ctx context.Context, whole bool, fn func(*Row) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var sum hash.Hash
	if s.sum == "" && !s.unhashed {
		sum = sha256.New()
	}
	src, problems := s.source(sum), s.problems
	if s.header.columns != nil {
		scan, err := s.scan(src)
		if err != nil {
			return s.readError(err)
		}
		r, err := s.newReader(scan)
		if err != nil {
			return err
		}
		r.whole = whole
		if err := r.deliver(ctx, s.identified(fn)); err != nil {
			return err
		}
		problems = r.allProblems()
	}
	// The hash is that of the whole file, also where the rows ended early.
	if sum != nil {
		if s.text != s.file {
			src = io.TeeReader(io.NewSectionReader(s.file, 0, s.info.Size()), sum)
		}
		switch _, err := io.Copy(io.Discard, src); {
		case isFault(err):
			sum = nil
		case err != nil:
			return s.readError(err)
		}
	}
	if err := s.unchanged(); err != nil {
		return err
	}
	if sum != nil {
		s.sum = hex.EncodeToString(sum.Sum(nil))
	}
	s.problems = problems
	return nil
}

// EachRecord calls fn for every record of the sheet with its row number, from
// the first one on: the header, blank rows and cells beyond the last column
// too. Cells are as in the file, quotes taken off but not the formula escape,
// so that a copy can be written that differs only where it should. The slice
// is fn's until it returns; the strings may be kept.
//
// It is for a sheet whose Problems are none after a complete Each. It ends
// with fn's first error, with the context's, or with that of the file.
func (s *Sheet) EachRecord(ctx context.Context, fn func(row int, cells []string) error) error {
	scan, err := s.scan(s.source(nil))
	if err != nil {
		return s.readError(err)
	}
	var cells []string
	return s.eachRecord(ctx, scan, func(row int) error {
		if scan.past.column > 0 {
			return fmt.Errorf("row %d of %s has more than %d cells", row, s.name, maxColumns)
		}
		cells = scan.cells(cells[:0])
		return fn(row, cells)
	})
}

// eachRecord calls fn with the row number of each record that has been scanned.
func (s *Sheet) eachRecord(ctx context.Context, scan *scanner, fn func(row int) error) error {
	for row := 1; ; row++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := scan.next()
		if errors.Is(err, io.EOF) {
			return s.unchanged()
		}
		if err != nil {
			return s.readError(err)
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

// source returns the content from the start, hashing it unless sum is nil. The
// bytes of the file are counted as they are read.
func (s *Sheet) source(sum hash.Hash) io.Reader {
	s.read.Store(0)
	src := content(io.TeeReader(io.NewSectionReader(s.text, 0, s.size), &tally{&s.read}), s.packed)
	if sum == nil || s.text != s.file { // the hash is that of the workbook
		return src
	}
	return io.TeeReader(src, sum)
}

// tally counts the bytes that are read.
type tally struct{ read *atomic.Int64 }

func (t *tally) Write(p []byte) (int, error) {
	t.read.Add(int64(len(p)))
	return len(p), nil
}

// decoded returns the text of the content behind the byte order marks, in UTF-8.
func (s *Sheet) decoded(src io.Reader) (io.Reader, error) {
	_, err := io.CopyN(io.Discard, src, int64(len(s.charset.mark)))
	return s.charset.reader(src), err
}

// scan starts on the text behind the sep= line.
func (s *Sheet) scan(src io.Reader) (*scanner, error) {
	text, err := s.decoded(src)
	if err != nil {
		return nil, err
	}
	scan := newScanner(text)
	scan.divideBy(s.delimiter)
	if s.separator > 0 {
		if _, err := scan.peek(); err != nil {
			return nil, err
		}
		scan.pos += s.separator
	}
	return scan, nil
}

// unchanged makes sure that a pass has read one state of the file.
func (s *Sheet) unchanged() error {
	info, err := s.file.Stat()
	if err != nil {
		return s.readError(err)
	}
	if info.Size() != s.info.Size() || !info.ModTime().Equal(s.info.ModTime()) {
		return fmt.Errorf("%s was changed while it was read; start again", s.name)
	}
	return nil
}

func (s *Sheet) readError(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("cannot read %s: %w", s.name, err)
}

// batch is how many rows are made before they are handed over. It is small,
// since rows can be large; one by one, check takes a fifth longer.
const batch = 64

// deliver has gocsv make the rows and calls fn for each, in this goroutine.
func (r *reader) deliver(ctx context.Context, fn func(*Row) error) error {
	f := &feed{reader: r, ctx: ctx, fn: fn, made: make(chan record, batch)}
	err := gocsv.UnmarshalDecoderToChan(gocsv.NewSimpleDecoderFromCSVReader(f), f.made)
	if f.stopped == nil {
		f.handOver()
	}
	return cmp.Or(f.stopped, err)
}

// feed serves the columns' fields and then row after row to gocsv, and hands over
// the rows that gocsv has made. gocsv asks for the next row once it has put the
// last one into the channel: when that is full, the rows are taken out and given
// to fn. So no goroutine is needed.
type feed struct {
	*reader
	ctx     context.Context
	fn      func(*Row) error
	begun   bool
	made    chan record
	places  [batch]place // of the rows in made
	stopped error        // by fn or the context
}

// place is what a row has besides its cells.
type place struct {
	number int
	excess []string
}

// Read implements gocsv.CSVReader.
func (f *feed) Read() ([]string, error) {
	if !f.begun {
		f.begun = true
		return f.fieldNames(), nil
	}
	if len(f.made) == batch {
		if f.handOver(); f.stopped != nil {
			return nil, f.stopped
		}
		// On one core the garbage collector has its turn now: while it waits for
		// one, every cell that is written costs more.
		runtime.Gosched()
	}
	if err := f.next(); err != nil {
		return nil, err
	}
	f.places[len(f.made)] = place{f.row.Number, f.row.Excess}
	return f.row.Cells, nil
}

// ReadAll completes gocsv.CSVReader. Nothing here asks for a whole sheet.
func (f *feed) ReadAll() ([][]string, error) { return nil, errors.ErrUnsupported }

// handOver takes the rows out of the channel until fn or the context stops it.
func (f *feed) handOver() {
	for i := range len(f.made) {
		if f.stopped = f.ctx.Err(); f.stopped != nil {
			return
		}
		row, at := (<-f.made).Row, f.places[i]
		row.Number, row.Excess, row.kinds = at.number, at.excess, f.row.kinds
		if f.stopped = f.fn(row); f.stopped != nil {
			return
		}
		spare.Put(row)
	}
	f.stopped = f.ctx.Err()
}

// record is what gocsv makes of each row. It has no more than a pointer, since
// gocsv makes two of them for each row and copies one into the channel.
type record struct {
	Row *Row
}

// spare keeps rows for the next ones: a callback may not keep its row.
var spare = sync.Pool{New: func() any { return new(Row) }}

// UnmarshalCSVWithFields takes one cell of a row; gocsv calls it for each, in
// the columns' order.
func (r *record) UnmarshalCSVWithFields(field, cell string) error {
	if r.Row == nil {
		r.Row = spare.Get().(*Row)
		*r.Row = Row{Cells: r.Row.Cells[:0]}
	}
	if Field(field) == ID {
		r.Row.ID = cell
	}
	r.Row.Cells = append(r.Row.Cells, cell)
	return nil
}
