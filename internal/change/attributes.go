package change

import (
	"cmp"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// Attributes is what is known of a tenant's attributes. It does not change
// while it is used, so that many may use it at once. A nil *Attributes knows
// nothing and checks nothing.
type Attributes struct {
	list    []api.Attribute
	labels  *sheet.Labels
	byUID   map[string]*api.Attribute
	choices map[string]*choices // by uid, of those that have options
}

// NewAttributes indexes a tenant's attributes, which it keeps.
func NewAttributes(list []api.Attribute) *Attributes {
	a := &Attributes{list: list, byUID: make(map[string]*api.Attribute, len(list)), choices: map[string]*choices{}}
	names := make([]sheet.Label, len(list))
	for i := range list {
		one := &list[i]
		names[i] = sheet.Label{UID: one.UID, Label: one.Label, Archived: one.Archived, Attachment: kindOf(one) == "attachment"}
		if a.byUID[one.UID] != nil {
			continue
		}
		a.byUID[one.UID] = one
		if one.HasOptions() && len(one.Options) > 0 {
			a.choices[one.UID] = newChoices(one.Options, one.Multiple || kindOf(one) == "checkboxes")
		}
	}
	a.labels = sheet.NewLabels(names)
	return a
}

// kindOf returns an attribute's type as one word: dropdown, profilesearch.
func kindOf(a *api.Attribute) string {
	return strings.TrimSuffix(sheet.NormalizeName(cmp.Or(a.DataType, a.Type)), "attribute")
}

// isPeople reports whether an attribute's values are profiles or users.
func isPeople(kind string) bool {
	role, isSelect := strings.CutSuffix(kind, "select")
	role, isSearch := strings.CutSuffix(role, "search")
	return (isSelect || isSearch) && (role == "profile" || role == "owner" || role == "contributor")
}

// SheetFields returns the names for the reading of a sheet's header: the
// table's, and those of the attributes.
func (a *Attributes) SheetFields() sheet.Fields {
	names := SheetFields()
	if a != nil {
		names.Labels = a.labels
	}
	return names
}

// WithOptions returns the ids of the attributes whose options a sheet needs.
func (a *Attributes) WithOptions(columns []sheet.Column) (ids []string) {
	if a == nil {
		return nil
	}
	for _, c := range columns {
		if c.Field != sheet.Attribute {
			continue
		}
		if found := a.byUID[c.UID]; found != nil && found.HasOptions() {
			ids = append(ids, found.ID)
		}
	}
	return ids
}

// field returns the field of one attribute: more than text only where it is
// known what its cells may hold.
func (a *Attributes) field(uid string) *Field {
	if a == nil || a.byUID[uid] == nil {
		return &attribute
	}
	f, one := attribute, a.byUID[uid]
	kind := kindOf(one)
	form, known := findDateForm(one.DateFormat)
	switch choices := a.choices[uid]; {
	case choices != nil:
		f.parse, f.words = choices.parser(), true
		if choices.several {
			f.same = sameChoices
		}
	case kind == "date" && known:
		f.parse, f.dated = form.parser(uid), true
	case isPeople(kind) && !one.Multiple:
		f.one = true
		return &f
	default:
		return &attribute
	}
	f.fix = func(cell string) string {
		text, wrong := f.parse(cell, nil)
		if wrong != nil || sameText(cell, text) {
			return cell
		}
		return text
	}
	return &f
}

// field returns the field of a column that is sent in the body, or nil.
func (r *Rules) field(c sheet.Column) *Field {
	if c.Field != sheet.Attribute {
		return fieldOf(c.Field)
	}
	if d := r.dateRule(c.UID); d != nil {
		f := attribute
		f.parse, f.dated = d.parse, true
		return &f
	}
	return r.Attributes.field(c.UID)
}
