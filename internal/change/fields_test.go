package change

import (
	"strings"
	"testing"

	"nermbulk/internal/sheet"
)

// TestKnownFields reads each name of the table back as its field, in the ways in
// which a header may spell it.
func TestKnownFields(t *testing.T) {
	names := SheetFields()
	for _, f := range Fields() {
		want, uidWanted := sheet.Field(f.Name), ""
		if f.Help == "" {
			want, uidWanted = sheet.ReadOnly, f.Name
		}
		spaced := strings.ReplaceAll(f.Name, "_", " ")
		for _, name := range []string{f.Name, strings.ToUpper(f.Name), spaced, " " + strings.ReplaceAll(spaced, " ", "") + "\u200e"} {
			if got, uid, ok := names.Parse(name); got != want || uid != uidWanted || !ok {
				t.Errorf("%q is read as %q %q, %v, want %q", name, got, uid, ok, want)
			}
		}
		if near, ok := names.Nearest(f.Name); !ok || near != f.Name {
			t.Errorf("the nearest field to %s is %q", f.Name, near)
		}
		if got := fieldOf(sheet.Field(f.Name)); got == nil || got.Name != f.Name {
			t.Errorf("the field of the column %s is %+v", f.Name, got)
		}
		if f.Help != "" && f.parse == nil {
			t.Errorf("%s is read, but not parsed", f.Name)
		}
		if IsSent(sheet.Field(f.Name)) && (f.same == nil || f.Get == nil || f.has == 0) {
			t.Errorf("%s is sent, but cannot be compared", f.Name)
		}
	}
	for _, name := range []string{"attributes.end_date", "attr.end_date"} {
		if got, uid, ok := names.Parse(name); got != sheet.Attribute || uid != "end_date" || !ok {
			t.Errorf("%q is read as %q %q", name, got, uid)
		}
	}
	if Label(sheet.Attribute, "end_date") != "attributes.end_date" || Label(Status, "") != "status" {
		t.Error("the labels of columns differ from their headers")
	}
}
