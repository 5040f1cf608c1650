package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"nermbulk/internal/sheet"
)

// putBack is what undo.csv writes for one cell of the run's sheet.
type putBack struct {
	cell   string
	puts   bool   // cell is to be written
	reason string // what is lost of the value that stood there, as told after the field's name
	flag   string // that `run` needs to take the cell
}

// session is a session as the API gave it, each value as JSON.
type session struct {
	fields     map[string]json.RawMessage
	attributes map[string]json.RawMessage
}

func parseSession(text []byte) (session, error) {
	var s session
	if err := json.Unmarshal(text, &s.fields); err != nil {
		return s, errors.New("the session in the journal is not a JSON object")
	}
	if inner, ok := s.fields["workflow_session"]; ok { // the answer's envelope was kept
		return parseSession(inner)
	}
	if raw := s.fields["attributes"]; len(raw) > 0 {
		// Anything but an object has no attributes to put back.
		_ = json.Unmarshal(raw, &s.attributes)
	}
	return s, nil
}

// scalar reads a value as text; false for a list or an object.
func scalar(raw json.RawMessage) (string, bool) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", true
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	}
	return string(raw), raw[0] != '[' && raw[0] != '{'
}

// list reads a value that should be a list of texts; a single text is one that
// the API wrote carelessly.
func list(raw json.RawMessage) ([]string, bool) {
	var l []string
	if err := json.Unmarshal(raw, &l); err == nil {
		return l, true
	}
	s, ok := scalar(raw)
	return splitIDs(s), ok
}

func splitIDs(s string) []string {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",;|\r\n", r) })
	ids := parts[:0]
	for _, p := range parts {
		if p = sheet.Trim(p); p != "" {
			ids = append(ids, p)
		}
	}
	return ids
}

// putBack compares what a cell sent with what stood there before.
func (u UndoRules) putBack(c sheet.Column, sent string, was session) putBack {
	sent = sheet.Trim(sent)
	if sent == "" {
		return putBack{} // sent nothing
	}
	switch c.Field {
	case sheet.Attribute:
		return u.attribute(sent, was.attributes[c.UID])
	case sheet.ProfileIDs:
		return u.profileIDs(sent, was.fields["profile_ids"])
	case sheet.Status:
		return u.status(sent, was.fields["status"])
	}
	old, ok := scalar(was.fields[fieldName(c)])
	switch {
	case !ok:
		return putBack{reason: "held no text before"}
	case canonicalID(old) == canonicalID(sent):
		return putBack{}
	}
	return u.plain(c.Field, old)
}

// plain puts back a field that is no attribute: nothing can empty it.
func (u UndoRules) plain(f sheet.Field, old string) putBack {
	switch {
	case sheet.Trim(old) == "":
		return putBack{reason: "was empty before, and only an attribute can be emptied"}
	case u.Refused != nil && u.Refused(f, old):
		return putBack{reason: "held a value that a sheet may not hold"}
	}
	return putBack{cell: old, puts: true}
}

func (u UndoRules) status(sent string, raw json.RawMessage) putBack {
	old, _ := scalar(raw)
	if sheet.NormalizeName(old) == sheet.NormalizeName(sent) {
		return putBack{}
	}
	if u.Status == nil || sheet.Trim(old) == "" {
		return u.plain(sheet.Status, strings.ReplaceAll(old, " ", "_"))
	}
	spelling, known := u.Status(old)
	if known {
		return putBack{cell: spelling, puts: true}
	}
	return putBack{cell: old, puts: true, flag: "--allow-unknown-status"}
}

func (u UndoRules) profileIDs(sent string, raw json.RawMessage) putBack {
	old, ok := list(raw)
	if !ok {
		return putBack{reason: "held no list of ids before"}
	}
	same := slices.EqualFunc(old, splitIDs(sent), func(a, b string) bool { return canonicalID(a) == canonicalID(b) })
	if same {
		return putBack{}
	}
	return u.plain(sheet.ProfileIDs, strings.Join(old, ","))
}

func (u UndoRules) attribute(sent string, raw json.RawMessage) putBack {
	if strings.EqualFold(sent, u.ClearMarker) {
		sent = ""
	}
	old, ok := scalar(raw)
	switch {
	case !ok:
		return putBack{reason: "held no text before"}
	case old == strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(sent):
		return putBack{}
	case old == "":
		return putBack{cell: clearMarker, puts: true}
	case mailAddress.MatchString(old) && mailAddress.ReplaceAllString(old, "") == mailAddress.ReplaceAllString(sent, ""):
		return putBack{} // the same people, as the tenant shows them
	case areIDs(sent) && !areIDs(old):
		return putBack{reason: "reads back as a name where the sheet sent an id"}
	case strings.EqualFold(sheet.Trim(old), clearMarker),
		strings.ContainsRune(old, 0),
		u.Refused != nil && u.Refused(sheet.Attribute, old):
		return putBack{reason: "held a value that a sheet may not hold"}
	case sheet.Trim(old) == "":
		return putBack{cell: clearMarker, puts: true, reason: "held only spaces before and is put back empty"}
	case sheet.Trim(old) != old || strings.ContainsRune(old, '\r'):
		return putBack{cell: old, puts: true, reason: "is put back without the spaces around it, and with plain line breaks"}
	}
	return putBack{cell: old, puts: true}
}

var oneID = regexp.MustCompile(`(?i)^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$`)

// mailAddress is what the tenant shows after a user's name.
var mailAddress = regexp.MustCompile(` \([^()\s]+@[^()\s]+\)`)

// areIDs tells whether text is one UUID or several.
func areIDs(s string) bool {
	ids := splitIDs(s)
	return len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return !oneID.MatchString(id) })
}

// canonicalID makes spellings of a UUID comparable; other text is compared
// without case.
func canonicalID(s string) string {
	s = strings.ToLower(sheet.Trim(s))
	if oneID.MatchString(s) {
		s = strings.NewReplacer("-", "", "{", "", "}", "").Replace(s)
	}
	return s
}

// fieldName is a column's field as a sheet's header names it.
func fieldName(c sheet.Column) string {
	if c.Field == sheet.Attribute {
		return "attributes." + c.UID
	}
	return c.Field.String()
}
