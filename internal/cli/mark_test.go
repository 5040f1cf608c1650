package cli_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// usersWorkbook writes a workbook as somebody may have it, with looks and
// worksheets of its own. Its cells are B2 and on.
func usersWorkbook(t *testing.T, path string) {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	border := []excelize.Border{{Type: "bottom", Color: "FF0000", Style: 2}}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true, Italic: true}, Border: border, NumFmt: 49, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEEFF"}}})
	digits := "000"
	padded, err2 := f.NewStyle(&excelize.Style{CustomNumFmt: &digits})
	for _, err := range []error{
		err, err2,
		f.SetSheetName("Sheet1", "Bob's list"),
		f.SetSheetRow("Bob's list", "B2", &[]any{"id", "status", "attributes.badge"}),
		f.SetSheetRow("Bob's list", "B3", &[]any{idOf(1), "complete", 7}),
		f.SetSheetRow("Bob's list", "B4", &[]any{idOf(2), "closed", "1.23E+15"}),
		f.SetSheetRow("Bob's list", "B5", &[]any{idOf(3)}),
		f.SetCellStyle("Bob's list", "C3", "C3", bold),
		f.SetColStyle("Bob's list", "D", padded),
		f.SetCellStyle("Bob's list", "D3", "D3", padded),
		f.SetColWidth("Bob's list", "C", "C", 33),
		f.AddComment("Bob's list", excelize.Comment{Cell: "D4", Author: "Bob", Text: "mine"}),
		f.SetDefinedName(&excelize.DefinedName{Name: "kept", RefersTo: "'Bob''s list'!$C$3"}),
		addProblems(f),
		f.SaveAs(path),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// addProblems adds a hidden worksheet that has the name of the tool's.
func addProblems(f *excelize.File) error {
	if _, err := f.NewSheet("Problems"); err != nil {
		return err
	}
	if err := f.SetCellStr("Problems", "A1", "my own"); err != nil {
		return err
	}
	return f.SetSheetVisible("Problems", false)
}

// look is what a person sees of a cell.
type look struct{ value, fill, note string }

func lookOf(t *testing.T, f *excelize.File, sheet, cell string) look {
	t.Helper()
	value, err := f.GetCellValue(sheet, cell)
	if err != nil {
		t.Fatal(err)
	}
	l := look{value: value, fill: fillOf(t, f, sheet, cell)}
	notes, err := f.GetComments(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		if n.Cell == cell {
			l.note = n.Text
			for _, run := range n.Paragraph {
				l.note += run.Text
			}
		}
	}
	return l
}

// fillOf returns the color of a cell, empty if it has none.
func fillOf(t *testing.T, f *excelize.File, sheet, cell string) string {
	t.Helper()
	id, err := f.GetCellStyle(sheet, cell)
	if err != nil {
		t.Fatal(err)
	}
	fill := f.Styles.Fills.Fill[*f.Styles.CellXfs.Xf[id].FillID].PatternFill
	if fill == nil || fill.FgColor == nil {
		return ""
	}
	return strings.TrimPrefix(fill.FgColor.RGB, "FF")
}

func styleOf(t *testing.T, f *excelize.File, sheet, cell string) *excelize.Style {
	t.Helper()
	id, err := f.GetCellStyle(sheet, cell)
	if err != nil {
		t.Fatal(err)
	}
	style, err := f.GetStyle(id)
	if err != nil {
		t.Fatal(err)
	}
	return style
}

func openWorkbook(t *testing.T, path string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // in memory
	return f
}

const (
	redFill, yellowFill = "FFC7CE", "FFEB9C"
	notAStatus          = `"complete" is not a status; did you mean "completed"?`
)

// A user's own workbook is marked as it is: only the fill of wrong cells
// changes, and what is right by the next check has its marks taken off.
func TestMarkedOwnWorkbook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own, marked := filepath.Join(dir, "own.xlsx"), filepath.Join(dir, "marked.xlsx")
	usersWorkbook(t, own)
	before := openWorkbook(t, own)
	if got := nermbulk(t, dir, nil, "check", "own.xlsx", "--mark", "marked.xlsx"); got.code != 2 || !strings.Contains(got.stderr, `"Problems 2"`) {
		t.Fatalf("exit code %d:\n%s", got.code, got.stderr)
	}
	f := openWorkbook(t, marked)
	for cell, want := range map[string]look{
		"C3": {"complete", redFill, notAStatus},
		"D3": {"007", "", ""},
		"D4": {"1.23E+15", yellowFill, "mine"},
		"B5": {idOf(3), redFill, "the row changes nothing: fill a status or an attribute, or remove the row"},
		"B3": {idOf(1), "", ""},
	} {
		if got := lookOf(t, f, "Bob's list", cell); got != want {
			t.Errorf("%s looks like %q, not %q", cell, got, want)
		}
	}
	was, is := styleOf(t, before, "Bob's list", "C3"), styleOf(t, f, "Bob's list", "C3")
	was.Fill, is.Fill = excelize.Fill{}, excelize.Fill{}
	if !reflect.DeepEqual(was, is) {
		t.Errorf("the format of C3 was\n%+v and is\n%+v", was, is)
	}
	if got, want := f.GetSheetList(), []string{"Bob's list", "Problems", "Problems 2"}; !reflect.DeepEqual(got, want) {
		t.Fatalf("the worksheets are %q, not %q", got, want)
	}
	if width, err := f.GetColWidth("Bob's list", "C"); err != nil || width != 33 {
		t.Errorf("the width is %v (%v)", width, err)
	}
	rows, err := f.GetRows("Problems 2")
	if err != nil || len(rows) != 4 || !reflect.DeepEqual(rows[1], []string{"C3", "3", "C", "status", "error", "bad-status", notAStatus}) {
		t.Errorf("the problems are %q (%v)", rows, err)
	}
	if linked, to, err := f.GetCellHyperLink("Problems 2", "A2"); err != nil || !linked || to != "'Bob''s list'!C3" {
		t.Errorf("A2 leads to %q (%v)", to, err)
	}

	// Corrected, it has no marks, and no list but its own.
	for cell, text := range map[string]string{"C3": "completed", "C5": "closed", "D4": "7"} {
		if err := f.SetCellStr("Bob's list", cell, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(marked); err != nil {
		t.Fatal(err)
	}
	if got := nermbulk(t, dir, nil, "check", "marked.xlsx", "--mark", "again.xlsx"); got.code != 0 {
		t.Fatalf("exit code %d:\n%s", got.code, got.stderr)
	}
	f = openWorkbook(t, filepath.Join(dir, "again.xlsx"))
	for cell, want := range map[string]look{"C3": {"completed", "", ""}, "B5": {idOf(3), "", ""}, "D4": {"7", "", "mine"}} {
		if got := lookOf(t, f, "Bob's list", cell); got != want {
			t.Errorf("after the correction %s looks like %q, not %q", cell, got, want)
		}
	}
	if got, want := f.GetSheetList(), []string{"Bob's list", "Problems", "Problems 2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("after the correction the worksheets are %q, not %q", got, want)
	}
	if rows, err := f.GetRows("Problems 2"); err != nil || len(rows) != 1 {
		t.Errorf("after the correction the problems are %q (%v)", rows, err)
	}
}

// A CSV is marked as a workbook of text.
func TestMarkedCSV(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s.csv"), "id,status,attributes.a\n"+
		idOf(1)+",complete,007\n"+
		"\n"+
		idOf(2)+",closed,1.23E+15\n"+
		idOf(1)+",,\n")
	if got := nermbulk(t, dir, nil, "check", "s.csv", "--mark", "m.xlsx"); got.code != 2 {
		t.Fatalf("exit code %d:\n%s", got.code, got.stderr)
	}
	f := openWorkbook(t, filepath.Join(dir, "m.xlsx"))
	for cell, want := range map[string]look{
		"B2": {"complete", redFill, notAStatus},
		"C2": {"007", "", ""},
		"A4": {idOf(2), "", ""},
	} {
		if got := lookOf(t, f, "Sheet", cell); got != want {
			t.Errorf("%s looks like %q, not %q", cell, got, want)
		}
	}
	if got := lookOf(t, f, "Sheet", "C4"); got.fill != yellowFill || got.note == "" {
		t.Errorf("C4 looks like %q", got)
	}
	// All that is wrong with one cell is one note.
	if got := lookOf(t, f, "Sheet", "A5"); got.fill != redFill || !strings.Contains(got.note, "the same id as in row 2") || !strings.Contains(got.note, "the row changes nothing") {
		t.Errorf("A5 looks like %q", got)
	}
	if linked, to, err := f.GetCellHyperLink("Problems", "A2"); err != nil || !linked || to != "'Sheet'!B2" {
		t.Errorf("A2 leads to %q (%v)", to, err)
	}

	// Corrected, it is marked as any workbook is.
	if err := errors.Join(f.SetCellStr("Sheet", "B2", "completed"), f.SaveAs(filepath.Join(dir, "m.xlsx"))); err != nil {
		t.Fatal(err)
	}
	if got := nermbulk(t, dir, nil, "check", "m.xlsx", "--mark", "again.xlsx"); got.code != 2 {
		t.Fatalf("exit code %d:\n%s", got.code, got.stderr)
	}
	f = openWorkbook(t, filepath.Join(dir, "again.xlsx"))
	if got, want := lookOf(t, f, "Sheet", "B2"), (look{"completed", "", ""}); got != want {
		t.Errorf("after the correction B2 looks like %q, not %q", got, want)
	}
	if got, want := f.GetSheetList(), []string{"Sheet", "Problems"}; !reflect.DeepEqual(got, want) {
		t.Errorf("after the correction the worksheets are %q, not %q", got, want)
	}
}

// A workbook with macros keeps them, under a name that says so.
func TestMarkedMacros(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "own.xlsm")
	usersWorkbook(t, path)
	f := openWorkbook(t, path)
	f.Pkg.Store("xl/vbaProject.bin", []byte("macros"))
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	got := nermbulk(t, dir, nil, "check", "own.xlsm", "--mark", "m.xlsx")
	if want := "--mark m.xlsx: the workbook has macros: name a .xlsm"; got.code != 2 || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d, and it does not say %s:\n%s", got.code, want, got.stderr)
	}
	if got := nermbulk(t, dir, nil, "check", "own.xlsm", "--mark", "m.xlsm"); got.code != 2 || !strings.Contains(got.stderr, "3 problems marked in m.xlsm") {
		t.Errorf("exit code %d:\n%s", got.code, got.stderr)
	}
	if macros, ok := openWorkbook(t, filepath.Join(dir, "m.xlsm")).Pkg.Load("xl/vbaProject.bin"); !ok || string(macros.([]byte)) != "macros" {
		t.Errorf("the macros are %q", macros)
	}
}

// The lists of a filled-in template stay when it is marked, once and again.
func TestMarkedTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records := [][]string{{"id", "status"}, {idOf(1), "complete"}}
	fillTemplate(t, func(path string) { nermbulk(t, dir, nil, "template", "-o", path) }, filepath.Join(dir, "t.xlsx"), records)
	for _, args := range [][]string{{"check", "t.xlsx", "--mark", "m.xlsx"}, {"check", "m.xlsx", "--mark", "again.xlsx"}} {
		if got := nermbulk(t, dir, nil, args...); got.code != 2 {
			t.Fatalf("exit code %d:\n%s", got.code, got.stderr)
		}
	}
	f := openWorkbook(t, filepath.Join(dir, "again.xlsx"))
	if got, want := f.GetSheetList(), []string{"Sessions", "Lists", "Problems"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the worksheets are %q, not %q", got, want)
	}
	if rules, err := f.GetDataValidations("Sessions"); err != nil || len(rules) != 3 {
		t.Errorf("the rules are %+v (%v)", rules, err)
	}
	if got, want := lookOf(t, f, "Sessions", "B2"), (look{"complete", redFill, notAStatus}); got != want {
		t.Errorf("B2 looks like %q, not %q", got, want)
	}
}

// Marks go from a corrected workbook whose list of problems its user removed.
func TestMarkedWithoutItsList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own, marked := filepath.Join(dir, "own.xlsx"), filepath.Join(dir, "marked.xlsx")
	usersWorkbook(t, own)
	if got := nermbulk(t, dir, nil, "check", "own.xlsx", "--mark", "marked.xlsx"); got.code != 2 {
		t.Fatalf("exit code %d:\n%s", got.code, got.stderr)
	}
	f := openWorkbook(t, marked)
	for i, n := range f.WorkBook.DefinedNames.DefinedName { // as Excel does
		if n.Name == "nermbulk_problems" {
			f.WorkBook.DefinedNames.DefinedName[i].Data = "#REF!$A$1"
		}
	}
	err := errors.Join(f.DeleteSheet("Problems 2"), f.SetCellStr("Bob's list", "C3", "completed"), f.SaveAs(marked))
	if err != nil {
		t.Fatal(err)
	}
	if got := nermbulk(t, dir, nil, "check", "marked.xlsx", "--mark", "again.xlsx"); got.code != 2 {
		t.Fatalf("exit code %d:\n%s", got.code, got.stderr)
	}
	f = openWorkbook(t, filepath.Join(dir, "again.xlsx"))
	if got, want := lookOf(t, f, "Bob's list", "C3"), (look{"completed", "", ""}); got != want {
		t.Errorf("after the correction C3 looks like %q, not %q", got, want)
	}
	if got, want := f.GetSheetList(), []string{"Bob's list", "Problems", "Problems 2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the worksheets are %q, not %q", got, want)
	}
}
