package sheet

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"nermbulk/internal/text"
)

// What a workbook holds at most.
const (
	maxCellUnits   = 32_767               // of a cell, in UTF-16
	maxSheetBytes  = maxUnpacked - 64<<20 // of a worksheet, unpacked: what is more is not read either
	maxColumnWidth = 60                   // characters; wider content is cut on the screen
	maxNotes       = 65_000               // of a worksheet; programs can hardly open more
	maxNote        = 1000                 // characters
	maxLinks       = 65_000               // of a worksheet; Excel repairs a file that has more
)

// UnfitError says why a workbook cannot hold what was to be written.
type UnfitError struct {
	Row, Column int // of the cell, from 1 and from 0; 0 and -1 where it is no one's
	Why         string
}

func (e *UnfitError) Error() string {
	switch {
	case e.Row == 0:
		return e.Why
	case e.Column < 0:
		return fmt.Sprintf("row %d %s", e.Row, e.Why)
	}
	return fmt.Sprintf("the cell in row %d, column %s %s", e.Row, Letter(e.Column), e.Why)
}

// Color is the background of a cell.
type Color int

// The colors of outcomes and problems.
const (
	NoColor Color = iota
	Red
	Yellow
	Green
	Blue
	Purple
	Grey
)

// Mark is how one cell of a row differs from the others.
type Mark struct {
	Column int // from 0
	Color  Color
	Note   string // shown when the pointer rests on the cell; may be empty
	Link   string // a place in this workbook that the cell leads to, such as 'Sheet 1'!A5; may be empty
}

// A workbookWriter writes worksheets of text, one after another, as a stream:
// only notes and links are kept until a worksheet ends. Every cell has the Text
// format, so that a spreadsheet program neither rewrites what it holds nor runs
// it as a formula. Not safe for concurrent use.
//
// It does by hand what excelize's StreamWriter does, which keeps the whole file
// in memory and the rows in a temporary file that a kill leaves behind, and
// whose time for notes grows with their square.
type workbookWriter struct {
	zip    *zip.Writer
	sheets []*worksheetPart // the last one may be open
	part   *bufio.Writer    // of the open worksheet
	line   []byte           // the row that is being made
	names  []string         // of columns
}

// newWorkbookWriter returns a writer of a workbook: call worksheet, or begin and
// then write for its rows, for each worksheet, and close at the end.
func newWorkbookWriter(to io.Writer) *workbookWriter {
	w := &workbookWriter{zip: zip.NewWriter(to)}
	w.zip.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(to, flate.BestSpeed)
	})
	return w
}

// begin ends the worksheet before, and begins a new one.
func (w *workbookWriter) begin(s *worksheetPart) error {
	if err := w.end(); err != nil {
		return err
	}
	w.sheets = append(w.sheets, s)
	s.Number = len(w.sheets)
	part, err := w.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", s.Number))
	if err != nil {
		return err
	}
	w.part = bufio.NewWriterSize(part, 64<<10)
	return parts().ExecuteTemplate(w.part, "worksheet begin", s)
}

// write writes a row, the header first; marks are of its cells. An *UnfitError
// says that no worksheet can hold it.
func (w *workbookWriter) write(cells []string, marks ...Mark) error {
	s, style := w.sheets[len(w.sheets)-1], styleText
	if s.row++; s.row == 1 {
		style = styleHeader
	}
	s.columns = max(s.columns, len(cells))
	switch {
	case s.row > maxRows:
		return tooManyRows()
	case len(cells) > maxColumns:
		return &UnfitError{s.row, -1, fmt.Sprintf("has more than %s cells", text.Number(maxColumns))}
	}
	s.keep(marks)
	number := strconv.Itoa(s.row)
	line := append(append(append(w.line[:0], `<row r="`...), number...), '"')
	if n := linesOf(cells); n > 1 {
		line = fmt.Appendf(line, ` ht="%d" customHeight="1"`, n*lineHeight)
	}
	line = append(line, '>')
	for len(w.names) < len(cells) {
		w.names = append(w.names, Letter(len(w.names)))
	}
	for i, cell := range cells {
		style := styleOf(style, marks, i)
		if cell == "" && style == styleText {
			continue // the column has the format
		}
		if strings.IndexByte(cell, '\n') >= 0 {
			style += styles
		}
		line = append(append(append(line, `<c r="`...), w.names[i]...), number...)
		line = strconv.AppendInt(append(line, `" s="`...), int64(style), 10)
		if cell == "" {
			line = append(line, `"/>`...)
			continue
		}
		if why := unfit(cell); why != "" {
			return &UnfitError{s.row, i, why}
		}
		line = append(line, `" t="inlineStr"><is><t xml:space="preserve">`...)
		line = append(appendXML(line, cell), `</t></is></c>`...)
	}
	w.line = append(line, `</row>`...)
	if s.bytes += int64(len(w.line)); s.bytes > maxSheetBytes {
		return &UnfitError{0, -1, "it would unpack to more than 4 GiB"}
	}
	_, err := w.part.Write(w.line)
	return err
}

// tooManyRows returns the error of a worksheet of more than maxRows.
func tooManyRows() error {
	return &UnfitError{0, -1, fmt.Sprintf("a worksheet has no more than %s rows", text.Number(maxRows-1))}
}

// keep keeps the notes and links of the last row. Beyond the most of them, the
// color has to do.
func (s *worksheetPart) keep(marks []Mark) {
	for _, m := range marks {
		if m.Note != "" && len(s.Notes) < maxNotes {
			m.Note = m.note()
			s.Notes = append(s.Notes, placedMark{m, s.row})
		}
		if m.Link != "" && len(s.Links) < maxLinks {
			s.Links = append(s.Links, placedMark{m, s.row})
		}
	}
}

// linesOf returns how many lines of a row are shown, at most six: an answer may
// be a page of a hundred.
func linesOf(cells []string) int {
	n := 0
	for _, cell := range cells {
		n = max(n, strings.Count(cell, "\n"))
	}
	return min(n+1, 6)
}

// note returns the note as a workbook can hold it.
func (m Mark) note() string { return text.Head(strings.Map(legible, m.Note), maxNote) }

// columnWidth returns the width of a column whose widest cell has n characters.
func columnWidth(n int) int { return min(max(n, 6), maxColumnWidth) + 3 }

// styleOf returns the style of a cell in a row of the given one.
func styleOf(row int, marks []Mark, column int) int {
	for _, m := range marks {
		switch {
		case m.Column != column:
		case m.Color != NoColor:
			return styleColors + int(m.Color) - 1
		case m.Link != "":
			return styleLink
		}
	}
	return row
}

// end writes what follows the rows of the open worksheet.
func (w *workbookWriter) end() error {
	if w.part == nil {
		return nil
	}
	s := w.sheets[len(w.sheets)-1]
	if err := parts().ExecuteTemplate(w.part, "worksheet end", s); err != nil {
		return err
	}
	if err := w.part.Flush(); err != nil {
		return err
	}
	w.part = nil
	return w.writeNotes(s)
}

// close ends the workbook.
func (w *workbookWriter) close() error {
	if err := w.end(); err != nil {
		return err
	}
	if err := w.writePackage(); err != nil {
		return err
	}
	return w.zip.Close()
}

// worksheet writes a worksheet of the rows that each gives to visit, the header
// first. It is called twice, for the widths of the columns and then for the rows.
func (w *workbookWriter) worksheet(s *worksheetPart, each func(visit func(cells []string, marks ...Mark) error) error) error {
	rows := 0
	err := each(func(cells []string, _ ...Mark) error {
		if rows++; rows > maxRows {
			return tooManyRows() // before minutes are spent on what is thrown away
		}
		s.Widths = widen(s.Widths, cells)
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.begin(s); err != nil {
		return err
	}
	return each(w.write)
}

// WriteWorkbook writes a workbook of one worksheet. each calls visit with every
// row, the header first; it is called twice.
func WriteWorkbook(to io.Writer, name string, each func(visit func(cells []string, marks ...Mark) error) error) error {
	w := newWorkbookWriter(to)
	if err := w.worksheet(&worksheetPart{Name: name}, each); err != nil {
		return err
	}
	return w.close()
}

// widen returns the widths of columns that have these cells too.
func widen(widths []int, cells []string) []int {
	for i, cell := range cells {
		if i == len(widths) {
			widths = append(widths, 0)
		}
		if len(cell) <= widths[i] || widths[i] >= maxColumnWidth {
			continue
		}
		for line := range strings.Lines(cell) {
			widths[i] = max(widths[i], utf8.RuneCountInString(strings.TrimRight(line, "\r\n")))
		}
	}
	return widths
}

// unfit returns why a workbook cannot hold a cell exactly; empty if it can.
func unfit(cell string) string {
	switch {
	case len(cell) > maxCellUnits && units(cell) > maxCellUnits:
		return fmt.Sprintf("has more than %s characters", text.Number(maxCellUnits))
	case strings.IndexFunc(cell, illegible) >= 0 || !utf8.ValidString(cell):
		return "has a control character"
	}
	return ""
}

// units returns how many UTF-16 units a text has: spreadsheet programs count
// those.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// illegible reports whether XML has no form for a character. Excel's own escape
// for those is not understood by every program.
func illegible(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}

func legible(r rune) rune {
	if illegible(r) {
		return utf8.RuneError
	}
	return r
}

// Legible replaces the characters that a workbook cannot hold.
func Legible(s string) string { return strings.Map(legible, s) }

// appendXML appends a text as XML. What Excel would take for its escape of
// a character, such as _x0041_, gets its underscore escaped.
func appendXML(line []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		var as string
		switch c := s[i]; {
		case c == '&':
			as = "&amp;"
		case c == '<':
			as = "&lt;"
		case c == '>':
			as = "&gt;"
		case c == '"':
			as = "&quot;"
		case c == '\r':
			as = "&#13;"
		case c == '_' && isEscape(s[i:]):
			as = "_x005F_"
		default:
			continue
		}
		line = append(append(line, s[from:i]...), as...)
		from = i + 1
	}
	return append(line, s[from:]...)
}

// xmlText returns a text as XML, also for an attribute.
func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // into memory
	return b.String()
}
