package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// requesterTypes are those that can be written.
var requesterTypes = []string{"User", "NeprofileUser", "NeaccessUser", "NeaccessRegistrant"}

// parsePatch reads a PATCH's body into the fields it sets, or gives the answer
// that refuses it whole. Keys are taken exactly as they are written; unknown
// and read-only ones are ignored. Nothing of the result refers to body.
func parsePatch(body []byte) ([]field, *answer) {
	refuse := func(text string) ([]field, *answer) {
		a := refusal(http.StatusBadRequest, text)
		return nil, &a
	}
	if !utf8.Valid(body) || !json.Valid(body) {
		return refuse(msgInvalidJSON)
	}
	var session []byte
	members(body, func(name string, value []byte) {
		if name == "workflow_session" {
			session = value
		}
	})
	p := parser{fields: make([]field, 0, 8)}
	if !members(session, p.field) || p.seen == 0 {
		return refuse(msgMissing)
	}
	if p.problems != nil {
		a := invalid(p.problems)
		return nil, &a
	}
	return p.fields, nil
}

// parser gathers a body's fields, and every problem rather than the first.
type parser struct {
	fields   []field
	seen     int // members, unknown ones too
	problems map[string][]string
}

func (p *parser) problem(name, text string) {
	if p.problems == nil {
		p.problems = make(map[string][]string)
	}
	p.problems[name] = append(p.problems[name], text)
}

// field takes one member. Names that are kept are this package's constants.
func (p *parser) field(name string, raw []byte) {
	p.seen++
	switch name {
	case fieldStatus:
		p.oneOf(fieldStatus, raw, statuses)
	case fieldRequesterType:
		p.oneOf(fieldRequesterType, raw, requesterTypes)
	case fieldWorkflowID:
		p.uuid(fieldWorkflowID, raw)
	case fieldRequesterID:
		p.uuid(fieldRequesterID, raw)
	case fieldProfileID:
		p.uuid(fieldProfileID, raw)
	case fieldProfileIDs:
		p.profileIDs(raw)
	case "attributes":
		p.attributes(raw)
	}
}

// oneOf takes a value of a list, which is then kept instead of a copy.
func (p *parser) oneOf(name string, raw []byte, list []string) {
	s, _ := jsonString(raw)
	at := slices.Index(list, s)
	if at < 0 {
		p.problem(name, "is not included in the list")
		return
	}
	p.fields = append(p.fields, field{name, list[at]})
}

func (p *parser) uuid(name string, raw []byte) {
	id, ok := jsonUUID(raw)
	if !ok {
		p.problem(name, "is not a valid UUID")
		return
	}
	p.fields = append(p.fields, field{name, id})
}

func (p *parser) profileIDs(raw []byte) {
	var ids []string
	valid := true
	array := elements(raw, func(value []byte) {
		id, ok := jsonUUID(value)
		ids, valid = append(ids, id), valid && ok
	})
	switch {
	case !array:
		p.problem(fieldProfileIDs, "must be an array")
	case !valid:
		p.problem(fieldProfileIDs, "must hold valid UUIDs")
	default:
		p.fields = append(p.fields, field{fieldProfileIDs, strings.Join(ids, ",")})
	}
}

func (p *parser) attributes(raw []byte) {
	object := members(raw, func(uid string, value []byte) {
		s, ok := jsonString(value)
		switch {
		case uid == "":
			p.problem("attributes", "must not have an empty uid")
		case ok:
			p.fields = append(p.fields, field{attributePrefix + uid, s})
		case string(value) == "null":
			p.problem(uid, "can't be null")
		default:
			p.problem(uid, "must be a string")
		}
	})
	if !object {
		p.problem("attributes", "must be an object")
	}
}

// jsonUUID reads a JSON string that is a UUID, into its canonical form.
func jsonUUID(raw []byte) (string, bool) {
	s, _ := jsonString(raw)
	u, ok := parseID(s)
	if !ok {
		return "", false
	}
	return u.String(), true
}
