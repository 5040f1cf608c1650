package sheet

import (
	"errors"
	"strings"
	"testing"
)

func TestParseMapping(t *testing.T) {
	for _, tt := range []struct{ name, text, column, field string }{
		{"attribute", "Contract End=attributes.end_date", "Contract End", "attributes.end_date"},
		{"field", "Session=id", "Session", "id"},
		{"spaces around", " Session = Workflow ID ", "Session", "Workflow ID"},
		{"equals sign in the column", "A=B=status", "A=B", "status"},
		{"equals sign in the uid", "C=attributes.a=b", "C", "attributes.a=b"},
		{"the last one that leaves a field", "C=attributes.a=status", "C=attributes.a", "status"},
		{"what may be a label", "A=B=Contract End", "A=B", "Contract End"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := testFields.ParseMapping(tt.text)
			if err != nil || m.Column != tt.column || m.Field != tt.field {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
	for _, tt := range []struct{ name, text, message string }{
		{"no equals sign", "status", "write it as COLUMN=FIELD"},
		{"no column", "=status", "no column is named"},
		{"no field", "A=", "is not a field"},
		{"no uid", "A=attributes.", "is not a field"},
		{"our own results", "status=result.foo", "\"result.foo\" is what a run writes of its results, which is not sent; use one of id, status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := testFields.ParseMapping(tt.text)
			wantOptionError(t, err, "--map", tt.message)
		})
	}
}

func TestOpenOptions(t *testing.T) {
	path := write(t, "id,Contract End\nx,y\n")
	for _, tt := range []struct {
		name    string
		options Options
		option  string
		message string
	}{
		{"encoding that is none", Options{Encoding: "utf-9"}, "--encoding", "not a known encoding"},
		{"encoding that reads nothing", Options{Encoding: "hz-gb-2312"}, "--encoding", "not a known encoding"},
		{"quote as delimiter", Options{Delimiter: '"'}, "--delimiter", "cannot divide cells"},
		{"surrogate as delimiter", Options{Delimiter: 0xd800}, "--delimiter", "not a character"},
		{"no such field", Options{Columns: []Mapping{{Column: "Contract End", Field: "somewhere else"}}}, "--map", "use one of id, status"},
		{"misspelt field", Options{Columns: []Mapping{{Column: "Contract End", Field: "statsu"}}}, "--map", `did you mean "status"?`},
		{"no such column", Options{Columns: []Mapping{{Column: "Contrct End", Field: "attributes.x"}}}, "--map", `no column "Contrct End"; did you mean "Contract End"?`},
		{"one column, two fields", Options{Columns: []Mapping{{Column: "Contract End", Field: "status"}, {Column: "contract_end", Field: "run"}}}, "--map", "mapped to status already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Fields = testFields
			s, err := Open(t.Context(), path, tt.options)
			if err == nil {
				s.Close()
			}
			wantOptionError(t, err, tt.option, tt.message)
		})
	}
}

func wantOptionError(t *testing.T, err error, option, message string) {
	t.Helper()
	e, ok := errors.AsType[*OptionError](err)
	if !ok {
		t.Fatalf("got %v, want an option's error", err)
	}
	if e.Option != option || !strings.Contains(e.Error(), message) {
		t.Errorf("got %q, want one of %s with %q", e, option, message)
	}
}
