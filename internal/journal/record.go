// Package journal keeps the append-only record of a run: every intent before
// its request leaves and every outcome after it. It is the one source of truth
// from which a run goes on and from which every file that a person reads is
// made. It never decides what an outcome means and never sends anything.
//
// The file journal.jsonl holds one JSON object a line. A line counts once its line
// break is there, and ends in the checksum of what is before it. docs/journal.md
// describes the lines, which the types of this file have the keys of.
package journal

import (
	"encoding/json"
	"time"
)

// Record is one line of the journal: a Start, Moved, Intent, Attempt, Withdrawn,
// Outcome, Before, Planned, Tick or End.
type Record interface {
	// encode appends the record's JSON object, left open for the checksum.
	encode(*encoder)
}

// Status is how a row ended; see Outcome. The empty Status is a row that was
// not tried yet ("pending").
type Status string

// The outcomes a row can have.
const (
	Updated   Status = "updated"
	Unchanged Status = "unchanged"
	Failed    Status = "failed"
	Unknown   Status = "unknown"
	Invalid   Status = "invalid"
	Pending   Status = "pending"
)

// Start opens a session of a run: the first time and at each resume.
type Start struct {
	At         time.Time `json:"at"`
	Version    string    `json:"version"`                     // of nermbulk
	Host       string    `json:"host"`                        // the only host that is sent to
	Sheet      string    `json:"sheet"`                       // the sheet's path as the user gave it, or "stdin"
	SHA256     string    `json:"sha256"`                      // of the sheet's bytes, in hexadecimal
	SheetFile  string    `json:"sheet_file"`                  // the copy of the sheet in the run directory that row numbers refer to
	FileSHA256 string    `json:"sheet_file_sha256,omitempty"` // of the copy where it is not SHA256: of a workbook it is a CSV
	Rows       int       `json:"rows"`                        // rows of the sheet that are not blank
	Rules      string    `json:"rules"`                       // by which rows are read, where they are not the usual ones
	Clears     int       `json:"clears"`                      // attributes that the sheet empties
	Runs       int       `json:"runs"`                        // sessions that the sheet runs
	Operator   Operator  `json:"operator"`

	// Edition counts the sheets, and the rules they were read by: 1 for the
	// first one. A new one closes a block of Moved records, the last Matched
	// ones: a row has the number that the sheet of its edition gives it.
	Edition int     `json:"edition"`
	Matched int     `json:"matched"`
	Removed Removed `json:"removed"`
}

// Operator is who sends: the user's name on which machine.
type Operator struct {
	User    string `json:"user"`
	Machine string `json:"machine"`
}

// Removed counts the sessions that the sheets of a run had before and the
// present one has not.
type Removed struct {
	Sent    int `json:"sent"`
	NotSent int `json:"not_sent"`
}

// Moved says that a row of an edited sheet is one that the run knows: its
// records are those of another row number in an earlier edition, the last one
// that had it.
type Moved struct {
	Row, Was uint32 // as Excel shows them
	Edition  uint32 // of Was
}

// Intent says that a request is about to leave for a row. One that follows the
// row's outcome (an unknown row is read back, a failed row is sent again) makes
// the row in flight again until its next outcome.
type Intent struct {
	At   time.Time `json:"at"`
	Row  int       `json:"row"` // as Excel shows it
	ID   string    `json:"id"`
	Hash uint64    `json:"-"`   // of the id and everything that is sent
	Run  bool      `json:"run"` // the request runs the workflow: it must never be sent twice
}

// Attempt is one request of a row that runs its session, once it has ended. What
// came of the row is its Outcome's to say.
type Attempt struct {
	At         time.Time     `json:"at"`  // when it left
	Row        int           `json:"row"` // as Excel shows it
	ID         string        `json:"id"`
	Attempt    int           `json:"attempt"` // from 1, of those that Attempts of the row's Outcome counts
	HTTPStatus int           `json:"http"`    // 0 when there was no answer
	Duration   time.Duration `json:"-"`
	RequestID  string        `json:"request_id"`
	Error      string        `json:"error"` // one line that a person understands; empty for the answer that was hoped for
}

// Withdrawn says that nothing can have come of a row's intent: its request did
// not leave, or was turned away unread. The row is as it was before the intent.
type Withdrawn struct {
	At  time.Time
	Row int // as Excel shows it
	ID  string
}

// Outcome is the one result of a row; a later one replaces an earlier one.
type Outcome struct {
	At         time.Time     `json:"at"`  // when it ended
	Row        int           `json:"row"` // as Excel shows it
	ID         string        `json:"id"`
	Hash       uint64        `json:"-"` // as in Intent
	Run        bool          `json:"run"`
	Status     Status        `json:"status"`
	HTTPStatus int           `json:"http"` // of the last answer; 0 when there was none
	Attempts   int           `json:"attempts"`
	Duration   time.Duration `json:"-"`          // from the first attempt to the end, waits included
	RequestID  string        `json:"request_id"` // by which the tenant knows the request that Status is of; empty where it gave none
	Error      string        `json:"error"`      // one line that a person understands
	ErrorBody  string        `json:"error_body"` // the last answer's body as received, at most 4 KiB
	Note       string        `json:"note"`
	UpdatedAt  string        `json:"updated_at"` // of the session, after it was updated; kept where rows depend on it
}

// Before is what a session held before a row overwrote it. The last of a row
// counts.
type Before struct {
	Row     int               `json:"row"`
	ID      string            `json:"id"`
	Sent    map[string]string `json:"sent"`    // what the row writes, by the field's name in a header
	Session json.RawMessage   `json:"session"` // as the API gave it: one JSON object
}

// Planned is one line of a dry run's plan.
type Planned struct {
	Row     int             `json:"row"`
	ID      string          `json:"id"`
	Action  string          `json:"action"` // patch, unchanged or invalid
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	Body    json.RawMessage `json:"body"`    // empty when nothing would be sent
	Changes string          `json:"changes"` // with a comparison: "field: old → new", one a line

	Fields []FieldChange `json:"fields"` // the same as data
}

// FieldChange is one field of a session that a row changes.
type FieldChange struct {
	Field  string `json:"field"`            // as a header names it: status, attributes.end_date
	Old    string `json:"old"`              // what the session holds
	New    string `json:"new"`              // what is sent
	Remark string `json:"remark,omitempty"` // why the two cannot be compared, if so
}

// Tick counts what happened since the tick before it, at most a second or so
// ago, so that a killed run loses no more than the last moment's figures.
type Tick struct {
	At        time.Time `json:"at"`
	Patch     int       `json:"patch"` // requests sent
	Get       int       `json:"get"`
	Token     int       `json:"token"`
	Throttled int       `json:"throttled"` // answers that refused for the rate
	Retried   int       `json:"retried"`   // attempts beyond a row's first
	Ceiling   float64   `json:"ceiling"`   // requests per second allowed at the moment; 0 = none
	Learned   float64   `json:"learned"`   // those that the tenant was found to grant; 0 = all that the user permits
	// Latency counts answers by time taken: the key is the upper bound of
	// the bucket in milliseconds.
	Latency map[int]int `json:"latency_ms"`
}

// End closes a session of a run in an orderly way. A session without one was
// killed.
type End struct {
	At       time.Time `json:"at"`
	ExitCode int       `json:"exit"`
	Reason   string    `json:"reason"`   // why it stopped, for people; empty when every row was tried
	Finished bool      `json:"finished"` // nothing is left to resume
}
