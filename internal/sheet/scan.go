package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	bufferSize = 256 << 10
	// longestRecord bounds memory where a quote swallows the rest of a file.
	longestRecord = 64 << 20
)

// errMore is returned where the buffer does not hold the whole record.
var errMore = errors.New("more of the record is needed")

// fault is what makes a record unreadable. What follows it cannot be divided,
// so reading ends there.
type fault struct {
	column  int // negative for that of the whole record
	kind    Kind
	message string
}

func (f *fault) Error() string { return f.message }

var errLongRecord = &fault{-1, BadEncoding, fmt.Sprintf(
	"the row is longer than %d MiB; this does not look like a sheet of rows: save it as CSV UTF-8", longestRecord>>20)}

// offset is where a cell begins in a scanner's text.
type offset struct{ column, from int }

// scanner divides UTF-8 text into records and cells. After next, text holds
// the record with its quotes taken off and the delimiters still between the
// cells; ends holds where each of the first cells ends in it.
//
// encoding/csv does not serve here: it turns CRLF within a cell into LF,
// passes over empty lines without counting them and knows no lone CR.
type scanner struct {
	src   io.Reader
	delim []byte
	limit int // how many cells of a record are kept in ends

	special string // the characters at which a cell without quotes may end, and the quote

	buf      []byte
	pos, end int // buf[pos:end] is read and not yet used
	lf       int // the first LF at or after pos, end if there is none; stale when before pos
	eof      bool

	text  []byte
	ends  []int
	count int    // cells of the record, kept or not
	past  offset // the first cell after the kept ones that is not blank; column 0: none

	length int   // of the record as it is written, with its row end
	taken  int64 // length of all records up to it
	placed bool  // the places of cells are wanted
	places []int // where each cell begins and ends in the record as it is written, if that holds a quote
}

func newScanner(src io.Reader) *scanner {
	return &scanner{src: src, buf: make([]byte, bufferSize), lf: -1, limit: maxColumns}
}

// divideBy sets the delimiter. It comes before the first next.
func (s *scanner) divideBy(delimiter rune) {
	s.delim = utf8.AppendRune(nil, delimiter)
	s.special = string(delimiter) + "\"\r\n"
}

// next scans one record, a blank one too. It returns io.EOF at the end, a
// *fault, or the error of the source. It must not be called again after an
// error.
func (s *scanner) next() error {
	for {
		if s.pos == s.end && s.eof {
			return io.EOF
		}
		n, err := s.record()
		if !errors.Is(err, errMore) {
			s.pos += n
			s.length = n
			s.taken += int64(n)
			return err
		}
		if err := s.fill(); err != nil {
			return s.tooLong(err)
		}
	}
}

// record takes the buffer's next record apart and returns its length with the
// row end, 0 when the buffer does not hold all of it.
func (s *scanner) record() (int, error) {
	line, n := s.line()
	if n == 0 {
		return 0, errMore
	}
	s.ends, s.count, s.past, s.places = s.ends[:0], 0, offset{}, s.places[:0]
	if bytes.IndexByte(line, '"') >= 0 {
		return s.quoted(s.buf[s.pos:s.end])
	}
	s.plain(line)
	return n, nil
}

// line finds the next row end of any kind, without regard to quotes. The
// place of the next LF is kept, so that a file with none is not searched to
// its end for each row.
func (s *scanner) line() (line []byte, length int) {
	if s.lf < s.pos {
		s.lf = s.end
		if at := bytes.IndexByte(s.buf[s.pos:s.end], '\n'); at >= 0 {
			s.lf = s.pos + at
		}
	}
	rest := s.buf[s.pos:s.lf]
	if at := bytes.IndexByte(rest, '\r'); at >= 0 {
		switch after := s.pos + at + 1; {
		case after < s.end && s.buf[after] == '\n':
			return rest[:at], at + 2
		case after < s.end || s.eof:
			return rest[:at], at + 1
		}
		return nil, 0 // its LF may follow
	}
	if s.lf < s.end {
		return rest, len(rest) + 1
	}
	if s.eof {
		return rest, len(rest)
	}
	return nil, 0
}

// plain divides a record that holds no quote.
func (s *scanner) plain(line []byte) {
	s.text = append(s.text[:0], line...)
	for from := 0; ; {
		at := bytes.Index(s.text[from:], s.delim)
		if at < 0 {
			s.add(from, len(s.text))
			return
		}
		s.add(from, from+at)
		from += at + len(s.delim)
	}
}

// add records that text has a cell from one offset to another.
func (s *scanner) add(from, to int) {
	if s.count < s.limit {
		s.ends = append(s.ends, to)
	} else if s.past.column == 0 && !blank(s.text[from:to]) {
		s.past = offset{s.count, from}
	}
	s.count++
}

// cell returns one of the cells that are kept.
func (s *scanner) cell(column int) []byte { return s.text[s.begin(column):s.ends[column]] }

// begin is where a cell begins in text.
func (s *scanner) begin(column int) int {
	if column == 0 {
		return 0
	}
	return s.ends[column-1] + len(s.delim)
}

// cells appends the cells of the record just scanned, made of one string.
func (s *scanner) cells(cells []string) []string {
	line, from := string(s.text), 0
	for _, to := range s.ends {
		cells = append(cells, line[from:to])
		from = to + len(s.delim)
	}
	return cells
}

// raw returns the record just scanned as it is written, with its row end. It is
// valid until the next one.
func (s *scanner) raw() []byte { return s.buf[s.pos-s.length : s.pos] }

// place returns where a cell that is kept begins and ends in raw.
func (s *scanner) place(column int) (from, to int) {
	if len(s.places) > 0 {
		return s.places[2*column], s.places[2*column+1]
	}
	return s.begin(column), s.ends[column]
}

// blank reports whether the record holds nothing but white space.
func (s *scanner) blank() bool { return !s.filledFrom(0) }

// filledFrom reports whether a cell from the given one on is not blank.
func (s *scanner) filledFrom(column int) bool {
	for i := column; i < len(s.ends); i++ {
		if !blank(s.cell(i)) {
			return true
		}
	}
	return s.past.column > 0
}

// peek reads until the buffer is full or the text ends, and returns it.
func (s *scanner) peek() ([]byte, error) {
	if err := s.fill(); err != nil {
		return nil, err
	}
	return s.buf[s.pos:s.end], nil
}

// fill reads until the buffer is full, enlarging it when one record occupies
// all of it. Since each call at least doubles what a record can use, scanning
// it again costs no more than twice its length.
func (s *scanner) fill() error {
	if s.pos > 0 {
		copy(s.buf, s.buf[s.pos:s.end])
		s.end -= s.pos
		s.pos = 0
	} else if s.end == len(s.buf) {
		if s.end >= longestRecord {
			return errLongRecord
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	s.lf = -1
	for s.end < len(s.buf) && !s.eof {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if err == io.EOF {
			s.eof = true
		} else if err != nil {
			return fmt.Errorf("read: %w", err)
		}
	}
	return nil
}

// tooLong looks whether it is an open quote that made a record too long.
func (s *scanner) tooLong(err error) error {
	if errors.Is(err, errLongRecord) {
		s.eof = true
		if _, fault := s.record(); fault != nil {
			return fault
		}
	}
	return err
}

// The ways in which a quote can be wrong, each with its remedy.
const (
	neverClosed = `a quote opens this cell and is never closed; close it, or write "" for a quote that belongs to the text`
	bareQuote   = `a quote stands inside a cell that does not begin with one; put the cell in quotes and write "" for the quote inside it`
	closedLate  = `a quote opens this cell and the next one stands in a later line, before other text; close the cell, or write "" for a quote that belongs to the text`
	afterQuote  = `text follows the closing quote of this cell; write "" for a quote inside a quoted cell`
)

// quoted takes a record apart that holds a quote, from the start of data.
func (s *scanner) quoted(data []byte) (int, error) {
	s.text = s.text[:0]
	for i := 0; ; {
		from, begin := len(s.text), i
		skipped := invisible(data[i:])
		cell := s.bareCell
		switch rest := data[i+skipped:]; {
		case len(rest) > 0 && rest[0] == '"':
			i += skipped
			cell = s.quotedCell
		case bytes.HasPrefix(rest, []byte(literalStart)):
			i += skipped
			cell = s.literalCell
		}
		n, err := cell(data[i:])
		if err != nil {
			return 0, err
		}
		if i += n; s.placed {
			s.places = append(s.places, begin, i)
		}
		s.add(from, len(s.text))
		n, another, err := s.separator(data[i:])
		i += n
		if err != nil || !another {
			return i, err
		}
		s.text = append(s.text, s.delim...)
	}
}

// quotedCell adds the cell at the start of data to text and returns the length
// it had in data, or errMore when its end is not in data.
func (s *scanner) quotedCell(data []byte) (int, error) {
	i := 1
	for {
		at := bytes.IndexByte(data[i:], '"')
		switch {
		case at < 0 && s.eof:
			return 0, &fault{s.count, BadQuote, neverClosed}
		case at < 0:
			return 0, errMore
		}
		s.text = append(s.text, data[i:i+at]...)
		i += at + 1
		if i == len(data) || data[i] != '"' {
			break
		}
		s.text = append(s.text, '"')
		i++
	}
	i += invisible(data[i:])
	rest := data[i:]
	switch {
	case !s.eof && (len(rest) < len(s.delim) || !utf8.FullRune(rest)):
		return 0, errMore // another quote or the delimiter may follow
	case len(rest) == 0 || rest[0] == '\r' || rest[0] == '\n' || bytes.HasPrefix(rest, s.delim):
		return i, nil
	case bytes.ContainsAny(data[:i], "\r\n"):
		return 0, &fault{s.count, BadQuote, closedLate}
	}
	return 0, &fault{s.count, BadQuote, afterQuote}
}

// literalStart begins a cell that is written as a formula of its text, without
// quotes around it: see literal.
const literalStart = `="`

// literalCell is quotedCell for such a cell. Its text is the formula: literal
// makes the cell of it.
func (s *scanner) literalCell(data []byte) (int, error) {
	from := len(s.text)
	n, err := s.quotedCell(data[1:])
	if err != nil {
		return 0, err
	}
	inner := strings.ReplaceAll(string(s.text[from:]), `"`, `""`)
	s.text = append(append(append(s.text[:from], literalStart...), inner...), '"')
	return 1 + n, nil
}

// bareCell is quotedCell for a cell without quotes.
func (s *scanner) bareCell(data []byte) (int, error) {
	end := bytes.IndexAny(data, s.special)
	switch {
	case end < 0 && !s.eof:
		return 0, errMore
	case end < 0:
		end = len(data)
	case data[end] == '"':
		return 0, &fault{s.count, BadQuote, bareQuote}
	}
	s.text = append(s.text, data[:end]...)
	return end, nil
}

// separator returns the length of the delimiter or row end at the start of
// data, and whether another cell follows.
func (s *scanner) separator(data []byte) (length int, another bool, err error) {
	switch {
	case !s.eof && (len(data) == 0 || len(data) == 1 && data[0] == '\r'):
		return 0, false, errMore
	case bytes.HasPrefix(data, s.delim):
		return len(s.delim), true, nil
	case bytes.HasPrefix(data, []byte("\r\n")):
		return 2, false, nil
	}
	return min(len(data), 1), false, nil
}
