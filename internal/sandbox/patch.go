package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// parsePatch reads a PATCH's body into the fields it sets, or returns the answer
// that refuses it whole. Keys are taken exactly as they are written; unknown
// and read-only ones are ignored.
func (t *Tenant) parsePatch(body []byte) ([]field, *answer) {
	refuse := func(text string) ([]field, *answer) {
		a := refusal(http.StatusBadRequest, text)
		return nil, &a
	}
	var document any // a struct would take keys of another case too
	if !utf8.Valid(body) || json.Unmarshal(body, &document) != nil {
		return refuse("Invalid JSON syntax. Please check your syntax and try again.")
	}
	root, _ := document.(map[string]any)
	session, _ := root["workflow_session"].(map[string]any)
	if len(session) == 0 {
		return refuse("param is missing or the value is empty: workflow_session")
	}
	p := patch{tenant: t, problems: make(map[string][]string)}
	for _, name := range slices.Sorted(maps.Keys(session)) {
		p.set(name, session[name])
	}
	if len(p.problems) > 0 {
		a := inJSON(http.StatusBadRequest, map[string]any{
			"error": "The workflow session failed to create/update", "errors": p.problems,
		})
		return nil, &a
	}
	return p.fields, nil
}

// patch gathers a body's fields, and every problem rather than the first.
type patch struct {
	tenant   *Tenant
	fields   []field
	problems map[string][]string
}

func (p *patch) problem(name, text string) {
	p.problems[name] = append(p.problems[name], text)
}

func (p *patch) set(name string, value any) {
	switch {
	case name == fieldStatus:
		p.oneOf(name, value, statuses)
	case name == fieldRequesterType:
		p.oneOf(name, value, requesterTypes)
	case slices.Contains(idFields, name):
		if id, ok := canonical(value); ok {
			p.fields = append(p.fields, field{name, id})
		} else {
			p.problem(name, "is not a valid UUID")
		}
	case name == fieldProfileIDs:
		p.profileIDs(value)
	case name == "attributes":
		p.attributes(value)
	}
}

// oneOf sets a value that must be in a list, and keeps the list's copy of it.
func (p *patch) oneOf(name string, value any, list []string) {
	s, _ := value.(string)
	at := slices.Index(list, s)
	if at < 0 {
		p.problem(name, "is not included in the list")
		return
	}
	p.fields = append(p.fields, field{name, list[at]})
}

func (p *patch) profileIDs(value any) {
	list, ok := value.([]any)
	if !ok {
		p.problem(fieldProfileIDs, "must be an array")
		return
	}
	ids := make([]string, len(list))
	for i, v := range list {
		if ids[i], ok = canonical(v); !ok {
			p.problem(fieldProfileIDs, "must hold valid UUIDs")
			return
		}
	}
	p.fields = append(p.fields, field{fieldProfileIDs, strings.Join(ids, ",")})
}

func (p *patch) attributes(value any) {
	attributes, ok := value.(map[string]any)
	if !ok {
		p.problem("attributes", "must be an object")
		return
	}
	p.tenant.mu.Lock()
	defer p.tenant.mu.Unlock()
	for uid, v := range attributes {
		s, ok := v.(string)
		switch a := p.tenant.attribute(uid); {
		case uid == "":
			p.problem("attributes", "must not have an empty uid")
		case ok && a != nil && a.refuse(s) != "":
			p.problem(uid, a.refuse(s))
		case ok:
			p.fields = append(p.fields, field{attributePrefix + uid, s})
		case v == nil:
			p.problem(uid, "can't be null")
		default:
			p.problem(uid, "must be a string")
		}
	}
}

// canonical is the canonical form of a value that is a UUID.
func canonical(value any) (string, bool) {
	s, _ := value.(string)
	id, ok := parseID(s)
	return id.String(), ok
}
