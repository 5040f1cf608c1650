package sheet

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// reader is the rowReader of a CSV. It skips blank rows, pads short ones and cuts long
// ones. Problems are kept aside; they end the rows, not the pass.
type reader struct {
	*header
	sheet  *Sheet
	scan   *scanner
	number int // of the row scanned last, as Excel shows it
	rows   int // that were not blank
	cells  []string
	excess []string

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
		r.cells = make([]string, len(r.columns))
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
		if !r.scan.blank() {
			r.rows++
			r.takeRow()
			return r.cells, nil
		}
	}
}

// ReadAll completes gocsv.CSVReader. Nothing here asks for a whole sheet.
func (r *reader) ReadAll() ([][]string, error) { return nil, errors.ErrUnsupported }

func (r *reader) place() place { return place{r.number, r.excess} }

// takeRow makes the cells of the scanned record out of one string.
func (r *reader) takeRow() {
	s := r.scan
	clean := r.sheet.charset.clean(s.text)
	if !clean && !r.unclean {
		r.unclean = true
		r.problems = append(r.problems, r.sheet.charset.problem(s, r.number, r.header))
	}
	for i, column := range r.blanks {
		r.filled[i] = r.filled[i] || column < len(s.ends) && !blank(s.cell(column))
	}
	line, from := string(s.text), 0
	for i := range r.cells {
		if i >= len(s.ends) {
			clear(r.cells[i:])
			break
		}
		r.cells[i] = line[from:s.ends[i]]
		from = s.ends[i] + len(s.delim)
	}
	r.restore(r.cells, clean)
	r.excess = nil
	if s.filledFrom(r.width) {
		r.takeExcess()
		r.restore(r.excess, clean)
	}
}

// takeExcess makes copies of the cells beyond the header's last column.
func (r *reader) takeExcess() {
	s := r.scan
	for i := r.width; i < len(s.ends); i++ {
		r.excess = append(r.excess, string(s.cell(i)))
	}
	if s.past.column > 0 { // more than any spreadsheet has: all that follows as one
		r.excess = append(r.excess, string(s.text[s.past.from:]))
	}
}

// restore takes the formula escape off, and makes text that is not clean valid.
func (r *reader) restore(cells []string, clean bool) {
	if r.results {
		for i, cell := range cells {
			cells[i] = Unescape(cell)
		}
	}
	if !clean {
		for i, cell := range cells {
			cells[i] = strings.ToValidUTF8(cell, string(utf8.RuneError))
		}
	}
}

// allProblems returns the problems of the whole sheet after its last row.
func (r *reader) allProblems() []Problem {
	found := append(r.header.problems(r.rows), r.emptyHeaders(r.filled)...)
	found = append(found, r.problems...)
	if r.rows == 0 && len(r.problems) == 0 {
		found = append(found, noRows("the sheet has a header but no rows"))
	}
	return found
}
