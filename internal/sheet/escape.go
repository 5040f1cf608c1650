package sheet

import "strings"

// Escape puts an apostrophe before a cell that a spreadsheet would run as a
// formula: one whose first character, after any apostrophes, is =, +, -, @, a
// tab or a carriage return. Unescape(Escape(cell)) is cell, for any cell.
func Escape(cell string) string {
	if !formula(cell) {
		return cell
	}
	return "'" + cell
}

// Unescape takes one apostrophe off a cell that Escape put one on.
func Unescape(cell string) string {
	if cell == "" || cell[0] != '\'' || !formula(cell) {
		return cell
	}
	return cell[1:]
}

// formula looks behind the apostrophes, so that a cell that came with one of
// its own is told apart from one that was escaped.
func formula(cell string) bool {
	if cell == "" || cell[0] > '@' {
		return false
	}
	bare := strings.TrimLeft(cell, "'")
	if bare == "" {
		return false
	}
	switch bare[0] {
	case '=', '+', '-', '@', '\t', '\r':
		return true
	}
	return false
}
