package sheet

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// The rules of a template are those of another program's reader too.
func TestTemplate(t *testing.T) {
	many := make([]string, 61)
	for i := range many {
		many[i] = fmt.Sprintf("status_%02d", i)
	}
	var b bytes.Buffer
	err := WriteTemplate(&b, []TemplateColumn{
		{Header: "id", Note: "required"},
		{Header: "status", Rule: Rule{Choices: many, Help: strings.Repeat("long ", 100)}},
		{Header: "run", Rule: Rule{Choices: []string{"true", "false"}, Help: "choose"}},
		{Header: "attributes.kind", Rule: Rule{Choices: []string{"a, b", `"c"`, "<d>"}, Loose: true}},
		{Header: "attributes.end_date", Rule: Rule{Dates: true, Loose: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.GetSheetList(); len(got) != 2 || got[0] != "Sessions" || got[1] != "Lists" {
		t.Fatalf("the worksheets are %q", got)
	}
	if visible, err := f.GetSheetVisible("Lists"); err != nil || visible {
		t.Errorf("the lists are visible (%v)", err)
	}
	rules, err := f.GetDataValidations("Sessions")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rules {
		if r.Error != nil && len(*r.Error) > 225 {
			t.Errorf("%s has a text of %d characters", r.Sqref, len(*r.Error))
		}
		got = append(got, fmt.Sprintf("%s %s %s %s", r.Sqref, r.Type, *r.ErrorStyle, html.UnescapeString(r.Formula1)))
	}
	want := []string{
		"B2:B1048576 list stop 'Lists'!$A$2:$A$62",
		`C2:C1048576 list stop "true,false"`,
		"D2:D1048576 list warning 'Lists'!$B$2:$B$4",
		"E2:E1048576 date warning 1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the rules are\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for cell, want := range map[string]string{"A2": "status_00", "A62": "status_60", "B2": "a, b", "B3": `"c"`, "B4": "<d>"} {
		if got, err := f.GetCellValue("Lists", cell); err != nil || got != want {
			t.Errorf("%s of the lists is %q, not %q (%v)", cell, got, want, err)
		}
	}
	for cell, want := range map[string]int{"A2": 49, "B7": 49, "E2": 164} {
		id, err := f.GetCellStyle("Sessions", cell)
		if err != nil {
			t.Fatal(err)
		}
		if got := *f.Styles.CellXfs.Xf[id].NumFmtID; got != want {
			t.Errorf("the number format of %s is %d, not %d", cell, got, want)
		}
	}
}
