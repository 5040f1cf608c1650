package sheet

import "slices"

// The fields of a session.
const (
	Status        Field = "status"
	WorkflowID    Field = "workflow_id"
	RequesterID   Field = "requester_id"
	RequesterType Field = "requester_type"
	ProfileID     Field = "profile_id"
	ProfileIDs    Field = "profile_ids"
	Run           Field = "run" // the query parameter run=true
)

// SessionFields are the fields of Options that name none.
var SessionFields = Fields{
	Sent:     []string{"id", "status", "workflow_id", "requester_id", "requester_type", "profile_id", "profile_ids", "run"},
	ReadOnly: []string{"uid", "created_at", "updated_at"},
}

// ParseField parses the name of one of SessionFields.
func ParseField(name string) (Field, string, bool) { return SessionFields.Parse(name) }

// ParseMapping parses a mapping to one of SessionFields.
func ParseMapping(s string) (Mapping, error) { return SessionFields.ParseMapping(s) }

// Order is the field's place in SessionFields; attributes come last.
func (f Field) Order() int {
	if at := slices.Index(SessionFields.Sent, string(f)); at >= 0 {
		return at
	}
	return len(SessionFields.Sent)
}

func (f Field) String() string { return string(f) }
