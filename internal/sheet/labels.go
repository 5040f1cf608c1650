package sheet

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"nermbulk/internal/text"
)

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
	byUID   map[string]int   // by uidKey
	byLabel map[string][]int // by NormalizeName
	words   func() Words     // the uids, and behind them the labels
}

// NewLabels indexes what a tenant has. The first of a uid counts.
func NewLabels(all []Label) *Labels {
	l := &Labels{all: all, byUID: make(map[string]int, len(all)), byLabel: make(map[string][]int, len(all))}
	for i, a := range all {
		key := uidKey(a.UID)
		if _, repeated := l.byUID[key]; repeated || a.UID == "" {
			continue
		}
		l.byUID[key] = i
		if name := NormalizeName(a.Label); name != "" {
			l.byLabel[name] = append(l.byLabel[name], i)
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
	i, ok := l.byUID[uidKey(uid)]
	if !ok {
		return nil
	}
	return &l.all[i]
}

// named returns the attributes that a header may mean: by their label alone,
// or with the uid behind it, as in `End Date (end_date)`.
func (l *Labels) named(header string) (found []*Label) {
	if l == nil {
		return nil
	}
	for _, i := range l.byLabel[NormalizeName(header)] {
		found = append(found, &l.all[i])
	}
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
	p := placed(h.row, c.Index, nil, kind, message)
	p.Header = c.Name
	h.labels = append(h.labels, p)
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
