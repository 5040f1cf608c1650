package change

import (
	"slices"
	"strings"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

const (
	bodyOpen       = `{"workflow_session":{`
	attributesOpen = `"attributes":{`
)

// appendBody appends the request's body that sets these values. Attributes
// must come last. Without any value the body has no more than empty attributes,
// which is what a request needs that only runs its session.
func appendBody(b []byte, values []value) []byte {
	b = append(b, bodyOpen...)
	opened := false
	for i := range values {
		v := &values[i]
		if i > 0 {
			b = append(b, ',')
		}
		if v.Field == sheet.Attribute && !opened {
			b = append(b, attributesOpen...)
			opened = true
		}
		b = append(b, v.key...)
		if v.field.list {
			b = appendList(b, v.text)
		} else {
			b = text.AppendJSON(b, v.text)
		}
	}
	if len(values) == 0 {
		b = append(b, attributesOpen...)
		opened = true
	}
	if opened {
		b = append(b, '}')
	}
	return append(b, '}', '}')
}

// appendList appends what is joined by commas as an array.
func appendList(b []byte, list string) []byte {
	b = append(b, '[')
	for part, rest, more := "", list, true; more; {
		part, rest, more = strings.Cut(rest, ",")
		b = text.AppendJSON(b, part)
		if more {
			b = append(b, ',')
		}
	}
	return append(b, ']')
}

// jsonKey is what the body has before a value: `"status":`.
func jsonKey(name string) []byte {
	return append(text.AppendJSON(nil, name), ':')
}

// ChangedOnly leaves out of a change's body what the session already holds: a
// value that the tenant shows in its own way, such as a user's name and
// address, may not be one that it takes back. A requester's id and type go
// together. What the row asks for stays the same, and so does its hash.
func (c *Change) ChangedOnly(found Comparison) {
	c.Hash() // of the whole body
	open := make(map[string]bool, len(found.differences))
	for _, d := range found.differences {
		open[d.Field] = true
	}
	if id, kind := string(requesterID), string(requesterType); open[id] || open[kind] {
		open[id], open[kind] = true, true
	}
	changed := slices.DeleteFunc(slices.Clone(c.values), func(v value) bool { return !open[v.label] })
	c.Body = appendBody(c.Body[:0], changed)
}
