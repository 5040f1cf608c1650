package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAttributesOfATenant(t *testing.T) {
	s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
		switch id := r.URL.Query().Get("ne_attribute_id"); {
		case r.URL.Path == "/api/ne_attributes":
			_, _ = io.WriteString(w, `{"ne_attributes":[
				{"id":"1","uid":"end_date","label":"End Date","data_type":"date","date_format":"dd/mm/yyyy","type":"DateAttribute","archived":false},
				{"id":2,"uid":"site","label":null,"data_type":"check boxes","type":"CheckBoxesAttribute","archived":"true","allow_multiple_selections":true,"options":7},
				{"id":"3","label":"without a uid"}]}`)
		case id == "2":
			_, _ = io.WriteString(w, `{"ne_attribute_options":[{"id":"a","option":"B"},{"id":"b","option":" A, a","ne_attribute_id":"2"},{"id":"c","option":"X","ne_attribute_id":"9"},{"id":"d","option":null}]}`)
		case id == "1":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"No ne_attribute_options found."}`)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	})
	c := newTestClient(t, Options{BaseURL: s.URL + "/api"})
	got, err := c.Attributes(t.Context())
	want := []Attribute{
		{ID: "2", UID: "site", DataType: "check boxes", Type: "CheckBoxesAttribute", Archived: true, Multiple: true},
		{ID: "1", UID: "end_date", Label: "End Date", DataType: "date", DateFormat: "dd/mm/yyyy", Type: "DateAttribute"},
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\n%+v, want\n%+v", err, got, want)
	}
	for id, want := range map[string][]string{"1": {}, "2": {"B", " A, a"}} {
		if options, err := c.AttributeOptions(t.Context(), id); err != nil || !slices.Equal(options, want) || options == nil {
			t.Errorf("options of %s: %q, %v", id, options, err)
		}
	}
	_, err = c.AttributeOptions(t.Context(), "3")
	if failed, ok := errors.AsType[*ListError](err); !ok || failed.Answer.Verdict != Denied || failed.Answer.Status != http.StatusForbidden || failed.List != "options" {
		t.Errorf("error %v", err)
	}
	if n := c.Counters(); n.Get != len(s.seen()) {
		t.Errorf("%d GETs counted of %d", n.Get, len(s.seen()))
	}
}

func TestAttributesFile(t *testing.T) {
	file := AttributesFile{
		Host: "acme.nonemployee.com", ReadAt: time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC), Incomplete: true,
		Attributes: []Attribute{
			{ID: "1", UID: "end_date", Label: "End <Date> & \u2028", DataType: "date", Type: "DateAttribute", DateFormat: "yyyy-mm-dd", Archived: true},
			{ID: "2", UID: "site", DataType: "drop-down", Type: "DropDownAttribute", Multiple: true, Options: []string{"a, b", "", "<c>"}},
			{ID: "3", UID: "none", DataType: "drop-down", Type: "DropDownAttribute", Options: []string{}},
		},
	}
	var b bytes.Buffer
	if err := file.Write(&b); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"as written": b.String(), "with a BOM": "\uFEFF" + b.String(),
		"with unknown keys": strings.Replace(b.String(), `"uid"`, `"later":{"x":[1]},"uid"`, 1),
	} {
		if got, err := ParseAttributesFile([]byte(text)); err != nil || fmt.Sprint(got) != fmt.Sprint(file) {
			t.Errorf("%s: %v\n%+v, want\n%+v", name, err, got, file)
		}
	}
	if got, err := ParseAttributesFile(b.Bytes()); err != nil || got.Attributes[0].Options != nil || got.Attributes[2].Options == nil {
		t.Errorf("%v: options that were not read, and those that are none: %+v", err, got)
	}
	b.Reset()
	if err := (AttributesFile{}).Write(&b); err != nil || !strings.Contains(b.String(), `"attributes": []`) {
		t.Errorf("%v: %s", err, b.String())
	}
	if _, err := ParseAttributesFile(b.Bytes()); err != nil {
		t.Errorf("a tenant without attributes: %v", err)
	}
}

func TestAttributesFileRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "line 1"},
		{"not JSON", "{\n\"attributes\": [\n{]", "line 3: it is not JSON"},
		{"cut off", "{\n\"attributes\": [\n{\"uid\":\"a\"},\n", "line 4"},
		{"a list", "[1]", "the document is array"},
		{"of another form", `{"problems":[]}`, `no "attributes"`},
		{"no list", "{\n\n\"attributes\": {}}", "line 3: attributes is object"},
		{"a time that is none", `{"read_at":"yesterday","attributes":[]}`, "yesterday"},
		{"an attribute without a uid", `{"attributes":[{"uid":"a"},{"label":"b"}]}`, "attribute 2 "},
		{"no attribute", `{"attributes":[null]}`, "attribute 1 "},
	} {
		_, err := ParseAttributesFile([]byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}
