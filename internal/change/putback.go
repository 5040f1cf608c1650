package change

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// Before is what a session held before a run changed it.
type Before struct {
	session api.Session
	values  map[string]json.RawMessage // as the API gave them, by the field's name in a header
}

// PutBack is what undo.csv writes to undo one value that was sent.
type PutBack struct {
	Cell   string
	Writes bool   // Cell is to be written
	Lost   string // what is lost of the value that was there, to follow the field's name
	Flag   string // that `run` needs to take the cell
}

// AllowUnknownStatusFlag is the one Flag that there is.
const AllowUnknownStatusFlag = "--allow-unknown-status"

// ParseBefore reads the JSON object of a session, in the answer's envelope or
// without it.
func ParseBefore(object []byte) (*Before, error) {
	var values, attributes map[string]json.RawMessage
	if err := json.Unmarshal(object, &values); err != nil {
		return nil, errors.New("the session in the journal is not a JSON object")
	}
	if inner, ok := values["workflow_session"]; ok {
		return ParseBefore(inner)
	}
	session, err := api.ParseSession(object)
	if err != nil {
		return nil, err
	}
	_ = json.Unmarshal(values["attributes"], &attributes) // anything but an object has none
	for uid, value := range attributes {
		values[Label(sheet.Attribute, uid)] = value
	}
	return &Before{session, values}, nil
}

// UID returns the session's uid, "" where the tenant did not show it.
func (b *Before) UID() string { return b.session.UID }

// Held returns what the session held in a field, by its name in a header: nothing
// too where the tenant did not show it.
func (b *Before) Held(label string) string {
	_, text := b.held(label)
	return text
}

// held is Held, with the field; nil for none.
func (b *Before) held(label string) (f *Field, text string) {
	if uid, isAttribute := strings.CutPrefix(label, Label(sheet.Attribute, "")); isAttribute {
		return &attribute, b.session.Attributes[uid]
	}
	if f = fieldOf(sheet.Field(label)); f == nil || !f.sent {
		return nil, ""
	}
	return f, f.Get(&b.session)
}

func isNested(value json.RawMessage, list bool) bool {
	value = bytes.TrimSpace(value)
	return len(value) > 0 && (value[0] == '{' || value[0] == '[' && !list)
}

// PutBack returns what undoes a value that a run has sent to a field, by its name
// in a header: nothing where the session held the same value before.
func (b *Before) PutBack(label, sent string) PutBack {
	f, held := b.held(label)
	switch {
	case f == nil:
		return PutBack{} // written by a newer version
	case !b.session.Has.All(f.has):
		return PutBack{Lost: "was not shown before it was changed, so nothing is known to put back"}
	case isNested(b.values[label], f.list):
		if f.list {
			return PutBack{Lost: "held no list of ids before"}
		}
		return PutBack{Lost: "held no text before"}
	case f != &attribute:
		return f.putBack(held, sent)
	case f.same(held, sent), samePeople(sent, held):
		return PutBack{}
	case certaintyOf(sent, held) == ShownAsName:
		return PutBack{Lost: "reads back as a name where the sheet sent an id"}
	}
	return putBackAttribute(held)
}

// putBack returns what puts back the value of a field that is no attribute:
// nothing can empty it.
func (f *Field) putBack(held, sent string) PutBack {
	switch {
	case f.same(held, sent):
		return PutBack{}
	case sheet.Trim(held) == "":
		return PutBack{Lost: "was empty before, and only an attribute can be emptied"}
	case f.refuses(held):
		return PutBack{Lost: "held a value that a sheet may not hold"}
	}
	back := PutBack{Cell: f.fix(held), Writes: true}
	if _, wrong := f.parse(held, &Rules{}); wrong != nil {
		back.Flag = AllowUnknownStatusFlag // all that it was refused for
	}
	return back
}

// putBackAttribute always writes DefaultClearMarker: undo.csv is read without
// flags, whatever marker the run's sheet used.
func putBackAttribute(held string) PutBack {
	switch trimmed := sheet.Trim(held); {
	case held == "":
		return PutBack{Cell: DefaultClearMarker, Writes: true}
	case attribute.refuses(held):
		return PutBack{Lost: "held a value that a sheet may not hold"}
	case trimmed == "":
		return PutBack{Cell: DefaultClearMarker, Writes: true, Lost: "held only spaces before and is put back empty"}
	case trimmed != held || strings.ContainsRune(held, '\r'):
		return PutBack{Cell: held, Writes: true, Lost: "is put back without the spaces around it, and with plain line breaks"}
	}
	return PutBack{Cell: held, Writes: true}
}

// refuses reports whether a check would find a cell wrong, under the rules that
// hold without flags. A status may be any text: there is a flag for those that
// the list does not hold.
func (f *Field) refuses(cell string) bool {
	cell = sheet.Trim(cell)
	switch {
	case cell == "":
		return false
	case isSpreadsheetError(cell), strings.EqualFold(cell, DefaultClearMarker), strings.ContainsRune(cell, 0):
		return true
	case f.parse == nil:
		return false
	}
	_, wrong := f.parse(cell, &Rules{AllowUnknownStatus: true})
	return wrong != nil
}

// samePeople reports whether a list of names is the same but for the mail
// addresses, which the tenant shows after them.
func samePeople(sent, held string) bool {
	return slices.Equal(plainNames(sent), plainNames(held))
}
