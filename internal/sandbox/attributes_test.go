package sandbox

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// attributePage is a page of attributes or options as it comes over the wire.
type attributePage struct {
	Attributes []struct {
		ID, UID, Label, Type string
		DateFormat           string `json:"date_format"`
		Archived             bool
	} `json:"ne_attributes"`
	Options []struct {
		Option      string
		AttributeID string `json:"ne_attribute_id"`
	} `json:"ne_attribute_options"`
	Metadata struct {
		Limit, Offset, Total int
		Next                 string
	} `json:"_metadata"`
}

// follow reads a list from its first page to its last, by the pointers.
func follow(t *testing.T, tenant *Tenant, path string) (pages []attributePage) {
	t.Helper()
	for path != "" {
		a := call(tenant.Handler(), newRequest(t, "GET", "http://localhost/api"+path, ""))
		if a.status != 200 {
			t.Fatalf("%s: %d %s", path, a.status, a.body.String())
		}
		pages = append(pages, decode[attributePage](t, a.body.String()))
		path = pages[len(pages)-1].Metadata.Next
	}
	return pages
}

// TestAttributesOfEachKind holds what a rehearsal needs.
func TestAttributesOfEachKind(t *testing.T) {
	tenant := New(Options{})
	tenant.AddAttribute("own_field")
	tenant.AddAttribute("end_date") // which it has
	pages := follow(t, tenant, "/ne_attributes?metadata=true&order=created_at")
	types, formats, labels, uids := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	archived := 0
	for _, p := range pages {
		for _, a := range p.Attributes {
			types[a.Type]++
			labels[a.Label]++
			uids[a.UID]++
			if a.DateFormat != "" {
				formats[a.DateFormat]++
			}
			if a.Archived {
				archived++
			}
		}
	}
	if len(pages) < 2 || len(types) != 14 || len(formats) != 6 || archived == 0 || labels["Manager"] != 2 {
		t.Errorf("%d pages, types %v, formats %v, %d archived, %d of one label", len(pages), types, formats, archived, labels["Manager"])
	}
	if len(uids) != pages[0].Metadata.Total || uids["own_field"] != 1 || types["DateAttribute"] != 7 {
		t.Errorf("%d uids of %d", len(uids), pages[0].Metadata.Total)
	}
	if len(New(Options{}).attributes) != len(uids)-1 {
		t.Error("what one tenant was given, another has too")
	}
}

func TestOptionsOfAnAttribute(t *testing.T) {
	tenant := New(Options{})
	for uid, pages := range map[string]int{"location": 1, "cost_center": 3} {
		a := tenant.attribute(uid)
		var got []string
		read := follow(t, tenant, "/ne_attribute_options?metadata=true&ne_attribute_id="+strings.ToUpper(a.ID))
		for _, p := range read {
			for _, o := range p.Options {
				if got = append(got, o.Option); o.AttributeID != a.ID {
					t.Errorf("%s is of %s", o.Option, o.AttributeID)
				}
			}
		}
		if len(read) != pages || !slices.Equal(got, a.options) {
			t.Errorf("%s: %d pages, %q", uid, len(read), got)
		}
	}
	path := "/api/ne_attribute_options?ne_attribute_id=" + tenant.attribute("full_name").ID
	if a := call(tenant.Handler(), newRequest(t, "GET", "http://localhost"+path, "")); a.status != 400 || !strings.Contains(a.body.String(), "no attribute options found") {
		t.Errorf("a text field: %d %s", a.status, a.body.String())
	}
	if n := tenant.Totals(); n.Attributes != 5 || n.Requests() != 5 {
		t.Errorf("counted %+v", n)
	}
}

// TestNestedQuery has a tenant that knows one form of the paging only, on each
// of its lists.
func TestNestedQuery(t *testing.T) {
	nested := New(Options{NestedQuery: true})
	for i := range 250 {
		add(t, nested, listID(i))
	}
	for _, list := range []string{"/workflow_sessions", "/ne_attributes", "/ne_attribute_options"} {
		first := func(query string) string {
			a := call(nested.Handler(), newRequest(t, "GET", "http://localhost/api"+list+"?"+query, ""))
			return a.body.String()
		}
		plain := url.Values{"limit": {"7"}, "offset": {"7"}, "order": {"created_at"}}.Encode()
		other := url.Values{"query[limit]": {"7"}, "query[offset]": {"7"}, "query[order]": {"created_at"}}.Encode()
		if first(plain) != first("") || first(other) == first("") {
			t.Errorf("%s does not know its form", list)
		}
	}
	total := 0
	for _, p := range follow(t, nested, "/ne_attributes?metadata=true") {
		total += len(p.Attributes)
	}
	if total != len(nested.attributes) {
		t.Errorf("%d attributes by the pointers", total)
	}
}

func TestAttributeValues(t *testing.T) {
	tenant := New(Options{})
	add(t, tenant, idA)
	for _, tt := range []struct{ uid, value, problem string }{
		{"end_date", "01/31/2027", ""},
		{"end_date", "", ""},
		{"end_date", "2027-01-31", "is not a valid date (mm/dd/yyyy)"},
		{"birth_date", "02/30/2000", "is not a valid date (dd/mm/yyyy)"},
		{"location", "Paris, La Défense", ""},
		{"location", "berlin", "is not included in the list"},
		{"contract_type", "Intern, Temporary", "is not included in the list"},
		{"access_areas", "Lab, Warehouse, Cold Store,Parking", ""},
		{"access_areas", "Warehouse", "is not included in the list"},
		{"access_areas", "Lab,", "is not included in the list"},
		{"contract_file", "x.pdf", "must be uploaded"},
		{"sponsor", "anyone", ""},
		{"nobody_knows_it", "anything", ""},
	} {
		body := patchBody(t, map[string]any{"attributes": map[string]string{tt.uid: tt.value}})
		a := call(tenant.Handler(), newRequest(t, "PATCH", "http://localhost/api/workflow_sessions/"+idA, body))
		got := decode[struct{ Errors map[string][]string }](t, a.body.String()).Errors[tt.uid]
		if accepted := a.status == 200; accepted != (tt.problem == "") || !accepted && !slices.Equal(got, []string{tt.problem}) {
			t.Errorf("%s = %q: %d %q", tt.uid, tt.value, a.status, got)
		}
	}
}
