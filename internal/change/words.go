package change

import (
	"slices"
	"strings"

	"nermbulk/internal/sheet"
)

// statuses are the values that a session's status may be set to, as the NERM
// API's reference lists them for updating a workflow session.
var statuses = strings.Fields(`
	api_request_sent approved assigned attempting_to_start_workflow AUTH-STATUS1 AUTH-STATUS2
	AUTH-STATUS3 AUTH-STATUS4 AUTH-STATUS5 AUTH-STATUS6 AUTH-STATUS7 AUTH-STATUS8 AUTH-STATUS9
	auto_assigned batch_completed checking_for_duplicates closed completed courion_add courion_extend
	courion_terminate courion_update duplicates_resolved failed fulfilled invitation_sent ldap_provided
	new non_employee_created non_employee_updated notified pending_approval pending_assignment
	pending_courion_add pending_courion_extend pending_courion_terminate pending_courion_update
	pending_creation pending_fulfillment pending_ldap pending_notification pending_profile_select
	pending_request pending_review pending_status_change pending_stored_procedure pending_trigger
	pending_update processing profile_check_complete profiles_selected rejected requested reviewed
	soap_request_sent started_workflow status_changed stored_procedure un_assigned waiting_on_workflow
	workflow_changed
`)

// statusByName finds a status by its name without case, spaces, '_' and '-'.
var statusByName = func() map[string]string {
	names := make(map[string]string, len(statuses))
	for _, s := range statuses {
		names[sheet.NormalizeName(s)] = s
	}
	return names
}()

// KnownStatus returns the API's spelling of a status, which may be written
// with spaces and in any case.
func KnownStatus(s string) (string, bool) {
	known, ok := statusByName[sheet.NormalizeName(s)]
	return known, ok
}

// Statuses returns the values that a session's status may be set to, in
// alphabetical order.
func Statuses() []string { return slices.Clone(statuses) }

func parseStatus(cell string, rules *Rules) (string, *fault) {
	if status, ok := KnownStatus(cell); ok {
		return status, nil
	}
	if rules.AllowUnknownStatus {
		return unifyBreaks(cell), nil
	}
	return "", &fault{kind: sheet.BadStatus, message: quote(cell) + " is not a status" + suggestion(cell, statuses)}
}

func fixStatus(cell string) string {
	if status, ok := KnownStatus(cell); ok {
		return status
	}
	return cell
}

// requesterTypes are the values of requester_type that can be written.
var requesterTypes = []string{"User", "NeprofileUser", "NeaccessUser", "NeaccessRegistrant"}

func parseRequesterType(cell string, _ *Rules) (string, *fault) {
	for _, t := range requesterTypes {
		if strings.EqualFold(cell, t) {
			return t, nil
		}
	}
	return "", &fault{kind: sheet.BadType, message: quote(cell) + " is not a requester type" + suggestion(cell, requesterTypes)}
}

func fixRequesterType(cell string) string {
	for _, t := range requesterTypes {
		if sheet.NormalizeName(cell) == sheet.NormalizeName(t) {
			return t
		}
	}
	return cell
}

// booleans are the words for true and false: in English, and as Excel writes
// them into a CSV in German, French, Spanish and Italian.
var booleans = map[string]bool{
	"true": true, "yes": true, "1": true,
	"false": false, "no": false, "0": false,
	"wahr": true, "falsch": false,
	"vrai": true, "faux": false,
	"verdadero": true, "vero": true, "falso": false,
}

// parseBoolean reads the cell of a run column, without regard to case.
func parseBoolean(s string) (value, ok bool) {
	if len(s) > len("verdadero") {
		return false, false
	}
	value, ok = booleans[strings.ToLower(s)]
	return value, ok
}
