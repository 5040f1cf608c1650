package cli_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// makeWorkbook writes a workbook as described by a file, a line a row and |
// between the cells:
//
//	workbook OUT.xlsx FILE
//
// A cell is text, or date=SERIAL, time=SERIAL, num=NUMBER, pad=NUMBER (shown as
// 000), err=VALUE, or formula= for one that was never calculated. A line that
// begins with ~ is a hidden row. "== NAME" begins a worksheet, "cols LETTERS"
// before its rows hides columns by number, "merge RANGE" after them merges cells,
// "repeat N ROW" is as many rows.
func makeWorkbook(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "workbook OUT.xlsx FILE")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), workbookOf(ts.ReadFile(args[1])), 0o600))
}

const (
	officeRelations  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageRelations = "http://schemas.openxmlformats.org/package/2006/relationships"
	spreadsheetMain  = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
)

func workbookOf(description string) []byte {
	var names []string
	var parts []struct{ cols, rows, merged strings.Builder }
	for line := range strings.Lines(description) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "== "); ok || names == nil {
			if !ok {
				name = "Sheet1"
			}
			names, parts = append(names, name), append(parts, struct{ cols, rows, merged strings.Builder }{})
			if ok {
				continue
			}
		}
		p := &parts[len(parts)-1]
		if number, ok := strings.CutPrefix(line, "cols "); ok {
			fmt.Fprintf(&p.cols, `<col min="%s" max="%s" hidden="1"/>`, number, number)
		} else if row, ok := strings.CutPrefix(line, "repeat "); ok {
			times, row, _ := strings.Cut(row, " ")
			n, _ := strconv.Atoi(times)
			p.rows.WriteString(strings.Repeat(workbookRow(row), n))
		} else if cells, ok := strings.CutPrefix(line, "merge "); ok {
			fmt.Fprintf(&p.merged, `<mergeCell ref="%s"/>`, cells)
		} else {
			p.rows.WriteString(workbookRow(line))
		}
	}
	sheets, relations, files := "", "", map[string]string{}
	for i, name := range names {
		sheets += fmt.Sprintf(`<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, name, i+1, i+1)
		relations += fmt.Sprintf(`<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, officeRelations, i+1)
		content := `<sheetData>` + parts[i].rows.String() + `</sheetData>`
		if cols := parts[i].cols.String(); cols != "" {
			content = `<cols>` + cols + `</cols>` + content
		}
		if merged := parts[i].merged.String(); merged != "" {
			content += `<mergeCells>` + merged + `</mergeCells>`
		}
		files[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = `<worksheet xmlns="` + spreadsheetMain + `">` + content + `</worksheet>`
	}
	files["_rels/.rels"] = `<Relationships xmlns="` + packageRelations + `"><Relationship Id="rId1" Type="` + officeRelations + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	files["xl/_rels/workbook.xml.rels"] = `<Relationships xmlns="` + packageRelations + `">` + relations + `<Relationship Id="s" Type="` + officeRelations + `/styles" Target="styles.xml"/></Relationships>`
	files["xl/workbook.xml"] = `<workbook xmlns="` + spreadsheetMain + `" xmlns:r="` + officeRelations + `"><sheets>` + sheets + `</sheets></workbook>`
	files["xl/styles.xml"] = `<styleSheet xmlns="` + spreadsheetMain + `"><numFmts count="1"><numFmt numFmtId="164" formatCode="000"/></numFmts>` +
		`<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/></cellXfs></styleSheet>`
	return pack(files)
}

func workbookRow(line string) string {
	row := "<row>"
	if hidden, ok := strings.CutPrefix(line, "~"); ok {
		row, line = `<row hidden="1">`, hidden
	}
	for cell := range strings.SplitSeq(line, "|") {
		kind, value, _ := strings.Cut(cell, "=")
		switch kind {
		case "date", "time", "num", "pad":
			style := map[string]int{"date": 1, "time": 2, "pad": 3}[kind]
			row += fmt.Sprintf(`<c s="%d"><v>%s</v></c>`, style, value)
		case "err":
			row += `<c t="e"><v>` + value + `</v></c>`
		case "formula":
			row += `<c><f>A1</f><v></v></c>`
		default:
			var text bytes.Buffer
			_ = xml.EscapeText(&text, []byte(cell)) // to memory
			row += `<c t="inlineStr"><is><t>` + text.String() + `</t></is></c>`
		}
	}
	return row + "</row>"
}

// pack makes a ZIP of files by name.
func pack(files map[string]string) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range files {
		part, err := w.Create(name)
		if err == nil {
			_, err = part.Write([]byte(content))
		}
		if err != nil {
			panic(err) // memory takes all
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}
