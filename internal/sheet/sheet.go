// Package sheet turns the bytes of a CSV or of a workbook into rows: encoding,
// delimiter, header, and the row numbers that Excel shows. It also writes CSVs and
// workbooks that a spreadsheet opens again without harm. It never judges a value:
// whether a status or an id is right is not its business.
package sheet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// What a sheet has at most: a worksheet in every version since 2007, and its
// content when it is unpacked.
const (
	maxRows     = 1 << 20
	maxColumns  = 1 << 14
	maxUnpacked = 4 << 30 // bytes
)

// Row is one row of a sheet that is not blank.
//
// A Row and its Cells slice are valid until the callback that received them
// returns; the strings in it may be kept.
type Row struct {
	// Number is the row's number as Excel shows it (the header is usually 1).
	Number int
	// ID is the cell of the id column.
	ID string
	// Cells holds one cell for each of the header's columns: as in the file,
	// decoded to UTF-8, quotes and the formula escape taken off, not trimmed,
	// line breaks as they were. Missing cells are empty.
	Cells []string
	// Excess holds the cells beyond the header's last column where any has data.
	Excess []string

	kinds *cellKinds // of the whole worksheet; nil for a CSV
}

// Long reports whether the row has data beyond the header's last column. It
// has a problem of kind CellCount then (LongRow) and must not be sent.
func (r *Row) Long() bool { return len(r.Excess) > 0 }

// Column is one column of a sheet.
type Column struct {
	Index int    // position in the sheet, from 0
	Name  string // the header as typed, without the formula escape
	Field Field
	UID   string // for Attribute: the attribute's uid, exactly as typed; for Result: the name after "result.", in lower case; for ReadOnly: the field's name
	Added bool   // it is not in the file: see SetIDs
}

// Sheet is an open sheet. It may be read many times, one pass after another;
// it is not safe for concurrent use, BytesRead excepted.
type Sheet struct {
	name      string
	file      *os.File
	borrowed  bool          // the caller closes file
	info      os.FileInfo   // as it was opened
	text      *os.File      // what is read: the file, or the worksheet as CSV
	size      int64         // of text
	copied    worksheetCopy // zero if the file is no workbook
	options   Options
	packed    bool // with gzip
	charset   charset
	separator int // length of the sep= line in decoded text
	delimiter rune
	header    header // without columns when there is none that can be read
	ids       *IDs   // by the uids of a sheet without ids; may be nil

	problems []Problem // found by Open, or by the last complete pass
	sum      string
	unhashed bool // sum is not wanted
	read     atomic.Int64
}

// Open reads a sheet's header. What is wrong with the sheet is not an error:
// see Problems. An error is that of the file, a *ScratchError, or an *OptionError
// for an option that cannot be used with this sheet. The file must be a regular
// one, since it is read more than once; it stays open until Close.
//
// A workbook is unpacked first, which takes as long as reading it: ctx ends
// that.
func Open(ctx context.Context, path string, o Options) (*Sheet, error) {
	return opened(ctx, &Sheet{name: path, options: o})
}

// OpenFile is Open for a file that is open already, and may have no path: in
// messages it is called name. It stays the caller's to close, after the sheet.
func OpenFile(ctx context.Context, f *os.File, name string, o Options) (*Sheet, error) {
	return opened(ctx, &Sheet{name: name, file: f, borrowed: true, options: o})
}

func opened(ctx context.Context, s *Sheet) (*Sheet, error) {
	s.delimiter = ','
	err := s.options.validate()
	if err == nil {
		err = s.open(ctx)
	}
	if err == nil {
		return s, nil
	}
	_ = s.Close() // what is wrong is known
	if _, ok := errors.AsType[*OptionError](err); ok {
		return nil, err
	}
	return nil, fmt.Errorf("cannot read the sheet: %w", err)
}

// open opens the file, finds out what it is, and reads its header.
func (s *Sheet) open(ctx context.Context) (err error) {
	if !s.borrowed {
		// Opening a pipe that nobody writes to would wait for ever.
		if info, err := os.Stat(s.name); err == nil {
			if err := s.checkFile(info); err != nil {
				return err
			}
		}
		if s.file, err = os.Open(s.name); err != nil {
			return err
		}
	}
	if s.info, err = s.file.Stat(); err != nil {
		return err
	}
	if err := s.checkFile(s.info); err != nil {
		return err
	}
	s.text, s.size = s.file, s.info.Size()
	return s.recognise(ctx)
}

// recognise finds out what the file is, by its content alone, and reads the
// header. What the tool itself wrote is read as it was written.
func (s *Sheet) recognise(ctx context.Context) error {
	sample, err := s.sample(ctx)
	if err != nil {
		return s.refuse(err)
	}
	given := s.options
	if bytes.HasPrefix(sample, []byte(byteOrderMark)) && (given.Encoding != "" || given.Delimiter != 0) {
		s.options.Encoding, s.options.Delimiter = "", 0
		if err := s.readAs(sample); err == nil && s.header.results {
			return nil
		}
		s.options, s.header = given, header{}
	}
	return s.readAs(sample)
}

// sample returns the beginning of the content. Where that is no sheet, the error
// is a *fault.
func (s *Sheet) sample(ctx context.Context) ([]byte, error) {
	sample, err := start(s.file, sampleSize)
	if s.packed = bytes.HasPrefix(sample, []byte(gzipStart)); s.packed && err == nil {
		sample, err = io.ReadAll(io.LimitReader(s.source(nil), sampleSize))
	}
	if err == nil {
		err = recognise(s.file, s.Size(), sample, s.packed)
	}
	if err == nil && bytes.HasPrefix(sample, []byte(zipStart)) {
		if err = s.openWorksheet(ctx); err == nil {
			return start(s.text, sampleSize)
		}
	}
	return sample, err
}

// start returns at most the first n bytes of a file.
func start(f io.ReaderAt, n int) ([]byte, error) {
	b := make([]byte, n)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

// refuse takes a fault of the whole file for the sheet's problem, and returns
// any other error.
func (s *Sheet) refuse(err error) error {
	p, ok := faultProblem(0, nil, err)
	if !ok {
		return err
	}
	s.problems = []Problem{p}
	return nil
}

// readAs reads the header as the options say.
func (s *Sheet) readAs(sample []byte) (err error) {
	if s.charset, err = charsetOf(sample, s.options.Encoding); err != nil {
		return err
	}
	// The sample may end within a character.
	text, _ := io.ReadAll(s.charset.reader(bytes.NewReader(sample[len(s.charset.mark):])))
	if err := markup(string(text)); err != nil && !s.IsWorkbook() {
		return s.refuse(err)
	}
	return s.readHeader()
}

// Resolve reads the header again with other fields: those of a tenant whose
// attributes are known by now. A workbook is unpacked again only if that gives a
// column's dates another form. The error is that of the file, a *ScratchError, or
// an *OptionError.
func (s *Sheet) Resolve(ctx context.Context, f Fields) error {
	s.options.Fields, s.options.LabelsLater = f, false
	if err := s.options.validate(); err != nil || s.header.columns == nil {
		return err
	}
	err := s.readHeader()
	if err == nil && s.IsWorkbook() && s.options.DateLayouts != nil && !slices.Equal(s.copied.layouts, s.options.DateLayouts(s.header.columns)) {
		err = cmp.Or(s.unpack(ctx), s.readHeader())
	}
	if err != nil {
		return fmt.Errorf("cannot read the sheet: %w", err)
	}
	return nil
}

func (s *Sheet) checkFile(info os.FileInfo) error {
	switch {
	case info.IsDir():
		return fmt.Errorf("%s is a directory; name a sheet in it", s.name)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file; save it as one, or give it to standard input and name it -", s.name)
	}
	return nil
}

// Close closes the file, unless it was given.
func (s *Sheet) Close() (err error) {
	if s.text != s.file {
		err = s.text.Close()
	}
	if s.borrowed {
		return err
	}
	return errors.Join(err, s.file.Close())
}

// Name returns the path as it was given.
func (s *Sheet) Name() string { return s.name }

// Columns returns the columns without trailing blank ones, and after them the one
// that SetIDs has added, nil when there is no header that can be read. The slice is the caller's.
func (s *Sheet) Columns() []Column {
	columns := slices.Clone(s.header.columns)
	if s.ids != nil && s.ByUID() {
		columns = append(columns, Column{Index: len(columns), Name: "result.id", Field: ID, Added: true})
	}
	return columns
}

// Mapped returns the mappings of the options that hold for this sheet.
func (s *Sheet) Mapped() []Mapping { return slices.Clone(s.header.mapped) }

// HeaderRow returns the header's row number as Excel shows it, 0 when there is
// no header that can be read.
func (s *Sheet) HeaderRow() int { return s.header.row }

// Delimiter returns the character between the cells.
func (s *Sheet) Delimiter() rune { return s.delimiter }

// FromResults reports whether the sheet has result columns: then it was
// written with the formula escape, which is taken off its cells.
func (s *Sheet) FromResults() bool { return s.header.results }

// ModTime returns when the file was last changed.
func (s *Sheet) ModTime() time.Time { return s.info.ModTime() }

// Problems returns the problems of the whole sheet: those of the header after
// Open, all of them after a complete Each. The slice is the caller's.
func (s *Sheet) Problems() []Problem {
	return slices.Concat(s.problems, ofSeverity(s.copied.problems, Error))
}

// Warnings returns what is remarkable about the whole sheet and keeps none of
// its rows from being checked.
func (s *Sheet) Warnings() []Problem {
	return append(ofSeverity(s.header.labels, Warning), ofSeverity(s.copied.problems, Warning)...)
}

// SHA256 returns the hash of the content in hex, which is that of the file's
// bytes, unpacked if they are packed with gzip. It is empty before the first
// complete Each, and after SkipHash.
func (s *Sheet) SHA256() string { return s.sum }

// SkipHash saves a twentieth of the time of reading: SHA256 stays empty.
func (s *Sheet) SkipHash() { s.unhashed = true }

// BytesRead returns how many bytes of Size the present pass has read, a
// buffer ahead of its rows. It may be called while Each runs.
func (s *Sheet) BytesRead() int64 { return s.read.Load() }

// Size returns the size in bytes of what is read: the file, or the CSV that a
// workbook was unpacked into.
func (s *Sheet) Size() int64 { return s.size }
