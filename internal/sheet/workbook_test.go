package sheet

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"nermbulk/internal/text"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// Namespaces of transitional workbooks, and of strict ones.
const (
	transitional       = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	transitionalOffice = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	strictMain         = "http://purl.oclc.org/ooxml/spreadsheetml/main"
	strictOffice       = "http://purl.oclc.org/ooxml/officeDocument/relationships"
)

// book is a workbook in the making, by the XML of its parts.
type book struct {
	sheets  []string // XML within <worksheet>, or rows alone
	names   []string // of the worksheets; Sheet1 and so on without
	states  []string
	strings string // XML within <sst>
	styles  string // XML within <styleSheet>
	more    string // XML in <workbook>: before the worksheets, if it is workbookPr
	strict  bool
	replace map[string]string // parts in place of those that are made; empty for none
}

// oneSheet is a workbook of rows in one worksheet.
func oneSheet(rows ...string) book { return book{sheets: []string{strings.Join(rows, "")}} }

func (b book) parts() map[string]string {
	main, office := transitional, transitionalOffice
	if b.strict {
		main, office = strictMain, strictOffice
	}
	var sheets, relations strings.Builder
	parts := map[string]string{
		"[Content_Types].xml": xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels":         xmlHead + `<Relationships><Relationship Id="rId1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
	}
	for i, content := range b.sheets {
		name, state := fmt.Sprintf("Sheet%d", i+1), ""
		if i < len(b.names) {
			name = b.names[i]
		}
		if i < len(b.states) {
			state = fmt.Sprintf(` state="%s"`, b.states[i])
		}
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d"%s r:id="rId%d"/>`, name, i+1, state, i+1)
		fmt.Fprintf(&relations, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, office, i+1)
		if !strings.Contains(content, "<sheetData") {
			content = "<sheetData>" + content + "</sheetData>"
		}
		parts[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = xmlHead + `<worksheet xmlns="` + main + `">` + content + `</worksheet>`
	}
	if b.strings != "" {
		relations.WriteString(`<Relationship Id="s1" Type="` + office + `/sharedStrings" Target="/xl/sharedStrings.xml"/>`)
		parts["xl/sharedStrings.xml"] = xmlHead + `<sst xmlns="` + main + `">` + b.strings + `</sst>`
	}
	if b.styles != "" {
		relations.WriteString(`<Relationship Id="s2" Type="` + office + `/styles" Target="styles.xml"/>`)
		parts["xl/styles.xml"] = xmlHead + `<styleSheet xmlns="` + main + `">` + b.styles + `</styleSheet>`
	}
	parts["xl/_rels/workbook.xml.rels"] = xmlHead + `<Relationships>` + relations.String() + `</Relationships>`
	parts["xl/workbook.xml"] = xmlHead + `<workbook xmlns="` + main + `" xmlns:r="` + office + `">` + b.more + `<sheets>` + sheets.String() + `</sheets></workbook>`
	for name, content := range b.replace {
		if parts[name] = content; content == "" {
			delete(parts, name)
		}
	}
	return parts
}

// bytes packs the workbook.
func (b book) bytes(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	parts := b.parts()
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, parts[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// open writes the workbook to a file, and opens that.
func (b book) open(t testing.TB, o Options) *Sheet {
	t.Helper()
	return open(t, write(t, string(b.bytes(t))), o)
}

// lines returns the sheet's rows: their numbers, and their cells divided by |.
func lines(t testing.TB, s *Sheet) []string {
	t.Helper()
	var found []string
	for _, r := range readAll(t, s) {
		found = append(found, fmt.Sprintf("%d: %s", r.Number, strings.Join(append(r.Cells, r.Excess...), "|")))
	}
	return found
}

// text is a cell with inline text, without an address.
func inline(texts ...string) string {
	var b strings.Builder
	for _, text := range texts {
		b.WriteString(`<c t="inlineStr"><is><t xml:space="preserve">` + text + `</t></is></c>`)
	}
	return b.String()
}

const idHeader = `<row><c t="inlineStr"><is><t>id</t></is></c><c t="inlineStr"><is><t>attributes.a</t></is></c></row>`

// testStyles has the formats: 0 General, 1 date, 2 date and time, 3 "000",
// 4 dd.mm.yyyy of its own, 5 [h]:mm, 6 0.00, 7 "P-"0000, 8 a Japanese date,
// 9 text, 10 0 %, 11 #,##0, 12 0, 13 (000) 000-0000, 14 #000, 15 red digits.
const testStyles = `<numFmts count="9">` +
	`<numFmt numFmtId="164" formatCode="000"/><numFmt numFmtId="165" formatCode="dd\.mm\.yyyy;@"/>` +
	`<numFmt numFmtId="166" formatCode="[h]:mm"/><numFmt numFmtId="167" formatCode="&quot;P-&quot;0000"/>` +
	`<numFmt numFmtId="168" formatCode="[$-411]ggge&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/>` +
	`<numFmt numFmtId="169" formatCode="\(000\)\ 000\-0000"/><numFmt numFmtId="170" formatCode="#000"/>` +
	`<numFmt numFmtId="171" formatCode="[Red]0000;[Blue]\-0000"/><numFmt numFmtId="172" formatCode="000_);(000)"/></numFmts>` +
	`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/>` +
	`<xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="2"/><xf numFmtId="167"/><xf numFmtId="168"/><xf numFmtId="49"/><xf numFmtId="9"/>` +
	`<xf numFmtId="3"/><xf numFmtId="1"/><xf numFmtId="169"/><xf numFmtId="170"/><xf numFmtId="171"/><xf numFmtId="172"/></cellXfs>`

// testStrings has the shared texts.
const testStrings = `<si><t>plain</t></si><si><r><rPr><b/></rPr><t xml:space="preserve">two </t></r><r><t>runs</t></r></si>` +
	`<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="1"/></si><si/><si><t>a &amp; b &lt;c&gt;</t></si>` +
	`<si><t>_x0041__x005F_x0041__x000D_</t></si><si><t>_xD83D__xDE00_ 😀</t></si><si><t>line&#10;break</t></si>`

func TestWorkbookCells(t *testing.T) {
	for _, tt := range []struct {
		name, cell, want string
		kind             CellKind
	}{
		{name: "shared string", cell: `<c t="s"><v>0</v></c>`, want: "plain"},
		{name: "rich text", cell: `<c t="s"><v>1</v></c>`, want: "two runs"},
		{name: "phonetic hint", cell: `<c t="s"><v>2</v></c>`, want: "東京"},
		{name: "empty shared string", cell: `<c t="s"><v>3</v></c>`, want: ""},
		{name: "entities", cell: `<c t="s"><v>4</v></c>`, want: "a & b <c>"},
		{name: "escaped characters", cell: `<c t="s"><v>5</v></c>`, want: "A_x0041_\r"},
		{name: "escaped surrogates", cell: `<c t="s"><v>6</v></c>`, want: "😀 😀"},
		{name: "line break", cell: `<c t="s"><v>7</v></c>`, want: "line\nbreak"},
		{name: "inline string", cell: inline(" 007 "), want: " 007 "},
		{name: "inline rich text", cell: `<c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r><rPh><t>c</t></rPh></is></c>`, want: "ab"},
		{name: "inline escaped", cell: inline("_x0041_ _xD_ x_"), want: "A _xD_ x_"},
		{name: "quotes and delimiters", cell: inline(`a,"b";c`), want: `a,"b";c`},
		{name: "text of a formula", cell: inline("=1+1"), want: "=1+1"},
		{name: "text that is a literal in a CSV", cell: inline(`=&quot;007&quot;`), want: `="007"`},
		{name: "apostrophe", cell: inline(`'=x`), want: `'=x`},
		{name: "true", cell: `<c t="b"><v>1</v></c>`, want: "TRUE"},
		{name: "false", cell: `<c t="b"><v>0</v></c>`, want: "FALSE"},
		{name: "error", cell: `<c t="e"><v>#DIV/0!</v></c>`, want: "#DIV/0!"},
		{name: "formula with text", cell: `<c t="str"><f>A1&amp;"x"</f><v>_x0041_x</v></c>`, want: "Ax"},
		{name: "formula with empty text", cell: `<c t="str"><f>""</f><v></v></c>`, want: ""},
		{name: "formula with a number", cell: `<c><f>1+1</f><v>2</v></c>`, want: "2"},
		{name: "formula with zero", cell: `<c><f>0</f><v>0</v></c>`, want: "0"},
		{name: "formula with a boolean", cell: `<c t="b"><f>TRUE()</f><v>1</v></c>`, want: "TRUE"},
		{name: "formula with an error", cell: `<c t="e"><f>NA()</f><v>#N/A</v></c>`, want: "#N/A"},
		{name: "formula never calculated", cell: `<c><f>SUM(A1)</f><v></v></c>`, want: noValueText, kind: NoValueCell},
		{name: "formula without a value", cell: `<c><f>SUM(A1)</f></c>`, want: noValueText, kind: NoValueCell},
		{name: "shared formula without a value", cell: `<c><f t="shared" si="0"/><v/></c>`, want: noValueText, kind: NoValueCell},
		{name: "style alone", cell: `<c s="1"/>`, want: ""},

		{name: "number", cell: `<c><v>1.5</v></c>`, want: "1.5"},
		{name: "typed number", cell: `<c t="n"><v>42</v></c>`, want: "42"},
		{name: "no binary noise", cell: `<c><v>0.30000000000000004</v></c>`, want: "0.3"},
		{name: "exponent", cell: `<c><v>1E+20</v></c>`, want: "100000000000000000000"},
		{name: "small exponent", cell: `<c><v>1.5E-7</v></c>`, want: "0.00000015"},
		{name: "fifteen digits", cell: `<c><v>12345678901234567</v></c>`, want: "12345678901234600"},
		{name: "negative zero", cell: `<c><v>-0</v></c>`, want: "0"},
		{name: "no number", cell: `<c><v>Infinity</v></c>`, want: "Infinity"},
		{name: "000", cell: `<c s="3"><v>7</v></c>`, want: "007"},
		{name: "000 of more digits", cell: `<c s="3"><v>12345</v></c>`, want: "12345"},
		{name: "000 of a negative number", cell: `<c s="3"><v>-7</v></c>`, want: "-007"},
		{name: "000 of a fraction", cell: `<c s="3"><v>6.7</v></c>`, want: "007"},
		{name: "0", cell: `<c s="12"><v>0</v></c>`, want: "0"},
		{name: "0 of sixteen digits", cell: `<c s="12"><v>1234567890123456</v></c>`, want: "1234567890123460"},
		{name: "digits with text", cell: `<c s="7"><v>42</v></c>`, want: "P-0042"},
		{name: "telephone", cell: `<c s="13"><v>305551234567</v></c>`, want: "(30555) 123-4567"},
		{name: "#000", cell: `<c s="14"><v>7</v></c>`, want: "007"},
		{name: "colored digits", cell: `<c s="15"><v>7</v></c>`, want: "0007"},
		{name: "digits and a gap", cell: `<c s="16"><v>7</v></c>`, want: "007"},
		{name: "two decimals", cell: `<c s="6"><v>1.5</v></c>`, want: "1.5"},
		{name: "percent", cell: `<c s="10"><v>0.07</v></c>`, want: "0.07"},
		{name: "thousands", cell: `<c s="11"><v>1234567</v></c>`, want: "1234567"},
		{name: "number in a text format", cell: `<c s="9"><v>7</v></c>`, want: "7"},
		{name: "style that is not there", cell: `<c s="99"><v>7</v></c>`, want: "7"},

		{name: "date", cell: `<c s="1"><v>46402</v></c>`, want: "2027-01-15", kind: DateCell},
		{name: "date in a format of its own", cell: `<c s="4"><v>46402</v></c>`, want: "2027-01-15", kind: DateCell},
		{name: "Japanese date", cell: `<c s="8"><v>46402</v></c>`, want: "2027-01-15", kind: DateCell},
		{name: "date and midnight", cell: `<c s="2"><v>46402.0</v></c>`, want: "2027-01-15", kind: DateCell},
		{name: "date and time", cell: `<c s="2"><v>46402.5625</v></c>`, want: "2027-01-15 13:30:00", kind: TimeCell},
		{name: "a moment before midnight", cell: `<c s="2"><v>46401.999999999</v></c>`, want: "2027-01-15", kind: DateCell},
		{name: "time", cell: `<c s="5"><v>0.25</v></c>`, want: "06:00:00", kind: TimeCell},
		{name: "first day", cell: `<c s="1"><v>1</v></c>`, want: "1900-01-01", kind: DateCell},
		{name: "before the leap day", cell: `<c s="1"><v>59</v></c>`, want: "1900-02-28", kind: DateCell},
		{name: "the leap day that was none", cell: `<c s="1"><v>60</v></c>`, want: "1900-02-29", kind: TimeCell},
		{name: "after the leap day", cell: `<c s="1"><v>61</v></c>`, want: "1900-03-01", kind: DateCell},
		{name: "last day", cell: `<c s="1"><v>2958465</v></c>`, want: "9999-12-31", kind: DateCell},
		{name: "beyond the last day", cell: `<c s="1"><v>2958466</v></c>`, want: "2958466", kind: TimeCell},
		{name: "negative date", cell: `<c s="1"><v>-5</v></c>`, want: "-5", kind: TimeCell},
		{name: "ISO date", cell: `<c t="d"><v>2027-01-15</v></c>`, want: "2027-01-15", kind: DateCell},
		{name: "ISO date at midnight", cell: `<c t="d"><v>2027-01-15T00:00:00</v></c>`, want: "2027-01-15", kind: DateCell},
		{name: "ISO date and time", cell: `<c t="d"><v>2027-01-15T13:30:00.5Z</v></c>`, want: "2027-01-15 13:30:00", kind: TimeCell},
		{name: "ISO time", cell: `<c t="d"><v>13:30:00</v></c>`, want: "13:30:00", kind: TimeCell},
		{name: "date of a formula", cell: `<c s="1"><f>TODAY()</f><v>46402</v></c>`, want: "2027-01-15", kind: DateCell},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := oneSheet(idHeader, `<row>`+inline("x")+tt.cell+`</row>`)
			b.strings, b.styles = testStrings, testStyles
			s := b.open(t, Options{})
			err := s.Each(t.Context(), func(r *Row) error {
				if r.Cells[1] != tt.want || r.Kind(1) != tt.kind || r.Kind(0) != TextCell {
					t.Errorf("%q of kind %d, not %q of kind %d", r.Cells[1], r.Kind(1), tt.want, tt.kind)
				}
				return nil
			})
			if p := s.Problems(); err != nil || len(p) > 0 {
				t.Errorf("%v %v", err, p)
			}
		})
	}
}

// TestWorkbookDates: the 1904 system, and the form that a column's dates are
// read in.
func TestWorkbookDates(t *testing.T) {
	b := oneSheet(idHeader, `<row>`+inline("x")+`<c s="1"><v>0</v></c></row>`, `<row>`+inline("x")+`<c s="1"><v>44940</v></c></row>`,
		`<row>`+inline("x")+`<c s="2"><v>44940.5</v></c></row>`, `<row>`+inline("x")+`<c s="1"><v>-1</v></c></row>`)
	b.styles, b.more = testStyles, `<workbookPr date1904="1"/>`
	want := []string{"2: x|01.01.1904", "3: x|15.01.2027", "4: x|2027-01-15 12:00:00", "5: x|-1"}
	s := b.open(t, Options{DateLayouts: func([]Column) []string { return []string{"", "02.01.2006"} }})
	if got := lines(t, s); !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// TestStaleFormulas: a program that calculates nothing writes 0 for every
// formula, and has all of them calculated when the workbook is opened.
func TestStaleFormulas(t *testing.T) {
	b := oneSheet(idHeader, `<row>`+inline("x")+`<c><f>1+1</f><v>0</v></c></row>`, `<row>`+inline("x")+`<c><f>1+1</f><v>2</v></c></row>`, `<row>`+inline("x")+`<c><v>0</v></c></row>`)
	b.more = `<calcPr calcId="124519" fullCalcOnLoad="1"/>`
	want := []string{"2: x|#N/A", "3: x|2", "4: x|0"}
	if got := lines(t, b.open(t, Options{})); !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// TestWorkbookLayout: which rows of which worksheet are read, with the places
// that Excel shows.
func TestWorkbookLayout(t *testing.T) {
	head, x, y := idHeader, `<row>`+inline("x", "1")+`</row>`, `<row>`+inline("y", "2")+`</row>`
	hidden := func(row string) string { return strings.Replace(row, "<row>", `<row hidden="1">`, 1) }
	for _, tt := range []struct {
		name     string
		book     book
		options  Options
		rows     []string
		problems []string // and warnings
	}{
		{name: "no addresses", book: oneSheet(head, x, y), rows: []string{"2: x|1", "3: y|2"}},
		{
			name: "not from A1",
			book: oneSheet(`<row r="3"><c r="C3" t="inlineStr"><is><t>id</t></is></c><c r="D3" t="inlineStr"><is><t>attributes.a</t></is></c></row>` +
				`<row r="7"><c r="C7"><v>1</v></c><c r="D7"><v>2</v></c></row>`),
			rows: []string{"7: ||1|2"},
		},
		{name: "blank rows", book: oneSheet(head, `<row r="9"/>`, `<row r="10"><c s="1"/></row>`, `<row>`+inline(" ", "")+`</row>`, x), rows: []string{"12: x|1"}},
		{name: "claims a million rows", book: oneSheet(`<dimension ref="A1:XFD1048576"/><sheetData>` + head + x + `</sheetData>`), rows: []string{"2: x|1"}},
		{
			name: "hidden rows", book: oneSheet(head, hidden(x), hidden(y), x), rows: []string{"2: x|1", "3: y|2", "4: x|1"},
			problems: []string{"error hidden-rows: row 2: 2 rows are hidden or filtered out, and this is the first; show what is to be sent, or use --hidden-rows send or skip"},
		},
		{name: "a row of no height", book: oneSheet(head, x, strings.Replace(y, "<row>", `<row ht="0" customHeight="1">`, 1)), options: Options{HiddenRows: HiddenSkipped}, rows: []string{"2: x|1"}},
		{name: "hidden rows sent", book: oneSheet(head, hidden(x), y), options: Options{HiddenRows: HiddenSent}, rows: []string{"2: x|1", "3: y|2"}},
		{name: "hidden rows skipped", book: oneSheet(head, hidden(x), y), options: Options{HiddenRows: HiddenSkipped}, rows: []string{"3: y|2"}},
		{name: "hidden title skipped", book: oneSheet(hidden(`<row>`+inline("Contractors")+`</row>`), head, y), options: Options{HiddenRows: HiddenSkipped}, rows: []string{"3: y|2"}},
		{name: "hidden header", book: oneSheet(hidden(head), y), options: Options{HiddenRows: HiddenSkipped}, rows: []string{"2: y|2"}},
		{
			name: "hidden header of uids", book: oneSheet(hidden(strings.Replace(head, "<t>id<", "<t>uid<", 1)), x, y),
			options: Options{HiddenRows: HiddenSkipped}, rows: []string{"2: x|1", "3: y|2"},
		},
		{name: "hidden rows without data", book: oneSheet(head, `<row hidden="1"/>`, y), rows: []string{"3: y|2"}},
		{
			name: "hidden column", book: oneSheet(`<cols><col min="2" max="16384" hidden="1"/></cols><sheetData>` + head + x + `</sheetData>`), rows: []string{"2: x|1"},
			problems: []string{"warning hidden-column: row 1, column B (attributes.a): the column is hidden in the workbook, and is read like any other"},
		},
		{
			name: "merged cells", book: oneSheet(`<sheetData>` + head + x + y + `</sheetData><mergeCells><mergeCell ref="B2:B3"/><mergeCell ref="D2:E9"/></mergeCells>`),
			rows:     []string{"2: x|1", "3: y|2"},
			problems: []string{"error merged-cells: row 2, column B (attributes.a): the cells B2 to B3 are merged, so only the first of them has the value; unmerge them and fill each one"},
		},
		{name: "data beyond the header", book: oneSheet(head, `<row>`+inline("x", "1", "2")+`</row>`), rows: []string{"2: x|1|2"}},
		{
			name: "several worksheets, one visible", book: book{sheets: []string{head + y, head + x, ""}, states: []string{"hidden", "visible", "veryHidden"}},
			rows: []string{"2: x|1"},
		},
		{name: "several worksheets, one with data", book: book{sheets: []string{`<row><c s="1"/></row>`, "", head + x}}, rows: []string{"2: x|1"}},
		{name: "named worksheet", book: book{sheets: []string{head + x, head + y}, names: []string{"Januar", "Februar"}}, options: Options{Worksheet: " februar"}, rows: []string{"2: y|2"}},
		{name: "hidden worksheet by name", book: book{sheets: []string{head + x, head + y}, states: []string{"hidden"}}, options: Options{Worksheet: "Sheet1"}, rows: []string{"2: x|1"}},
		{name: "nothing in any worksheet", book: book{sheets: []string{"", ""}}, problems: []string{"error no-rows: the sheet is empty"}},
		{
			name: "own worksheet passed over", rows: []string{"2: y|2"},
			book: book{sheets: []string{head + x, head + y}, names: []string{"It&apos;s", "B"}, more: `<definedNames><definedName name="nermbulk_problems">'It''s'!$A$1</definedName></definedNames>`},
		},
		{
			name: "protected", rows: []string{"2: x|1"},
			book: oneSheet(`<sheetProtection password="CC1A" sheet="1"/><sheetData>` + head + x + `</sheetData>`),
		},
		{name: "strict", book: book{sheets: []string{head + x}, strict: true}, rows: []string{"2: x|1"}},
		{
			name: "prefixed elements", rows: []string{"2: 1|2"},
			book: book{sheets: []string{""}, replace: map[string]string{"xl/worksheets/sheet1.xml": `<x:worksheet xmlns:x="` + transitional + `"><x:sheetData>` +
				`<x:row r="1"><x:c r="A1" t="str"><x:v>id</x:v></x:c><x:c r="B1" t="str"><x:v>attr.a</x:v></x:c></x:row>` +
				`<x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c><x:c r="B2"><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>`}},
		},
		{
			name: "results keep their apostrophes", rows: []string{"2: x|'=1|failed", "3: y|=1|failed"},
			book: oneSheet(`<row>`+inline("id", "attributes.a", "result.status")+`</row>`, `<row>`+inline("x", "'=1", "failed")+`</row>`, `<row>`+inline("y", "=1", "failed")+`</row>`),
		},
		{
			name: "link to another workbook", rows: []string{"2: x|1"},
			book: book{sheets: []string{head + x}, replace: map[string]string{
				"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId9" Type="` + transitionalOffice + `/externalLink" Target="https://example.com/x.xlsx" TargetMode="External"/>` +
					`<Relationship Id="rId1" Type="` + transitionalOffice + `/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
			}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.book.open(t, tt.options)
			rows := lines(t, s)
			if tt.name == "data beyond the header" { // cells and excess
				if r := readAll(t, s)[0]; !r.Long() || !strings.Contains(s.LongRow(&r).Message, "give its column a header") {
					t.Errorf("%+v", r)
				}
			}
			if !slices.Equal(rows, tt.rows) {
				t.Errorf("rows %q, not %q", rows, tt.rows)
			}
			var problems []string
			for _, p := range append(s.Problems(), s.Warnings()...) {
				problems = append(problems, fmt.Sprintf("%s %s: %s", p.Severity, p.Kind, p))
			}
			if !slices.Equal(problems, tt.problems) {
				t.Errorf("problems %q, not %q", problems, tt.problems)
			}
		})
	}
}

func TestWorkbookOptions(t *testing.T) {
	rows := idHeader + `<row>` + inline("x", "1") + `</row>`
	two := book{sheets: []string{rows, rows, rows}, names: []string{"Januar", "Februar", "Alt"}, states: []string{"", "", "hidden"}}
	for _, tt := range []struct {
		name    string
		book    book
		options Options
		message string
	}{
		{"several worksheets", two, Options{}, `--worksheet: the workbook has several worksheets with data: choose one of "Januar", "Februar"`},
		{"no such worksheet", two, Options{Worksheet: "March"}, "--worksheet " + text.ShellQuote("March") + `: the workbook has no worksheet of that name; it has "Januar", "Februar", "Alt"`},
		{"encoding", oneSheet(rows), Options{Encoding: "windows-1252"}, "--encoding: this is a workbook, whose texts need none: leave the flag out"},
		{"delimiter", oneSheet(rows), Options{Delimiter: ';'}, "--delimiter: this is a workbook, whose texts need none: leave the flag out"},
		{"encoding and delimiter", oneSheet(rows), Options{Encoding: "utf-16le", Delimiter: ';'}, "--encoding: this is a workbook, whose texts need none: leave the flag out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Fields, tt.options.Scratch = testFields, testScratch(t)
			_, err := Open(t.Context(), write(t, string(tt.book.bytes(t))), tt.options)
			if option, ok := errors.AsType[*OptionError](err); !ok || option.Error() != tt.message {
				t.Errorf("%v, not %s", err, tt.message)
			}
		})
	}
}

// damage overwrites the beginning of a part's content.
func damage(whole, part string) string {
	at := strings.Index(whole, part) + len(part)
	return whole[:at] + strings.Repeat("\xff", 20) + whole[at+20:]
}

func TestBadWorkbooks(t *testing.T) {
	rows := idHeader + `<row>` + inline("x", "1") + `</row>`
	sheet := func(content string) book {
		b := oneSheet(rows)
		b.replace = map[string]string{"xl/worksheets/sheet1.xml": content}
		return b
	}
	part := func(name, content string) book {
		b := oneSheet(rows)
		b.strings, b.styles = testStrings, testStyles
		b.replace = map[string]string{name: content}
		return b
	}
	whole := string(oneSheet(rows).bytes(t))
	var twice bytes.Buffer
	w := zip.NewWriter(&twice)
	for range 2 {
		for name, content := range oneSheet(rows).parts() {
			part, _ := w.Create(name)
			_, _ = io.WriteString(part, content)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, content, message string }{
		{"truncated", whole[:len(whole)-30], "this is a damaged workbook or ZIP archive"},
		{"damaged bytes", damage(whole, "xl/worksheets/sheet1.xml"), "its part sheet1.xml cannot be unpacked"},
		{"parts there twice", twice.String(), "is there twice"},
		{"worksheet cut off", string(sheet("<worksheet><sheetData><row><c>").bytes(t)), "a part of it is cut off"},
		{"worksheet cut off in a cell", string(sheet("<worksheet><sheetData><row><c><v>12").bytes(t)), "damaged workbook"},
		{"no XML", string(sheet("hello <").bytes(t)), "damaged workbook"},
		{"wrong encoding", string(sheet(`<?xml version="1.0" encoding="shift_jis"?><worksheet/>`).bytes(t)), "in shift_jis instead of UTF-8"},
		{"not UTF-8", string(oneSheet("<row>" + inline("\xff") + "</row>").bytes(t)), "invalid UTF-8"},
		{"declares entities", string(sheet(`<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>`).bytes(t)), "declares entities"},
		{"entity in the list of worksheets", string(part("xl/workbook.xml", `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><workbook><sheets><sheet name="&a;"/></sheets></workbook>`).bytes(t)), "damaged workbook"},
		{"no worksheets", string(part("xl/workbook.xml", `<workbook/>`).bytes(t)), "it has no worksheet"},
		{"no list of worksheets", string(part("xl/workbook.xml", "").bytes(t)), "its part workbook.xml is missing"},
		{"no relations", string(part("_rels/.rels", "").bytes(t)), "its part .rels is missing"},
		{"no relations of the workbook", string(part("xl/_rels/workbook.xml.rels", "").bytes(t)), "its part workbook.xml.rels is missing"},
		{"no worksheet part", string(part("xl/worksheets/sheet1.xml", "").bytes(t)), "its part sheet1.xml is missing"},
		{"no shared strings", string(part("xl/sharedStrings.xml", "").bytes(t)), "its part sharedstrings.xml is missing"},
		{"no styles", string(part("xl/styles.xml", "").bytes(t)), "its part styles.xml is missing"},
		{"shared strings cut off", string(part("xl/sharedStrings.xml", "<sst><si><t>a").bytes(t)), "damaged workbook"},
		{"text that is not there", string(oneSheet(idHeader + `<row><c t="s"><v>7</v></c></row>`).bytes(t)), "refers to text 7"},
		{"text without a number", string(oneSheet(idHeader + `<row><c t="s"><v>x</v></c></row>`).bytes(t)), "refers to a text without a number"},
		{"rows out of order", string(oneSheet(idHeader, `<row r="5"><c/></row><row r="4"><c/></row>`).bytes(t)), "the rows of a worksheet are out of order"},
		{"rows beyond the end", string(oneSheet(idHeader, `<row r="1048577"><c/></row>`).bytes(t)), "more rows than there can be"},
		{"cells out of order", string(oneSheet(`<row><c r="B1"/><c r="A1"/></row>`).bytes(t)), "the cells of a worksheet are out of order"},
		{"cells beyond the end", string(oneSheet(`<row><c r="XFE1"/></row>`).bytes(t)), "more columns than there can be"},
		{"a row that another element ends", string(oneSheet(idHeader, `<row><c t="str"><v>a</v></c></rw>`, `<row><c t="str"><v>b</v></c></row>`).bytes(t)), `ends an element "rw" that is not the last begun`},
		{"the end of a cell that did not begin", string(oneSheet(idHeader, `<row></c></row>`).bytes(t)), `ends an element "c" that is not the last begun`},
		{"a cell that another element begins", string(oneSheet(idHeader, `<row><x t="str"><v>a</v></c></row>`).bytes(t)), `ends an element "c" that is not the last begun`},
		{"an end too many", string(sheet(`<worksheet></worksheet></worksheet>`).bytes(t)), `ends an element "worksheet" that is not the last begun`},
		{"a row within a row", string(oneSheet(idHeader, `<row><row><c t="str"><v>a</v></c></row></row>`).bytes(t)), "a row of a worksheet is within another"},
		{"a cell within a cell", string(oneSheet(idHeader, `<row><c t="str"><c t="str"><v>a</v></c></c></row>`).bytes(t)), "a cell of a worksheet is within another"},
		{"a huge cell", string(oneSheet("<row>" + inline(strings.Repeat("x", 5<<20)) + "</row>").bytes(t)), "is too large"},
		{"a huge attribute", string(oneSheet(`<row spans="` + strings.Repeat("x", 9<<20) + `"/>`).bytes(t)), "is too large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, write(t, tt.content), Options{})
			rows, problems := readAll(t, s), s.Problems()
			if len(rows) > 0 || len(problems) != 1 || problems[0].Kind != NotASheet || !strings.Contains(problems[0].Message, tt.message) {
				t.Errorf("%d rows, %v, not %q", len(rows), problems, tt.message)
			}
		})
	}
}

// TestDeepWorkbook: elements within elements need no memory.
func TestDeepWorkbook(t *testing.T) {
	const depth = 200_000
	deep := strings.Repeat("<a>", depth) + strings.Repeat("</a>", depth)
	b := oneSheet(`<sheetData>` + idHeader + `<row>` + inline("x", "1") + deep + `</row></sheetData>` + deep)
	if got := lines(t, b.open(t, Options{})); !slices.Equal(got, []string{"2: x|1"}) {
		t.Error(got)
	}
}

// TestSharedStringsInAFile: more texts than memory is to hold, in any order.
func TestSharedStringsInAFile(t *testing.T) {
	const n, length = 1_000, 30_000
	var texts, rows strings.Builder
	for i := range n {
		fmt.Fprintf(&texts, "<si><t>%d%s</t></si>", i, strings.Repeat("x", length))
		fmt.Fprintf(&rows, `<row><c t="s"><v>%d</v></c><c t="s"><v>%d</v></c></row>`, i, (i*7919)%n)
	}
	b := oneSheet(idHeader, rows.String())
	b.strings = texts.String()
	at := 0
	err := b.open(t, Options{}).Each(t.Context(), func(r *Row) error {
		for i, number := range []int{at, (at * 7919) % n} {
			if want := fmt.Sprint(number); strings.TrimRight(r.Cells[i], "x") != want || len(r.Cells[i]) != length+len(want) {
				return fmt.Errorf("row %d, column %d: %.20s", r.Number, i, r.Cells[i])
			}
		}
		at++
		return nil
	})
	if err != nil || at != n {
		t.Errorf("%d rows, %v", at, err)
	}
}

func TestTooManySharedStrings(t *testing.T) {
	s := sharedStrings{ends: make([]uint32, maxStrings-1)}
	if err := s.add(nil); err != nil {
		t.Fatal(err)
	}
	if err := s.add(nil); err == nil || !strings.Contains(err.Error(), "more than 16,777,216 texts") {
		t.Error(err)
	}
}

// TestLongFormat: a format that no program writes is none, so that formats do not
// fill the memory.
func TestLongFormat(t *testing.T) {
	for _, tt := range []struct {
		zeros int
		want  string
	}{{maxFormat, strings.Repeat("0", maxFormat-1) + "7"}, {maxFormat + 1, "7"}} {
		if got := parseFormat(strings.Repeat("0", tt.zeros)).number(7); got != tt.want {
			t.Errorf("a format of %d zeros: %q", tt.zeros, got)
		}
	}
}

// TestTooMuchText: cells can refer to one text so often that it fills a disk.
func TestTooMuchText(t *testing.T) {
	c := converter{worksheetCopy: worksheetCopy{size: maxUnpacked - 1}}
	if _, err := c.Write([]byte("xx")); !isFault(err) || !strings.Contains(err.Error(), "more than 4 GiB") {
		t.Error(err)
	}
}

// TestTooMuchTextInARow: and that it fills the memory, since a row is read whole.
func TestTooMuchTextInARow(t *testing.T) {
	b := oneSheet(idHeader, `<row>`+strings.Repeat(`<c t="s"><v>0</v></c>`, longestRecord>>20+1)+`</row>`)
	b.strings = "<si><t>" + strings.Repeat("x", maxText) + "</t></si>"
	s := b.open(t, Options{})
	want := "row 2 of a worksheet holds more than 64 MiB"
	if p := s.Problems(); len(p) != 1 || p[0].Kind != NotASheet || !strings.Contains(p[0].Message, want) {
		t.Errorf("%v, not %q", p, want)
	}
}

// TestScratchFails: what the disk refuses is no fault of the workbook.
func TestScratchFails(t *testing.T) {
	path := write(t, string(oneSheet(idHeader, `<row>`+inline("x", "1")+`</row>`).bytes(t)))
	full := errors.New("no space left")
	_, err := Open(t.Context(), path, Options{Fields: testFields, Scratch: func() (*os.File, error) { return nil, full }})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "unpack the workbook") {
		t.Error(err)
	}
}

func TestWorkbookInterrupted(t *testing.T) {
	path := write(t, string(oneSheet(idHeader, `<row>`+inline("x", "1")+`</row>`).bytes(t)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, path, Options{Fields: testFields, Scratch: testScratch(t)}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestWorkbookCopy: the copy of a workbook is read as the workbook is.
func TestWorkbookCopy(t *testing.T) {
	b := oneSheet(`<row r="2">`+inline("id", "attributes.a;b", `attributes."c"`)+`</row>`, `<row r="5">`+inline("x", "=1", `=&quot;0&quot;`)+`</row>`,
		`<row>`+inline("y")+`<c><f>A1</f></c><c s="1"><v>46402</v></c></row>`)
	b.styles = testStyles
	s := b.open(t, Options{})
	want := []string{`5: x|=1|="0"`, "6: y|#N/A|2027-01-15"}
	if got := lines(t, s); !slices.Equal(got, want) {
		t.Fatalf("%q, not %q", got, want)
	}
	var text bytes.Buffer
	if err := s.WriteCopy(&text); err != nil {
		t.Fatal(err)
	}
	path := write(t, text.String())
	copied, err := s.OpenCopy(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if got := lines(t, copied); !slices.Equal(got, want) || copied.SHA256() != s.CopySHA256() {
		t.Errorf("%q, not %q; hash %s, not %s", got, want, copied.SHA256(), s.CopySHA256())
	}
	alone := open(t, path, Options{})
	if got := lines(t, alone); !slices.Equal(got, want) || alone.IsWorkbook() {
		t.Errorf("%q, not %q", got, want)
	}
}

// oddTexts come through every program unchanged.
var oddTexts = []string{"007", "1E5", "12345678901234567890", "=1+1", "-5", "'x", "'=x", "TRUE", "two\nlines", "01/02/2027", "Jürgen", "😀", "_x0041_", `="0"`, "a,b;c|d\te"}

func oddRows() (rows [][]string) {
	rows = append(rows, []string{"id", "attributes.a"})
	for i, text := range oddTexts {
		rows = append(rows, []string{fmt.Sprint("id", i), text})
	}
	return rows
}

func checkOdd(t *testing.T, path string) {
	t.Helper()
	s := open(t, path, Options{})
	rows := readAll(t, s)
	if len(rows) != len(oddTexts) {
		t.Fatalf("%d rows: %v", len(rows), s.Problems())
	}
	for i, r := range rows {
		if r.Cells[1] != oddTexts[i] {
			t.Errorf("row %d: %q, not %q", r.Number, r.Cells[1], oddTexts[i])
		}
	}
}

func TestWorkbookOfExcelize(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range oddRows() {
		for j, cell := range row {
			at, _ := excelize.CoordinatesToCellName(j+1, i+1)
			if cell == "_x0041_" {
				cell = "_x005F_x0041_" // excelize leaves it as it is
			}
			if err := f.SetCellStr("Sheet1", at, cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "b.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	checkOdd(t, path)
}

func TestWorkbookOfLibreOffice(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed")
	}
	dir := t.TempDir()
	from := filepath.Join(dir, "odd.csv")
	var b bytes.Buffer
	w := NewPlainWriter(&b, ',')
	for _, row := range oddRows() {
		writeRow(t, w, row)
	}
	w.Flush()
	if err := os.WriteFile(from, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	// Comma, quote, UTF-8, from line 1, both columns as text.
	out, err := exec.CommandContext(t.Context(), soffice, "--headless", "-env:UserInstallation=file://"+filepath.ToSlash(dir)+"/profile",
		"--infilter=CSV:44,34,76,1,1/2/2/2,0,false,true,false", "--convert-to", "xlsx", "--outdir", dir, from).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	checkOdd(t, filepath.Join(dir, "odd.xlsx"))
}
