package change

import (
	"slices"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// A field is one field of a session: all that planning, comparing, correcting
// and putting back need to know of it. A field that has no parse is not sent in
// a body.
type field struct {
	column sheet.Field // what a header's name means
	name   string      // in a header, and in the API's JSON
	has    api.Fields  // tells whether a session has it
	// get returns what a session holds, a list joined by commas.
	get func(*api.Session) string
	// parse returns what is sent for a cell that is not empty, "" for nothing,
	// or what is wrong with the cell.
	parse func(cell string, rules *Rules) (text string, wrong *fault)
	// same reports whether a session that holds one text needs no change to
	// hold the other.
	same func(held, sent string) bool
	// fix returns the text that a trimmed cell certainly means; nil when that
	// is the cell.
	fix func(cell string) string

	list  bool // an array in JSON
	words bool // has few values, which many rows repeat
}

// fault is what is wrong with a cell.
type fault struct {
	kind    sheet.Kind
	message string
}

// fields is the table of a session's fields. Those that are sent have the
// body's order, whatever the sheet's order is, so that a re-sorted sheet has
// the same hashes.
var fields = []field{
	{column: sheet.ID, name: "id", get: func(s *api.Session) string { return s.ID }, fix: fixUUID},
	{column: sheet.ReadOnly, name: "uid", get: func(s *api.Session) string { return s.UID }},
	{
		column: sheet.Status, name: "status", has: api.FieldStatus, words: true,
		get:   func(s *api.Session) string { return s.Status },
		parse: parseStatus, same: sameName, fix: fixStatus,
	},
	{
		column: sheet.WorkflowID, name: "workflow_id", has: api.FieldWorkflowID,
		get:   func(s *api.Session) string { return s.WorkflowID },
		parse: parseID, same: strings.EqualFold, fix: fixUUID,
	},
	{
		column: sheet.RequesterID, name: "requester_id", has: api.FieldRequesterID,
		get:   func(s *api.Session) string { return s.RequesterID },
		parse: parseID, same: strings.EqualFold, fix: fixUUID,
	},
	{
		column: sheet.RequesterType, name: "requester_type", has: api.FieldRequesterType, words: true,
		get:   func(s *api.Session) string { return s.RequesterType },
		parse: parseRequesterType, same: strings.EqualFold, fix: fixRequesterType,
	},
	{
		column: sheet.ProfileID, name: "profile_id", has: api.FieldProfileID,
		get:   func(s *api.Session) string { return s.ProfileID },
		parse: parseID, same: strings.EqualFold, fix: fixUUID,
	},
	{
		column: sheet.ProfileIDs, name: "profile_ids", has: api.FieldProfileIDs, list: true,
		get:   func(s *api.Session) string { return strings.Join(s.ProfileIDs, ",") },
		parse: parseIDs, same: sameSet, fix: fixIDs,
	},
	{column: sheet.ReadOnly, name: "created_at", get: func(s *api.Session) string { return s.CreatedAt }},
	{column: sheet.ReadOnly, name: "updated_at", get: func(s *api.Session) string { return s.UpdatedAt }},
	{column: sheet.Run, name: "run"},
}

// attribute is the field of every attribute; which one is its column's.
var attribute = field{column: sheet.Attribute, has: api.FieldAttributes, same: sameText}

// fieldOf returns the field of a column that is sent in the body, or nil.
func fieldOf(c sheet.Field) *field {
	if c == sheet.Attribute {
		return &attribute
	}
	at := slices.IndexFunc(fields, func(f field) bool { return f.column == c && f.parse != nil })
	if at < 0 {
		return nil
	}
	return &fields[at]
}

func parseID(cell string, _ *Rules) (string, *fault) {
	if !isUUID(cell) {
		return "", &fault{sheet.BadUUID, quote(cell) + " is not a UUID" + uuidHint(cell)}
	}
	return strings.ToLower(cell), nil
}

func parseIDs(cell string, _ *Rules) (string, *fault) {
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

func fixUUID(cell string) string {
	if id, ok := repairUUID(cell); ok {
		return id
	}
	return cell
}

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
