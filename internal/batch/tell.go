package batch

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"nermbulk/internal/sheet"
)

// noColumn is the place of a problem that is the whole row's.
var noColumn = sheet.Column{Index: -1}

// problem adds an error of the row, or of one of its cells.
func (p *Planner) problem(row *sheet.Row, c sheet.Column, kind sheet.Kind, format string, args ...any) {
	p.tell(row, c, kind, sheet.Error, fmt.Sprintf(format, args...))
}

// warning adds a warning, which --strict makes an error.
func (p *Planner) warning(row *sheet.Row, c sheet.Column, kind sheet.Kind, format string, args ...any) {
	severity := sheet.Warning
	if p.rules.Strict {
		severity = sheet.Error
	}
	p.tell(row, c, kind, severity, fmt.Sprintf(format, args...))
}

func (p *Planner) tell(row *sheet.Row, c sheet.Column, kind sheet.Kind, severity sheet.Severity, message string) {
	told := sheet.Problem{Row: row.Number, Kind: kind, Severity: severity, Message: message}
	if c.Index >= 0 {
		told.Column, told.Header = sheet.Letter(c.Index), c.Name
	}
	p.problems = append(p.problems, told)
}

func (p *Planner) excelError(row *sheet.Row, c sheet.Column, cell string) {
	p.problem(row, c, sheet.ExcelError, "%s is an error of the spreadsheet, not a value: mend the formula, or empty the cell to change nothing", quote(cell))
}

// warn tells of text that was probably damaged before it reached us.
func (p *Planner) warn(row *sheet.Row, a *column, cell string) {
	if p.told {
		return
	}
	switch first := cell[0]; {
	case first >= '0' && first <= '9' || first == '-' || first == '+':
		if isScientific(cell) {
			p.warning(row, a.Column, sheet.Scientific, "%s looks like a long number that the spreadsheet shortened: format the column as text and enter the number again", quote(cell))
			return
		}
		if a.date != nil {
			return
		}
		if d := &p.dates[a.Index]; !d.add(row.Number, cell) {
			p.warning(row, a.Column, sheet.MixedDates, "%s beside %s in row %d: no date format fits both; write the column's dates in one form, or rewrite them with --date", quote(cell), quote(d.example), d.row)
		}
	}
	if isMojibake(cell) {
		p.warning(row, a.Column, sheet.Mojibake, "%s looks wrongly decoded: save the sheet as CSV UTF-8 again, or name its encoding with --encoding", quote(cell))
	}
}

// mostQuoted is how many characters of a cell a message repeats.
const mostQuoted = 60

// quote shows a cell's text in a message: cut, and on one line.
func quote(cell string) string { return quoteMost(cell, mostQuoted) }

// quoteMost is quote with another measure, in characters.
func quoteMost(cell string, most int) string {
	if utf8.RuneCountInString(cell) > most {
		runes := []rune(cell[:min(len(cell), most*utf8.UTFMax)])
		cell = string(runes[:min(len(runes), most)]) + "…"
	}
	return fmt.Sprintf("%q", cell)
}

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

// uuidHint says what is wrong with a UUID where that is plain to see.
func uuidHint(s string) string {
	if fixed, ok := repairUUID(s); ok {
		return fmt.Sprintf("; write it with hyphens and without braces: %s", fixed)
	}
	return "; one looks like 33f072dd-13b4-41e1-8ea0-16f2a59b57c8"
}

// compareLetters orders columns as a spreadsheet does: B before AA.
func compareLetters(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
