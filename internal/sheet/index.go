package sheet

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"slices"
)

// Index finds the rows of a sheet by their place among those that are not blank,
// so that some of them can be read without those above. It keeps about five
// bytes a row. It is not safe for concurrent use, and of no use once the sheet is
// closed.
type Index struct {
	sheet   *Sheet
	text    io.ReaderAt // in UTF-8
	scratch *os.File    // text, where the file itself is in another form
	size    int64       // of text
	numbers []int32     // of the rows, as Excel shows them
	starts  []int64     // where every so many rows the next begins in text
}

// stride is how many rows are passed over at most to find one.
const stride = 32

// windowSize is how many bytes are read at a time.
const windowSize = 32 << 10

// NewIndex reads the whole sheet. Rows behind a place where it cannot be divided
// into cells are not in the index; a sheet without a header that can be read has
// none.
func (s *Sheet) NewIndex(ctx context.Context) (*Index, error) {
	x := &Index{sheet: s, text: s.text, size: s.size}
	if s.header.row == 0 {
		return x, nil
	}
	at := int64(len(s.charset.mark))
	if s.packed || s.charset.decoder != nil {
		if err := x.decode(ctx); err != nil {
			return nil, errors.Join(err, x.Close())
		}
		at = 0
	}
	if err := x.read(ctx, at); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// decode makes text of a file that is packed, or in another charset.
func (x *Index) decode(ctx context.Context) error {
	s := x.sheet
	text, err := s.decoded(s.source(nil))
	if err != nil {
		return s.readError(err)
	}
	if x.scratch, err = s.scratch(); err != nil {
		return &ScratchError{err}
	}
	x.text, x.size = x.scratch, 0
	for err == nil && ctx.Err() == nil {
		var n int64
		n, err = io.CopyN(x.scratch, text, 1<<20)
		x.size += n
	}
	if errors.Is(err, io.EOF) || isFault(err) { // what can be unpacked is shown
		err = nil
	}
	if err != nil {
		return s.readError(err)
	}
	return ctx.Err()
}

// read finds the rows from the beginning of the text, at an offset.
func (x *Index) read(ctx context.Context, at int64) error {
	at += int64(x.sheet.separator)
	r, err := x.sheet.newReader(x.scan(at))
	for err == nil && r.number < math.MaxInt32 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err = r.next(); err == nil {
			if len(x.numbers)%stride == 0 {
				x.starts = append(x.starts, at+r.scan.taken-int64(r.scan.length))
			}
			x.numbers = append(x.numbers, int32(r.number))
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	x.numbers, x.starts = slices.Clip(x.numbers), slices.Clip(x.starts)
	return x.sheet.unchanged()
}

// scan starts at an offset of the text, where a record begins.
func (x *Index) scan(at int64) *scanner {
	scan := newScanner(io.NewSectionReader(x.text, at, x.size-at))
	scan.buf = make([]byte, windowSize) // most often little is read
	scan.divideBy(x.sheet.delimiter)
	return scan
}

// Len returns how many rows there are.
func (x *Index) Len() int { return len(x.numbers) }

// Number returns the number of the ith row as Excel shows it.
func (x *Index) Number(i int) int { return int(x.numbers[i]) }

// Find returns which row has a number, or would be the first after it.
func (x *Index) Find(number int) (i int, ok bool) {
	return slices.BinarySearch(x.numbers, int32(min(number, math.MaxInt32)))
}

// Each calls fn with the rows from the ith on, as Sheet.Each does, until fn
// returns an error, which it returns.
func (x *Index) Each(ctx context.Context, i int, fn func(i int, r *Row) error) error {
	s := x.sheet
	if i >= len(x.numbers) {
		return nil
	}
	if err := s.unchanged(); err != nil {
		return err
	}
	r, id := s.reader(x.scan(x.starts[i/stride])), s.header.index(ID)
	next := 0
	show := s.identified(func(row *Row) error { return fn(next, row) })
	for at := i / stride * stride; at < len(x.numbers); at++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.next(); err != nil {
			return s.readError(err)
		}
		if at < i {
			continue
		}
		row := r.row
		row.Number = x.Number(at)
		if id >= 0 {
			row.ID = row.Cells[id]
		}
		next = at
		if err := show(&row); err != nil {
			return err
		}
	}
	return nil
}

// Close gives up what the index keeps next to the sheet.
func (x *Index) Close() error {
	if x.scratch == nil {
		return nil
	}
	return x.scratch.Close()
}
