package sheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// record is what gocsv makes of each row. Its first field is the row's place,
// the others are the cells in order. It holds no more than a pointer, since
// gocsv makes two of them for each row and copies one into the channel.
type record struct {
	Row *Row
}

// spare keeps rows for the next ones: a callback may not keep its row.
var spare = sync.Pool{New: func() any { return new(Row) }}

const placeKey = "place"

// UnmarshalCSVWithFields takes one field of a row; gocsv calls it for each.
func (r *record) UnmarshalCSVWithFields(key, value string) error {
	if key == placeKey {
		r.Row = spare.Get().(*Row)
		return r.Row.setPlace(value)
	}
	r.Row.Cells = append(r.Row.Cells, value)
	return nil
}

// setPlace makes the row anew from "NUMBER WIDTH" and, where it is too long,
// the lengths of its cells too many, a bar, and those cells.
func (r *Row) setPlace(place string) error {
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
	*r = Row{Number: n, Cells: slices.Grow(r.Cells[:0], w), Long: long}
	if !long {
		return nil
	}
	lengths, text, _ := strings.Cut(rest, "|")
	for length := range strings.FieldsSeq(lengths) {
		n, err := strconv.Atoi(length)
		if err != nil {
			return err
		}
		r.Excess = append(r.Excess, text[:n])
		text = text[n:]
	}
	return nil
}

// LongRow gives the problem of a row that has data beyond the last column
// (Row.Long).
func (s *Sheet) LongRow(r *Row) Problem {
	last := ""
	if n := s.header.width; n > 0 {
		last = Letter(n - 1)
	}
	beyond, text := 0, ""
	for beyond, text = range r.Excess {
		if text = Trim(text); text != "" {
			break
		}
	}
	return Problem{
		Row: r.Number, Column: Letter(s.header.width + beyond), Kind: CellCount, Severity: Error,
		Message: fmt.Sprintf("%s stands beyond the last column (%s); remove it, or put the cell that holds a %s as text in quotes",
			excerpt(text), last, delimiterName(s.delimiter)),
	}
}
