package sheet

import (
	"slices"
	"strings"
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
}

// NewLabels indexes what a tenant has. The first of a uid counts.
func NewLabels(all []Label) *Labels {
	l := &Labels{all, make(map[string]int, len(all)), make(map[string][]int, len(all))}
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
