package sheet

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// reader reads the rows of a CSV. It skips blank rows, pads short ones and cuts
// long ones. Problems are kept aside; they end the rows, not the pass.
type reader struct {
	*header // of the sheet
	sheet   *Sheet
	scan    *scanner
	row     Row  // read last; its cells are used again
	number  int  // of the row scanned last, as Excel shows it
	rows    int  // that were not blank, and chosen
	whole   bool // reads the rows of all parts
	others  bool // there are rows that were not chosen

	filled   []bool // for each of header.blanks, whether there is data beneath
	unclean  bool   // an encoding problem is found: one is enough, since one flag mends all
	problems []Problem
}

// reader goes on where the scanner is.
func (s *Sheet) reader(scan *scanner) *reader {
	return &reader{header: &s.header, sheet: s, scan: scan, row: Row{kinds: s.copied.kinds}, filled: make([]bool, len(s.header.blanks))}
}

// newReader goes on below the header, from the first record on.
func (s *Sheet) newReader(scan *scanner) (*reader, error) {
	for range s.header.row {
		if err := scan.next(); err != nil {
			return nil, s.readError(err)
		}
	}
	r := s.reader(scan)
	r.number = s.header.row
	return r, nil
}

// next reads a row. It returns io.EOF at the end, also where the rest cannot be
// divided into cells.
func (r *reader) next() error {
	for {
		err := r.scan.next()
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		r.number++
		if err != nil {
			p, ok := faultProblem(r.number, r.header, err)
			if !ok {
				return r.sheet.readError(err)
			}
			r.problems = append(r.problems, p)
			return io.EOF
		}
		if r.scan.blank() {
			continue
		}
		r.readRow()
		if !r.where.hold(r.row.Cells) {
			r.others = true
			continue
		}
		r.rows++
		if r.whole || r.sheet.inPart(r.row.Cells) {
			return nil
		}
	}
}

// readRow makes the row of the scanned record, its cells of one string.
func (r *reader) readRow() {
	s := r.scan
	clean := r.sheet.charset.clean(s.text)
	if !clean && !r.unclean {
		r.unclean = true
		r.problems = append(r.problems, r.sheet.charset.problem(s, r.number, r.header))
	}
	for i, column := range r.blanks {
		r.filled[i] = r.filled[i] || column < len(s.ends) && !blank(s.cell(column))
	}
	cells := s.cells(r.row.Cells[:0])
	if s.past.column > 0 { // more than any spreadsheet has: all that follows as one
		cells = append(cells, string(s.text[s.past.from:]))
	}
	r.restore(cells, clean)
	r.row.Number, r.row.Excess = r.number, nil
	if s.filledFrom(r.width) {
		r.row.Excess = slices.Clone(cells[r.width:])
	}
	for len(cells) < len(r.columns) {
		cells = append(cells, "")
	}
	r.row.Cells = cells[:len(r.columns)]
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
