package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// attribute is one that a session can have, as the tenant shows it.
type attribute struct {
	ID         string     `json:"id"`
	UID        string     `json:"uid"`
	Label      string     `json:"label"`
	Crypt      bool       `json:"crypt"`
	Archived   bool       `json:"archived"`
	ArchivedOn *time.Time `json:"archived_on,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	DateFormat string     `json:"date_format,omitempty"` // of dates
	Multiple   bool       `json:"allow_multiple_selections"`
	DataType   string     `json:"data_type"`
	Type       string     `json:"type"`

	options []string
}

// option is one of the texts that an attribute takes.
type option struct {
	ID          string `json:"id"`
	UID         string `json:"uid"`
	AttributeID string `json:"ne_attribute_id"`
	Option      string `json:"option"`
}

// attributeTypes are the classes of the data types.
var attributeTypes = map[string]string{
	"text field": "TextFieldAttribute", "text area": "TextAreaAttribute", "tags": "TagsAttribute",
	"drop-down": "DropDownAttribute", "radio buttons": "RadioButtonsAttribute", "check boxes": "CheckBoxesAttribute",
	"date": "DateAttribute", "attachment": "AttachmentAttribute",
	"profile select": "ProfileSelectAttribute", "profile search": "ProfileSearchAttribute",
	"owner select": "OwnerSelectAttribute", "owner search": "OwnerSearchAttribute",
	"contributor select": "ContributorSelectAttribute", "contributor search": "ContributorSearchAttribute",
}

// dateLayouts are the date formats that an attribute can have, for time.Parse.
var dateLayouts = map[string]string{
	"mm/dd/yyyy": "01/02/2006", "mm-dd-yyyy": "01-02-2006", "dd/mm/yyyy": "02/01/2006",
	"dd-mm-yyyy": "02-01-2006", "yyyy/mm/dd": "2006/01/02", "yyyy-mm-dd": "2006-01-02",
}

// seedAttributes are what every tenant has: each type and date format, more
// than a page, archived ones, one label that two share and one that is the name
// of a session's field, and options that have commas or are more than a page.
// The caller does not change them.
var seedAttributes = sync.OnceValue(func() (all []*attribute) {
	add := func(uid, label, dataType string, options ...string) *attribute {
		all = append(all, newAttribute(uid, label, dataType, options...))
		return all[len(all)-1]
	}
	archive := func(a *attribute) {
		a.Archived, a.ArchivedOn = true, &a.UpdatedAt
	}
	add("full_name", "Full Name", "text field")
	add("department", "Department", "text field")
	add("job_title", "Job Title", "text field")
	add("badge", "Badge", "text field")
	add("notes", "Notes", "text area")
	for _, date := range [][3]string{
		{"start_date", "Start Date", "mm/dd/yyyy"}, {"end_date", "End Date", "mm/dd/yyyy"},
		{"clearance_until", "Clearance Until", "mm-dd-yyyy"}, {"birth_date", "Date of Birth", "dd/mm/yyyy"},
		{"trained_on", "Trained On", "dd-mm-yyyy"}, {"audited_on", "Audited On", "yyyy/mm/dd"}, {"review_date", "Review Date", "yyyy-mm-dd"},
	} {
		add(date[0], date[1], "date").DateFormat = date[2]
	}
	add("location", "Location", "drop-down", "Berlin", "Lisbon", "Paris, La Défense", "São Paulo", "Zürich")
	add("contract_type", "Contract Type", "radio buttons", "Contractor", "Consultant", "Intern", "Temporary")
	add("access_areas", "Access Areas", "check boxes", "Lab", "Parking", "Server Room", "Warehouse, Cold Store").Multiple = true
	add("employment_status", "Status", "drop-down", "Active", "On Leave", "Terminated")
	add("skills", "Skills", "tags")
	add("contract_file", "Contract File", "attachment")
	add("sponsor", "Sponsor", "owner select")
	add("line_manager", "Manager", "owner search")
	add("project_manager", "Manager", "contributor select")
	add("reviewers", "Reviewers", "contributor search").Multiple = true
	add("vendor", "Vendor", "profile select")
	add("assignments", "Assignments", "profile search").Multiple = true
	archive(add("old_badge", "Badge (old)", "text field"))
	archive(add("old_location", "Location (old)", "drop-down", "Bonn", "Porto"))
	costCenters := make([]string, 230)
	for i := range costCenters {
		costCenters[i] = fmt.Sprintf("CC-%04d", 1000+10*i)
	}
	add("cost_center", "Cost Center", "drop-down", costCenters...)
	for i := range 100 {
		add(fmt.Sprintf("custom_%03d", i+1), fmt.Sprintf("Custom %03d", i+1), "text field")
	}
	return all
})

// newAttribute makes an attribute from its uid: the same everywhere.
func newAttribute(uid, label, dataType string, options ...string) *attribute {
	h := hash(uuid.NewSHA1(uuid.NameSpaceOID, []byte(uid)))
	created := time.Unix(seedCreated(h), 0).UTC()
	return &attribute{
		ID: derived(h, 1).String(), UID: uid, Label: label, DataType: dataType, Type: attributeTypes[dataType],
		CreatedAt: created, UpdatedAt: created, options: options,
	}
}

// AddAttribute adds a text field with a label that is its uid. A uid that the
// tenant has is left as it is.
func (t *Tenant) AddAttribute(uid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.attribute(uid) == nil {
		t.attributes = append(slices.Clip(t.attributes), newAttribute(uid, uid, "text field"))
		t.keep(stateLine{Attribute: uid})
	}
}

// HasLabel reports whether an attribute has a label, in any case.
func (t *Tenant) HasLabel(label string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.attributes, func(a *attribute) bool { return strings.EqualFold(a.Label, label) })
}

// attribute finds an attribute by its uid; nil if there is none. The caller
// holds mu.
func (t *Tenant) attribute(uid string) *attribute {
	at := slices.IndexFunc(t.attributes, func(a *attribute) bool { return a.UID == uid })
	if at < 0 {
		return nil
	}
	return t.attributes[at]
}

// listAttributes answers GET /ne_attributes.
func (t *Tenant) listAttributes(f Faults, values url.Values) answer {
	label, dataType := values.Get("label"), values.Get("data_type")
	return answerList(t, f, values, "ne_attributes", func(p paging) ([]*attribute, int) {
		fit := slices.DeleteFunc(slices.Clone(t.attributes), func(a *attribute) bool {
			return label != "" && label != a.Label || dataType != "" && dataType != a.DataType
		})
		if p.created {
			slices.SortStableFunc(fit, func(a, b *attribute) int { return a.CreatedAt.Compare(b.CreatedAt) })
		}
		return page(p, fit), len(fit)
	})
}

// listOptions answers GET /ne_attribute_options.
func (t *Tenant) listOptions(f Faults, values url.Values) answer {
	of := values.Get("ne_attribute_id")
	return answerList(t, f, values, "ne_attribute_options", func(p paging) ([]option, int) {
		var fit []option
		for _, a := range t.attributes {
			if of != "" && !strings.EqualFold(of, a.ID) {
				continue
			}
			for i, text := range a.options {
				id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(a.UID+"="+text)).String()
				fit = append(fit, option{ID: id, UID: fmt.Sprintf("%s_%d", a.UID, i+1), AttributeID: a.ID, Option: text})
			}
		}
		return page(p, fit), len(fit)
	})
}

// refuse returns what is wrong with a value for the attribute; "" if nothing.
func (a *attribute) refuse(value string) string {
	switch {
	case a.DataType == "attachment":
		return "must be uploaded"
	case value == "":
		return ""
	case a.DateFormat != "":
		if _, err := time.Parse(dateLayouts[a.DateFormat], value); err != nil {
			return "is not a valid date (" + a.DateFormat + ")"
		}
	case a.DataType == "check boxes":
		if !areOptions(value, a.options) {
			return "is not included in the list"
		}
	case a.options != nil && !slices.Contains(a.options, value):
		return "is not included in the list"
	}
	return ""
}

// areOptions reports whether a text is options joined by commas, some of which
// can have commas themselves.
func areOptions(text string, options []string) bool {
	return slices.ContainsFunc(options, func(o string) bool {
		rest, ok := strings.CutPrefix(strings.TrimLeft(text, " "), o)
		if rest = strings.TrimLeft(rest, " "); !ok || rest == "" {
			return ok
		}
		rest, ok = strings.CutPrefix(rest, ",")
		return ok && areOptions(rest, options)
	})
}
