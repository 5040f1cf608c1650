package api

// Attribute is one of a tenant's attributes, with its options where they were
// read. Every value is read leniently, as those of a Session are.
type Attribute struct {
	ID         string   `json:"id"`
	UID        string   `json:"uid"`
	Label      string   `json:"label"`
	DataType   string   `json:"data_type"` // as the tenant spells it: "date", "drop-down", "check boxes", …
	Type       string   `json:"type"`      // the name of a class, such as DropDownAttribute
	DateFormat string   `json:"date_format,omitempty"`
	Multiple   bool     `json:"allow_multiple_selections,omitempty"`
	Archived   bool     `json:"archived"`
	Options    []string `json:"options,omitempty"` // the texts; nil where they were not read
}

// HasOptions reports whether a value of the attribute is one of a list.
func (a Attribute) HasOptions() bool {
	switch a.Type {
	case "DropDownAttribute", "RadioButtonsAttribute", "CheckBoxesAttribute":
		return true
	}
	switch a.DataType {
	case "drop-down", "radio buttons", "check boxes":
		return true
	}
	return false
}
