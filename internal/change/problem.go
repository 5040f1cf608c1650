package change

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// noColumn is the place of a problem that is the whole row's.
var noColumn = sheet.Column{Index: -1}

// problem adds an error of the row, or of one of its cells.
func (p *Planner) problem(c sheet.Column, kind sheet.Kind, format string, args ...any) {
	found := sheet.Problem{Row: p.row, Kind: kind, Severity: sheet.Error, Message: fmt.Sprintf(format, args...)}
	if c.Index >= 0 {
		found.Column, found.Header = sheet.Letter(c.Index), c.Name
	}
	p.problems = append(p.problems, found)
}

// fault adds what a field's parse found wrong, nil for nothing, with more words.
func (p *Planner) fault(col *column, wrong *fault, more string) {
	if wrong != nil {
		p.problem(col.Column, wrong.kind, "%s", wrong.message+more)
		p.suggest(wrong.suggested, wrong.certain)
	}
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
	if f.parse == nil { // the id
		return isUUID(cell)
	}
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
