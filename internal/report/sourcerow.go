package report

import (
	"nermbulk/internal/sheet"
)

// What a row was numbered: in its sheet, and in the first of the sheets that it
// was in where that is a corrected failed.csv, or one of its own.
const (
	rowColumn       = resultPrefix + "row"
	sourceRowColumn = resultPrefix + "source_row"
)

// sourceRows are the columns of a sheet that hold the number of a row in an
// earlier sheet, the earliest sheet's first. Without any the sheet is the first one.
type sourceRows []int

func sourceRowsOf(s *sheet.Sheet) (columns sourceRows) {
	for _, name := range []string{sourceRowColumn, rowColumn} {
		for _, c := range s.Columns() {
			if c.Field == sheet.Result && resultPrefix+c.UID == name {
				columns = append(columns, c.Index)
			}
		}
	}
	return columns
}

// of returns the number that a row had in the first sheet; empty for one that was
// added since.
func (columns sourceRows) of(r *sheet.Row) string {
	for _, index := range columns {
		if number := sheet.Trim(cell(r, index)); number != "" {
			return noNUL(number)
		}
	}
	return ""
}
