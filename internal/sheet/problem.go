package sheet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"nermbulk/internal/text"
)

// Kind names a sort of problem, for scripts.
type Kind string

// The kinds of problems, and after them those of warnings.
const (
	BadEncoding     Kind = "encoding"
	NotASheet       Kind = "not-a-sheet"
	NoRows          Kind = "no-rows"
	MissingID       Kind = "missing-id-column"
	UnknownColumn   Kind = "unknown-column"
	DuplicateColumn Kind = "duplicate-column"
	EmptyHeader     Kind = "empty-header"
	CellCount       Kind = "cell-count"
	BadQuote        Kind = "bad-quote"
	BadID           Kind = "bad-id"
	BadUUID         Kind = "bad-uuid"
	BadStatus       Kind = "bad-status"
	BadType         Kind = "bad-type"
	BadBoolean      Kind = "bad-boolean"
	BadDate         Kind = "bad-date"
	ExcelError      Kind = "excel-error"
	ClearNotAllowed Kind = "clear-not-allowed"
	DuplicateID     Kind = "duplicate-id"
	UnknownUID      Kind = "unknown-uid"
	NoChange        Kind = "no-change"
	Reformatted     Kind = "reformatted"

	NoValue           Kind = "no-value"
	HiddenRowsFound   Kind = "hidden-rows"
	MergedCells       Kind = "merged-cells"
	DateFormatUnknown Kind = "date-format-unknown"

	AttributeUnknown    Kind = "unknown-attribute"
	AmbiguousColumn     Kind = "ambiguous-column"
	BadOption           Kind = "bad-option"
	AttributeAttachment Kind = "attachment-attribute"

	Scientific Kind = "scientific"
	Mojibake   Kind = "mojibake"
	MixedDates Kind = "mixed-dates"
	OddDate    Kind = "odd-date"

	HiddenColumn Kind = "hidden-column"

	AttributeArchived Kind = "archived-attribute"
	ManyValues        Kind = "many-values"
)

// Severity decides whether a problem keeps the sheet from being sent.
type Severity string

// The two severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing that is wrong with a sheet, at the place where a
// person would look it up. Its JSON form is what `check --json`
// prints, for other programs to rely on.
type Problem struct {
	Row      int      `json:"row,omitempty"`    // as Excel shows it; 0 when it is the whole sheet's
	Column   string   `json:"column,omitempty"` // letters, as Excel shows them; empty when it is the whole row's
	Header   string   `json:"header,omitempty"` // the column's header as typed
	Kind     Kind     `json:"kind"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // what is wrong and what to do, in one line

	// Suggested is the text that the cell was probably meant to have, ready for an
	// Edit; empty where nothing is near. Where it is Certain, the cell can mean
	// nothing else.
	Suggested string `json:"-"`
	Certain   bool   `json:"-"`
}

// String returns the problem in one line, its place first.
func (p Problem) String() string {
	if place := p.Place(); place != "" {
		return place + ": " + p.Message
	}
	return p.Message
}

// Place returns the row and the column of a problem; nothing for the whole sheet's.
func (p Problem) Place() string {
	var places []string
	if p.Row > 0 {
		places = append(places, fmt.Sprintf("row %d", p.Row))
	}
	if p.Column != "" {
		place := "column " + p.Column
		if name := shown(p.Header); name != "" {
			place += " (" + name + ")"
		}
		places = append(places, place)
	}
	return strings.Join(places, ", ")
}

// placed returns an error with its place; a negative column is left out. The
// header may be nil.
func placed(row, column int, h *header, kind Kind, message string) Problem {
	p := Problem{Row: row, Column: Letter(column), Kind: kind, Severity: Error, Message: message}
	if h != nil && column >= 0 && column < len(h.columns) {
		p.Header = h.columns[column].Name
	}
	return p
}

// ofSeverity returns those problems that are errors, or warnings.
func ofSeverity(problems []Problem, of Severity) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Severity != of })
}

func noRows(message string) Problem {
	return Problem{Kind: NoRows, Severity: Error, Message: message}
}

// faultProblem turns the error that ends the reading of rows into the sheet's
// problem. Other errors, such as those of the disk, are not the sheet's.
func faultProblem(row int, h *header, err error) (Problem, bool) {
	f, ok := errors.AsType[*fault](err)
	if !ok {
		return Problem{}, false
	}
	return placed(row, f.column, h, f.kind, f.message), true
}

func isFault(err error) bool {
	_, ok := errors.AsType[*fault](err)
	return ok
}

// LongRow returns the problem of a row that has data beyond the last column.
func (s *Sheet) LongRow(r *Row) Problem {
	width, beyond, cell := s.header.width, 0, ""
	for beyond, cell = range r.Excess {
		if Trim(cell) != "" {
			break
		}
	}
	remedy := "give its column a header"
	if !s.IsWorkbook() {
		delimiter, ok := map[rune]string{',': "comma", ';': "semicolon", '\t': "tab"}[s.delimiter]
		if !ok {
			delimiter = quoted(string(s.delimiter))
		}
		remedy = "put the cell that holds a " + delimiter + " as text in quotes"
	}
	return placed(r.Number, width+beyond, nil, CellCount, fmt.Sprintf(
		"%s stands beyond the last column (%s); remove it, or %s", quoted(cell), Letter(width-1), remedy))
}

// longestShown is how much of a sheet's own text a message repeats, in
// characters.
const longestShown = 60

// shown returns a sheet's text for a message.
func shown(s string) string { return text.Line(s, longestShown) }

// quoted is shown between quotation marks.
func quoted(s string) string { return `"` + shown(s) + `"` }

// commandWord returns a sheet's text as it can be typed after a flag.
func commandWord(s string) string { return text.ShellQuote(text.Line(s, 0)) }
