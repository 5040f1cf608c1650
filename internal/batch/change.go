package batch

import (
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// DefaultClearMarker is the cell that empties an attribute when no other
// marker was chosen.
const DefaultClearMarker = "<clear>"

// Rules are the choices that decide what a row means.
type Rules struct {
	ClearMarker        string // without regard to case; never empty
	RunSessions        bool   // an empty run cell means true
	AllowUnknownStatus bool   // a status that is not in the list is sent as typed
	InOrder            bool   // the same id may stand in several rows
	Strict             bool   // warnings are errors
	Dates              []DateRule
}

// Change is what one row asks of the tenant: one PATCH.
type Change struct {
	Row      int       // as Excel shows it
	ID       string    // in lower case
	Run      bool      // ?run=true
	Body     []byte    // the request's body; the fields stand in a fixed order
	Status   string    // the status that is sent, if any
	Clears   int       // how many attributes are emptied
	Fields   int       // how many fields and attributes are sent
	Doubtful bool      // an earlier run or session could not tell whether this was applied
	Since    time.Time // for Doubtful: when its request left, if that is known

	sent     []sentValue    // what Body holds, in its order
	hash     uint64         // once it was asked for
	replaces journal.Status // the row's earlier outcome, if it has one
	before   *api.Session   // what the session held before, if that is known
	mayStand bool           // an earlier request of this run may have been applied
}

// sentValue is one field of a change's body, for comparing it with a session.
type sentValue struct {
	field sheet.Field
	uid   string // of an attribute
	value string
}

// Hash tells changes apart by id and content. It is the same in every process
// and for every order of a sheet's rows and columns.
func (c *Change) Hash() uint64 {
	if c.hash == 0 {
		var h xxhash.Digest
		h.Reset()
		_, _ = h.WriteString(c.ID) // a hash never fails
		if c.Run {
			_, _ = h.WriteString("\x01")
		}
		_, _ = h.Write(c.Body)
		c.hash = max(h.Sum64(), 1)
	}
	return c.hash
}

func (c *Change) reset(row int) {
	*c = Change{Row: row, Body: c.Body[:0], sent: c.sent[:0]}
}

// copyTo makes another change of this one that shares no memory with it but
// the text of cells.
func (c *Change) copyTo(to *Change) {
	body, sent := append(to.Body[:0], c.Body...), append(to.sent[:0], c.sent...)
	*to = *c
	to.Body, to.sent = body, sent
}

// Rows of a sheet are matched with these words of an earlier results file.
const (
	resultStatus   = "status"
	resultFinished = "finished_at"
	resultDuration = "duration_ms"
	unknownWord    = "unknown"
)

// findResult returns the index of a column of an earlier run's results, or -1.
func findResult(columns []sheet.Column, name string) int {
	for _, c := range columns {
		if c.Field == sheet.Result && c.UID == name {
			return c.Index
		}
	}
	return -1
}

// requestTime is when the first request for a row of an earlier run's results
// left, which is before the one in doubt; zero when its cells do not tell.
func (p *Planner) requestTime(row *sheet.Row) time.Time {
	if p.finished < 0 || p.duration < 0 {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, sheet.Trim(row.Cells[p.finished]))
	took, failed := strconv.Atoi(sheet.Trim(row.Cells[p.duration]))
	if err != nil || failed != nil || took < 0 {
		return time.Time{}
	}
	return at.Add(-time.Duration(took) * time.Millisecond)
}
