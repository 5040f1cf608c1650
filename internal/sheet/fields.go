package sheet

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"nermbulk/internal/text"
)

// Field is what a column is sent as: one of Fields.Sent, or one of these.
type Field string

// The fields that every sheet may have.
const (
	Ignored   Field = ""           // neither checked nor sent
	ID        Field = "id"         // the session's id, which every sheet needs, or
	UID       Field = "uid"        // its uid, in a sheet without an id: see Sheet.SetIDs
	Attribute Field = "attributes" // see Column.UID
	ReadOnly  Field = "read-only"  // one of Fields.ReadOnly: see Column.UID
	Result    Field = "result"     // what an earlier run wrote, not sent
)

// Fields are the header names of the fields that are no attributes, as the API
// spells them, and those of the tenant's attributes where they are known.
type Fields struct {
	Sent     []string // a column's Field is this name
	ReadOnly []string // accepted, so that an export can be sent back, but not sent
	Labels   *Labels  // nil where no tenant's attributes are known
}

func (f Fields) names() []string { return slices.Concat(f.Sent, f.ReadOnly) }

// Parse returns what a header's name means by itself: a field's name first,
// then the label of one attribute. The uid is given for an attribute (as typed,
// trimmed, or as the tenant spells it), for a result column (lower case) and for
// what is read-only (its name).
func (f Fields) Parse(name string) (field Field, uid string, ok bool) {
	if prefix, rest, dotted := strings.Cut(name, "."); dotted {
		rest = Trim(rest)
		switch NormalizeName(prefix) {
		case "attributes", "attr":
			return Attribute, rest, rest != ""
		case "result":
			return Result, strings.ToLower(rest), true
		}
		return f.label(name)
	}
	plain := NormalizeName(name)
	same := func(known string) bool { return NormalizeName(known) == plain }
	if at := slices.IndexFunc(f.Sent, same); at >= 0 {
		return Field(f.Sent[at]), "", true
	}
	if at := slices.IndexFunc(f.ReadOnly, same); at >= 0 {
		return ReadOnly, f.ReadOnly[at], true
	}
	return f.label(name)
}

// label is Parse for a name that is no field's.
func (f Fields) label(name string) (field Field, uid string, ok bool) {
	if found := f.Labels.named(name); len(found) == 1 {
		return Attribute, found[0].UID, true
	}
	return Ignored, "", false
}

// IgnoreColumn is what a column is mapped to that is to be left out.
const IgnoreColumn = "ignore"

func isIgnore(name string) bool { return NormalizeName(name) == IgnoreColumn }

// mappable reports whether a column may be mapped to the field. Our own
// result columns are never a target: the sheet would be taken for results.
func (f Fields) mappable(name string) bool {
	field, _, ok := f.Parse(name)
	return ok && field != Result || isIgnore(name)
}

// Nearest returns the field that an unknown header was probably meant to
// be. Unlike the function it also knows the usual short and long forms.
func (f Fields) Nearest(name string) (string, bool) {
	name = Trim(name)
	if prefix, uid, dotted := strings.Cut(name, "."); dotted && Trim(uid) != "" {
		if isAttributePrefix(prefix) {
			if near := f.Labels.nearest(uid); near != nil {
				uid = near.UID
			}
			return "attributes." + Trim(uid), true
		}
		if _, ok := Nearest(prefix, []string{"result"}); ok {
			return "result." + Trim(uid), true
		}
	}
	names := f.names()
	if near, ok := Nearest(name, names); ok {
		return near, true
	}
	if near := f.Labels.nearest(name); near != nil {
		return f.Labels.header(near), true
	}
	plain := NormalizeName(name)
	if strings.Contains(plain, "session") && strings.HasSuffix(plain, "id") {
		return string(ID), true
	}
	if len(plain) < 4 {
		return "", false
	}
	at := slices.IndexFunc(names, func(known string) bool { return strings.HasPrefix(NormalizeName(known), plain) })
	if at < 0 {
		return "", false
	}
	return names[at], true
}

// columnKey is equal for two headers that name the same column.
func columnKey(name string) string {
	if field, uid, ok := (Fields{}).Parse(name); ok && field == Attribute {
		return "attributes." + uidKey(uid)
	}
	return NormalizeName(name)
}

// uidKey is equal for two spellings of one attribute's uid, which differ in
// nothing that can be seen.
func uidKey(uid string) string { return norm.NFC.String(text.Line(uid, 0)) }

// SameUID reports whether two texts are the same attribute's uid.
func SameUID(a, b string) bool { return a == b || uidKey(a) == uidKey(b) }

// lacksUID reports whether a header like "attributes." has nothing after its dot.
func lacksUID(name string) bool {
	prefix, uid, dotted := strings.Cut(name, ".")
	return dotted && Trim(uid) == "" && isAttributePrefix(prefix)
}

// isAttributePrefix reports whether what is before a header's dot was probably
// meant to say that it is an attribute's.
func isAttributePrefix(prefix string) bool {
	_, ok := Nearest(prefix, []string{"attributes", "attribute", "attr"})
	return ok
}
