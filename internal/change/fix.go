package change

import (
	"slices"
	"strings"
	"unicode/utf8"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// Fix is one cell of which a corrected copy has another text.
type Fix struct {
	Row    int    `json:"row"`    // as Excel shows it
	Column string `json:"column"` // letters, as Excel shows them
	Header string `json:"header"` // as typed
	Old    string `json:"old"`
	New    string `json:"new"`
}

// String returns the correction in one line, its place first.
func (f Fix) String() string {
	place := sheet.Problem{Row: f.Row, Column: f.Column, Header: f.Header}
	if sheet.Trim(f.Old) == f.New && utf8.RuneCountInString(f.Old) > maxQuoted {
		place.Message = quote(f.New) + ": white space around it taken off"
	} else {
		// Long enough for a list of ids, whose end may be what changes.
		const limit = 1000
		place.Message = text.Quote(f.Old, limit) + " → " + text.Quote(f.New, limit)
	}
	return place.String()
}

// A Fixer corrects the cells of one sheet where the correction is Certain:
// where it makes no difference to what is sent, or the cell can mean nothing
// else. What is only probable ("complete" for "completed") it leaves alone.
type Fixer struct {
	sheet   *sheet.Sheet
	columns []sheet.Column
	fixes   []func(cell string) string // for each column
}

// NewFixer prepares for the records of a sheet that has no problems of the
// whole sheet: see sheet.EachRecord.
func NewFixer(s *sheet.Sheet, rules Rules) *Fixer {
	own := slices.DeleteFunc(s.Columns(), func(c sheet.Column) bool { return c.Added })
	f := &Fixer{sheet: s, columns: own}
	for _, c := range f.columns {
		f.fixes = append(f.fixes, rules.fix(c))
	}
	return f
}

// Fix corrects the cells of one row below the header in place and reports each
// correction. Cells that need none stay as they are, to the byte. So does a
// row with data beyond the last column, since its cells may have moved.
func (f *Fixer) Fix(row int, cells []string, report func(Fix)) {
	if len(cells) > len(f.columns) {
		if !isBlank(cells[len(f.columns):]) {
			return
		}
		cells = cells[:len(f.columns)]
	}
	if isBlank(cells) {
		return
	}
	for i, cell := range cells {
		cell = f.sheet.CellText(cell)
		c := &f.columns[i]
		fixed := f.fixes[i](cell)
		if fixed == cell {
			continue
		}
		report(Fix{Row: row, Column: sheet.Letter(i), Header: c.Name, Old: cell, New: fixed})
		if f.sheet.FromResults() && sheet.Unescape(fixed) != fixed {
			fixed = sheet.Escape(fixed) // or reading would take an apostrophe off
		}
		cells[i] = fixed
	}
}

func isBlank(cells []string) bool { return sheet.Trim(strings.Join(cells, "")) == "" }

// fix returns what returns the text that a cell of the column certainly means.
// Columns that are not sent are the sheet's own affair.
func (r *Rules) fix(c sheet.Column) func(cell string) string {
	if c.Field == sheet.Ignored || c.Field == sheet.ReadOnly || c.Field == sheet.Result {
		return func(cell string) string { return cell }
	}
	f := r.field(c)
	if c.Field == sheet.ID {
		f = &fields[position(c.Field)]
	}
	if f == nil || f.fix == nil {
		return sheet.Trim
	}
	return func(cell string) string { return f.fix(sheet.Trim(cell)) }
}
