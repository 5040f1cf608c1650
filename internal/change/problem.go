package change

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// noColumn is the place of a problem that is the whole row's.
var noColumn = sheet.Column{Index: -1}

// problem adds an error of the row, or of one of its cells.
func (p *Planner) problem(c sheet.Column, kind sheet.Kind, format string, args ...any) {
	p.add(c, sheet.Problem{Kind: kind, Message: fmt.Sprintf(format, args...)})
}

func (p *Planner) add(c sheet.Column, found sheet.Problem) {
	found.Row, found.Severity = p.row, sheet.Error
	if c.Index >= 0 {
		found.Column, found.Header = sheet.Letter(c.Index), c.Name
	}
	p.problems = append(p.problems, found)
}

// fault adds what a field's parse found wrong, nil for nothing.
func (p *Planner) fault(col *column, wrong *sheet.Problem) {
	if wrong == nil {
		return
	}
	found := *wrong
	if col.Field == sheet.Attribute && p.earlier.isHeld() {
		found.Message += "; if the session held it, empty the cell to leave the session as it is, or have the tenant decide with --attributes off"
	}
	p.add(col.Column, found)
}

// suggest gives the last problem the text that its cell was probably meant to
// have; empty for none.
func (p *Planner) suggest(text string, certain bool) {
	last := &p.problems[len(p.problems)-1]
	last.Suggested, last.Certain = text, certain && text != ""
}

// warning adds a warning, which --strict makes an error.
func (p *Planner) warning(c sheet.Column, kind sheet.Kind, format string, args ...any) {
	p.problem(c, kind, format, args...)
	if !p.rules.Strict {
		p.problems[len(p.problems)-1].Severity = sheet.Warning
	}
}

func (p *Planner) spreadsheetError(c sheet.Column, cell string) {
	p.problem(c, sheet.ExcelError, "%s is an error of the spreadsheet, not a value: mend the formula, or empty the cell to change nothing", quote(cell))
}

func (p *Planner) noValue(c sheet.Column) {
	p.problem(c, sheet.NoValue, "the formula was never calculated: open the workbook in a spreadsheet program and save it, or enter the value")
}

// maxQuoted is how many characters of a cell a message repeats.
const maxQuoted = 60

func quote(cell string) string { return text.Quote(cell, maxQuoted) }

// suggestion is the end of a message about a word that is not in a list.
func suggestion(word string, list []string) string {
	if near, ok := sheet.Nearest(word, list); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(list) <= 5 {
		return "; use one of " + strings.Join(list, ", ")
	}
	return "; `nermbulk help sheet` lists them"
}

// suggestion returns the text that a wrong cell of the field was probably meant
// to have, and whether it can mean nothing else; empty where nothing is near.
func (f *Field) suggestion(cell string, rules *Rules) (text string, certain bool) {
	if f.fix != nil {
		for _, typed := range []string{cell, strings.Map(asHyphen, cell)} {
			if fixed := f.fix(typed); fixed != cell && f.takes(fixed, rules) {
				return fixed, typed == cell
			}
		}
	}
	near, _ := sheet.Nearest(cell, f.Choices)
	return near, false
}

// takes reports whether a cell of the field is right.
func (f *Field) takes(cell string, rules *Rules) bool {
	_, wrong := f.parse(cell, rules)
	return wrong == nil
}

// uuidHint returns what is wrong with a UUID where that is plain to see.
func uuidHint(s string) string {
	if fixed, ok := repairUUID(s); ok {
		return "; write it with hyphens and without braces: " + fixed
	}
	if fixed, ok := repairUUID(strings.Map(asHyphen, s)); ok {
		return "; it has dashes where hyphens belong: write " + fixed
	}
	return "; one looks like 33f072dd-13b4-41e1-8ea0-16f2a59b57c8"
}

// asHyphen returns the hyphen for the dashes that a word processor, or a web
// page, puts in its place.
func asHyphen(r rune) rune {
	if unicode.Is(unicode.Pd, r) || r == '\u2212' { // the minus sign
		return '-'
	}
	return r
}

// CompareColumns orders problems as a spreadsheet orders its columns: B before
// AA.
func CompareColumns(a, b sheet.Problem) int {
	return cmp.Or(cmp.Compare(len(a.Column), len(b.Column)), strings.Compare(a.Column, b.Column))
}

// FirstError returns the first problem that keeps a row from being sent, or
// nil.
func FirstError(problems []sheet.Problem) *sheet.Problem {
	for i := range problems {
		if problems[i].Severity == sheet.Error {
			return &problems[i]
		}
	}
	return nil
}

// Explain makes one line of a row's problems, for its result.
func Explain(problems []sheet.Problem) string {
	var lines []string
	for _, p := range problems {
		if p.Severity == sheet.Error {
			lines = append(lines, strings.TrimPrefix(p.String(), fmt.Sprintf("row %d, ", p.Row)))
		}
	}
	return strings.Join(lines, "; ")
}

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
	if f == nil || f.fix == nil {
		return sheet.Trim
	}
	return func(cell string) string { return f.fix(sheet.Trim(cell)) }
}
