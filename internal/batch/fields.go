package batch

import (
	"slices"
	"strings"

	"nermbulk/internal/sheet"
)

// fieldName is the name of a field in the API's session, for those that stand
// in the body beside the attributes.
func fieldName(f sheet.Field) string {
	switch f {
	case sheet.Status:
		return "status"
	case sheet.WorkflowID:
		return "workflow_id"
	case sheet.RequesterID:
		return "requester_id"
	case sheet.RequesterType:
		return "requester_type"
	case sheet.ProfileID:
		return "profile_id"
	case sheet.ProfileIDs:
		return "profile_ids"
	}
	return ""
}

func jsonKey(name string) []byte {
	return append(appendString(nil, name), ':')
}

func (p *Planner) appendField(body []byte, row *sheet.Row, f *column, cell string, c *Change) []byte {
	start := len(body)
	body = append(separate(body, c.Fields), f.key...)
	ok := false
	switch f.Field {
	case sheet.Status:
		body, ok = p.appendStatus(body, row, f, cell, c)
	case sheet.RequesterType:
		var value string
		if value, ok = parseRequesterType(cell); ok {
			body = appendString(body, value)
		} else {
			p.problem(row, f.Column, sheet.BadType, "%s is not a requester type%s", quote(cell), suggestion(cell, requesterTypes))
		}
	case sheet.ProfileIDs:
		var any bool
		if body, any, ok = p.appendProfiles(body, row, f, cell); !any {
			return body[:start]
		}
	default:
		if body, ok = appendUUID(append(body, '"'), cell); ok {
			body = append(body, '"')
		} else {
			p.problem(row, f.Column, sheet.BadUUID, "%s is not a UUID%s", quote(cell), uuidHint(cell))
		}
	}
	if !ok {
		return body[:start]
	}
	c.Fields++
	value := cell
	switch f.Field {
	case sheet.Status:
		value = c.Status
	case sheet.ProfileIDs:
		value = strings.Join(p.profiles, ",")
	}
	c.sent = append(c.sent, sentValue{f.Field, "", value})
	return body
}

func (p *Planner) appendStatus(body []byte, row *sheet.Row, f *column, cell string, c *Change) ([]byte, bool) {
	status, known := p.knownStatus(cell)
	if !known {
		if !p.rules.AllowUnknownStatus {
			p.problem(row, f.Column, sheet.BadStatus, "%s is not a status%s", quote(cell), p.statusHint(cell))
			return body, false
		}
		status = cell
	}
	c.Status = status
	return appendString(body, status), true
}

// mostSpellings bounds what is remembered of the ways in which a sheet spells
// its statuses, rightly and wrongly; longestSpelling is in bytes.
const (
	mostSpellings   = 512
	longestSpelling = 256
)

// knownStatus is KnownStatus, which normalises a spelling that it meets for
// the first time only.
func (p *Planner) knownStatus(cell string) (string, bool) {
	if status, ok := p.spellings[cell]; ok {
		return status, true
	}
	status, ok := KnownStatus(cell)
	if ok && len(p.spellings) < mostSpellings && len(cell) <= longestSpelling {
		p.spellings[strings.Clone(cell)] = status
	}
	return status, ok
}

// statusHint is the suggestion for a word that is no status. A sheet that has
// one wrong has it in many rows, and looking for the nearest takes long.
func (p *Planner) statusHint(cell string) string {
	hint, ok := p.hints[cell]
	if !ok {
		hint = suggestion(cell, statuses)
		if len(p.hints) < mostSpellings && len(cell) <= longestSpelling {
			p.hints[strings.Clone(cell)] = hint
		}
	}
	return hint
}

// appendProfiles appends the array of a profile_ids cell. any is false when
// the cell holds nothing but separators, which is the same as an empty one.
func (p *Planner) appendProfiles(body []byte, row *sheet.Row, f *column, cell string) (_ []byte, any, ok bool) {
	p.profiles = p.profiles[:0]
	for part := range strings.FieldsFuncSeq(cell, isProfileSeparator) {
		part = sheet.Trim(part)
		if part == "" {
			continue
		}
		if _, valid := parseUUID(part); !valid {
			p.problem(row, f.Column, sheet.BadUUID, "%s is not a UUID%s", quote(part), uuidHint(part))
			return body, true, false
		}
		if id := lowerUUID(part); !slices.Contains(p.profiles, id) {
			p.profiles = append(p.profiles, id)
		}
	}
	body = append(body, '[')
	for i, id := range p.profiles {
		body = appendString(separate(body, i), id)
	}
	return append(body, ']'), len(p.profiles) > 0, true
}

func isProfileSeparator(r rune) bool {
	return r == ',' || r == ';' || r == '|' || r == '\n' || r == '\r'
}

// separate appends a comma unless this is the first of a list.
func separate(body []byte, n int) []byte {
	if n > 0 {
		return append(body, ',')
	}
	return body
}
