package sheet

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// reader is the rowReader of a CSV. It skips blank rows, pads short ones and
// cuts long ones. Problems are kept aside; they end the rows, not the pass.
type reader struct {
	*header // of the sheet
	sheet   *Sheet
	scan    *scanner
	number  int  // of the row scanned last, as Excel shows it
	rows    int  // that were not blank, and chosen
	whole   bool // serves the rows of all parts
	others  bool // there are rows that were not chosen
	cells   []string
	excess  []string

	filled   []bool // for each of header.blanks, whether there is data beneath
	unclean  bool   // an encoding problem is found: one is enough, since one flag mends all
	problems []Problem
}

// newReader starts below the header.
func (s *Sheet) newReader(src io.Reader) (*reader, error) {
	scan, err := s.scan(src)
	for row := 0; err == nil && row < s.header.row; row++ {
		err = scan.next()
	}
	if err != nil {
		return nil, s.readError(err)
	}
	return &reader{header: &s.header, sheet: s, scan: scan, number: s.header.row, filled: make([]bool, len(s.header.blanks))}, nil
}

// Read implements gocsv.CSVReader.
func (r *reader) Read() ([]string, error) {
	if r.cells == nil {
		r.cells = make([]string, 0, len(r.columns))
		return r.fieldNames(), nil
	}
	for {
		err := r.scan.next()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		r.number++
		if err != nil {
			p, ok := faultProblem(r.number, r.header, err)
			if !ok {
				return nil, r.sheet.readError(err)
			}
			r.problems = append(r.problems, p)
			return nil, io.EOF
		}
		if r.scan.blank() {
			continue
		}
		cells := r.row()
		if r.where.hold(cells) {
			r.rows++
			if r.whole || r.sheet.inPart(cells) {
				return cells, nil
			}
			continue
		}
		r.others = true
	}
}

// ReadAll completes gocsv.CSVReader. Nothing here asks for a whole sheet.
func (r *reader) ReadAll() ([][]string, error) { return nil, errors.ErrUnsupported }

func (r *reader) place() place { return place{r.number, r.excess} }

// row returns the cells of the scanned record, all made of one string.
func (r *reader) row() []string {
	s := r.scan
	clean := r.sheet.charset.clean(s.text)
	if !clean && !r.unclean {
		r.unclean = true
		r.problems = append(r.problems, r.sheet.charset.problem(s, r.number, r.header))
	}
	for i, column := range r.blanks {
		r.filled[i] = r.filled[i] || column < len(s.ends) && !blank(s.cell(column))
	}
	r.cells, r.excess = s.cells(r.cells[:0]), nil
	if s.past.column > 0 { // more than any spreadsheet has: all that follows as one
		r.cells = append(r.cells, string(s.text[s.past.from:]))
	}
	r.restore(r.cells, clean)
	if s.filledFrom(r.width) {
		r.excess = slices.Clone(r.cells[r.width:])
	}
	for len(r.cells) < len(r.columns) {
		r.cells = append(r.cells, "")
	}
	return r.cells[:len(r.columns)]
}

// restore makes of what is written in cells their text, and makes text that is
// not clean valid.
func (r *reader) restore(cells []string, clean bool) {
	if r.results || bytes.Contains(r.scan.text, []byte(literalStart)) {
		for i, cell := range cells {
			cells[i] = cellText(cell, r.results)
		}
	}
	if !clean {
		for i, cell := range cells {
			cells[i] = strings.ToValidUTF8(cell, string(utf8.RuneError))
		}
	}
}

// CellText returns the text of a cell of EachRecord: without the formula escape,
// if the sheet has it, or as the formula's text. A formula that was escaped is
// text.
func (s *Sheet) CellText(cell string) string { return cellText(cell, s.header.results) }

func cellText(cell string, escaped bool) string {
	if escaped {
		if bare := Unescape(cell); bare != cell {
			return bare
		}
	}
	return literal(cell)
}

// allProblems returns the problems of the whole sheet after its last row.
func (r *reader) allProblems() []Problem {
	found := append(r.header.problems(r.rows), r.emptyHeaders(r.filled)...)
	found = append(found, r.problems...)
	switch {
	case r.rows > 0 || len(r.problems) > 0:
	case r.others:
		found = append(found, r.where.noRow())
	default:
		found = append(found, noRows("the sheet has a header but no rows"))
	}
	return found
}
