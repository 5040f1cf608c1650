package batch

import (
	"slices"
	"strings"

	"nermbulk/internal/sheet"
)

// A Planner turns the rows of one sheet into changes. It holds scratch space:
// each goroutine needs its own.
type Planner struct {
	rules      Rules
	told       bool // warnings were told in an earlier pass
	id         sheet.Column
	run        sheet.Column // its index is -1 without a run column
	earlier    int          // index of an earlier run's result.status, or -1
	finished   int          // and of its result.finished_at
	duration   int          // and of its result.duration_ms
	fields     []column
	attributes []column
	dates      []dateColumn // by column index; for warnings
	problems   []sheet.Problem
	profiles   []string
	spellings  map[string]string // statuses by the cells that were met
	hints      map[string]string // suggestions by the cells that are no status
	key        [16]byte          // the last row's id, when keyed
	keyed      bool
}

// column is one column that is sent in the body.
type column struct {
	sheet.Column
	key  []byte    // what stands before the value: `"status":`
	date *DateRule // rewrites the cell, if any
}

// NewPlanner prepares the columns of a sheet. Its header must have no
// problems. A date rule for an attribute that the sheet does not have is the
// caller's to refuse: see MissingDates.
func NewPlanner(columns []sheet.Column, rules Rules) *Planner {
	p := &Planner{
		rules: rules, run: noColumn, earlier: findResult(columns, resultStatus), finished: findResult(columns, resultFinished), duration: findResult(columns, resultDuration),
		dates: make([]dateColumn, len(columns)), spellings: map[string]string{}, hints: map[string]string{},
	}
	for _, c := range columns {
		switch c.Field {
		case sheet.ID:
			p.id = c
		case sheet.Run:
			p.run = c
		case sheet.Attribute:
			p.attributes = append(p.attributes, column{c, jsonKey(c.UID), rules.dateRule(c.UID)})
		default:
			if name := fieldName(c.Field); name != "" {
				p.fields = append(p.fields, column{c, jsonKey(name), nil})
			}
		}
	}
	// A body's fields stand in the same order whatever the sheet's order is,
	// so that a re-sorted sheet has the same hashes.
	slices.SortFunc(p.fields, func(a, b column) int { return int(a.Field) - int(b.Field) })
	slices.SortFunc(p.attributes, func(a, b column) int { return strings.Compare(a.UID, b.UID) })
	return p
}

// MissingDates returns the attributes of date rules that no column has.
func (r Rules) MissingDates(columns []sheet.Column) []string {
	var missing []string
	for _, d := range r.Dates {
		if !slices.ContainsFunc(columns, func(c sheet.Column) bool { return c.Field == sheet.Attribute && c.UID == d.UID }) {
			missing = append(missing, "attributes."+d.UID)
		}
	}
	return missing
}

func (r Rules) dateRule(uid string) *DateRule {
	for i := range r.Dates {
		if r.Dates[i].UID == uid {
			return &r.Dates[i]
		}
	}
	return nil
}

const (
	bodyOpen       = `{"workflow_session":{`
	attributesOpen = `"attributes":{`
)

// Plan reads a row into c and returns the row's problems and warnings in the
// sheet's column order. The slice is valid until the next call.
func (p *Planner) Plan(row *sheet.Row, c *Change) []sheet.Problem {
	p.problems = p.problems[:0]
	c.reset(row.Number)
	p.planID(row, c)
	ran := p.planRun(row, c)

	body := append(c.Body, bodyOpen...)
	for i := range p.fields {
		f := &p.fields[i]
		if cell := sheet.Trim(row.Cells[f.Index]); cell != "" && !p.refused(row, f.Column, cell) {
			body = p.appendField(body, row, f, cell, c)
		}
	}
	body = p.planAttributes(body, row, c)
	c.Body = append(body, '}', '}')

	if c.Fields == 0 && len(p.problems) == 0 {
		switch {
		case c.Run:
			c.Body = append(c.Body[:0], bodyOpen+attributesOpen+"}}}"...)
		case ran:
			p.problem(row, noColumn, sheet.NoChange, `only "run" is filled, and it says no: fill a status or an attribute, or remove the row`)
		default:
			p.problem(row, noColumn, sheet.NoChange, "the row changes nothing: fill a status or an attribute, or remove the row")
		}
	}
	if p.earlier >= 0 {
		if c.Doubtful = strings.EqualFold(sheet.Trim(row.Cells[p.earlier]), unknownWord); c.Doubtful {
			c.Since = p.requestTime(row)
		}
	}
	if len(p.problems) > 1 {
		slices.SortStableFunc(p.problems, func(a, b sheet.Problem) int {
			return compareLetters(a.Column, b.Column)
		})
	}
	return p.problems
}

// planID reads the row's id. An empty id is a bad one.
func (p *Planner) planID(row *sheet.Row, c *Change) {
	cell := sheet.Trim(row.Cells[p.id.Index])
	p.key, p.keyed = parseUUID(cell)
	if p.keyed {
		c.ID = lowerUUID(cell)
		return
	}
	switch {
	case cell == "":
		p.problem(row, p.id, sheet.BadID, "the id is empty: a row needs the id of the session that it changes")
	case p.isClear(cell):
		p.problem(row, p.id, sheet.ClearNotAllowed, "%s empties an attribute only: a row needs the id of the session that it changes", quote(cell))
	case isSpreadsheetError(cell):
		p.excelError(row, p.id, cell)
	default:
		p.problem(row, p.id, sheet.BadID, "%s is not an id%s", quote(cell), uuidHint(cell))
	}
}

// planRun reads the run column; filled reports whether the cell had a value.
func (p *Planner) planRun(row *sheet.Row, c *Change) (filled bool) {
	c.Run = p.rules.RunSessions
	if p.run.Index < 0 {
		return false
	}
	cell := sheet.Trim(row.Cells[p.run.Index])
	if cell == "" {
		return false
	}
	if p.refused(row, p.run, cell) {
		return true
	}
	value, ok := parseBoolean(cell)
	if !ok {
		p.problem(row, p.run, sheet.BadBoolean, "%s is neither yes nor no: use true or false", quote(cell))
	}
	c.Run = value
	return true
}

func (p *Planner) planAttributes(body []byte, row *sheet.Row, c *Change) []byte {
	opened := false
	for i := range p.attributes {
		a := &p.attributes[i]
		cell := sheet.Trim(row.Cells[a.Index])
		if cell == "" {
			continue
		}
		value, ok := p.attribute(row, a, cell)
		if !ok {
			continue
		}
		if !opened {
			body = append(separate(body, c.Fields), attributesOpen...)
			opened = true
		} else {
			body = append(body, ',')
		}
		body = appendString(append(body, a.key...), value)
		c.sent = append(c.sent, sentValue{sheet.Attribute, a.UID, value})
		c.Fields++
		if value == "" {
			c.Clears++
		}
	}
	if opened {
		body = append(body, '}')
	}
	return body
}

// attribute returns the value to send for a cell that is not empty.
func (p *Planner) attribute(row *sheet.Row, a *column, cell string) (string, bool) {
	if p.isClear(cell) {
		return "", true
	}
	if isSpreadsheetError(cell) {
		p.excelError(row, a.Column, cell)
		return "", false
	}
	p.warn(row, a, cell)
	if a.date == nil {
		return cell, true
	}
	value, ok := a.date.rewrite(cell)
	if !ok {
		p.problem(row, a.Column, sheet.BadDate, "%s is not a date of the form %s", quote(cell), a.date.in.name)
	}
	return value, ok
}

func (p *Planner) isClear(cell string) bool {
	return len(cell) == len(p.rules.ClearMarker) && strings.EqualFold(cell, p.rules.ClearMarker)
}

// refused tells of a cell that no column but an attribute's may hold.
func (p *Planner) refused(row *sheet.Row, c sheet.Column, cell string) bool {
	switch {
	case isSpreadsheetError(cell):
		p.excelError(row, c, cell)
	case p.isClear(cell):
		p.problem(row, c, sheet.ClearNotAllowed, "%s empties an attribute only: this field cannot be emptied; leave the cell empty to keep its value", quote(cell))
	default:
		return false
	}
	return true
}
