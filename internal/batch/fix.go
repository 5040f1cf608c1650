package batch

import (
	"strings"
	"unicode/utf8"

	"nermbulk/internal/sheet"
)

// Fix is one cell of which a corrected copy has another text.
type Fix struct {
	Row    int    `json:"row"`    // as Excel shows it
	Column string `json:"column"` // letters, as Excel shows them
	Header string `json:"header"` // as typed
	Old    string `json:"old"`
	New    string `json:"new"`
}

// String tells the correction in one line, its place first.
func (f Fix) String() string {
	place := sheet.Problem{Row: f.Row, Column: f.Column, Header: f.Header}
	if sheet.Trim(f.Old) == f.New && utf8.RuneCountInString(f.Old) > mostQuoted {
		place.Message = quote(f.New) + ": white space around it taken off"
	} else {
		// Long enough for a list of ids, whose end may be what changes.
		const most = 1000
		place.Message = quoteMost(f.Old, most) + " → " + quoteMost(f.New, most)
	}
	return place.String()
}

// A Fixer corrects the cells of one sheet where the correction is certain:
// where it makes no difference to what is sent, or the cell can mean nothing
// else. What is only probable ("complete" for "completed") it leaves alone.
type Fixer struct {
	columns []sheet.Column
	escaped bool // cells bear the formula escape
}

// NewFixer prepares for the records of a sheet that has no problems of the
// whole sheet: see sheet.EachRecord.
func NewFixer(s *sheet.Sheet) *Fixer {
	return &Fixer{columns: s.Columns(), escaped: s.FromResults()}
}

// Fix corrects the cells of one row below the header in place and tells each
// correction. Cells that need none stay as they are, to the byte. So does a
// row with data beyond the last column, since its cells may have moved.
func (f *Fixer) Fix(row int, cells []string, tell func(Fix)) {
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
		if f.escaped {
			cell = sheet.Unescape(cell)
		}
		c := &f.columns[i]
		fixed := correct(c.Field, cell)
		if fixed == cell {
			continue
		}
		tell(Fix{Row: row, Column: sheet.Letter(i), Header: c.Name, Old: cell, New: fixed})
		if f.escaped && sheet.Unescape(fixed) != fixed {
			fixed = sheet.Escape(fixed) // or reading would take an apostrophe off
		}
		cells[i] = fixed
	}
}

func isBlank(cells []string) bool {
	for _, cell := range cells {
		if sheet.Trim(cell) != "" {
			return false
		}
	}
	return true
}

// correct gives the text that a cell certainly means. Columns that are not
// sent are the sheet's own affair.
func correct(field sheet.Field, cell string) string {
	trimmed := sheet.Trim(cell)
	switch field {
	case sheet.Ignored, sheet.ReadOnly, sheet.Result:
		return cell
	case sheet.ID, sheet.WorkflowID, sheet.RequesterID, sheet.ProfileID:
		if id, ok := repairUUID(trimmed); ok {
			return id
		}
	case sheet.ProfileIDs:
		return correctProfiles(trimmed)
	case sheet.Status:
		if status, ok := KnownStatus(trimmed); ok {
			return status
		}
	case sheet.RequesterType:
		for _, t := range requesterTypes {
			if sheet.NormalizeName(trimmed) == sheet.NormalizeName(t) {
				return t
			}
		}
	}
	return trimmed
}

// correctProfiles corrects each UUID of a list and leaves what separates them.
func correctProfiles(cell string) string {
	var b strings.Builder
	for rest := cell; ; {
		part, end := rest, strings.IndexFunc(rest, isProfileSeparator)
		if end >= 0 {
			part = rest[:end]
		}
		typed := sheet.Trim(part)
		if id, ok := repairUUID(typed); ok {
			part = strings.Replace(part, typed, id, 1)
		}
		b.WriteString(part)
		if end < 0 {
			return b.String()
		}
		b.WriteByte(rest[end])
		rest = rest[end+1:]
	}
}
