package sheet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// hostileCells are cells that spreadsheet programs like to change.
var hostileCells = []string{
	"007", "1E5", "12345678901234567890", "=1+1", "-5", "+49 30", "@x", "'x", "'=x", "TRUE", "WAHR", "01/02/2027", "2027-01-15",
	"a\nb", "\n", " padded ", "\t", "a\tb", `say "hi"`, "<b>&amp;</b>", "]]>", "_x0041_", "_X000d_", "__x005F_", "_x", "#N/A", "#REF!", "Žďár 東京", "😀", "e\u0301",
}

// writeWorkbook writes a header and rows.
func writeWorkbook(t *testing.T, rows ...[]string) string {
	t.Helper()
	var b bytes.Buffer
	err := WriteWorkbook(&b, "results", func(visit func([]string, ...Mark) error) error {
		for i, r := range rows {
			var marks []Mark
			if i > 0 {
				marks = []Mark{{Column: 0, Color: Red, Note: "=is not a date & \x01more"}, {Column: 1, Color: Green}, {Column: 40, Color: Yellow}}
			}
			if err := visit(r, marks...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "results.xlsx")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Another program's reader must find what was written, as text, with its looks.
func TestWorkbook(t *testing.T) {
	header := make([]string, len(hostileCells))
	for i := range header {
		header[i] = fmt.Sprintf("column %d", i)
	}
	f, err := excelize.OpenFile(writeWorkbook(t, header, hostileCells, nil, []string{"", "x", strings.Repeat("w", 200)}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, want := range hostileCells {
		at := Letter(i) + "2"
		got, err := f.GetCellValue("results", at)
		if err != nil || got != want {
			t.Errorf("%s holds %q, not %q (%v)", at, got, want, err)
		}
		if kind, err := f.GetCellType("results", at); err != nil || kind != excelize.CellTypeInlineString {
			t.Errorf("%s is of type %v (%v)", at, kind, err)
		}
	}
	styles := map[string]struct {
		bold  bool
		color string
	}{
		"A1": {true, ""}, "A2": {false, "FFC7CE"}, "B2": {false, "C6EFCE"}, "C2": {false, ""}, "A4": {false, "FFC7CE"},
	}
	for at, want := range styles {
		id, err := f.GetCellStyle("results", at)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.GetStyle(id)
		if err != nil {
			t.Fatal(err)
		}
		color := "" // as the file has it: the library wants a theme for its own answer
		if fill := f.Styles.Fills.Fill[*f.Styles.CellXfs.Xf[id].FillID].PatternFill; fill.FgColor != nil {
			color = fill.FgColor.RGB
		}
		if s.NumFmt != 49 || s.Font.Bold != want.bold || !strings.HasSuffix(color, want.color) || want.color == "" && color != "" {
			t.Errorf("%s has the format %d, font %+v and color %s", at, s.NumFmt, s.Font, color)
		}
	}
	// A cell of several lines makes its row higher, as when it is typed.
	if height, err := f.GetRowHeight("results", 2); err != nil || height != 2*lineHeight {
		t.Errorf("row 2 is %v high (%v)", height, err)
	}
	for column, want := range map[int]bool{slices.Index(hostileCells, "a\nb"): true, slices.Index(hostileCells, "007"): false} {
		id, err := f.GetCellStyle("results", Letter(column)+"2")
		if err != nil {
			t.Fatal(err)
		}
		if s, err := f.GetStyle(id); err != nil || s.NumFmt != 49 || s.Alignment.WrapText != want {
			t.Errorf("%q has the style %+v (%v)", hostileCells[column], s, err)
		}
	}
	for _, column := range []string{"A", "AZ", "XFD"} { // cells that are typed in are text too
		id, err := f.GetColStyle("results", column)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := f.GetStyle(id); err != nil || s.NumFmt != 49 {
			t.Errorf("column %s has the format %+v (%v)", column, s, err)
		}
	}
	if width, err := f.GetColWidth("results", "C"); err != nil || width != maxColumnWidth+3 {
		t.Errorf("column C is %v wide (%v)", width, err)
	}
	notes, err := f.GetComments("results")
	if err != nil || len(notes) != 3 || notes[0].Cell != "A2" || !strings.Contains(noteText(notes[0]), "=is not a date & \uFFFDmore") {
		t.Errorf("the notes are %+v (%v)", notes, err)
	}
	panes, err := f.GetPanes("results")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the panes are %+v (%v)", panes, err)
	}
	names := f.GetDefinedName()
	if len(names) != 1 || names[0].Name != "_xlnm._FilterDatabase" || names[0].RefersTo != "'results'!$A$1:$AD$4" {
		t.Errorf("the names are %+v", names)
	}
}

func noteText(c excelize.Comment) string {
	b := strings.Builder{}
	for _, run := range c.Paragraph {
		b.WriteString(run.Text)
	}
	return c.Text + b.String()
}

// Several worksheets, one of them the tool's own with links.
func TestWorkbookOfSeveralWorksheets(t *testing.T) {
	var b bytes.Buffer
	w := newWorkbookWriter(&b)
	for _, step := range []func() error{
		func() error { return w.begin(&worksheetPart{Name: "Bob's <1>", Widths: []int{36}}) },
		func() error { return w.write([]string{"id"}) },
		func() error { return w.write([]string{"x"}, Mark{Color: Yellow, Note: "why"}) },
		func() error { return w.begin(&worksheetPart{Name: "Problems", Own: true}) },
		func() error { return w.write([]string{"cell"}) },
		func() error { return w.write([]string{"A2"}, Mark{Link: "'Bob''s <1>'!A2"}) },
		w.close,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.GetSheetList(); !slices.Equal(got, []string{"Bob's <1>", "Problems"}) {
		t.Errorf("the worksheets are %q", got)
	}
	if ok, place, err := f.GetCellHyperLink("Problems", "A2"); err != nil || !ok || place != "'Bob''s <1>'!A2" {
		t.Errorf("the link leads to %q (%v)", place, err)
	}
	own := slices.IndexFunc(f.GetDefinedName(), func(n excelize.DefinedName) bool {
		return n.Name == "nermbulk_problems" && n.RefersTo == "'Problems'!$A$1"
	})
	if own < 0 {
		t.Errorf("the names are %+v", f.GetDefinedName())
	}
	if notes, err := f.GetComments("Bob's <1>"); err != nil || len(notes) != 1 || notes[0].Cell != "A2" {
		t.Errorf("the notes are %+v (%v)", notes, err)
	}
}

func TestUnfit(t *testing.T) {
	tests := []struct {
		name string
		rows [][]string
		want string
	}{
		{"the longest cell", [][]string{{"id"}, {strings.Repeat("ü", 32_767)}}, ""},
		{"a longer one", [][]string{{"id", "x"}, {"", strings.Repeat("ü", 32_768)}}, "the cell in row 2, column B has more than 32,767 characters"},
		{"emoji, which count twice", [][]string{{"id"}, {strings.Repeat("😀", 16_384)}}, "the cell in row 2, column A has more than 32,767 characters"},
		{"a control character", [][]string{{"id"}, {"a\x1bb"}}, "the cell in row 2, column A has a control character"},
		{"too many columns", [][]string{make([]string, 16_385)}, "row 1 has more than 16,384 cells"},
		{"too many rows", append([][]string{{"id"}}, slices.Repeat([][]string{{"x"}}, 1_048_576)...), "a worksheet has no more than 1,048,575 rows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			err := WriteWorkbook(&b, "results", func(visit func([]string, ...Mark) error) error {
				for _, r := range tt.rows {
					if err := visit(r); err != nil {
						return err
					}
				}
				return nil
			})
			why, unfit := errors.AsType[*UnfitError](err)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (!unfit || why.Error() != tt.want):
				t.Errorf("got the error %v", err)
			}
		})
	}
}

// LibreOffice must open what was written, and hold the same.
func TestLibreOfficeOpensWorkbook(t *testing.T) {
	if _, err := exec.LookPath("soffice"); err != nil {
		t.Skip("LibreOffice is not installed")
	}
	header := make([]string, len(hostileCells))
	for i := range header {
		header[i] = fmt.Sprintf("column %d", i)
	}
	path := writeWorkbook(t, header, hostileCells)
	out := t.TempDir()
	c := exec.CommandContext(context.Background(), "soffice", "--headless", "-env:UserInstallation=file://"+t.TempDir(), "--convert-to", "xlsx", "--outdir", out, path)
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	f, err := excelize.OpenFile(filepath.Join(out, "results.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, want := range hostileCells {
		at := Letter(i) + "2"
		if got, err := f.GetCellValue("results", at); err != nil || got != want {
			t.Errorf("%s holds %q, not %q (%v)", at, got, want, err)
		}
	}
	if notes, err := f.GetComments("results"); err != nil || len(notes) != 1 {
		t.Errorf("the notes are %+v (%v)", notes, err)
	}
}
