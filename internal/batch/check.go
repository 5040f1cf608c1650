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
	// Whole holds the problems of the whole sheet. When there are any, the
	// rows were not checked, and problems reported before do not count.
	Whole []sheet.Problem

	ids *change.IDs
}

// Sendable reports whether a sheet may be sent: whole, or what is valid of it.
func (o *Overview) Sendable(skipInvalid bool) bool {
	return len(o.Whole) == 0 && (o.Errors == 0 || skipInvalid)
}

// Check reads the whole sheet and reports each problem of its rows in the
// sheet's order. With skipInvalid the counts are of what would be sent: of an
// id that is in several rows, none of its rows. An error means that the sheet could
// not be read; what is wrong with its content is data.
func Check(ctx context.Context, s *sheet.Sheet, rules change.Rules, skipInvalid bool, report func(sheet.Problem)) (*Overview, error) {
	o := newOverview()
	if whole := s.Problems(); len(whole) > 0 {
		return o, o.countOnly(ctx, s)
	}
	checker := change.NewChecker(s, rules)
	err := s.Each(ctx, func(row *sheet.Row) error {
		if o.Rows%surveyRows == surveyRows-1 {
			o.ids.Expect(int(float64(o.Rows) / float64(s.BytesRead()) * float64(s.Size())))
		}
		o.add(checker.First(row, o.ids), &checker.Change, report)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if whole := s.Problems(); len(whole) > 0 {
		o.refuse(whole)
		return o, nil
	}
	if skipInvalid && o.ids.Repeats() > 0 && !rules.InOrder {
		return o, o.recount(ctx, s, rules)
	}
	o.ids = nil // large, and of no more use: no row is left out for its id
	return o, nil
}

// surveyRows is after how many rows it is estimated, again and again, how many
// the sheet has: so many that what is read ahead of them is little.
const surveyRows = 1 << 15

func newOverview() *Overview {
	return &Overview{Statuses: map[string]int{}, Kinds: map[sheet.Kind]int{}, ids: change.NewIDs()}
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

func (o *Overview) add(problems []sheet.Problem, c *change.Change, report func(sheet.Problem)) {
	o.Rows++
	for _, p := range problems {
		o.count(p)
		report(p)
	}
	o.weigh(problems, c)
}

// weigh counts a row as one that can be sent or cannot.
func (o *Overview) weigh(problems []sheet.Problem, c *change.Change) {
	if change.FirstError(problems) != nil {
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

// recount counts again what would be sent, now that the ids that are in several rows
// are known.
func (o *Overview) recount(ctx context.Context, s *sheet.Sheet, rules change.Rules) error {
	o.Valid, o.Invalid, o.Clears, o.Runs = 0, 0, 0, 0
	clear(o.Statuses)
	checker := change.NewChecker(s, rules)
	return s.Each(ctx, func(row *sheet.Row) error {
		o.weigh(checker.Again(row, o.ids), &checker.Change)
		return nil
	})
}
