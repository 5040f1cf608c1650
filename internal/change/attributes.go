package change

import (
	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// Attributes is what is known of a tenant's attributes. It does not change
// while it is used, so that many may use it at once. A nil *Attributes knows
// nothing and checks nothing.
type Attributes struct {
	labels *sheet.Labels
	byUID  map[string]*api.Attribute
}

// NewAttributes indexes a tenant's attributes, which it keeps.
func NewAttributes(list []api.Attribute) *Attributes {
	a := &Attributes{byUID: make(map[string]*api.Attribute, len(list))}
	names := make([]sheet.Label, len(list))
	for i := range list {
		names[i] = sheet.Label{UID: list[i].UID, Label: list[i].Label, Archived: list[i].Archived}
		a.byUID[list[i].UID] = &list[i]
	}
	a.labels = sheet.NewLabels(names)
	return a
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
