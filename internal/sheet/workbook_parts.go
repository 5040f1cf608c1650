package sheet

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// lineHeight is the height of a row of one line, in points.
const lineHeight = 15

// The styles of cells, by their place in the workbook's list. Those of cells of
// several lines, which make their row higher, follow in the same order.
const (
	styleText = iota + 1
	styleHeader
	styleLink
	styleColors // one for each Color
)

// workbookColors are those of the Colors, in their order.
var workbookColors = []string{"FFFFC7CE", "FFFFEB9C", "FFC6EFCE", "FFDDEBF7", "FFE4DFEC", "FFE7E6E6"}

// styles is how many styles there are for cells of one line.
var styles = styleColors - 1 + len(workbookColors)

// styleDate is the style of a real date, behind the styles of text.
func styleDate() int { return 1 + 2*styles }

const linkColor = "0563C1"

const (
	xmlHeader       = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	spreadsheetML   = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relationshipML  = `xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	relationTypes   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	workbookContent = "application/vnd.openxmlformats-officedocument.spreadsheetml."

	// The header stays in sight; printed, the columns are on one page.
	worksheetStart = xmlHeader + `<worksheet ` + spreadsheetML + ` ` + relationshipML + `>` +
		`<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>` +
		`<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>` +
		`<selection pane="bottomLeft" activeCell="A2" sqref="A2"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/><cols>`
	relationsStart = xmlHeader + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
)

// area is all that was written of a worksheet.
func (s *worksheetPart) area(dollar string) string {
	return fmt.Sprintf("%[1]sA%[1]s1:%[1]s%[2]s%[1]s%[3]d", dollar, Letter(max(s.columns-1, 0)), s.row)
}

// writeEnd writes what follows a worksheet's rows: a filter, links, that text
// which looks like a number is meant so, and where the notes are. Errors are
// those of the buffer's Flush.
func (s *worksheetPart) writeEnd(to io.Writer) {
	fmt.Fprintf(to, `</sheetData><autoFilter ref="%s"/>`, s.area(""))
	s.writeRules(to)
	if len(s.links) > 0 {
		fmt.Fprint(to, `<hyperlinks>`)
		for _, l := range s.links {
			fmt.Fprintf(to, `<hyperlink ref="%s%d" location="%s"/>`, Letter(l.Column), l.row, xmlText(l.Link))
		}
		fmt.Fprint(to, `</hyperlinks>`)
	}
	fmt.Fprint(to, `<pageSetup orientation="landscape" fitToHeight="0"/>`)
	fmt.Fprintf(to, `<ignoredErrors><ignoredError sqref="%s" numberStoredAsText="1"/></ignoredErrors>`, s.area(""))
	if len(s.notes) > 0 {
		fmt.Fprint(to, `<legacyDrawing r:id="rId1"/>`)
	}
	fmt.Fprint(to, `</worksheet>`)
}

// writeNotes writes the notes of the worksheet that ended last, as text and as
// the boxes that show it.
func (w *WorkbookWriter) writeNotes(s *worksheetPart) error {
	if len(s.notes) == 0 {
		return nil
	}
	n := len(w.sheets)
	err := w.writePart(fmt.Sprintf("xl/worksheets/_rels/sheet%d.xml.rels", n), func(to io.Writer) {
		fmt.Fprintf(to, relationsStart+
			`<Relationship Id="rId1" Type="%svmlDrawing" Target="../drawings/vmlDrawing%d.vml"/>`+
			`<Relationship Id="rId2" Type="%[1]scomments" Target="../comments%[2]d.xml"/></Relationships>`, relationTypes, n)
	})
	if err != nil {
		return err
	}
	err = w.writePart(fmt.Sprintf("xl/comments%d.xml", n), func(to io.Writer) {
		fmt.Fprint(to, xmlHeader+`<comments `+spreadsheetML+`><authors><author>`+noteAuthor+`</author></authors><commentList>`)
		for _, m := range s.notes {
			fmt.Fprintf(to, `<comment ref="%s%d" authorId="0"><text><r><t xml:space="preserve">%s</t></r></text></comment>`,
				Letter(m.Column), m.row, appendXML(nil, m.Note))
		}
		fmt.Fprint(to, `</commentList></comments>`)
	})
	if err != nil {
		return err
	}
	return w.writePart(fmt.Sprintf("xl/drawings/vmlDrawing%d.vml", n), s.writeBoxes)
}

// shapesOfBlock is how many shapes have numbers of one block: the drawing names
// its blocks.
const shapesOfBlock = 1024

func (s *worksheetPart) writeBoxes(to io.Writer) {
	blocks := strings.Builder{}
	for i := 0; i <= len(s.notes)/shapesOfBlock; i++ {
		fmt.Fprintf(&blocks, ",%d", i+1)
	}
	fmt.Fprintf(to, `<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">`+
		`<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="%s"/></o:shapelayout>`+
		`<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">`+
		`<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>`, blocks.String()[1:])
	for i, m := range s.notes {
		// The box is to the right of its cell, and within the worksheet.
		left, top := min(m.Column+1, maxColumns-3), min(max(m.row-2, 0), MaxWorkbookRows-6)
		fmt.Fprintf(to, `<v:shape id="_x0000_s%d" type="#_x0000_t202" style="position:absolute;visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">`+
			`<v:fill color2="#ffffe1"/><v:path o:connecttype="none"/><v:textbox/>`+
			`<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>%d,15,%d,2,%d,15,%d,4</x:Anchor>`+
			`<x:AutoFill>False</x:AutoFill><x:Row>%d</x:Row><x:Column>%d</x:Column></x:ClientData></v:shape>`,
			shapesOfBlock+1+i, left, top, left+2, top+6, m.row-1, m.Column)
	}
	fmt.Fprint(to, `</xml>`)
}

// writePackage writes what joins the worksheets to a workbook.
func (w *WorkbookWriter) writePackage() error {
	for _, p := range []struct {
		name  string
		write func(io.Writer)
	}{
		{"xl/styles.xml", writeStyles},
		{"xl/workbook.xml", w.writeWorkbook},
		{"xl/_rels/workbook.xml.rels", func(to io.Writer) {
			fmt.Fprint(to, relationsStart)
			for i := range w.sheets {
				fmt.Fprintf(to, `<Relationship Id="rId%d" Type="%sworksheet" Target="worksheets/sheet%[1]d.xml"/>`, i+1, relationTypes)
			}
			fmt.Fprintf(to, `<Relationship Id="rId%d" Type="%sstyles" Target="styles.xml"/></Relationships>`, len(w.sheets)+1, relationTypes)
		}},
		{"_rels/.rels", func(to io.Writer) {
			fmt.Fprintf(to, relationsStart+`<Relationship Id="rId1" Type="%sofficeDocument" Target="xl/workbook.xml"/></Relationships>`, relationTypes)
		}},
		{"[Content_Types].xml", w.writeContentTypes},
	} {
		if err := w.writePart(p.name, p.write); err != nil {
			return err
		}
	}
	return nil
}

// writePart writes a part through a buffer, which keeps the first error.
func (w *WorkbookWriter) writePart(name string, write func(io.Writer)) error {
	part, err := w.zip.Create(name)
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(part)
	write(buffer)
	return buffer.Flush()
}

func (w *WorkbookWriter) writeWorkbook(to io.Writer) {
	fmt.Fprint(to, xmlHeader+`<workbook `+spreadsheetML+` `+relationshipML+`><sheets>`)
	for i, s := range w.sheets {
		state := ""
		if s.hidden {
			state = ` state="hidden"`
		}
		fmt.Fprintf(to, `<sheet name="%s" sheetId="%d"%s r:id="rId%[2]d"/>`, xmlText(s.Name), i+1, state)
	}
	fmt.Fprint(to, `</sheets><definedNames>`)
	for i, s := range w.sheets {
		fmt.Fprintf(to, `<definedName name="_xlnm._FilterDatabase" localSheetId="%d" hidden="1">%s</definedName>`, i, xmlText(reference(s.Name, s.area("$"))))
	}
	for _, s := range w.sheets {
		if s.Own {
			fmt.Fprintf(to, `<definedName name="%s" hidden="1">%s</definedName>`, ownName(s.Name), xmlText(reference(s.Name, "$A$1")))
		}
	}
	fmt.Fprint(to, `</definedNames></workbook>`)
}

func (w *WorkbookWriter) writeContentTypes(to io.Writer) {
	fmt.Fprintf(to, xmlHeader+`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">`+
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`+
		`<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>`+
		`<Default Extension="xml" ContentType="application/xml"/>`+
		`<Override PartName="/xl/workbook.xml" ContentType="%ssheet.main+xml"/>`+
		`<Override PartName="/xl/styles.xml" ContentType="%[1]sstyles+xml"/>`, workbookContent)
	for i, s := range w.sheets {
		fmt.Fprintf(to, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, i+1, workbookContent)
		if len(s.notes) > 0 {
			fmt.Fprintf(to, `<Override PartName="/xl/comments%d.xml" ContentType="%scomments+xml"/>`, i+1, workbookContent)
		}
	}
	fmt.Fprint(to, `</Types>`)
}

func writeStyles(to io.Writer) {
	const font = `<sz val="11"/><color rgb="FF%s"/><name val="Calibri"/><family val="2"/>`
	fmt.Fprintf(to, xmlHeader+`<styleSheet `+spreadsheetML+`><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/></numFmts><fonts count="3"><font>`+font+`</font><font><b/>`+font+`</font><font><u/>`+font+`</font></fonts>`,
		"000000", "000000", linkColor)
	fmt.Fprintf(to, `<fills count="%d"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>`, 2+len(workbookColors))
	for _, c := range workbookColors {
		fmt.Fprintf(to, `<fill><patternFill patternType="solid"><fgColor rgb="%s"/><bgColor indexed="64"/></patternFill></fill>`, c)
	}
	fmt.Fprint(to, `</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>`+
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>`)
	// The built-in number format 49 is Text.
	const xf = `<xf numFmtId="49" fontId="%d" fillId="%d" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1" applyAlignment="1">` +
		`<alignment vertical="top"%s/></xf>`
	fmt.Fprintf(to, `<cellXfs count="%d"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>`, 2+2*styles)
	for _, wrap := range []string{"", ` wrapText="1"`} {
		for i := range styleColors - 1 {
			fmt.Fprintf(to, xf, i, 0, wrap)
		}
		for i := range workbookColors {
			fmt.Fprintf(to, xf, 0, i+2, wrap)
		}
	}
	fmt.Fprint(to, `<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`)
	fmt.Fprint(to, `</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`)
}

// ownNamePrefix begins the defined names that mark worksheets as this tool's
// own: they are passed over when a workbook is read.
const ownNamePrefix = "nermbulk_"

// ownName is the defined name of the worksheet that has this name at first.
func ownName(worksheet string) string { return ownNamePrefix + strings.ToLower(worksheet) }
