package sheet

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// readHeader settles the delimiter and reads the first row that is not blank.
func (s *Sheet) readHeader() error {
	scan, err := s.text(newSource(s.file, s.Size(), false, &s.read))
	if err != nil {
		return err
	}
	start, err := scan.peek()
	if err != nil {
		return err
	}
	length, named := separatorLine(start)
	s.separator = length
	scan.pos += length
	switch {
	case s.options.Delimiter != 0:
		s.delimiter = s.options.Delimiter
	case named != 0:
		s.delimiter = named
	default:
		s.delimiter = detectDelimiter(start[length:], s.meant)
	}
	scan.divideBy(utf8.AppendRune(nil, s.delimiter))
	cells, row, err := s.scanHeader(scan)
	if cells == nil || err != nil {
		return err
	}
	if s.header, err = newHeader(row, cells, s.options); err != nil {
		return err
	}
	s.fixed = s.header.problems(-1)
	return nil
}

// meant reports whether a header cell has a meaning, by its name or mapped.
func (s *Sheet) meant(name string) bool {
	if _, _, ok := ParseField(name); ok {
		return true
	}
	for _, m := range s.options.Columns {
		if columnKey(m.Column) == columnKey(name) {
			return true
		}
	}
	return false
}

// scanHeader finds the header among blank rows. It gives no cells when there
// is none, with the reason among the fixed problems.
func (s *Sheet) scanHeader(scan *scanner) (cells []string, row int, err error) {
	for row = 1; ; row++ {
		err := scan.next()
		if errors.Is(err, io.EOF) {
			s.fixed = []Problem{noRows("the sheet is empty")}
			return nil, 0, nil
		}
		if err != nil {
			p, ok := faultProblem(row, nil, err)
			if ok {
				s.fixed = []Problem{p}
				return nil, 0, nil
			}
			return nil, 0, err
		}
		if check := s.checker(); !check.clean(scan.text) {
			s.fixed = []Problem{check.problem(scan, row, nil)}
			return nil, 0, nil
		}
		if scan.past.column > 0 {
			p := placed(row, scan.past.column, nil)
			p.Kind = CellCount
			p.Message = fmt.Sprintf("the header has more than %d columns; remove those that are not needed", mostColumns)
			s.fixed = []Problem{p}
			return nil, 0, nil
		}
		if scan.blank() {
			continue
		}
		return scan.cells(nil), row, nil
	}
}
