package sandbox

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Session is a workflow session as the tenant holds it. UUIDs are in lower
// case; an empty field is one that the session does not have.
type Session struct {
	ID            string            `json:"id"`
	UID           string            `json:"uid"`
	WorkflowID    string            `json:"workflow_id"`
	RequesterID   string            `json:"requester_id"`
	RequesterType string            `json:"requester_type"`
	ProfileID     string            `json:"profile_id,omitempty"`
	ProfileIDs    []string          `json:"profile_ids"` // never nil
	Status        string            `json:"status"`
	Attributes    map[string]string `json:"attributes"` // never nil
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

// parseID reads a UUID in its form with hyphens, in either case.
func parseID(s string) (uuid.UUID, bool) {
	if len(s) != 36 { // the only form that the API takes
		return uuid.UUID{}, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil
}

// field is one value that a PATCH set. A session that was updated keeps these
// and not a whole Session, which would cost several times as much.
type field struct{ name, value string }

// The names a field can have; an attribute's is attributePrefix and its uid.
const (
	fieldStatus        = "status"
	fieldWorkflowID    = "workflow_id"
	fieldRequesterID   = "requester_id"
	fieldRequesterType = "requester_type"
	fieldProfileID     = "profile_id"
	fieldProfileIDs    = "profile_ids" // joined by commas
	fieldUID           = "uid"         // read-only: in filters, never in a change
	attributePrefix    = "attributes."
)

// idFields are those that hold one UUID.
var idFields = []string{fieldWorkflowID, fieldRequesterID, fieldProfileID}

// set applies one field to a session of the caller's own.
func (s *Session) set(f field) {
	switch f.name {
	case fieldUID:
		s.UID = f.value
	case fieldStatus:
		s.Status = f.value
	case fieldWorkflowID:
		s.WorkflowID = f.value
	case fieldRequesterID:
		s.RequesterID = f.value
	case fieldRequesterType:
		s.RequesterType = f.value
	case fieldProfileID:
		s.ProfileID = f.value
	case fieldProfileIDs:
		s.ProfileIDs = []string{}
		if f.value != "" {
			s.ProfileIDs = strings.Split(f.value, ",")
		}
	default:
		s.Attributes[strings.TrimPrefix(f.name, attributePrefix)] = f.value
	}
}

// statuses are those that can be written, exactly so: the API documents them
// for a session's status.
var statuses = strings.Fields(`
	api_request_sent approved assigned attempting_to_start_workflow AUTH-STATUS1 AUTH-STATUS2 AUTH-STATUS3
	AUTH-STATUS4 AUTH-STATUS5 AUTH-STATUS6 AUTH-STATUS7 AUTH-STATUS8 AUTH-STATUS9 auto_assigned batch_completed
	checking_for_duplicates closed completed courion_add courion_extend courion_terminate courion_update
	duplicates_resolved failed fulfilled invitation_sent ldap_provided new non_employee_created
	non_employee_updated notified pending_approval pending_assignment pending_courion_add pending_courion_extend
	pending_courion_terminate pending_courion_update pending_creation pending_fulfillment pending_ldap
	pending_notification pending_profile_select pending_request pending_review pending_status_change
	pending_stored_procedure pending_trigger pending_update processing profile_check_complete profiles_selected
	rejected requested reviewed soap_request_sent started_workflow status_changed stored_procedure un_assigned
	waiting_on_workflow workflow_changed
`)

// spaced is how the list's filter, and some answers, spell a status.
func spaced(status string) string { return strings.ReplaceAll(status, "_", " ") }

// requesterTypes are those that can be written.
var requesterTypes = []string{"User", "NeprofileUser", "NeaccessUser", "NeaccessRegistrant"}

// The values that sessions take. A session is made from its id each time it is
// looked at, so one id makes one session in every process.
var (
	seedStatuses = [...]string{
		"pending_approval", "pending_approval", "pending_approval", "requested",
		"pending_review", "processing", "completed", "completed",
	}
	seedWorkflows = [...]string{
		"0b0c4d1e-6a52-4f0e-9d0f-5a1f3b7c2d01",
		"1f6f2b53-4a7e-4a3b-8c55-0f3a9e6d2c02",
		"2d9a7e10-93c4-4f1d-b7a8-6c1e5d4f3b03",
		"3c8b6f21-12d5-4e2c-a6b9-7d2f4e5a6c04",
		"4e7d5a32-81e6-4b3a-95ca-8e3a5f6b7d05",
	}
	seedRequesters = [...]string{
		"a1d3c5e7-0f21-4b43-8d65-1a2b3c4d5e01",
		"b2e4d6f8-1a32-4c54-9e76-2b3c4d5e6f02",
		"c3f5e7a9-2b43-4d65-8f87-3c4d5e6f7a03",
		"d4a6f8b0-3c54-4e76-9a98-4d5e6f7a8b04",
	}
	seedTypes       = [...]string{"User", "User", "NeprofileUser", "NeaccessUser"}
	seedDepartments = [...]string{"Finance", "Field Service", "Research & Development", "Warehouse", "Facilities"}
	seedTitles      = [...]string{"Contractor", "Consultant", "Intern", "Auditor", "Technician"}
	firstNames      = [...]string{"Ana", "Björn", "Chidi", "Dolores", "Emre", "Fatima", "Goran", "Hanako"}
	lastNames       = [...]string{"Silva", "Svensson", "Okafor", "García", "Yılmaz", "Haddad", "Novak", "Mori"}
)

// seedEpoch is the first day on which a seeded session was created (Unix
// seconds); it is fixed so that seeds do not depend on the day.
const seedEpoch = 1704067200 // 2024-01-01T00:00:00Z

// hash spreads an id over 64 bits.
func hash(id uuid.UUID) uint64 {
	return mix(binary.BigEndian.Uint64(id[:8]) ^ mix(binary.BigEndian.Uint64(id[8:])))
}

// mix is the finaliser of SplitMix64: every bit of x reaches every bit of the
// result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// derived is another id made from a hash; n makes several of one hash differ.
func derived(hash, n uint64) uuid.UUID {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], mix(hash+n))
	binary.BigEndian.PutUint64(u[8:], mix(^hash+n))
	u[6] = u[6]&0x0f | 0x40 // a UUID of version 4
	u[8] = u[8]&0x3f | 0x80
	return u
}

// pick chooses one of the values by the bits of a hash from shift on.
func pick(hash uint64, shift int, of []string) string {
	return of[(hash>>shift)%uint64(len(of))]
}

func seedCreated(hash uint64) int64 { return seedEpoch + int64(hash>>5%(700*24*3600)) }

// seed makes the session of an id.
func seed(id uuid.UUID) Session {
	h := hash(id)
	created := time.Unix(seedCreated(h), 0).UTC()
	end := created.AddDate(1, 0, 0)
	s := Session{
		ID:            id.String(),
		UID:           seedValue(h, fieldUID),
		WorkflowID:    seedValue(h, fieldWorkflowID),
		RequesterID:   seedValue(h, fieldRequesterID),
		RequesterType: pick(h, 24, seedTypes[:]),
		ProfileID:     seedValue(h, fieldProfileID),
		ProfileIDs:    []string{},
		Status:        seedValue(h, fieldStatus),
		Attributes: map[string]string{
			"start_date": created.Format("01/02/2006"),
			"end_date":   end.Format("01/02/2006"),
			"department": pick(h, 32, seedDepartments[:]),
			"job_title":  pick(h, 40, seedTitles[:]),
			"sponsor":    pick(h, 48, seedRequesters[:]),
		},
		CreatedAt: created,
		UpdatedAt: created.Add(time.Duration(h>>13%(30*24*3600)) * time.Second),
	}
	if s.ProfileID == "" {
		s.ProfileIDs = []string{derived(h, 2).String(), derived(h, 3).String()}
	}
	return s
}

// seedValue is one field of seed's session, without making the rest: a filter
// over a million sessions looks at nothing else.
func seedValue(h uint64, name string) string {
	switch name {
	case fieldStatus:
		return pick(h, 0, seedStatuses[:])
	case fieldWorkflowID:
		return pick(h, 8, seedWorkflows[:])
	case fieldRequesterID:
		return pick(h, 16, seedRequesters[:])
	case fieldProfileID:
		if h>>56%8 == 0 { // a batch workflow: it has profile_ids instead
			return ""
		}
		return derived(h, 1).String()
	case fieldUID:
		id := derived(h, 4)
		return hex.EncodeToString(id[:]) // 32 characters, as at a tenant
	}
	return ""
}

// asNames turns a value that is UUIDs joined by commas into people's names, as
// the API does for profile, owner and contributor attributes. Any other value
// is left as it is.
func asNames(value string) string {
	if len(value) < 36 {
		return value
	}
	parts := strings.Split(value, ",")
	for i, part := range parts {
		id, ok := parseID(strings.TrimSpace(part))
		if !ok {
			return value
		}
		h := hash(id)
		parts[i] = pick(h, 0, firstNames[:]) + " " + pick(h, 8, lastNames[:]) +
			" (user" + strconv.FormatUint(h>>44, 36) + "@example.com)"
	}
	return strings.Join(parts, ", ")
}
