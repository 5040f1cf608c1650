package change

import (
	"fmt"

	"nermbulk/internal/sheet"
)

// A Checker finds what is wrong with the rows of one sheet, in the pass that
// checks it and in the one that sends it alike. Each goroutine needs its own.
type Checker struct {
	Change  Change // of the last row
	sheet   *sheet.Sheet
	planner *Planner
	one     [1]sheet.Problem
}

// NewChecker prepares for the rows of a sheet whose header has no problems.
func NewChecker(s *sheet.Sheet, rules Rules) *Checker {
	return &Checker{sheet: s, planner: NewPlanner(s.Columns(), rules)}
}

// LeaveOutWarnings keeps warnings out of what is found, unless --strict makes
// them errors: an earlier pass has reported them.
func (c *Checker) LeaveOutWarnings() { c.planner.quiet = !c.planner.rules.Strict }

// Plan reads a row into c.Change. A row with data beyond the last column has
// that problem alone: its cells may have moved.
func (c *Checker) Plan(row *sheet.Row) []sheet.Problem {
	problems := c.planner.Plan(row, &c.Change)
	if row.Long() {
		c.one[0] = c.sheet.LongRow(row)
		return c.one[:]
	}
	return problems
}

// Collect adds the id of the last row, if it has one.
func (c *Checker) Collect(ids *IDs) {
	if c.planner.keyed {
		ids.add(c.planner.key)
	}
}

// Check is Plan for a pass that knows the ids that are in several rows. Each
// row of such an id but the first is wrong; with all, every one of them is.
func (c *Checker) Check(row *sheet.Row, repeats *Repeats, all bool) []sheet.Problem {
	problems := c.Plan(row)
	p := c.planner
	if !c.IsRepeated(repeats) {
		return problems
	}
	first := repeats.firstRow(p.key, row.Number)
	switch {
	case row.Long():
	case all:
		return p.repeated("the " + p.keyName() + " stands in several rows: none of them is sent")
	case first < row.Number:
		return p.repeated(fmt.Sprintf("the same %[1]s as in row %[2]d: keep one row for each %[1]s, or send them one after another with --duplicates in-order", p.keyName(), first))
	}
	return problems
}

// IsRepeated reports whether the id of the last row is in several rows.
func (c *Checker) IsRepeated(repeats *Repeats) bool {
	return c.planner.keyed && repeats.has(c.planner.key)
}

// repeated adds the problem of an id that is in several rows.
func (p *Planner) repeated(message string) []sheet.Problem {
	others := p.problems
	p.problems = nil
	p.problem(p.id, sheet.DuplicateID, "%s", message)
	at := 0
	for at < len(others) && CompareColumns(others[at], p.problems[0]) <= 0 {
		at++
	}
	p.problems = append(others[:at:at], append(p.problems, others[at:]...)...)
	return p.problems
}
