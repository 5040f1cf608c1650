package batch

import (
	"context"

	"nermbulk/internal/change"
	"nermbulk/internal/sheet"
)

// Overview is what a check found: what the sheet would do, and what is wrong.
type Overview struct {
	Rows     int            // rows that are not blank, wrong ones too
	Valid    int            // rows that can be sent
	Invalid  int            // rows that cannot
	Statuses map[string]int // valid rows by the status that they send
	Clears   int            // attributes that valid rows empty
	Runs     int            // valid rows that run their session
	Errors   int
	Warnings int
	Kinds    map[sheet.Kind]int
	Others   int               // rows of other parts of the sheet, which count in nothing else but problems
	Columns  []Column          // of the sheet, but those of the ids
	Where    []sheet.Condition // that chose the rows
	Part     sheet.Part        // that the rows are of
	// Whole holds the problems of the whole sheet. When there are any, the
	// rows were not checked.
	Whole []sheet.Problem

	repeats *change.Repeats
}

// Column is one column of a sheet, and what valid rows have in it.
type Column struct {
	sheet.Column
	Cells int // that are not empty
}

// Sendable reports whether a sheet may be sent: whole, or what is valid of it.
func (o *Overview) Sendable(skipInvalid bool) bool {
	return len(o.Whole) == 0 && (o.Errors == 0 || skipInvalid)
}

// maxKept is how many problems are kept until it is known whether an id is in
// several rows. A sheet with more is read a second time.
const maxKept = 4096

// Check reads the whole sheet and reports each problem of its rows in the
// sheet's order, those of other parts too. With skipInvalid the counts are of what
// would be sent: of an id that is in several rows, none of its rows. An error means
// that the sheet could not be read; what is wrong with its content is data.
func Check(ctx context.Context, s *sheet.Sheet, rules change.Rules, skipInvalid bool, report func(sheet.Problem)) (*Overview, error) {
	o := newOverview(s)
	if len(s.Problems()) > 0 { // the header's: the rows are only counted
		err := s.Each(ctx, func(*sheet.Row) error {
			o.Rows++
			return nil
		})
		o.refuse(s.Problems())
		return o, err
	}
	planner, ids := change.NewPlanner(s, rules), change.NewIDs()
	var kept []sheet.Problem
	err := s.EachOfAllParts(ctx, func(row *sheet.Row) error {
		problems := planner.Plan(row)
		o.add(row, problems, &planner.Change, false)
		if len(kept) <= maxKept {
			kept = append(kept, problems...)
		}
		if !rules.InOrder {
			planner.Collect(ids)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if whole := s.Problems(); len(whole) > 0 {
		o.refuse(whole)
		return o, nil
	}
	if repeats := ids.Repeats(); repeats != nil || len(kept) > maxKept {
		return checkAgain(ctx, s, rules, repeats, skipInvalid, report)
	}
	o.remark(s, rules, report)
	for _, p := range kept {
		report(p)
	}
	return o, nil
}

// checkAgain is Check once more, now that the ids that are in several rows are known.
func checkAgain(ctx context.Context, s *sheet.Sheet, rules change.Rules, repeats *change.Repeats, skipInvalid bool, report func(sheet.Problem)) (*Overview, error) {
	o := newOverview(s)
	o.remark(s, rules, report)
	planner := change.NewPlanner(s, rules)
	err := s.EachOfAllParts(ctx, func(row *sheet.Row) error {
		problems := planner.Check(row, repeats, false)
		o.add(row, problems, &planner.Change, skipInvalid && planner.IsRepeated(repeats))
		for _, p := range problems {
			report(p)
		}
		return nil
	})
	if skipInvalid {
		o.repeats = repeats // none of their rows is sent
	}
	return o, err
}

// remark reports what is remarkable about the whole sheet.
func (o *Overview) remark(s *sheet.Sheet, rules change.Rules, report func(sheet.Problem)) {
	for _, p := range s.Warnings() {
		if rules.Strict {
			p.Severity = sheet.Error
		}
		o.count(p)
		report(p)
	}
}

func newOverview(s *sheet.Sheet) *Overview {
	o := &Overview{Statuses: map[string]int{}, Kinds: map[sheet.Kind]int{}, Where: s.Where(), Part: s.Part()}
	for _, c := range s.Columns() {
		if c.Field != sheet.ID && c.Field != sheet.UID {
			o.Columns = append(o.Columns, Column{Column: c})
		}
	}
	return o
}

// refuse makes the problems of the whole sheet the only ones.
func (o *Overview) refuse(whole []sheet.Problem) {
	*o = Overview{Statuses: map[string]int{}, Kinds: map[sheet.Kind]int{}, Rows: o.Rows, Invalid: o.Rows, Whole: whole}
	for _, p := range whole {
		o.count(p)
	}
}

func (o *Overview) count(p sheet.Problem) {
	o.Kinds[p.Kind]++
	if p.Severity == sheet.Error {
		o.Errors++
	} else {
		o.Warnings++
	}
}

// add counts a row and its problems. skipped: the row is left out whatever it
// holds.
func (o *Overview) add(row *sheet.Row, problems []sheet.Problem, c *change.Change, skipped bool) {
	for _, p := range problems {
		o.count(p)
	}
	if !o.Part.Has(row.ID) {
		o.Others++
		return
	}
	o.Rows++
	if skipped || change.FirstError(problems) != nil {
		o.Invalid++
		return
	}
	o.Valid++
	o.Clears += c.Clears
	if c.Run {
		o.Runs++
	}
	if c.Status != "" {
		o.Statuses[c.Status]++
	}
	for i := range o.Columns {
		if sheet.Trim(row.Cells[o.Columns[i].Index]) != "" {
			o.Columns[i].Cells++
		}
	}
}
