package sheet

import (
	"fmt"
	"strconv"
	"strings"
)

// record is what gocsv makes of each row. Its first field is the row's place,
// the others are the cells in order.
type record struct {
	Row
}

const placeKey = "place"

// UnmarshalCSVWithFields takes one field of a row; gocsv calls it for each.
func (r *record) UnmarshalCSVWithFields(key, value string) error {
	if key == placeKey {
		return r.setPlace(value)
	}
	r.Cells = append(r.Cells, value)
	return nil
}

// setPlace reads "NUMBER WIDTH" and, for a row that is too long, the column
// and the text of the first cell too many.
func (r *record) setPlace(place string) error {
	number, rest, _ := strings.Cut(place, " ")
	width, rest, long := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	w, err := strconv.Atoi(width)
	if err != nil {
		return err
	}
	r.Number, r.Cells = n, make([]string, 0, w)
	if long {
		column, text, _ := strings.Cut(rest, " ")
		if r.beyond, err = strconv.Atoi(column); err != nil {
			return err
		}
		r.Long, r.excess = true, text
	}
	return nil
}

// longestExcess is how many bytes of a cell too many are kept, enough for
// what a message repeats.
const longestExcess = 8 * longest

// LongRow gives the problem of a row that has data beyond the last column
// (Row.Long).
func (s *Sheet) LongRow(r *Row) Problem {
	last := ""
	if n := s.header.width; n > 0 {
		last = Letter(n - 1)
	}
	return Problem{
		Row: r.Number, Column: Letter(r.beyond), Kind: CellCount, Severity: Error,
		Message: fmt.Sprintf("%s stands beyond the last column (%s); remove it, or put the cell that holds a %s as text in quotes",
			excerpt(Trim(r.excess)), last, delimiterName(s.delimiter)),
	}
}
