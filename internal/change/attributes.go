package change

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
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
	form := findDateForm(one.DateFormat)
	switch choices := a.choices[uid]; {
	case choices != nil:
		f.parse, f.words = choices.parser(), true
		if choices.several {
			f.same = sameChoices
		}
	case kind == "date" && form != nil:
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

// TemplateColumns returns the columns of a workbook to fill in: one for each
// field that is sent, and one for each of the attributes.
func (a *Attributes) TemplateColumns(uids []string) ([]sheet.TemplateColumn, error) {
	var columns []sheet.TemplateColumn
	for _, f := range fields {
		if f.Help != "" {
			columns = append(columns, sheet.TemplateColumn{Header: f.Name, Note: f.Help, Rule: sheet.Rule{
				Choices: f.Choices, Help: "Choose one of the list, or leave the cell empty to change nothing.",
			}})
		}
	}
	seen := map[string]bool{}
	for _, uid := range uids {
		if seen[uid] {
			return nil, fmt.Errorf("%s is named twice", text.Line(uid, 0))
		}
		seen[uid] = true
		column, err := a.templateColumn(uid)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", quote(uid), err)
		}
		columns = append(columns, column)
	}
	return columns, nil
}

// Fillable returns the uids of what a sheet can set, which is not archived.
func (a *Attributes) Fillable() (uids []string) {
	if a == nil {
		return nil
	}
	for i := range a.list {
		one := &a.list[i]
		if !one.Archived && kindOf(one) != "attachment" && a.byUID[one.UID] == one {
			uids = append(uids, one.UID)
		}
	}
	return uids
}

// templateColumn is that of one attribute. Its rule only warns: the marker that
// empties the attribute is of no list, and no date.
func (a *Attributes) templateColumn(uid string) (c sheet.TemplateColumn, err error) {
	c.Header = Label(sheet.Attribute, uid)
	if field, read, ok := SheetFields().Parse(c.Header); !ok || field != sheet.Attribute || read != uid {
		return c, errors.New("no column can have that name; use the attribute's UID, such as end_date")
	}
	note := "text"
	if a != nil {
		one := a.byUID[uid]
		switch {
		case one == nil:
			return c, a.missing(uid)
		case kindOf(one) == "attachment":
			return c, errors.New("it is an attachment, which no sheet can set")
		}
		c.Header = a.header(one)
		c.Rule, note = a.cells(one)
	}
	c.Note = note + "; " + DefaultClearMarker + " empties the attribute"
	return c, nil
}

func (a *Attributes) missing(uid string) error {
	if near, ok := a.labels.Nearest(uid); ok {
		return fmt.Errorf("the tenant has no such attribute; did you mean %s?", near)
	}
	return errors.New("the tenant has no such attribute; `nermbulk attributes` lists those that it has")
}

// header is an attribute's label with its uid, or its uid alone where that would
// not be read as the attribute.
func (a *Attributes) header(one *api.Attribute) string {
	header := one.Label + " (" + one.UID + ")"
	if field, uid, _ := a.SheetFields().Parse(header); field == sheet.Attribute && uid == one.UID {
		return header
	}
	return Label(sheet.Attribute, one.UID)
}

// cells returns what the attribute's cells may hold, and how that is said above
// them.
func (a *Attributes) cells(one *api.Attribute) (rule sheet.Rule, note string) {
	const help, empties = "This is none of the list. ", DefaultClearMarker + " empties the attribute."
	switch choices := a.choices[one.UID]; {
	case choices != nil && choices.several:
		return sheet.Rule{Choices: choices.texts, Loose: true, Help: help + "Several are separated by commas; " + empties}, "one or more of the list, separated by commas"
	case choices != nil:
		return sheet.Rule{Choices: choices.texts, Loose: true, Help: help + empties}, "one of the list"
	case a.field(one.UID).dated:
		return sheet.Rule{Dates: true, Loose: true, Help: "This is not a date. " + empties}, "a date, sent as " + one.DateFormat
	case isPeople(kindOf(one)):
		return rule, one.DataType + ": ids or names"
	}
	return rule, "text"
}
