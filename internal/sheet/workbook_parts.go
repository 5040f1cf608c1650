package sheet

import (
	"bufio"
	"cmp"
	_ "embed" // the parts
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template"
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

//go:embed workbook_parts.tmpl
var partsSource string

// parts are the templates of all that a workbook holds besides rows.
var parts = sync.OnceValue(func() *template.Template {
	indent := regexp.MustCompile(`\s*\n\s*`)
	return template.Must(template.New("").Funcs(template.FuncMap{
		"add": func(numbers ...int) (sum int) {
			for _, n := range numbers {
				sum += n
			}
			return sum
		},
		"head":      head,
		"letter":    Letter,
		"ownName":   ownName,
		"reference": reference,
		"width":     columnWidth,
		"xml":       xmlText,
	}).Parse(indent.ReplaceAllString(partsSource, "")))
})

// worksheetPart is a worksheet that is written.
type worksheetPart struct {
	Name   string
	Widths []int // of the columns, in characters
	Own    bool  // the tool's own: it is passed over when the workbook is read
	Hidden bool
	Rules  []columnRule // by rising column

	Number       int // from 1
	Notes, Links markList
	columns, row int   // so far
	bytes        int64 // likewise, unpacked
}

// Area is all that was written of the worksheet.
func (s *worksheetPart) Area(dollar string) string {
	return fmt.Sprintf("%[1]sA%[1]s1:%[1]s%[2]s%[1]s%[3]d", dollar, Letter(max(s.columns-1, 0)), s.row)
}

// ColumnStyle is the style of a column's cells.
func (s *worksheetPart) ColumnStyle(column int) int {
	at, ok := slices.BinarySearchFunc(s.Rules, column, func(r columnRule, column int) int { return r.Column - column })
	if ok && s.Rules[at].Dates {
		return styleDate()
	}
	return styleText
}

// markList is what cells of a worksheet have besides text. What that is in the
// worksheet's parts is made some at a time: one by one, a template takes twice as
// long for 65,000 of them.
type markList []placedMark

type placedMark struct {
	Mark
	row int
}

const (
	marksAtOnce   = 32
	shapesOfBlock = 1024 // how many shapes have numbers of one block: a drawing names its blocks
)

// Some divides the list.
func (l markList) Some() []markList { return slices.Collect(slices.Chunk(l, marksAtOnce)) }

// Blocks is how many blocks of numbers the shapes of the notes take.
func (l markList) Blocks() int { return len(l)/shapesOfBlock + 1 }

// Hyperlinks are some links.
func (l markList) Hyperlinks() string {
	var b strings.Builder
	for _, m := range l {
		fmt.Fprintf(&b, `<hyperlink ref="%s" location="%s"/>`, cellName(m.Column, m.row), xmlText(m.Link))
	}
	return b.String()
}

// Comments are some notes as text.
func (l markList) Comments() string {
	var b strings.Builder
	for _, m := range l {
		fmt.Fprintf(&b, `<comment ref="%s" authorId="0"><text><r><t xml:space="preserve">%s</t></r></text></comment>`,
			cellName(m.Column, m.row), appendXML(nil, m.Note))
	}
	return b.String()
}

// Boxes show the nth of some notes: each to the right of its cell, and within the
// worksheet.
func (l markList) Boxes(n int) string {
	var b strings.Builder
	for i, m := range l {
		left, top := min(m.Column+1, maxColumns-3), min(max(m.row-2, 0), maxRows-7)
		fmt.Fprintf(&b, `<v:shape id="_x0000_s%d" type="#_x0000_t202" style="position:absolute;visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">`+
			`<v:fill color2="#ffffe1"/><v:path o:connecttype="none"/><v:textbox/>`+
			`<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>%d,15,%d,2,%d,15,%d,4</x:Anchor>`+
			`<x:AutoFill>False</x:AutoFill><x:Row>%d</x:Row><x:Column>%d</x:Column></x:ClientData></v:shape>`,
			shapesOfBlock+1+n*marksAtOnce+i, left, top, left+2, top+6, m.row-1, m.Column)
	}
	return b.String()
}

// writePart writes a part of the workbook through a buffer.
func (w *workbookWriter) writePart(name, template string, data any) error {
	part, err := w.zip.Create(name)
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(part)
	if err := parts().ExecuteTemplate(buffer, template, data); err != nil {
		return err
	}
	return buffer.Flush()
}

// writeNotes writes the notes of a worksheet, as text and as the boxes that show
// it.
func (w *workbookWriter) writeNotes(s *worksheetPart) error {
	if len(s.Notes) == 0 {
		return nil
	}
	return cmp.Or(
		w.writePart(fmt.Sprintf("xl/worksheets/_rels/sheet%d.xml.rels", s.Number), "worksheet relations", s),
		w.writePart(fmt.Sprintf("xl/comments%d.xml", s.Number), "comments", s),
		w.writePart(fmt.Sprintf("xl/drawings/vmlDrawing%d.vml", s.Number), "drawing", s),
	)
}

// writePackage writes what joins the worksheets to a workbook.
func (w *workbookWriter) writePackage() error {
	return cmp.Or(
		w.writePart("xl/styles.xml", "styles", workbookColors),
		w.writePart("xl/workbook.xml", "workbook", w.sheets),
		w.writePart("xl/_rels/workbook.xml.rels", "workbook relations", w.sheets),
		w.writePart("_rels/.rels", "package relations", nil),
		w.writePart("[Content_Types].xml", "content types", w.sheets),
	)
}

// ownNamePrefix begins the defined names that mark worksheets as this tool's
// own: they are passed over when a workbook is read.
const ownNamePrefix = "nermbulk_"

// ownName is the defined name of the worksheet that has this name at first.
func ownName(worksheet string) string { return ownNamePrefix + strings.ToLower(worksheet) }
