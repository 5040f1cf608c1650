package sheet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/gocarina/gocsv"
)

// ahead is how many rows are read ahead of the callback. It is small, since
// rows can be large.
const ahead = 64

// Each calls fn for every row that is not blank, from the first one, in the
// caller's goroutine. It ends with fn's first error, with the context's, or
// with that of the file; the goroutine that reads is gone when it returns.
// What is wrong with the sheet is no error: see Problems.
func (s *Sheet) Each(ctx context.Context, fn func(*Row) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.read.Store(0)
	src := newSource(s.file, s.Size(), s.sum == "" && !s.unhashed, &s.read)
	if s.header == nil {
		return s.finish(src, nil)
	}
	scan, err := s.text(src)
	if err != nil {
		return s.readError(err)
	}
	// The header was read by Open; this passes over it.
	for range s.header.row {
		if err := scan.next(); err != nil {
			return s.readError(err)
		}
	}
	r := newReader(scan, s.header, s.checker())
	if err := deliver(ctx, r, fn); err != nil {
		if fault, ok := errors.AsType[*passError](err); ok {
			return s.readError(fault.err)
		}
		return err
	}
	return s.finish(src, r)
}

// passError tells an error of the reading from one of the callback.
type passError struct{ err error }

func (e *passError) Error() string { return e.err.Error() }

// deliver lets gocsv read in a goroutine and hands its rows to fn.
func deliver(ctx context.Context, r *reader, fn func(*Row) error) error {
	rows := make(chan record, ahead)
	done := make(chan struct{})
	var readErr error // to be read after done
	go func() {
		defer close(done)
		readErr = gocsv.UnmarshalDecoderToChan(gocsv.NewSimpleDecoderFromCSVReader(r), rows)
	}()
	defer context.AfterFunc(ctx, func() { r.stop.Store(true) })()
	// gocsv waits for room in the channel, so it is read to its end, also
	// when fn panics.
	defer func() {
		r.stop.Store(true)
		for range rows {
		}
		<-done
	}()
	var row record
	for row = range rows {
		if ctx.Err() != nil {
			break
		}
		if err := fn(row.Row); err != nil {
			return err
		}
		spare.Put(row.Row)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	<-done
	if readErr != nil {
		return &passError{readErr}
	}
	return nil
}

// finish settles what only a complete pass can tell. The reader is nil when
// there are no rows to be read.
func (s *Sheet) finish(src *source, r *reader) error {
	sum, err := src.drain()
	if err != nil {
		return s.readError(err)
	}
	if err := s.unchanged(); err != nil {
		return err
	}
	if s.sum == "" {
		s.sum = sum
	}
	s.found = s.fixed
	if r != nil {
		s.found = append(s.header.problems(r.rows), s.header.emptyHeaders(r.filled)...)
		s.found = append(s.found, r.problems...)
		if r.rows == 0 && len(r.problems) == 0 {
			s.found = append(s.found, noRows("the sheet has a header but no rows"))
		}
	}
	s.complete = true
	return nil
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

func noRows(message string) Problem {
	return Problem{Kind: NoRows, Severity: Error, Message: message}
}

func (s *Sheet) checker() checker {
	return checker{decoded: s.form.decoder != nil, hint: s.form.hint}
}

// text starts on the decoded text behind the byte order mark and the sep=
// line.
func (s *Sheet) text(src *source) (*scanner, error) {
	if err := src.skip(s.form.bom); err != nil {
		return nil, err
	}
	scan := newScanner(s.form.reader(src))
	scan.divideBy(utf8.AppendRune(nil, s.delimiter))
	if s.separator > 0 {
		if _, err := scan.peek(); err != nil {
			return nil, err
		}
		scan.pos += s.separator
	}
	return scan, nil
}
