package sheet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
)

// Sheet is an open sheet. It may be read many times, one pass after another;
// it is not safe for concurrent use, BytesRead excepted.
type Sheet struct {
	name      string
	file      *os.File
	info      os.FileInfo // as it was opened
	options   Options
	form      form
	separator int // length of the sep= line in decoded text
	delimiter rune
	header    *header // nil when there is none that can be read

	fixed    []Problem // found by Open; what only a pass can tell is not among them
	found    []Problem // all, by the last complete pass
	complete bool
	sum      string
	unhashed bool // nobody asks for sum
	read     atomic.Int64
}

// Open reads a sheet's header. What is wrong with the sheet is not an error
// but told by Problems. An error is that of the file, or an *OptionError for
// an option that cannot be used with this sheet. The file must be a regular
// one, since it is read more than once; it stays open until Close.
func Open(path string, o Options) (*Sheet, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	// Opening a pipe that nobody writes to would wait for ever.
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read the sheet: %s is not a regular file; save it as one, or give it to standard input and name it -", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the sheet: %w", err)
	}
	s := &Sheet{name: path, file: file, options: o}
	if err := s.begin(); err != nil {
		file.Close()
		if _, ok := errors.AsType[*OptionError](err); ok {
			return nil, err
		}
		return nil, fmt.Errorf("cannot read the sheet: %w", err)
	}
	return s, nil
}

func (s *Sheet) begin() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.info = info
	if info.IsDir() {
		return fmt.Errorf("%s is a directory; name a CSV file in it", s.name)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", s.name)
	}
	sample := make([]byte, sampled)
	n, err := s.file.ReadAt(sample, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	sample = sample[:n]
	if s.form, err = formOf(sample, s.options.Encoding); err != nil {
		return err
	}
	s.delimiter = ','
	if what := workbook(sample); what != "" {
		s.fixed = []Problem{{Kind: BadEncoding, Severity: Error,
			Message: fmt.Sprintf("this is %s, not a CSV file; open it and save it as CSV UTF-8", what)}}
		return nil
	}
	return s.readHeader()
}

// Close closes the file.
func (s *Sheet) Close() error { return s.file.Close() }

// Name gives the path as it was given.
func (s *Sheet) Name() string { return s.name }

// Columns gives the columns without trailing blank ones, nil when there is no
// header that can be read. The slice is the caller's.
func (s *Sheet) Columns() []Column {
	if s.header == nil {
		return nil
	}
	return slices.Clone(s.header.columns)
}

// HeaderRow gives the header's row number as Excel shows it, 0 when there is
// no header that can be read.
func (s *Sheet) HeaderRow() int {
	if s.header == nil {
		return 0
	}
	return s.header.row
}

// Delimiter gives what divides the cells.
func (s *Sheet) Delimiter() rune { return s.delimiter }

// FromResults reports whether the sheet has result columns: then it was
// written with the formula escape, which is taken off its cells.
func (s *Sheet) FromResults() bool { return s.header != nil && s.header.results }

// Problems gives the problems of the whole sheet: those of the header after
// Open, all of them after a complete Each. The slice is the caller's.
func (s *Sheet) Problems() []Problem {
	if s.complete {
		return slices.Clone(s.found)
	}
	return slices.Clone(s.fixed)
}

// SHA256 gives the hash of the file's bytes in hex, empty before the first
// complete Each, and after SkipHash.
func (s *Sheet) SHA256() string { return s.sum }

// SkipHash is for a sheet whose hash nobody asks for: reading it takes a
// twentieth less then.
func (s *Sheet) SkipHash() { s.unhashed = true }

// BytesRead gives how many bytes of the file the present pass has read, a
// buffer ahead of its rows. It may be called while Each runs.
func (s *Sheet) BytesRead() int64 { return s.read.Load() }

// Size gives the file's size in bytes.
func (s *Sheet) Size() int64 { return s.info.Size() }
