package change

import (
	"slices"
	"strings"
	"testing"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// TestTemplateColumns also wants that each header is read as its attribute.
func TestTemplateColumns(t *testing.T) {
	a := NewAttributes([]api.Attribute{
		{UID: "end_date", Label: "End Date", DataType: "date", DateFormat: "mm/dd/yyyy"},
		{UID: "start", Label: "End Date", DataType: "date"},
		{UID: "color", Label: "Color", DataType: "drop-down", Options: []string{"Red", "Green"}},
		{UID: "boxes", Label: "Status", DataType: "check boxes", Options: []string{"A, b"}},
		{UID: "unread", Label: "Unread", DataType: "radio buttons"},
		{UID: "owner", Label: "attr.owner", DataType: "owner select"},
		{UID: "a(b)", Label: "", DataType: "text field"},
		{UID: "old", Label: "Old", Archived: true},
		{UID: "photo", Label: "Photo", DataType: "attachment"},
	})
	columns, err := a.TemplateColumns(a.Fillable())
	if err != nil {
		t.Fatal(err)
	}
	var headers []string
	for _, c := range columns {
		headers = append(headers, c.Header)
	}
	want := []string{
		"id", "status", "workflow_id", "requester_id", "requester_type", "profile_id", "profile_ids", "run",
		"End Date (end_date)", "End Date (start)", "Color (color)", "Status (boxes)", "Unread (unread)", "attributes.owner", "attributes.a(b)",
	}
	if !slices.Equal(headers, want) {
		t.Fatalf("the headers are %q", headers)
	}
	s := openSheet(t, strings.Join(headers, ",")+"\n", sheet.Options{LabelsLater: true})
	if err := s.Resolve(t.Context(), a.SheetFields()); err != nil || len(s.Problems()) > 0 {
		t.Fatal(s.Problems(), err)
	}
	for i, uid := range a.Fillable() {
		if c := s.Columns()[i+8]; c.UID != uid {
			t.Errorf("%q is read as %q", c.Name, c.UID)
		}
	}
	for i, want := range []struct {
		choices int
		dates   bool
		note    string
	}{
		{0, true, "a date, sent as mm/dd/yyyy; <clear> empties the attribute"},
		{0, false, "text; <clear>"},
		{2, false, "one of the list; <clear>"},
		{1, false, "one or more of the list, separated by commas; <clear>"},
		{0, false, "text;"},
		{0, false, "owner select: ids or names;"},
	} {
		c := columns[i+8]
		if len(c.Rule.Choices) != want.choices || c.Rule.Dates != want.dates || !strings.HasPrefix(c.Note, want.note) {
			t.Errorf("%s: %+v", c.Header, c)
		}
		if rule := want.choices > 0 || want.dates; c.Rule.Loose != rule {
			t.Errorf("%s refuses the marker", c.Header)
		}
	}
	if c := columns[1]; len(c.Rule.Choices) != len(statuses) || c.Rule.Loose {
		t.Errorf("status: %+v", c.Rule)
	}
}

func TestTemplateColumnsThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		uids    []string
		known   *Attributes
		message string
	}{
		"twice":              {[]string{"a", "a"}, nil, "a is named twice"},
		"no uid":             {[]string{" "}, nil, "no column can have that name"},
		"not the tenant's":   {[]string{"colour"}, tenantAttributes(), `"colour": the tenant has no such attribute; did you mean color ("Color")?`},
		"nothing like it":    {[]string{"salary"}, tenantAttributes(), "`nermbulk attributes` lists"},
		"an attachment":      {[]string{"photo"}, tenantAttributes(), "it is an attachment"},
		"twice, of a tenant": {[]string{"us", "us"}, tenantAttributes(), "us is named twice"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tt.known.TemplateColumns(tt.uids); err == nil || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %v", err)
			}
		})
	}
	var nothing *Attributes
	if columns, err := nothing.TemplateColumns([]string{"Badge.No"}); err != nil || columns[len(columns)-1].Header != "attributes.Badge.No" {
		t.Error(columns, err)
	}
}
