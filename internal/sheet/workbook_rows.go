package sheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// CellKind is what a workbook says of a cell beyond its text. Every cell of a
// CSV is a TextCell.
type CellKind byte

// The kinds of cells.
const (
	TextCell    CellKind = iota // also a number, a boolean and an error value
	DateCell                    // a real date
	TimeCell                    // a date with a time of day, a time alone, or a date that no calendar has
	NoValueCell                 // a formula that was never calculated
)

// cellSet is a set of cells: one bit a row, by column. It gives up before it
// fills the memory: an almost empty worksheet can have cells far from each
// other.
type cellSet struct {
	columns map[int][]uint64
	size    int // words in use
}

// maxCellSet bounds a set to 32 MiB: dates in 256 columns of the longest
// worksheet.
const maxCellSet = 4 << 20

// add reports whether there was room for the cell.
func (s *cellSet) add(row, column int) bool {
	bits := s.columns[column]
	if more := row/64 + 1 - len(bits); more > 0 {
		if s.size += more; s.size > maxCellSet {
			return false
		}
		if s.columns == nil {
			s.columns = map[int][]uint64{}
		}
		bits = append(bits, make([]uint64, more)...)
		s.columns[column] = bits
	}
	bits[row/64] |= 1 << (row % 64)
	return true
}

func (s *cellSet) has(row, column int) bool {
	bits := s.columns[column]
	return row/64 < len(bits) && bits[row/64]&(1<<(row%64)) != 0
}

// cellKinds are the cells of a worksheet that are more than text.
type cellKinds [NoValueCell + 1]cellSet

// Kind returns what is known of the cell in a column beyond its text.
func (r *Row) Kind(column int) CellKind {
	if r.kinds != nil {
		for kind := DateCell; kind <= NoValueCell; kind++ {
			if r.kinds[kind].has(r.Number, column) {
				return kind
			}
		}
	}
	return TextCell
}

// workbookCell is one cell that is not empty.
type workbookCell struct {
	column int // from 0
	text   string
	kind   CellKind
	day    time.Time // of a DateCell
}

// workbookRow is a row of a worksheet that holds cells.
type workbookRow struct {
	number int // from 1, as Excel shows it
	hidden bool
	cells  []workbookCell // by rising column
}

// layout is what a worksheet has next to its rows. It is complete once all
// rows were read.
type layout struct {
	hiddenColumns [maxColumns]bool
	merged        []area
}

// area is a rectangle of cells: rows from 1, columns from 0, ends included.
type area struct {
	firstRow, lastRow       int
	firstColumn, lastColumn int
}

// worksheetReader reads one worksheet's XML.
type worksheetReader struct {
	w      *workbook
	layout *layout
	row    workbookRow // that is being read, or was read last
	inRow  bool
	size   int // of the row's texts in bytes

	column  int // of the cell that is being read, or was read last
	inCell  bool
	kind    string
	style   string
	formula bool
	value   richText
}

// rows reads the rows of the worksheet that hold a cell with text, in rising
// order, up to an error. A row is valid until the next one; its texts may be kept.
func (w *workbook) rows(s worksheet, l *layout) iter.Seq2[*workbookRow, error] {
	return func(yield func(*workbookRow, error) bool) {
		t, err := w.tokens(s.part)
		if err != nil {
			yield(nil, damaged(err))
			return
		}
		defer t.release()
		r := &worksheetReader{w: w, layout: l}
		for token, err := range t.all() {
			whole := false
			if err == nil {
				whole, err = r.take(token)
			}
			if err != nil {
				yield(nil, damaged(err))
				return
			}
			if whole && len(r.row.cells) > 0 && !yield(&r.row, nil) {
				return
			}
		}
	}
}

// take takes the next token of the worksheet, and reports whether the row is whole
// with it.
func (r *worksheetReader) take(token xml.Token) (whole bool, err error) {
	switch e := token.(type) {
	case xml.StartElement:
		switch {
		case e.Name.Local == "c" && r.inRow:
			return false, r.beginCell(e)
		case e.Name.Local == "f":
			r.formula = true
		case e.Name.Local == "row":
			return false, r.beginRow(e)
		}
		r.layout.add(e)
	case xml.EndElement:
		switch {
		case e.Name.Local == "c" && r.inCell:
			return false, r.endCell()
		case e.Name.Local == "row":
			r.inRow = false
			return true, nil
		}
	}
	return false, r.value.take(token)
}

// beginRow begins a row, which follows the one before if it does not say where it
// is.
func (r *worksheetReader) beginRow(e xml.StartElement) error {
	if r.inRow {
		return errors.New("a row of a worksheet is within another")
	}
	number := r.row.number + 1
	if at := attribute(e, "r"); at != "" {
		n, err := strconv.Atoi(at)
		if err != nil || n < number {
			return errors.New("the rows of a worksheet are out of order")
		}
		number = n
	}
	if number > maxRows {
		return errors.New("a worksheet of it has more rows than there can be")
	}
	hidden := isTrue(attribute(e, "hidden")) || isTrue(attribute(e, "customHeight")) && attribute(e, "ht") == "0"
	r.row = workbookRow{number: number, hidden: hidden, cells: r.row.cells[:0]}
	r.inRow, r.size, r.column = true, 0, -1
	return nil
}

// beginCell begins a cell, which follows the one before if it does not say where
// it is.
func (r *worksheetReader) beginCell(e xml.StartElement) error {
	if r.inCell {
		return errors.New("a cell of a worksheet is within another")
	}
	r.inCell = true
	r.column++
	if at := attribute(e, "r"); at != "" {
		column, ok := parseColumn(at)
		if !ok || column < r.column {
			return errors.New("the cells of a worksheet are out of order")
		}
		r.column = column
	}
	if r.column >= maxColumns {
		return errors.New("a worksheet of it has more columns than there can be")
	}
	r.kind, r.style, r.formula = attribute(e, "t"), attribute(e, "s"), false
	r.value.reset()
	return nil
}

// endCell adds the cell to the row if it is not empty.
func (r *worksheetReader) endCell() error {
	r.inCell = false
	cell, err := r.cell()
	if err != nil {
		return err
	}
	if r.size += len(cell.text); r.size > longestRecord { // cells can refer to one text very often
		return fmt.Errorf("row %d of a worksheet holds more than %d MiB", r.row.number, longestRecord>>20)
	}
	if cell.text != "" || cell.kind == NoValueCell {
		cell.column = r.column
		r.row.cells = append(r.row.cells, cell)
	}
	return nil
}

// add adds what an element says.
func (l *layout) add(e xml.StartElement) {
	switch e.Name.Local {
	case "mergeCell":
		if a, ok := parseArea(attribute(e, "ref")); ok && len(l.merged) < maxRows {
			l.merged = append(l.merged, a)
		}
	case "col":
		first, err1 := strconv.Atoi(attribute(e, "min"))
		last, err2 := strconv.Atoi(attribute(e, "max"))
		if !isTrue(attribute(e, "hidden")) || err1 != nil || err2 != nil {
			return
		}
		for column := max(first, 1); column <= min(last, maxColumns); column++ {
			l.hiddenColumns[column-1] = true
		}
	}
}

// cell makes a cell of its stored value. See ECMA-376 part 1, 18.18.11 for the
// types.
func (r *worksheetReader) cell() (workbookCell, error) {
	value := r.value.text
	if len(value) == 0 {
		if r.formula && r.kind != "str" {
			return workbookCell{kind: NoValueCell}, nil
		}
		return workbookCell{}, nil
	}
	switch r.kind {
	case "s":
		number, err := strconv.Atoi(strings.TrimSpace(string(value)))
		if err != nil {
			return workbookCell{}, errors.New("a cell refers to a text without a number")
		}
		text, err := r.w.strings.get(number)
		return workbookCell{text: text}, err
	case "str", "inlineStr":
		return workbookCell{text: string(unescapeText(value))}, nil
	case "e":
		return workbookCell{text: string(value)}, nil
	case "b":
		if isTrue(string(value)) {
			return workbookCell{text: "TRUE"}, nil
		}
		return workbookCell{text: "FALSE"}, nil
	case "d":
		return isoCell(string(value)), nil
	}
	text := strings.TrimSpace(string(value))
	if r.formula && text == "0" && r.w.stale {
		return workbookCell{kind: NoValueCell}, nil // what programs write that calculate nothing
	}
	var format numberFormat
	if n, err := strconv.Atoi(r.style); err == nil && n >= 0 && n < len(r.w.formats) {
		format = r.w.formats[n]
	}
	return numberCell(text, format, r.w.date1904), nil
}

// numberCell is a cell that holds a number, as XML Schema writes one.
func numberCell(text string, format numberFormat, date1904 bool) workbookCell {
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || strings.Trim(text, "+-.0123456789eE") != "":
		return workbookCell{text: text}
	case format.date:
		return serialCell(v, date1904)
	}
	return workbookCell{text: format.number(v)}
}

// isoCell is a cell of the type for dates as text, which strict workbooks have.
func isoCell(text string) workbookCell {
	text = strings.TrimSuffix(strings.TrimSpace(text), "Z")
	for _, form := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(form, text); err == nil {
			return momentCell(at)
		}
	}
	return workbookCell{text: text, kind: TimeCell}
}

// attribute returns an attribute that has no namespace; "" without it.
func attribute(e xml.StartElement, name string) string {
	for i := range e.Attr {
		if a := &e.Attr[i]; a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// parseColumn reads the letters of a cell's address: B7 is column 1.
func parseColumn(address string) (int, bool) {
	column, i := 0, 0
	for ; i < len(address) && i < 4; i++ {
		c := address[i] &^ ' ' // a to z are letters too
		if c < 'A' || c > 'Z' {
			break
		}
		column = column*26 + int(c-'A') + 1
	}
	return column - 1, i > 0 && i < 4
}

// parseArea reads "B2:C3", or "B2" for one cell.
func parseArea(ref string) (area, bool) {
	from, to, two := strings.Cut(ref, ":")
	if !two {
		to = from
	}
	firstColumn, firstRow, err1 := excelize.CellNameToCoordinates(from)
	lastColumn, lastRow, err2 := excelize.CellNameToCoordinates(to)
	return area{firstRow, lastRow, firstColumn - 1, lastColumn - 1}, err1 == nil && err2 == nil
}
