// Package change decides what a row of a sheet asks of a session: the change
// it makes, or the problems that keep it from being sent. It decides as well
// what "the same value" is, when a change is compared with a session, and what
// of a change can be put back. It is pure: it reads no file, starts no
// goroutine and never looks at a clock.
package change

import (
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// DefaultClearMarker is the cell that empties an attribute when no other
// marker was chosen.
const DefaultClearMarker = "<clear>"

// Rules are the choices that decide what a row means.
type Rules struct {
	ClearMarker        string // without regard to case; never empty
	RunSessions        bool   // an empty run cell means true
	AllowUnknownStatus bool   // a status that is not in the list is sent as typed
	InOrder            bool   // the same id may be in several rows
	Strict             bool   // warnings are errors
	Dates              []DateRule
	Values             []ValueRule // see AddValue
	Attributes         *Attributes // the tenant's; nil where they are not known
	AllowReformatted   bool        // cells that a spreadsheet program changed are sent as they are
	Written            *Written    // what a run wrote into the sheet; nil for any other sheet
}

// Change is what one row asks of the tenant: one PATCH.
type Change struct {
	Row       int       // as Excel shows it
	ID        string    // in lower case; empty for a uid that was not looked up
	Run       bool      // ?run=true
	Body      []byte    // the request's body; its fields have a fixed order
	Status    string    // the status that is sent, if any
	Clears    int       // how many attributes are emptied
	UpdatedAt string    // the cell, as it is: when the session was changed last, as far as the sheet has it
	Doubtful  bool      // an earlier run or session could not find out whether this was applied
	Since     time.Time // for Doubtful: when its request left, if that is known

	values  []value // what the row sets, in the body's order
	changed []value // those that ChangedOnly left; nil before it
	hash    uint64  // once it was asked for
}

// value is what a change sets one field or attribute to.
type value struct {
	*column
	text string
}

// Hash differs between changes of another id or content. It is the same in every process
// and for every order of a sheet's rows and columns.
func (c *Change) Hash() uint64 {
	if c.hash == 0 {
		var h xxhash.Digest
		h.Reset()
		_, _ = h.WriteString(c.ID) // a hash never fails
		if c.Run {
			_, _ = h.WriteString("\x01")
		}
		_, _ = h.Write(c.Body)
		c.hash = max(h.Sum64(), 1)
	}
	return c.hash
}

// SetsAttributes reports whether the change sets attributes. They come last.
func (c *Change) SetsAttributes() bool {
	return len(c.values) > 0 && c.values[len(c.values)-1].Field == sheet.Attribute
}

// reset keeps the memory of the body and the values.
func (c *Change) reset(row int) {
	*c = Change{Row: row, Body: c.Body[:0], values: c.values[:0]}
}

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

func appendList(b []byte, list string) []byte {
	b = append(b, '[')
	for part := range strings.SplitSeq(list, ",") {
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = text.AppendJSON(b, part)
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
	open := map[string]bool{}
	for _, d := range found.All() {
		open[d.label] = true
	}
	if id, kind := string(requesterID), string(requesterType); open[id] || open[kind] {
		open[id], open[kind] = true, true
	}
	changed := slices.DeleteFunc(slices.Clone(c.values), func(v value) bool { return !open[v.label] })
	c.changed = changed
	c.Body = appendBody(c.Body[:0], changed)
}

// Sent returns what the body sets, by the field's name in a header.
func (c *Change) Sent() map[string]string {
	values := c.values
	if c.changed != nil {
		values = c.changed
	}
	sent := make(map[string]string, len(values))
	for _, v := range values {
		sent[v.label] = v.text
	}
	return sent
}
