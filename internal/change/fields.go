package change

import (
	"slices"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// A Field is one field of a session: all that planning, comparing, correcting,
// putting back, export, completion and help need to know of it.
type Field struct {
	Name string // in a header, and in the API's JSON
	Help string // what a cell holds; empty for a field that is accepted and never sent
	// Choices are all the words that a cell can hold, as they are offered. It is
	// nil for a field that takes others.
	Choices []string
	// Get returns what a session holds, a list joined by commas. It is nil for
	// what is no part of a session.
	Get func(*api.Session) string

	sent bool       // in a body
	has  api.Fields // whether a session has it
	// parse returns what is sent for a cell that is not empty, "" for nothing,
	// or what is wrong with the cell, without its place.
	parse func(cell string, rules *Rules) (text string, wrong *sheet.Problem)
	// same reports whether a session that holds one text needs no change to
	// hold the other.
	same func(held, sent string) bool
	// fix returns the text that a trimmed cell certainly means; nil when that
	// is the cell.
	fix func(cell string) string

	list  bool // an array in JSON
	words bool // has few values, which many rows repeat
	dated bool // its cells are dates of a form that is known
	one   bool // takes one person or profile
}

// fields is the table of a session's fields. Those that are sent have the
// body's order, whatever the sheet's order is, so that a re-sorted sheet has
// the same hashes.
var fields = []Field{
	{
		Name: "id", Help: "required: the session's UUID",
		Get:   func(s *api.Session) string { return s.ID },
		parse: parseID, fix: fixUUID,
	},
	{Name: "uid", Get: func(s *api.Session) string { return s.UID }},
	{
		Name: "status", sent: true, has: api.FieldStatus, words: true, Choices: statuses,
		Help:  `one of the statuses of the API; "Pending Approval" is pending_approval`,
		Get:   func(s *api.Session) string { return s.Status },
		parse: parseStatus, same: sameName, fix: fixBy(KnownStatus),
	},
	uuidField("workflow_id", api.FieldWorkflowID, func(s *api.Session) string { return s.WorkflowID }),
	uuidField("requester_id", api.FieldRequesterID, func(s *api.Session) string { return s.RequesterID }),
	{
		Name: "requester_type", sent: true, has: api.FieldRequesterType, words: true, Choices: requesterTypes,
		Help:  "User, NeprofileUser, NeaccessUser or NeaccessRegistrant",
		Get:   func(s *api.Session) string { return s.RequesterType },
		parse: parseRequesterType, same: strings.EqualFold, fix: fixBy(repairRequesterType),
	},
	uuidField("profile_id", api.FieldProfileID, func(s *api.Session) string { return s.ProfileID }),
	{
		Name: "profile_ids", sent: true, has: api.FieldProfileIDs, list: true,
		Help:  "UUIDs separated by , ; | or a line break",
		Get:   func(s *api.Session) string { return strings.Join(s.ProfileIDs, ",") },
		parse: parseIDs, same: sameSet, fix: fixIDs,
	},
	{Name: "created_at", Get: func(s *api.Session) string { return s.CreatedAt }},
	{Name: "updated_at", Get: func(s *api.Session) string { return s.UpdatedAt }},
	{
		Name: "run", Help: "true or false (yes/no, 1/0): run the session once it is updated", Choices: []string{"true", "false"},
		parse: parseRun,
	},
}

func uuidField(name string, has api.Fields, get func(*api.Session) string) Field {
	return Field{Name: name, Help: "UUID", Get: get, sent: true, has: has, parse: parseID, same: strings.EqualFold, fix: fixUUID}
}

// Fields returns the table, without the attributes. It is not to be changed.
func Fields() []Field { return fields }

// attribute is the field of every attribute of which nothing is known; which one
// it is, its column says. See Rules.field.
var attribute = Field{sent: true, has: api.FieldAttributes, same: sameText}

// The fields that mean more than what is sent for them.
const (
	Status        sheet.Field = "status"
	requesterID   sheet.Field = "requester_id"
	requesterType sheet.Field = "requester_type"
	run           sheet.Field = "run"
)

// SheetFields returns the table's names for the reading of a sheet's header.
func SheetFields() (names sheet.Fields) {
	for _, f := range fields {
		if f.Help == "" {
			names.ReadOnly = append(names.ReadOnly, f.Name)
		} else {
			names.Sent = append(names.Sent, f.Name)
		}
	}
	return names
}

// position is a field's place in the table. Attributes come last.
func position(c sheet.Field) int {
	at := slices.IndexFunc(fields, func(f Field) bool { return f.Name == string(c) })
	if at < 0 {
		return len(fields)
	}
	return at
}

// fieldOf returns the field of a column; nil where the table has none.
func fieldOf(c sheet.Field) *Field {
	if c == sheet.Attribute {
		return &attribute
	}
	if at := position(c); at < len(fields) {
		return &fields[at]
	}
	return nil
}

// IsSent reports whether a column is sent in the body.
func IsSent(c sheet.Field) bool {
	f := fieldOf(c)
	return f != nil && f.sent
}

// Acts reports whether a column says what becomes of a session: it is sent in the
// body, or has the session run.
func Acts(c sheet.Field) bool { return IsSent(c) || c == run }

// Label returns a field as a sheet's header names it: status,
// attributes.end_date. uid is for attributes only.
func Label(c sheet.Field, uid string) string {
	if c == sheet.Attribute {
		return "attributes." + uid
	}
	return string(c)
}

func parseID(cell string, _ *Rules) (string, *sheet.Problem) {
	if !isUUID(cell) {
		return "", &sheet.Problem{Kind: sheet.BadUUID, Message: quote(cell) + " is not a UUID" + uuidHint(cell)}
	}
	return lowerUUID(cell), nil
}

func parseIDs(cell string, _ *Rules) (string, *sheet.Problem) {
	var ids []string
	for part := range strings.FieldsFuncSeq(cell, isListSeparator) {
		if part = sheet.Trim(part); part == "" {
			continue
		}
		id, wrong := parseID(part, nil)
		if wrong != nil {
			return "", wrong
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ","), nil
}

func isListSeparator(r rune) bool {
	return r == ',' || r == ';' || r == '|' || r == '\n' || r == '\r'
}

// fixBy is the fix of a field whose cells are repaired, where they can be.
func fixBy(repair func(cell string) (text string, ok bool)) func(cell string) string {
	return func(cell string) string {
		if text, ok := repair(cell); ok {
			return text
		}
		return cell
	}
}

var fixUUID = fixBy(repairUUID)

// fixIDs corrects each UUID of a list and leaves what separates them.
func fixIDs(cell string) string {
	var b strings.Builder
	for rest := cell; ; {
		part, end := rest, strings.IndexFunc(rest, isListSeparator)
		if end >= 0 {
			part = rest[:end]
		}
		typed := sheet.Trim(part)
		b.WriteString(strings.Replace(part, typed, fixUUID(typed), 1))
		if end < 0 {
			return b.String()
		}
		b.WriteByte(rest[end])
		rest = rest[end+1:]
	}
}
