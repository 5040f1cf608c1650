package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Session is a workflow session as the tenant holds it. UUIDs are in lower
// case; an empty field is one that the session does not have.
type Session struct {
	ID            string
	UID           string
	WorkflowID    string
	RequesterID   string
	RequesterType string
	ProfileID     string
	ProfileIDs    []string
	Status        string
	Attributes    map[string]string // never nil in a session that the tenant gives
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// clone shares nothing with s that could be changed.
func (s Session) clone() Session {
	s.ProfileIDs = slices.Clone(s.ProfileIDs)
	s.Attributes = maps.Clone(s.Attributes)
	if s.Attributes == nil {
		s.Attributes = map[string]string{}
	}
	return s
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

// set applies one field to a session of the caller's own.
func (s *Session) set(f field) {
	switch f.name {
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
		s.ProfileIDs = nil
		if f.value != "" {
			s.ProfileIDs = strings.Split(f.value, ",")
		}
	default:
		s.Attributes[strings.TrimPrefix(f.name, attributePrefix)] = f.value
	}
}

// value is the session's value of a field that the list filters by.
func (s *Session) value(name string) string {
	switch name {
	case fieldStatus:
		return s.Status
	case fieldWorkflowID:
		return s.WorkflowID
	case fieldRequesterID:
		return s.RequesterID
	case fieldProfileID:
		return s.ProfileID
	case fieldUID:
		return s.UID
	}
	return ""
}

// statuses are those that can be written, exactly so: the API documents them
// for a session's status.
var statuses = []string{
	"api_request_sent", "approved", "assigned", "attempting_to_start_workflow", "AUTH-STATUS1",
	"AUTH-STATUS2", "AUTH-STATUS3", "AUTH-STATUS4", "AUTH-STATUS5", "AUTH-STATUS6", "AUTH-STATUS7",
	"AUTH-STATUS8", "AUTH-STATUS9", "auto_assigned", "batch_completed", "checking_for_duplicates", "closed",
	"completed", "courion_add", "courion_extend", "courion_terminate", "courion_update",
	"duplicates_resolved", "failed", "fulfilled", "invitation_sent", "ldap_provided", "new",
	"non_employee_created", "non_employee_updated", "notified", "pending_approval", "pending_assignment",
	"pending_courion_add", "pending_courion_extend", "pending_courion_terminate", "pending_courion_update",
	"pending_creation", "pending_fulfillment", "pending_ldap", "pending_notification",
	"pending_profile_select", "pending_request", "pending_review", "pending_status_change",
	"pending_stored_procedure", "pending_trigger", "pending_update", "processing", "profile_check_complete",
	"profiles_selected", "rejected", "requested", "reviewed", "soap_request_sent", "started_workflow",
	"status_changed", "stored_procedure", "un_assigned", "waiting_on_workflow", "workflow_changed",
}

// spaced is how the list's filter, and some answers, spell a status.
func spaced(status string) string { return strings.ReplaceAll(status, "_", " ") }

// sameStatus compares a status with one of a filter, which may bear spaces.
func sameStatus(a, filter string) bool {
	return strings.EqualFold(spaced(a), spaced(filter))
}

// requesterTypes are those that can be written.
var requesterTypes = []string{"User", "NeprofileUser", "NeaccessUser", "NeaccessRegistrant"}
