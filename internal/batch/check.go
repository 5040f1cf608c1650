package batch

import (
	"context"
	"fmt"
	"strings"

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
	// Whole holds the problems of the whole sheet. When there are any, the
	// rows were not checked, and problems told before do not count.
	Whole []sheet.Problem

	ids *idTable
}

// Sendable reports whether a sheet may be sent: whole, or what is valid of it.
func (o *Overview) Sendable(skipInvalid bool) bool {
	return len(o.Whole) == 0 && (o.Errors == 0 || skipInvalid)
}

// Check reads the whole sheet and tells each problem of its rows in the
// sheet's order. With skipInvalid the counts are of what would be sent: of an
// id that stands twice, none of its rows. An error means that the sheet could
// not be read; what is wrong with its content is data.
func Check(ctx context.Context, s *sheet.Sheet, rules Rules, skipInvalid bool, tell func(sheet.Problem)) (*Overview, error) {
	o := newOverview()
	if whole := s.Problems(); len(whole) > 0 {
		return o, o.countOnly(ctx, s)
	}
	j := newJudge(s, rules)
	err := s.Each(ctx, func(row *sheet.Row) error {
		if o.Rows%surveyRows == surveyRows-1 {
			o.ids.expect(int(float64(o.Rows) / float64(s.BytesRead()) * float64(s.Size())))
		}
		o.add(j.first(row, o.ids), &j.change, tell)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if whole := s.Problems(); len(whole) > 0 {
		o.refuse(whole)
		return o, nil
	}
	if skipInvalid && o.ids.again > 0 && !rules.InOrder {
		return o, o.recount(ctx, s, rules)
	}
	o.ids = nil // large, and of no more use: no row is left out for its id
	return o, nil
}

// surveyRows is after how many rows it is estimated, again and again, how many
// the sheet has: so many that what is read ahead of them is little.
const surveyRows = 1 << 15

func newOverview() *Overview {
	return &Overview{Statuses: map[string]int{}, Kinds: map[sheet.Kind]int{}, ids: newIDTable()}
}

// countOnly counts the rows of a sheet whose header has problems.
func (o *Overview) countOnly(ctx context.Context, s *sheet.Sheet) error {
	err := s.Each(ctx, func(*sheet.Row) error {
		o.Rows++
		return nil
	})
	o.refuse(s.Problems())
	return err
}

// refuse makes the problems of the whole sheet the only ones.
func (o *Overview) refuse(whole []sheet.Problem) {
	rows := o.Rows
	*o = *newOverview()
	o.Rows, o.Invalid, o.Whole = rows, rows, whole
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

func (o *Overview) add(problems []sheet.Problem, c *Change, tell func(sheet.Problem)) {
	o.Rows++
	for _, p := range problems {
		o.count(p)
		tell(p)
	}
	o.weigh(problems, c)
}

// weigh counts a row as one that can be sent or cannot.
func (o *Overview) weigh(problems []sheet.Problem, c *Change) {
	if firstError(problems) != nil {
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
}

// recount counts again what would be sent, now that the ids that stand twice
// are known.
func (o *Overview) recount(ctx context.Context, s *sheet.Sheet, rules Rules) error {
	o.Valid, o.Invalid, o.Clears, o.Runs = 0, 0, 0, 0
	clear(o.Statuses)
	j := newJudge(s, rules)
	return s.Each(ctx, func(row *sheet.Row) error {
		o.weigh(j.again(row, o.ids), &j.change)
		return nil
	})
}

// firstError returns the first problem that keeps a row from being sent.
func firstError(problems []sheet.Problem) *sheet.Problem {
	for i := range problems {
		if problems[i].Severity == sheet.Error {
			return &problems[i]
		}
	}
	return nil
}

// A judge says what is wrong with a row, in the pass that checks the sheet
// and in the one that sends it alike.
type judge struct {
	sheet   *sheet.Sheet
	planner *Planner
	change  Change
	one     [1]sheet.Problem
}

func newJudge(s *sheet.Sheet, rules Rules) *judge {
	return &judge{sheet: s, planner: NewPlanner(s.Columns(), rules)}
}

// first judges a row in the pass that meets the ids for the first time.
func (j *judge) first(row *sheet.Row, ids *idTable) []sheet.Problem {
	problems := j.plan(row)
	p := j.planner
	if !p.keyed {
		return problems
	}
	if at, again := ids.add(p.key, row.Number); again && !p.rules.InOrder && !row.Long {
		return p.repeated(row, fmt.Sprintf("the same id as in row %d: keep one row for each id, or send them one after another with --duplicates in-order", at))
	}
	return problems
}

// again judges a row in a later pass: every row of a repeated id is wrong.
func (j *judge) again(row *sheet.Row, ids *idTable) []sheet.Problem {
	problems := j.plan(row)
	if p := j.planner; p.keyed && !p.rules.InOrder && ids != nil && ids.repeated(p.key) && !row.Long {
		return p.repeated(row, "the id stands in several rows: none of them is sent")
	}
	return problems
}

// plan reads the row into j.change. A row with data beyond the last column
// has that problem alone: its cells may have moved.
func (j *judge) plan(row *sheet.Row) []sheet.Problem {
	problems := j.planner.Plan(row, &j.change)
	if row.Long {
		j.one[0] = j.sheet.LongRow(row)
		return j.one[:]
	}
	return problems
}

// repeated adds the problem of an id that stands in several rows.
func (p *Planner) repeated(row *sheet.Row, message string) []sheet.Problem {
	told := p.problems
	p.problems = nil
	p.problem(row, p.id, sheet.DuplicateID, "%s", message)
	at := 0
	for at < len(told) && compareLetters(told[at].Column, p.problems[0].Column) <= 0 {
		at++
	}
	p.problems = append(told[:at:at], append(p.problems, told[at:]...)...)
	return p.problems
}

// explain makes one line of a row's problems, for its result.
func explain(problems []sheet.Problem) string {
	var lines []string
	for _, p := range problems {
		if p.Severity == sheet.Error {
			lines = append(lines, strings.TrimPrefix(p.String(), fmt.Sprintf("row %d, ", p.Row)))
		}
	}
	return strings.Join(lines, "; ")
}
