package report

import "nermbulk/internal/sheet"

// Query chooses rows of a Grid. The zero value of each choice is all rows; a
// row has to fit every choice that is made.
type Query struct {
	Search   string       // text in a cell, a problem or a result, without regard to case
	Problems bool         // rows with a problem of any kind
	Kinds    []sheet.Kind // rows with a problem of one of these kinds
	Outcomes []string     // of a run: rows that ended so ("failed"); of a dry run: that are planned so ("patch", "unchanged", "invalid")
	Fields   []string     // of a dry run with a comparison: rows that change one of these ("status", "attributes.end_date")

	From int // the first row wanted, counted from 0 among those that fit
	Rows int // how many rows are wanted; at most MaxWindow
}

// MaxWindow is the most rows of a Window.
const MaxWindow = 1000

// Window is a stretch of the rows that fit a Query.
type Window struct {
	All      int // rows of the sheet that are not blank
	Matching int // rows that fit the query
	From     int // as asked, but not beyond Matching
	Rows     []GridRow
}

// GridRow is one row of a Window.
type GridRow struct {
	Number   int             // as Excel shows it
	Cells    []string        // one for each of the Grid's columns
	Excess   []string        // cells beyond the last column, where one has data
	Problems []sheet.Problem // of the check, in the order of the columns
	Result   *RowResult      // of a run; nil for a sheet that is only checked
}

// RowResult is what became of a row in a run, or what a dry run plans.
type RowResult struct {
	Status     string // "updated", "failed", …; of a dry run the action: "patch", "unchanged" or "invalid"; "pending" for a row not tried yet
	HTTPStatus int    // of the last answer; 0 when there was none
	Error      string
	Note       string
	Attempts   int
	Fields     []FieldChange // of a dry run with a comparison: what would change
	Changes    string        // the same for people, one "field: old → new" a line
}

// FieldChange is one field that a row changes.
type FieldChange struct {
	Field string `json:"field"` // as a header names it: status, attributes.end_date
	Old   string `json:"old"`   // what the session holds
	New   string `json:"new"`   // what is sent
}
