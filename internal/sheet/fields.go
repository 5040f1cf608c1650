package sheet

import (
	"fmt"
	"slices"
	"strings"
	"sync"

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

// Label is how a tenant names one of its attributes.
type Label struct {
	UID, Label string
	Archived   bool
	Attachment bool // no sheet can set it
}

// Labels finds a tenant's attributes by their names. It does not change, so
// that many may use it at once. A nil *Labels knows no tenant.
type Labels struct {
	all     []Label
	byUID   map[string]*Label   // by uidKey
	byLabel map[string][]*Label // by NormalizeName
	words   func() Words        // the uids, and behind them the labels
}

// NewLabels indexes what a tenant has. The first of a uid counts.
func NewLabels(all []Label) *Labels {
	l := &Labels{all: all, byUID: make(map[string]*Label, len(all)), byLabel: make(map[string][]*Label, len(all))}
	for i := range all {
		a := &all[i]
		key := uidKey(a.UID)
		if a.UID == "" || l.byUID[key] != nil {
			continue
		}
		l.byUID[key] = a
		if name := NormalizeName(a.Label); name != "" {
			l.byLabel[name] = append(l.byLabel[name], a)
		}
	}
	l.words = sync.OnceValue(func() Words {
		names := make([]string, 2*len(all))
		for i, a := range all {
			names[i], names[len(all)+i] = a.UID, a.Label
		}
		return NewWords(names)
	})
	return l
}

// find returns the attribute of a uid, or nil.
func (l *Labels) find(uid string) *Label {
	if l == nil {
		return nil
	}
	return l.byUID[uidKey(uid)]
}

// named returns the attributes that a header may mean: by their label alone,
// or with the uid behind it, as in `End Date (end_date)`.
func (l *Labels) named(header string) []*Label {
	if l == nil {
		return nil
	}
	found := slices.Clone(l.byLabel[NormalizeName(header)])
	header = Trim(header)
	at := strings.LastIndexByte(header, '(')
	if at <= 0 || !strings.HasSuffix(header, ")") {
		return found
	}
	a := l.find(Trim(header[at+1 : len(header)-1]))
	if a != nil && NormalizeName(a.Label) == NormalizeName(header[:at]) && !slices.Contains(found, a) {
		found = append(found, a)
	}
	return found
}

// nearest returns the attribute whose uid or label a name was probably meant to
// be, or nil.
func (l *Labels) nearest(name string) *Label {
	if l == nil {
		return nil
	}
	at := l.words().Nearest(name)
	if at < 0 {
		return nil
	}
	return &l.all[at%len(l.all)]
}

// Nearest names the attribute that a uid was probably meant to be, for people.
func (l *Labels) Nearest(uid string) (string, bool) {
	if near := l.nearest(uid); near != nil {
		return near.String(), true
	}
	return "", false
}

// header returns what names an attribute and no other one.
func (l *Labels) header(a *Label) string {
	if field, uid, _ := (Fields{Labels: l}).Parse(a.Label); field == Attribute && uid == a.UID {
		return a.Label
	}
	return string(Attribute) + "." + a.UID
}

// refuse adds a problem of a column that is an attribute's.
func (h *header) refuse(c Column, kind Kind, message string) {
	h.labels = append(h.labels, placed(h.row, c.Index, h, kind, message))
}

// checkAttribute finds what is wrong with sending a column as an attribute. It
// returns the attribute's uid as the tenant spells it.
func (h *header) checkAttribute(c Column) string {
	a := h.fields.Labels.find(c.UID)
	switch {
	case a == nil:
		h.refuse(c, AttributeUnknown, h.unknownAttribute(c))
		return c.UID
	case a.Attachment:
		h.refuse(c, AttributeAttachment, fmt.Sprintf("%s is an attachment, which no sheet can set; remove the column, or leave it out with --map %s", a, leftOut(c)))
	case a.Archived:
		h.refuse(c, AttributeArchived, fmt.Sprintf("%s is archived in the tenant; is there another one that has taken its place?", a))
		h.labels[len(h.labels)-1].Severity = Warning
	}
	return a.UID
}

func (h *header) unknownAttribute(c Column) string {
	message := "the tenant has no attribute " + quoted(c.UID)
	if h.held {
		return message + " any more; leave the column out with --map " + leftOut(c) + ", or have the tenant decide with --attributes off"
	}
	if len(h.labels) < mostSuggestions {
		if near := h.fields.Labels.nearest(c.UID); near != nil {
			return fmt.Sprintf("%s; did you mean %s? Rename the column, or use --map %s",
				message, near, commandWord(Trim(c.Name)+"="+string(Attribute)+"."+near.UID))
		}
	}
	return message + "; `nermbulk attributes` lists those that it has, --map " + leftOut(c) + " leaves the column out"
}

// leftOut is what leaves a column out, as it can be typed behind --map.
func leftOut(c Column) string { return commandWord(Trim(c.Name) + "=" + IgnoreColumn) }

// String names an attribute for people: end_date ("End Date").
func (a *Label) String() string {
	if a.Label == "" {
		return shown(a.UID)
	}
	return shown(a.UID) + " (" + quoted(a.Label) + ")"
}

// ambiguous says that a name is the label of several attributes, and of which.
func ambiguous(name string, found []*Label) string {
	uids := make([]string, len(found))
	for i, a := range found {
		if uids[i] = shown(a.UID); a.Archived {
			uids[i] += " (archived)"
		}
	}
	return fmt.Sprintf("%s is the label of %s: %s", quoted(name), text.Count(len(found), "attribute"), strings.Join(uids, ", "))
}

func ambiguousMessage(c Column, found []*Label) string {
	one := found[0]
	for _, a := range found {
		if !a.Archived {
			one = a
			break
		}
	}
	return fmt.Sprintf("%s; say which with its uid: rename the column, for instance to %s, or use --map %s",
		ambiguous(Trim(c.Name), found), quoted(one.Label+" ("+one.UID+")"), commandWord(Trim(c.Name)+"="+string(Attribute)+"."+one.UID))
}
