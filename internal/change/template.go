package change

import (
	"errors"
	"fmt"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

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
		c.Header, c.Rule = a.header(one), a.rule(one)
		note = a.note(one)
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

func (a *Attributes) rule(one *api.Attribute) sheet.Rule {
	choices, f := a.choices[one.UID], a.field(one.UID)
	switch {
	case choices != nil && choices.several:
		return sheet.Rule{Choices: choices.texts, Loose: true, Help: "This is none of the list. Several are separated by commas; " + DefaultClearMarker + " empties the attribute."}
	case choices != nil:
		return sheet.Rule{Choices: choices.texts, Loose: true, Help: "This is none of the list. " + DefaultClearMarker + " empties the attribute."}
	case f.dated:
		return sheet.Rule{Dates: true, Loose: true, Help: "This is not a date. " + DefaultClearMarker + " empties the attribute."}
	}
	return sheet.Rule{}
}

// note is what a cell of the attribute holds, for its header.
func (a *Attributes) note(one *api.Attribute) string {
	choices, f := a.choices[one.UID], a.field(one.UID)
	switch {
	case choices != nil && choices.several:
		return "one or more of the list, separated by commas"
	case choices != nil:
		return "one of the list"
	case f.dated:
		return "a date, sent as " + one.DateFormat
	case isPeople(kindOf(one)):
		return one.DataType + ": ids or names"
	}
	return "text"
}
