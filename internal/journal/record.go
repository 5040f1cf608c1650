package journal

import "time"

// Record is one line of the journal: a Start, Intent, Outcome, Before, Planned,
// Tick or End.
type Record interface {
	// appendTo appends the record's JSON object, left open for the checksum;
	// carried marks a line of a rebase.
	appendTo(b []byte, carried bool) ([]byte, error)
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
	At        time.Time
	Version   string // of nermbulk
	Host      string // the only host that is sent to
	Sheet     string // the sheet's path as the user gave it, or "stdin"
	SHA256    string // of the sheet's bytes, in hexadecimal
	SheetFile string // the copy of the sheet in the run directory that row numbers refer to
	Rows      int    // rows of the sheet that are not blank
}

// Intent says that a request is about to leave for a row. One that follows the
// row's outcome (an unknown row is read back, a failed row is sent again) makes
// the row in flight again until its next outcome.
type Intent struct {
	At   time.Time
	Row  int // as Excel shows it
	ID   string
	Hash uint64 // of the id and everything that is sent
	Run  bool   // the request runs the workflow: it must never be sent twice
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
	At         time.Time // when it ended
	Row        int       // as Excel shows it
	ID         string
	Hash       uint64 // as in Intent
	Run        bool
	Status     Status
	HTTPStatus int // of the last answer; 0 when there was none
	Attempts   int
	Duration   time.Duration // from the first attempt to the end, waits included
	Error      string        // one line that a person understands
	ErrorBody  string        // the last answer's body as received, at most 4 KiB
	Note       string
}

// Before is what a session held before it was overwritten. The first of a row
// counts: a later one may show what the run itself has written.
type Before struct {
	Row     int
	ID      string
	Session []byte // the session as the API gave it: one JSON object
}

// Planned is one line of a dry run's plan.
type Planned struct {
	Row     int
	ID      string
	Action  string // patch, unchanged or invalid
	Method  string
	Path    string
	Body    []byte // JSON; empty when nothing would be sent
	Changes string // with a comparison: "field: old → new", one a line
}

// Tick counts what happened since the tick before it, at most a second or so
// ago, so that a killed run loses no more than the last moment's figures.
type Tick struct {
	At        time.Time
	Patch     int // requests sent
	Get       int
	Token     int
	Throttled int     // answers that refused for the rate
	Retried   int     // attempts beyond a row's first
	Ceiling   float64 // requests per second allowed at the moment; 0 = none
	// Latency counts answers by time taken: the key is the upper bound of
	// the bucket in milliseconds.
	Latency map[int]int
}

// End closes a session of a run in an orderly way. A session without one was
// killed.
type End struct {
	At       time.Time
	ExitCode int
	Reason   string // why it stopped, for people; empty when every row was tried
	Finished bool   // nothing is left to resume
}
