// Package sheet turns the bytes of a spreadsheet's CSV into rows: encoding,
// delimiter, header, and the row numbers that Excel shows. It also writes the
// CSV files that a spreadsheet opens again without harm. It never judges a
// value: whether a status or an id is right is not its business.
package sheet

// Row is one row of a sheet that is not blank.
//
// A Row and its Cells slice are valid until the callback that received them
// returns; the strings in it may be kept.
type Row struct {
	// Number is the row's number as Excel shows it (the header is usually 1).
	Number int
	// Cells holds one cell for each of the header's columns: as in the file,
	// decoded to UTF-8, quotes and the formula escape taken off, not trimmed,
	// line breaks as they were. Missing cells are empty.
	Cells []string
	// Long is set when the row holds data beyond the header's last column.
	// It has a problem of kind CellCount then and must not be sent.
	Long bool
	// Excess holds, for Long, the cells beyond the header's last column, so
	// that a copy of the row loses none.
	Excess []string
}

// Field is what a column is sent as.
type Field int

// The fields of a column.
const (
	Ignored       Field = iota // neither checked nor sent
	ID                         // the session's id, sent in the path
	Status                     // "status"
	WorkflowID                 // "workflow_id"
	RequesterID                // "requester_id"
	RequesterType              // "requester_type"
	ProfileID                  // "profile_id"
	ProfileIDs                 // "profile_ids"
	Run                        // the query parameter run=true
	Attribute                  // one of "attributes"; see Column.UID
	ReadOnly                   // uid, created_at, updated_at: accepted, not sent
	Result                     // result.*: what an earlier run wrote, not sent
)

// Column is one column of a sheet.
type Column struct {
	Index int    // position in the sheet, from 0
	Name  string // the header as typed, without the formula escape
	Field Field
	UID   string // for Attribute: the attribute's uid, exactly as typed; for Result: the name after "result.", in lower case
}
