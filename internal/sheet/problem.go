package sheet

// Kind names a sort of problem, for scripts.
type Kind string

// The kinds of problems, and after them those of warnings.
const (
	BadEncoding     Kind = "encoding"
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
	NoChange        Kind = "no-change"

	Scientific Kind = "scientific"
	Mojibake   Kind = "mojibake"
	MixedDates Kind = "mixed-dates"
)

// Severity tells whether a problem keeps the sheet from being sent.
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
}
