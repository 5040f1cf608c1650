package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"testing"
)

// FuzzWorkbook reads a workbook of arbitrary parts, and arbitrary bytes as one.
// Whatever is in it, it has rows or a problem, and its copy is read as it is.
func FuzzWorkbook(f *testing.F) {
	rows := idHeader + `<row>` + inline("x", "1") + `<c s="1"><v>46402</v></c></row>`
	for _, b := range []book{
		oneSheet(rows),
		{sheets: []string{`<cols><col min="1" max="2" hidden="1"/></cols><sheetData>` + rows + `</sheetData><mergeCells><mergeCell ref="A2:B2"/></mergeCells>`}, strings: testStrings, styles: testStyles},
		{sheets: []string{idHeader + `<row r="9" hidden="1"><c r="A9" t="s"><v>1</v></c><c r="B9"><f>1+1</f><v></v></c></row>`, ""}, strings: testStrings, more: `<workbookPr date1904="1"/>`},
		{sheets: []string{rows}, strict: true, names: []string{"a"}, more: `<definedNames><definedName name="nermbulk_1">a!$A$1</definedName></definedNames>`},
	} {
		parts := b.parts()
		f.Add(b.bytes(f), parts["xl/workbook.xml"], parts["xl/worksheets/sheet1.xml"], parts["xl/sharedStrings.xml"], parts["xl/styles.xml"])
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, whole []byte, main, sheet, strings, styles string) {
		o := Options{Fields: testFields, Unknown: UnknownIgnore, Scratch: func() (*os.File, error) {
			file, err := os.CreateTemp(dir, "")
			if err == nil {
				t.Cleanup(func() { _ = os.Remove(file.Name()) }) // not while it is open: Windows does not allow it
			}
			return file, err
		}}
		checkWorkbook(t, whole, o)
		b := oneSheet("")
		b.strings, b.styles = " ", " "
		parts := b.parts()
		parts["xl/workbook.xml"], parts["xl/worksheets/sheet1.xml"] = main, sheet
		parts["xl/sharedStrings.xml"], parts["xl/styles.xml"] = strings, styles
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			part, err := w.Create(name)
			if err == nil {
				_, err = io.WriteString(part, parts[name])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		checkWorkbook(t, out.Bytes(), o)
	})
}

func checkWorkbook(t *testing.T, content []byte, o Options) {
	s, err := Open(t.Context(), write(t, string(content)), o)
	if _, option := errors.AsType[*OptionError](err); option {
		return // such as several worksheets
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows := readAll(t, s)
	checkRows(t, s, rows)
	if len(rows) == 0 && len(s.Problems()) == 0 {
		t.Fatal("neither rows nor problems")
	}
	if !s.IsWorkbook() {
		return
	}
	var text bytes.Buffer
	if err := s.WriteCopy(&text); err != nil {
		t.Fatal(err)
	}
	c, err := s.OpenCopy(t.Context(), write(t, text.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	again := readAll(t, c)
	if c.SHA256() != s.CopySHA256() || !slices.Equal(c.Problems(), s.Problems()) || len(again) != len(rows) {
		t.Fatalf("the copy has %d rows, not %d, and %v, not %v", len(again), len(rows), c.Problems(), s.Problems())
	}
	for i, r := range rows {
		for column := range r.Cells {
			if r.Cells[column] != again[i].Cells[column] || r.Kind(column) != again[i].Kind(column) {
				t.Fatalf("row %d is %q in the copy, not %q", r.Number, again[i].Cells, r.Cells)
			}
		}
	}
}
