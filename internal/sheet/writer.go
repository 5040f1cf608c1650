package sheet

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// Writer writes CSV as spreadsheets take it: UTF-8 with a byte order mark and
// CRLF. Line breaks within a cell stay as they are, byte for byte. It serves
// as gocsv's CSVWriter. Not safe for concurrent use.
type Writer struct {
	w         *bufio.Writer
	delimiter string
	special   [256]bool // the bytes that put a cell into quotes
	escape    bool
	preamble  string // a "sep=" line, where the delimiter is not recognised without
	line      []byte // the row that is being made
	begun     bool
	err       error
}

// NewWriter returns a Writer that puts the formula escape on every cell. A
// delimiter of 0 is a comma; one that Open does not recognise by itself is named
// in a "sep=" line. It buffers: call Flush, then Error, at the end.
func NewWriter(w io.Writer, delimiter rune) *Writer {
	writer := NewPlainWriter(w, delimiter)
	writer.escape = true
	return writer
}

// separatorPrefix begins the line that names the delimiter.
const separatorPrefix = "sep="

// NewPlainWriter is like NewWriter, but writes every cell as it is.
func NewPlainWriter(w io.Writer, delimiter rune) *Writer {
	if delimiter == 0 {
		delimiter = ','
	}
	writer := &Writer{
		w:         bufio.NewWriterSize(w, 64<<10),
		delimiter: string(delimiter),
	}
	for _, c := range []byte{writer.delimiter[0], '"', '\r', '\n'} {
		writer.special[c] = true
	}
	if !strings.ContainsRune(candidates, delimiter) {
		writer.preamble = separatorPrefix + writer.delimiter + "\r\n"
	}
	return writer
}

// NewCopy returns a Writer for a copy of the sheet: with its delimiter, every
// cell as it is given, and a "sep=" line also where the header would have
// another delimiter recognised.
func (s *Sheet) NewCopy(w io.Writer) *Writer {
	writer := NewPlainWriter(w, s.delimiter)
	if s.header.columns == nil || writer.preamble != "" {
		return writer
	}
	names := make([]string, len(s.header.columns))
	for i, c := range s.header.columns {
		names[i] = c.Name
	}
	var header bytes.Buffer
	sample := NewPlainWriter(&header, s.delimiter)
	_ = sample.Write(names) // to memory
	sample.Flush()
	text := bytes.TrimPrefix(header.Bytes(), []byte(byteOrderMark))
	if length, _ := separatorLine(text); length > 0 || detectDelimiter(text, s.options.means) != s.delimiter {
		writer.preamble = separatorPrefix + string(s.delimiter) + "\r\n"
	}
	return writer
}

// Write adds one row. The first error sticks: later calls return it again.
func (w *Writer) Write(cells []string) error {
	if w.err != nil {
		return w.err
	}
	line := w.line[:0]
	if !w.begun {
		w.begun = true
		line = append(append(line, byteOrderMark...), w.preamble...)
	}
	for i, cell := range cells {
		if i > 0 {
			line = append(line, w.delimiter...)
		}
		if cell == "" && len(cells) == 1 { // an empty line is no row
			line = append(line, `""`...)
		}
		line = w.appendCell(line, cell)
	}
	w.line = append(line, "\r\n"...)
	_, w.err = w.w.Write(w.line)
	return w.err
}

// appendCell appends a cell in the form in which it is written.
func (w *Writer) appendCell(line []byte, cell string) []byte {
	if w.escape {
		cell = Escape(cell)
	}
	if !w.mustQuote(cell) {
		return append(line, cell...)
	}
	return append(append(append(line, '"'), doubled(cell)...), '"')
}

// Flush hands everything to the underlying writer. See Error.
func (w *Writer) Flush() {
	if err := w.w.Flush(); w.err == nil {
		w.err = err
	}
}

// Error returns the first error of a Write or Flush.
func (w *Writer) Error() error { return w.err }

// mustQuote reports whether a cell needs quotes. Programs trim bare cells, so
// white space at an end needs them too.
func (w *Writer) mustQuote(cell string) bool {
	for i := range len(cell) {
		if w.special[cell[i]] {
			return true
		}
	}
	return cell != Trim(cell)
}

// Escape puts an apostrophe before a cell that a spreadsheet would run as a
// formula: one whose first character, after any apostrophes, is =, +, -, @, a
// tab or a carriage return. Unescape(Escape(cell)) is cell, for any cell.
func Escape(cell string) string {
	if !formula(cell) {
		return cell
	}
	return "'" + cell
}

// Unescape takes one apostrophe off a cell that Escape put one on.
func Unescape(cell string) string {
	if formula(cell) {
		return strings.TrimPrefix(cell, "'")
	}
	return cell
}

// formula looks behind the apostrophes, so that a cell that came with one of
// its own is not taken for one that was escaped.
func formula(cell string) bool {
	if cell == "" || cell[0] > '@' {
		return false
	}
	bare := strings.TrimLeft(cell, "'")
	return bare != "" && strings.IndexByte("=+-@\t\r", bare[0]) >= 0
}
