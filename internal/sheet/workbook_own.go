package sheet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"nermbulk/internal/text"
)

// maxKeptBytes bounds the workbooks that are marked with all that is in them,
// unpacked. They have to be in memory, where a worksheet takes 20 times as much:
// 200,000 rows of 12 columns, 156 MB, took 3.6 GB.
const maxKeptBytes = 256 << 20

// maxKeptMarks bounds the notes and the links in such a workbook. The time for
// them grows with their square; a color costs nothing.
const maxKeptMarks = 5_000

// noteAuthor is how this tool's notes are known again.
const noteAuthor = "nermbulk"

// ownWorkbook is the user's own workbook, in which nothing changes but the
// fill of some cells and what this tool added to it before.
type ownWorkbook struct {
	*excelize.File
	sheet         string
	rows, columns int            // of the sheet
	styles        map[[2]int]int // by the style before and the fill
	fills         [Yellow + 1]int
	list          string // the worksheet that lists the problems
}

// openOwn reads the workbook into memory, as far as there is room for it.
func (s *Sheet) openOwn() (*ownWorkbook, error) {
	file, err := excelize.OpenReader(io.NewSectionReader(s.file, 0, s.info.Size()),
		excelize.Options{UnzipSizeLimit: maxKeptBytes, UnzipXMLSizeLimit: maxKeptBytes})
	if err != nil {
		return nil, err
	}
	return &ownWorkbook{File: file, sheet: s.copied.worksheet, rows: s.copied.rows, columns: len(s.header.columns), styles: map[[2]int]int{}}, nil
}

// catchUnexpected makes an error of a panic. The library takes parts for granted
// that a workbook need not have: formats at all, or a name of the first font.
func catchUnexpected(err *error) {
	if broken := recover(); broken != nil {
		*err = errors.New("its formats are not as a spreadsheet program writes them")
	}
}

// markOwn returns the workbook with the cells marked, and the name of its list
// of problems. Its macros stay.
func (s *Sheet) markOwn(ctx context.Context, placed []markedProblem, more int) (marked *bytes.Buffer, list string, err error) {
	defer catchUnexpected(&err)
	w, err := s.openOwn()
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = w.Close() }() // it is in memory
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	for _, step := range []func() error{
		w.addFills,
		w.removeMarks,
		func() error { return w.mark(ctx, placed) },
		func() error { return w.listProblems(ctx, placed, more) },
	} {
		if err := step(); err != nil {
			return nil, "", err
		}
	}
	if err := s.unchanged(); err != nil {
		return nil, "", err
	}
	marked, err = w.WriteToBuffer()
	return marked, w.list, err
}

// editOwn writes the workbook with other texts in some cells of its worksheet.
// Each keeps its format.
func (s *Sheet) editOwn(ctx context.Context, to io.Writer, edits []Edit) error {
	w, err := s.openOwn()
	if err != nil {
		return notEditable(fmt.Sprintf("the workbook cannot be written again (%s): correct it in the spreadsheet program", text.Line(err.Error(), 200)))
	}
	defer func() { _ = w.Close() }() // it is in memory
	for _, e := range edits {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch why := unfit(e.Text); {
		case why != "":
			return &EditError{e, "the text " + why}
		case e.Row > s.copied.rows:
			return &EditError{e, "the sheet has no such row"}
		}
		if err := w.SetCellStr(w.sheet, cellName(e.Column, e.Row), escapedText(e.Text)); err != nil {
			return err
		}
	}
	if err := s.unchanged(); err != nil {
		return err
	}
	return w.Write(to)
}

// escapedText escapes what Excel would take for its escape of a character, which
// excelize leaves as it is.
func escapedText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if isEscape(s[i:]) {
			b.WriteString("_x005F")
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// addFills adds the fills of marked cells.
func (w *ownWorkbook) addFills() error {
	for c := Red; c <= Yellow; c++ {
		style := fillOf(c)
		id, err := w.NewStyle(&style)
		if err != nil {
			return err
		}
		w.fills[c] = *w.Styles.CellXfs.Xf[id].FillID
	}
	return nil
}

// fill gives a cell another fill and leaves the rest of its format.
func (w *ownWorkbook) fill(cell string, fill int) error {
	style, err := w.GetCellStyle(w.sheet, cell)
	if err != nil {
		return err
	}
	formats := w.Styles.CellXfs
	if style >= len(formats.Xf) {
		return fmt.Errorf("the cell %s has a format that is not there", cell)
	}
	changed, ok := w.styles[[2]int{style, fill}]
	if !ok {
		xf, yes := formats.Xf[style], true
		xf.FillID, xf.ApplyFill = &fill, &yes
		changed = len(formats.Xf)
		formats.Xf = append(formats.Xf, xf)
		formats.Count = len(formats.Xf)
		w.styles[[2]int{style, fill}] = changed
	}
	return w.SetCellStyle(w.sheet, cell, cell, changed)
}

// removeMarks removes what an earlier check has marked and listed. The lists of
// a template stay, and so do the notes of results.
func (w *ownWorkbook) removeMarks() error {
	var marked []string
	messages := map[string]bool{} // of the list, by which notes are known: LibreOffice forgets their author
	unlisted := false             // the user removed the list
	for _, n := range w.GetDefinedName() {
		list := worksheetOf(n.RefersTo)
		if n.Name != ownName(problemsName) || list == w.sheet {
			continue
		}
		if unlisted = !slices.Contains(w.GetSheetList(), list); !unlisted {
			lines, err := w.GetRows(list)
			if err := errors.Join(err, w.DeleteSheet(list)); err != nil {
				return err
			}
			marked = w.listed(lines, messages)
		}
		// excelize removes the names of a worksheet alone with it
		if err := w.DeleteDefinedName(&excelize.DefinedName{Name: n.Name, Scope: n.Scope}); err != nil && !errors.Is(err, excelize.ErrDefinedNameScope) {
			return err
		}
	}
	notes, err := w.GetComments(w.sheet)
	if err != nil {
		return err
	}
	for _, note := range notes {
		text := note.Text
		for _, run := range note.Paragraph {
			text += run.Text
		}
		isOther := func(line string) bool { return !messages[line] }
		if own := unlisted && note.Author == noteAuthor; !own && slices.ContainsFunc(strings.Split(text, "\n"), isOther) {
			continue
		}
		if err := w.DeleteComment(w.sheet, note.Cell); err != nil {
			return err
		}
		marked = append(marked, note.Cell)
	}
	for _, cell := range marked {
		id, err := w.GetCellStyle(w.sheet, cell)
		if err != nil {
			return err
		}
		if w.isMarked(id) {
			if err := w.fill(cell, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed returns the cells that a list of problems names, and adds its messages.
// Some of the cells may have no note: they had one, or there were too many.
func (w *ownWorkbook) listed(lines [][]string, messages map[string]bool) (cells []string) {
	for _, line := range lines {
		if len(line) != len(problemsHeader) {
			continue
		}
		messages[line[len(line)-1]] = true
		if column, row, err := excelize.CellNameToCoordinates(line[problemsCell]); err == nil && row <= w.rows && column <= w.columns {
			cells = append(cells, line[problemsCell])
		}
	}
	return cells
}

// isMarked reports whether a format has the fill of a marked cell. Each program
// gives the fills numbers of its own.
func (w *ownWorkbook) isMarked(format int) bool {
	id := w.Styles.CellXfs.Xf[format].FillID
	if id == nil || *id >= len(w.Styles.Fills.Fill) {
		return false
	}
	fill := w.Styles.Fills.Fill[*id].PatternFill
	return fill != nil && fill.FgColor != nil && slices.ContainsFunc(workbookColors[:Yellow], func(color string) bool {
		return strings.EqualFold(fill.FgColor.RGB, color)
	})
}

// mark gives the cells their colors and notes. A note of the user's stays as it
// is.
func (w *ownWorkbook) mark(ctx context.Context, placed []markedProblem) error {
	notes, err := w.GetComments(w.sheet)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, n := range notes {
		taken[n.Cell] = true
	}
	noted := 0
	for len(placed) > 0 && ctx.Err() == nil {
		end := 1
		for end < len(placed) && placed[end].Row == placed[0].Row {
			end++
		}
		for _, m := range cellMarks(placed[:end]) {
			cell := cellName(m.Column, placed[0].Row)
			if err := w.fill(cell, w.fills[m.Color]); err != nil {
				return err
			}
			if noted++; taken[cell] || noted > maxKeptMarks {
				continue
			}
			if err := w.AddComment(w.sheet, excelize.Comment{Cell: cell, Author: noteAuthor, Text: m.note(), Width: 320, Height: 100}); err != nil {
				return err
			}
		}
		placed = placed[end:]
	}
	return ctx.Err()
}

// listProblems adds the worksheet that lists the problems, all cells of it text.
func (w *ownWorkbook) listProblems(ctx context.Context, placed []markedProblem, more int) (err error) {
	w.list = problemsName
	for n := 2; ; n++ {
		if at, err := w.GetSheetIndex(w.list); err != nil || at < 0 {
			break
		}
		w.list = fmt.Sprintf("%s %d", problemsName, n)
	}
	if _, err := w.NewSheet(w.list); err != nil {
		return err
	}
	style := func(s excelize.Style) (id int) {
		if err == nil {
			s.NumFmt = 49 // the built-in format Text
			id, err = w.NewStyle(&s)
		}
		return id
	}
	text, header := style(excelize.Style{}), style(excelize.Style{Font: &excelize.Font{Bold: true}})
	link := style(excelize.Style{Font: &excelize.Font{Underline: "single", Color: linkColor}})
	colors := [...]int{Red: style(fillOf(Red)), Yellow: style(fillOf(Yellow))}
	var widths []int
	for _, line := range problemLines(placed, more) {
		widths = widen(widths, line)
	}
	for i, n := range widths {
		err = errors.Join(err, w.SetColStyle(w.list, Letter(i), text), w.SetColWidth(w.list, Letter(i), Letter(i), float64(columnWidth(n))))
	}
	row := 0
	for p, line := range problemLines(placed, more) {
		row++
		err = errors.Join(err, ctx.Err(), w.SetSheetRow(w.list, cellName(0, row), &line))
		if p != nil {
			cell, severity := cellName(problemsCell, row), cellName(problemsSeverity, row)
			err = errors.Join(err, w.SetCellStyle(w.list, severity, severity, colors[p.color()]))
			if row-1 <= maxKeptMarks {
				err = errors.Join(err, w.SetCellStyle(w.list, cell, cell, link), w.SetCellHyperLink(w.list, cell, reference(w.sheet, p.address()), "Location"))
			}
		}
		if err != nil {
			return err
		}
	}
	last, landscape, pages, yes := len(problemsHeader)-1, "landscape", 0, true
	return errors.Join(
		w.SetSheetProps(w.list, &excelize.SheetPropsOptions{FitToPage: &yes}),
		w.SetPageLayout(w.list, &excelize.PageLayoutOptions{Orientation: &landscape, FitToHeight: &pages}),
		w.SetCellStyle(w.list, "A1", cellName(last, 1), header),
		w.AutoFilter(w.list, "A1:"+cellName(last, row), nil),
		w.SetPanes(w.list, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
		w.SetDefinedName(&excelize.DefinedName{Name: ownName(problemsName), RefersTo: reference(w.list, "$A$1")}),
	)
}

// fillOf is the style of a cell with a color.
func fillOf(c Color) excelize.Style {
	return excelize.Style{Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{workbookColors[c-1][2:]}}}
}
