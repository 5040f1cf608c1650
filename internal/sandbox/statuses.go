package sandbox

import "strings"

// statuses are those that a body may bear, exactly so: the API documents them
// for a session's status.
var statuses = []string{
	"api_request_sent",
	"approved",
	"assigned",
	"attempting_to_start_workflow",
	"AUTH-STATUS1",
	"AUTH-STATUS2",
	"AUTH-STATUS3",
	"AUTH-STATUS4",
	"AUTH-STATUS5",
	"AUTH-STATUS6",
	"AUTH-STATUS7",
	"AUTH-STATUS8",
	"AUTH-STATUS9",
	"auto_assigned",
	"batch_completed",
	"checking_for_duplicates",
	"closed",
	"completed",
	"courion_add",
	"courion_extend",
	"courion_terminate",
	"courion_update",
	"duplicates_resolved",
	"failed",
	"fulfilled",
	"invitation_sent",
	"ldap_provided",
	"new",
	"non_employee_created",
	"non_employee_updated",
	"notified",
	"pending_approval",
	"pending_assignment",
	"pending_courion_add",
	"pending_courion_extend",
	"pending_courion_terminate",
	"pending_courion_update",
	"pending_creation",
	"pending_fulfillment",
	"pending_ldap",
	"pending_notification",
	"pending_profile_select",
	"pending_request",
	"pending_review",
	"pending_status_change",
	"pending_stored_procedure",
	"pending_trigger",
	"pending_update",
	"processing",
	"profile_check_complete",
	"profiles_selected",
	"rejected",
	"requested",
	"reviewed",
	"soap_request_sent",
	"started_workflow",
	"status_changed",
	"stored_procedure",
	"un_assigned",
	"waiting_on_workflow",
	"workflow_changed",
}

// spaced is how the list's filter, and some answers, spell a status.
func spaced(status string) string { return strings.ReplaceAll(status, "_", " ") }

// sameStatus compares a status with one of a filter, which may bear spaces.
func sameStatus(a, filter string) bool {
	return strings.EqualFold(spaced(a), spaced(filter))
}
