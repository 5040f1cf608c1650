package change

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// A Planner turns the rows of one sheet into changes, and finds what is wrong
// with them: in the pass that checks the sheet and in the one that sends it alike.
// It holds scratch space: each goroutine needs its own.
type Planner struct {
	Change Change // of the last row

	sheet    *sheet.Sheet // nil for rows of no sheet
	rules    Rules
	quiet    bool         // warnings are left out
	id       sheet.Column // or the uid
	found    int          // the column of the ids that uids were found to have; -1 without one
	hasUID   bool         // next to an id
	updated  int          // the column of updated_at; -1 without one
	run      sheet.Column // its index is -1 without a run column
	runWords map[string]string
	columns  []column // that are sent in the body, in its order
	earlier  earlierResult
	written  []writtenColumn // see findWritten
	problems []sheet.Problem
	row      int
	key      [16]byte // the last row's id, when keyed
	keyed    bool
}

// column is one column that is sent in the body.
type column struct {
	sheet.Column
	field *Field
	label string            // as a header names it: status, attributes.end_date
	key   []byte            // the body has it before the value: `"status":`
	seen  dateColumn        // for warnings
	words map[string]parsed // cells of a field that has few values
	own   map[string]string // the sheet's own words, by sheet.FoldCase; may be nil
}

// parsed is what a field's parse returned.
type parsed struct {
	text  string
	wrong *sheet.Problem
}

// NewPlanner prepares for the rows of a sheet whose header has no problems. A
// rule for a column that the sheet does not have is the caller's to refuse: see
// Missing.
func NewPlanner(s *sheet.Sheet, rules Rules) *Planner {
	p := newPlanner(s.Columns(), rules)
	p.sheet = s
	return p
}

func newPlanner(columns []sheet.Column, rules Rules) *Planner {
	rules = rules.Fitting(columns)
	p := &Planner{rules: rules, run: noColumn, found: -1, updated: -1, earlier: findEarlierResult(columns), written: findWritten(columns, &rules)}
	for _, c := range columns {
		switch {
		case c.Added:
			p.found = c.Index
		case c.Field == sheet.ID, c.Field == sheet.UID:
			p.id = c
		case c.Field == run:
			p.run, p.runWords = c, rules.words(c)
		case c.Field == sheet.ReadOnly && c.UID == "uid":
			p.hasUID = true
		case c.Field == sheet.ReadOnly && c.UID == "updated_at":
			p.updated = c.Index
		default:
			if f := rules.field(c); f != nil && f.sent {
				p.columns = append(p.columns, newColumn(c, f, rules))
			}
		}
	}
	slices.SortFunc(p.columns, func(a, b column) int {
		if a.Field != b.Field {
			return position(a.Field) - position(b.Field)
		}
		return strings.Compare(a.UID, b.UID)
	})
	return p
}

func newColumn(c sheet.Column, f *Field, rules Rules) column {
	sent := column{Column: c, field: f, label: Label(c.Field, c.UID), key: jsonKey(f.Name), own: rules.words(c)}
	if c.Field == sheet.Attribute {
		sent.key = jsonKey(c.UID)
	}
	if f.words {
		sent.words = map[string]parsed{}
	}
	return sent
}

// LeaveOutWarnings keeps warnings out of what is found, unless --strict makes
// them errors: an earlier pass has reported them.
func (p *Planner) LeaveOutWarnings() { p.quiet = !p.rules.Strict }

// Plan reads a row into p.Change and returns the row's problems and warnings in the
// sheet's column order. A row with data beyond the last column has that problem
// alone: its cells may have moved. The slice is valid until the next call.
func (p *Planner) Plan(row *sheet.Row) []sheet.Problem {
	p.problems, p.row = p.problems[:0], row.Number
	c := &p.Change
	c.reset(row.Number)
	p.planKey(row)
	if p.updated >= 0 {
		c.UpdatedAt = sheet.Trim(row.Cells[p.updated])
	}
	ran := p.planRun(row)
	for i := range p.columns {
		col := &p.columns[i]
		cell := replaced(col.own, sheet.Trim(row.Cells[col.Index]))
		if cell == "" || p.without(row, col) {
			continue
		}
		p.planCell(col, cell)
	}
	if len(c.values) == 0 && len(p.problems) == 0 && !c.Run {
		why := "the row changes nothing"
		if ran {
			why = `only "run" is filled, and it says no`
		}
		p.problem(noColumn, sheet.NoChange, "%s: fill a status or an attribute, or remove the row", why)
	}
	if p.written != nil && p.earlier.row >= 0 {
		p.planWritten(row)
	}
	c.Body = appendBody(c.Body, c.values)
	c.Doubtful, c.Since = p.earlier.unknown(row)
	if row.Long() {
		p.problems = append(p.problems[:0], p.sheet.LongRow(row))
	}
	if len(p.problems) > 1 {
		slices.SortStableFunc(p.problems, CompareColumns)
	}
	return p.problems
}

// planRun reads the run column; filled reports whether the cell had a value.
func (p *Planner) planRun(row *sheet.Row) (filled bool) {
	p.Change.Run = p.rules.RunSessions
	if p.run.Index < 0 {
		return false
	}
	cell := replaced(p.runWords, sheet.Trim(row.Cells[p.run.Index]))
	if row.Kind(p.run.Index) == sheet.NoValueCell {
		p.noValue(p.run)
		return true
	}
	if cell == "" || p.refused(p.run, cell) {
		return cell != ""
	}
	f := fieldOf(run)
	word, wrong := f.parse(cell, &p.rules)
	if p.Change.Run = word == "true"; wrong != nil {
		p.add(p.run, *wrong)
		p.suggest(f.suggestion(cell, &p.rules))
	}
	return true
}

// without reports a cell of a workbook that has no value that can be sent: its
// formula was never calculated, or it is a date of which it is not known how to
// write it.
func (p *Planner) without(row *sheet.Row, col *column) bool {
	kind, attribute := row.Kind(col.Index), col.Field == sheet.Attribute
	switch {
	case kind == sheet.NoValueCell:
		p.noValue(col.Column)
	case kind == sheet.TimeCell && attribute:
		p.problem(col.Column, sheet.BadDate, "%s is not a date alone: enter the day without a time, or format the cell as text", quote(row.Cells[col.Index]))
	case kind == sheet.DateCell && attribute && !col.field.dated:
		p.problem(col.Column, sheet.DateFormatUnknown, "the cell is the date %s, and how the tenant wants it is not known: use --date %s or another of its forms, or format the column as text",
			row.Cells[col.Index], text.ShellWord(col.label+"=yyyy-mm-dd:mm/dd/yyyy"))
	default:
		return false
	}
	return true
}

// planCell adds to the change what a cell that is not empty sets its field to.
func (p *Planner) planCell(col *column, cell string) {
	text := ""
	switch {
	case col.Field == sheet.Attribute && p.isClear(cell):
		p.Change.Clears++
	case p.refused(col.Column, cell):
		return
	case col.field.parse == nil:
		p.warn(col, cell)
		text = unifyBreaks(cell)
	default:
		got := col.parse(cell, &p.rules)
		p.fault(col, got.wrong)
		if text = got.text; text == "" {
			return
		}
	}
	if col.Field == Status {
		p.Change.Status = text
	}
	p.Change.values = append(p.Change.values, value{col, text})
}

// What is kept of the cells of a column that has few values is bounded: in
// cells, and in bytes for each of them.
const (
	maxWords      = 512
	maxWordLength = 256
)

// parse is the field's parse. A sheet that spells a status in another way, or
// has one wrong, does so in many rows: normalising it and looking for the
// nearest one take long.
func (col *column) parse(cell string, rules *Rules) parsed {
	got, ok := col.words[cell]
	if !ok {
		got.text, got.wrong = col.field.parse(cell, rules)
		if got.wrong != nil && col.Field != sheet.Attribute {
			got.wrong.Suggested, got.wrong.Certain = col.field.suggestion(cell, rules)
		}
		if col.words != nil && len(col.words) < maxWords && len(cell) <= maxWordLength {
			col.words[strings.Clone(cell)] = got
		}
	}
	return got
}

func (p *Planner) isClear(cell string) bool {
	return len(cell) == len(p.rules.ClearMarker) && strings.EqualFold(cell, p.rules.ClearMarker)
}

// refused reports an error of the spreadsheet, and a marker in a column that is not
// an attribute's.
func (p *Planner) refused(c sheet.Column, cell string) bool {
	switch {
	case isSpreadsheetError(cell):
		p.spreadsheetError(c, cell)
	case p.isClear(cell):
		p.problem(c, sheet.ClearNotAllowed, "%s empties an attribute only: this field cannot be emptied; leave the cell empty to keep its value", quote(cell))
	default:
		return false
	}
	return true
}

// earlierResult is where a sheet has the results of an earlier run; an index is
// -1 for a column that it does not have.
type earlierResult struct{ source, row, status, finished, duration int }

func findEarlierResult(columns []sheet.Column) earlierResult {
	index := func(name string) int {
		return slices.IndexFunc(columns, func(c sheet.Column) bool { return c.Field == sheet.Result && c.UID == name })
	}
	return earlierResult{index("source"), index("row"), index("status"), index("finished_at"), index("duration_ms")}
}

// isHeld reports whether the cells are what sessions hold, of an export, or held
// before the earlier run, of its undo.
func (e earlierResult) isHeld() bool { return e.source >= 0 || e.row >= 0 && e.status < 0 }

// unknown reports whether the earlier run could not find out whether the row
// was applied. since is when its first request left, which is before the one in
// doubt; zero when the row does not have it.
func (e earlierResult) unknown(row *sheet.Row) (unknown bool, since time.Time) {
	if e.status < 0 || !strings.EqualFold(sheet.Trim(row.Cells[e.status]), "unknown") {
		return false, since
	}
	if e.finished < 0 || e.duration < 0 {
		return true, since
	}
	at, err := time.Parse(time.RFC3339, sheet.Trim(row.Cells[e.finished]))
	took, failed := strconv.Atoi(sheet.Trim(row.Cells[e.duration]))
	if err != nil || failed != nil || took < 0 {
		return true, since
	}
	return true, at.Add(-time.Duration(took) * time.Millisecond)
}
