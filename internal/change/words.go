package change

import (
	"fmt"
	"slices"
	"strconv"
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

func parseStatus(cell string, rules *Rules) (string, *sheet.Problem) {
	if status, ok := KnownStatus(cell); ok {
		return status, nil
	}
	if rules.AllowUnknownStatus {
		return unifyBreaks(cell), nil
	}
	return "", &sheet.Problem{Kind: sheet.BadStatus, Message: quote(cell) + " is not a status" + suggestion(cell, statuses)}
}

// requesterTypes are the values of requester_type that can be written.
var requesterTypes = []string{"User", "NeprofileUser", "NeaccessUser", "NeaccessRegistrant"}

func parseRequesterType(cell string, _ *Rules) (string, *sheet.Problem) {
	for _, t := range requesterTypes {
		if strings.EqualFold(cell, t) {
			return t, nil
		}
	}
	return "", &sheet.Problem{Kind: sheet.BadType, Message: quote(cell) + " is not a requester type" + suggestion(cell, requesterTypes)}
}

func repairRequesterType(cell string) (string, bool) {
	for _, t := range requesterTypes {
		if sameName(cell, t) {
			return t, true
		}
	}
	return "", false
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

// parseBoolean reads one of those words, without regard to case.
func parseBoolean(s string) (value, ok bool) {
	if len(s) > len("verdadero") {
		return false, false
	}
	value, ok = booleans[strings.ToLower(s)]
	return value, ok
}

func parseRun(cell string, _ *Rules) (string, *sheet.Problem) {
	value, ok := parseBoolean(cell)
	if !ok {
		return "", &sheet.Problem{Kind: sheet.BadBoolean, Message: quote(cell) + " is neither yes nor no: use true or false"}
	}
	return strconv.FormatBool(value), nil
}

// target is the column that a rule is for.
type target struct {
	Field sheet.Field
	UID   string // of an attribute
	// Optional rules are left out for a sheet that has no such column, and for
	// one that a run wrote: what it read by them is in the tenant's form there.
	Optional bool
}

func (t target) label() string { return Label(t.Field, t.UID) }

func (t target) isOf(c sheet.Column) bool { return c.Field == t.Field && sheet.SameUID(c.UID, t.UID) }

// ValueRule gives a sheet's own word for a value: a cell of the field that holds
// the word is read as if it held the value.
type ValueRule struct {
	target
	Cell  string // compared by sheet.FoldCase
	Value string
}

// String returns the rule as it is parsed.
func (v ValueRule) String() string { return v.label() + ":" + v.Cell + "=" + v.Value }

// ParseValueRule reads FIELD:CELL=VALUE, e.g. status:Abgelehnt=rejected. The
// last equals sign divides cell and value.
func ParseValueRule(s string) (ValueRule, error) {
	name, rest, ok := strings.Cut(s, ":")
	at := strings.LastIndexByte(rest, '=')
	if !ok || at < 0 {
		return ValueRule{}, fmt.Errorf("%q is not FIELD:CELL=VALUE, e.g. status:Abgelehnt=rejected", s)
	}
	names := SheetFields()
	field, uid, known := names.Parse(strings.TrimSpace(name))
	switch {
	case !known:
		hint := "use a field such as status, or attributes.UID"
		if near, ok := names.Nearest(name); ok {
			hint = "did you mean " + quote(near) + "?"
		}
		return ValueRule{}, fmt.Errorf("%s is not a field; %s", quote(name), hint)
	case !Acts(field):
		return ValueRule{}, fmt.Errorf("a cell of %s has no other words: use a field that is sent, such as status, or attributes.UID", quote(name))
	}
	v := ValueRule{target: target{Field: field, UID: uid}, Cell: sheet.Trim(rest[:at]), Value: sheet.Trim(rest[at+1:])}
	if v.Cell == "" {
		return ValueRule{}, fmt.Errorf("%q names no cell: an empty cell changes nothing", s)
	}
	return v, nil
}

// check returns what is wrong with the value itself.
func (v ValueRule) check(rules *Rules) error {
	f := fieldOf(v.Field)
	if f == nil || f.parse == nil || v.Value == "" {
		return nil
	}
	if _, wrong := f.parse(v.Value, rules); wrong != nil {
		return fmt.Errorf("%s", wrong.Message)
	}
	return nil
}

// AddValue adds a rule for a word. An error says what is wrong with it.
func (r *Rules) AddValue(v ValueRule) error {
	for _, other := range r.Values {
		if other.label() == v.label() && sheet.FoldCase(other.Cell) == sheet.FoldCase(v.Cell) && other.Value != v.Value {
			return fmt.Errorf("%s stands for %s already", quote(v.Cell), quote(other.Value))
		}
	}
	r.Values = append(r.Values, v)
	return v.check(r)
}

// words returns the values of a column's own words, by sheet.FoldCase; nil if it
// has none.
func (r *Rules) words(c sheet.Column) map[string]string {
	var words map[string]string
	for _, v := range r.Values {
		if v.isOf(c) {
			if words == nil {
				words = map[string]string{}
			}
			words[sheet.FoldCase(v.Cell)] = v.Value
		}
	}
	return words
}

// replaced returns the text that a trimmed cell is read as.
func replaced(words map[string]string, cell string) string {
	if words != nil {
		if value, ok := words[sheet.FoldCase(cell)]; ok {
			return value
		}
	}
	return cell
}

// Missing returns the error of the first rule that no column fits, nil if all of
// them do.
func (r Rules) Missing(columns []sheet.Column) error {
	r = r.Fitting(columns)
	missing := func(flag string, t target) error {
		if slices.ContainsFunc(columns, t.isOf) {
			return nil
		}
		return &sheet.OptionError{Option: flag, Value: t.label(), Reason: "the sheet has no such column"}
	}
	for _, d := range r.Dates {
		if err := missing("--date", d.target); err != nil {
			return err
		}
	}
	for _, v := range r.Values {
		if err := missing("--value", v.target); err != nil {
			return err
		}
	}
	return nil
}

// Fitting returns the rules that hold for a sheet with these columns: without
// the optional ones that are left out.
func (r Rules) Fitting(columns []sheet.Column) Rules {
	written := slices.ContainsFunc(columns, func(c sheet.Column) bool { return c.Field == sheet.Result })
	isOut := func(t target) bool {
		return t.Optional && (written || !slices.ContainsFunc(columns, t.isOf))
	}
	r.Dates = slices.DeleteFunc(slices.Clone(r.Dates), func(d DateRule) bool { return isOut(d.target) })
	r.Values = slices.DeleteFunc(slices.Clone(r.Values), func(v ValueRule) bool { return isOut(v.target) })
	return r
}
