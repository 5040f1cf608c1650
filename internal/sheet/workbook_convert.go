package sheet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"nermbulk/internal/text"
)

// HiddenRows says what becomes of rows that are hidden or filtered out in a
// workbook.
type HiddenRows string

// The ways of treating hidden rows.
const (
	HiddenRefused HiddenRows = ""     // a problem of the whole sheet
	HiddenSent    HiddenRows = "send" // read like any other
	HiddenSkipped HiddenRows = "skip" // as if they were blank
)

// worksheetCopy is a worksheet written as a CSV, which is read in its place,
// and what the CSV does not say.
type worksheetCopy struct {
	worksheet string    // its name
	rows      int       // up to the last that holds a cell
	macros    bool      // the workbook has some
	size      int64     // of the CSV
	sum       string    // its SHA-256
	problems  []Problem // of rows and columns as a whole, warnings too
	kinds     *cellKinds
	layouts   []string // in which the dates of each column are written; empty for ISO 8601
}

// noValueText is written for a formula without a value: whoever reads the copy
// finds an error value, and no empty cell.
const noValueText = "#N/A"

// convert writes the worksheet that holds the sheet as CSV: UTF-8 with commas,
// each row and column at its place. A real date is written in the form that
// its column's dates are read in.
func (w *workbook) convert(to io.Writer, o Options) (made worksheetCopy, err error) {
	s, err := w.choose(o.Worksheet)
	if err != nil {
		return made, err
	}
	sum := sha256.New()
	c := &converter{worksheetCopy: worksheetCopy{kinds: new(cellKinds)}, options: o, out: io.MultiWriter(to, sum)}
	c.csv = NewPlainWriter(c, ',')
	for _, quoted := range []byte(candidates + "=") {
		c.csv.special[quoted] = true
	}
	var l layout
	for row, err := range w.rows(s, &l) {
		if err == nil {
			err = c.write(row)
		}
		if err != nil {
			return made, err
		}
	}
	c.csv.Flush()
	if err := c.csv.Error(); err != nil {
		return made, err
	}
	c.judge(&l)
	c.worksheet, c.macros = s.name, w.parts["xl/vbaproject.bin"] != nil
	c.sum = hex.EncodeToString(sum.Sum(nil))
	return c.worksheetCopy, nil
}

// choose returns the worksheet of that name, or the only visible one with data.
func (w *workbook) choose(name string) (worksheet, error) {
	if name != "" {
		return w.named(name)
	}
	var filled, empty []worksheet
	for _, s := range w.worksheets {
		if s.own || s.hidden {
			continue
		}
		switch none, err := w.isEmpty(s); {
		case err != nil:
			return s, err
		case none:
			empty = append(empty, s)
		default:
			filled = append(filled, s)
		}
	}
	if len(filled) > 1 {
		several := &OptionError{Option: "--worksheet", Reason: "the workbook has several worksheets with data: choose one of " + listNames(filled)}
		for _, s := range filled {
			several.Choices = append(several.Choices, s.name)
		}
		return worksheet{}, several
	}
	return slices.Concat(filled, empty, w.worksheets)[0], nil // that it has no rows is found as in any sheet
}

func (w *workbook) named(name string) (worksheet, error) {
	same := func(s worksheet) bool { return s.name == name }
	at := slices.IndexFunc(w.worksheets, same)
	if at < 0 {
		at = slices.IndexFunc(w.worksheets, func(s worksheet) bool { return strings.EqualFold(Trim(s.name), Trim(name)) })
	}
	if at < 0 {
		return worksheet{}, &OptionError{Option: "--worksheet", Value: name, Reason: "the workbook has no worksheet of that name; it has " + listNames(w.worksheets)}
	}
	return w.worksheets[at], nil
}

// isEmpty reports whether no cell of a worksheet has text. It reads no further
// than the first that has.
func (w *workbook) isEmpty(s worksheet) (bool, error) {
	for _, err := range w.rows(s, new(layout)) {
		return false, err
	}
	return true, nil
}

func listNames(worksheets []worksheet) string {
	const most = 20
	var names []string
	for _, s := range worksheets[:min(most, len(worksheets))] {
		names = append(names, quoted(s.name))
	}
	if more := len(worksheets) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// converter writes rows as CSV and notes what is wrong with their places.
type converter struct {
	worksheetCopy
	options Options
	out     io.Writer // the file, and the hash
	csv     *Writer   // to this converter: see Write
	cells   []string  // of the row that is being made

	firstRow int    // the header's; 0 before it
	header   header // as far as it can be read

	hiddenRows, firstHidden int
	filled                  cellSet // as far as there was room
	columns                 [maxColumns]bool
	overflow                bool // filled is not complete
}

func (c *converter) write(r *workbookRow) error {
	if r.hidden && (c.firstRow > 0 || c.options.HiddenRows == HiddenSkipped && !c.isHeader(r)) {
		c.hiddenRows++
		c.firstHidden = cmp.Or(c.firstHidden, r.number)
		if c.options.HiddenRows == HiddenSkipped {
			return nil
		}
	}
	if c.firstRow == 0 && slices.ContainsFunc(r.cells, func(cell workbookCell) bool { return Trim(cell.text) != "" }) {
		c.readHeader(r)
	}
	for ; c.rows+1 < r.number; c.rows++ {
		_ = c.csv.Write(nil) // an error is returned for the row
	}
	c.rows++
	c.cells = c.cells[:0]
	for _, cell := range r.cells {
		for len(c.cells) < cell.column {
			c.cells = append(c.cells, "")
		}
		c.cells = append(c.cells, c.text(cell))
		c.overflow = !c.filled.add(r.number, cell.column) || c.overflow
		c.columns[cell.column] = true
		if cell.kind != TextCell && !c.kinds[cell.kind].add(r.number, cell.column) {
			return damaged(errors.New("it has dates or formulas in too many columns; " + saveAsCSVRemedy))
		}
	}
	return c.csv.Write(c.cells)
}

// Write writes some of the CSV, up to the most that is read of it.
func (c *converter) Write(text []byte) (int, error) {
	if c.size += int64(len(text)); c.size > maxUnpacked {
		return 0, tooLarge()
	}
	n, err := c.out.Write(text)
	if err != nil {
		err = &ScratchError{err}
	}
	return n, err
}

// readHeader finds out which columns hold dates, and whether the workbook holds
// results: their CSV has the formula escape. What is wrong with the header is
// found when the copy is read.
func (c *converter) readHeader(r *workbookRow) {
	c.firstRow = r.number
	c.header = c.headerOf(r)
	c.csv.escape = c.header.results
	if c.options.DateLayouts != nil {
		c.layouts = c.options.DateLayouts(c.header.columns)
	}
}

// isHeader reports whether a hidden row is the header and no title above it.
func (c *converter) isHeader(r *workbookRow) bool {
	return slices.ContainsFunc(c.headerOf(r).columns, func(column Column) bool { return column.Field == ID || column.Field == UID })
}

func (c *converter) headerOf(r *workbookRow) header {
	last := r.cells[len(r.cells)-1].column
	names := make([]string, last+1)
	for _, cell := range r.cells {
		names[cell.column] = cell.text
	}
	h, _ := newHeader(r.number, names, c.options)
	return h
}

// text returns the text of a cell as the CSV holds it.
func (c *converter) text(cell workbookCell) string {
	switch {
	case cell.kind == NoValueCell:
		return noValueText
	case cell.kind == DateCell && cell.column < len(c.layouts) && c.layouts[cell.column] != "":
		return cell.day.Format(c.layouts[cell.column])
	case !c.header.results && literal(cell.text) != cell.text:
		return asLiteral(cell.text)
	}
	return cell.text
}

// judge makes problems of what concerns rows and columns as a whole.
func (c *converter) judge(l *layout) {
	if c.hiddenRows > 0 && c.options.HiddenRows == HiddenRefused {
		c.problems = append(c.problems, placed(c.firstHidden, -1, nil, HiddenRowsFound, fmt.Sprintf(
			"%s hidden or filtered out, and this is the first; show what is to be sent, or use --hidden-rows send or skip",
			text.CountOf(c.hiddenRows, "row is", "rows are"))))
	}
	const most = 1000 // problems of merged cells
	for i := 0; i < len(l.merged) && len(c.problems) < most; i++ {
		if a := l.merged[i]; c.splits(a) {
			c.problems = append(c.problems, placed(a.firstRow, a.firstColumn, &c.header, MergedCells, fmt.Sprintf(
				"the cells %s%d to %s%d are merged, so only the first of them has the value; unmerge them and fill each one",
				Letter(a.firstColumn), a.firstRow, Letter(a.lastColumn), a.lastRow)))
		}
	}
	slices.SortStableFunc(c.problems, func(a, b Problem) int { return a.Row - b.Row })
	for column, filled := range c.columns {
		if filled && l.hiddenColumns[column] {
			p := placed(c.firstRow, column, &c.header, HiddenColumn, "the column is hidden in the workbook, and is read like any other")
			p.Severity = Warning
			c.problems = append(c.problems, p)
		}
	}
}

// splits reports whether merged cells hide the place of a value: with data, and
// not above the header.
func (c *converter) splits(a area) bool {
	if a.firstRow == a.lastRow && a.firstColumn == a.lastColumn || a.lastRow < c.firstRow {
		return false
	}
	return c.filled.has(a.firstRow, a.firstColumn) || c.overflow && c.columns[a.firstColumn]
}

// openWorksheet has the workbook's worksheet read in the place of the file.
func (s *Sheet) openWorksheet(ctx context.Context) error {
	option := ""
	if s.options.Delimiter != 0 {
		option = "--delimiter"
	}
	if s.options.Encoding != "" {
		option = "--encoding"
	}
	if option != "" {
		return &OptionError{Option: option, Reason: "this is a workbook, whose texts need none: leave the flag out"}
	}
	if err := s.unpack(ctx); err != nil {
		return err
	}
	s.options.Encoding, s.options.Delimiter = "utf-8", ','
	return nil
}

// unpack writes the worksheet as the CSV that is read.
func (s *Sheet) unpack(ctx context.Context) (err error) {
	w, err := openWorkbook(ctx, s.file, s.info.Size(), s.scratch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	text, err := s.scratch()
	if err != nil {
		return &ScratchError{err}
	}
	if s.IsWorkbook() {
		err = s.text.Close()
	}
	if s.text = text; err != nil { // closed with the sheet
		return &ScratchError{err}
	}
	if s.copied, err = w.convert(text, s.options); err != nil {
		return err
	}
	s.size = s.copied.size
	return nil
}

func (s *Sheet) scratch() (*os.File, error) {
	if s.options.Scratch == nil {
		return nil, errors.New("there is no place for it")
	}
	return s.options.Scratch()
}

// IsWorkbook reports whether the sheet is a worksheet of a workbook.
func (s *Sheet) IsWorkbook() bool { return s.copied.sum != "" }

// HasMacros reports whether the sheet is of a workbook with macros.
func (s *Sheet) HasMacros() bool { return s.copied.macros }

// CopySHA256 returns the hash of what WriteCopy writes of a workbook; empty for
// any other sheet, whose copy is its content.
func (s *Sheet) CopySHA256() string { return s.copied.sum }

// WriteCopy writes a workbook's worksheet as the CSV that is read in its place.
func (s *Sheet) WriteCopy(to io.Writer) error {
	_, err := io.Copy(to, io.NewSectionReader(s.text, 0, s.size))
	return err
}

// OpenCopy opens a copy of the sheet, of which it knows what it knows of the
// sheet.
func (s *Sheet) OpenCopy(ctx context.Context, path string) (*Sheet, error) {
	c, err := Open(ctx, path, s.options)
	if err == nil {
		c.ids, c.copied = s.ids, s.copied
	}
	return c, err
}
