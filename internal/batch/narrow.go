package batch

import (
	"slices"
	"strings"

	"nermbulk/internal/sheet"
)

// narrow leaves out of a change's body what the session already holds: a value
// that the tenant shows in its own way, such as a user's name and address, may
// not be one that it takes back. A requester's id and type go together. What
// the row asks for stays the same, and so does its hash.
func (c *Change) narrow(found comparison) {
	c.Hash() // of the whole body
	var open []string
	for _, d := range slices.Concat(found.differences, found.untold) {
		open = append(open, d.Field)
		switch d.Field {
		case fieldName(sheet.RequesterID):
			open = append(open, fieldName(sheet.RequesterType))
		case fieldName(sheet.RequesterType):
			open = append(open, fieldName(sheet.RequesterID))
		}
	}
	body, fields, attributes := append(c.Body[:0], bodyOpen...), 0, 0
	for i := range c.sent {
		v := &c.sent[i]
		if !slices.Contains(open, v.name()) {
			continue
		}
		if v.field != sheet.Attribute {
			body = append(separate(body, fields), jsonKey(v.name())...)
			body = v.appendTo(body)
			fields++
			continue
		}
		if attributes == 0 {
			body = append(separate(body, fields), attributesOpen...)
		}
		body = append(separate(body, attributes), jsonKey(v.uid)...)
		body = v.appendTo(body)
		attributes++
	}
	switch {
	case attributes > 0:
		body = append(body, '}')
	case fields == 0:
		body = append(body, attributesOpen+"}"...) // only the run is left
	}
	c.Body = append(body, '}', '}')
}

// name is the field's name in a sheet's header.
func (v *sentValue) name() string {
	if v.field == sheet.Attribute {
		return "attributes." + v.uid
	}
	return fieldName(v.field)
}

// appendTo appends the value as it stands in the body.
func (v *sentValue) appendTo(body []byte) []byte {
	switch v.field {
	case sheet.ProfileIDs:
		body = append(body, '[')
		for i, id := range strings.Split(v.value, ",") {
			body = appendString(separate(body, i), id)
		}
		return append(body, ']')
	case sheet.RequesterType:
		value, _ := parseRequesterType(v.value)
		return appendString(body, value)
	case sheet.WorkflowID, sheet.RequesterID, sheet.ProfileID:
		body, _ = appendUUID(append(body, '"'), v.value)
		return append(body, '"')
	}
	return appendString(body, v.value)
}
