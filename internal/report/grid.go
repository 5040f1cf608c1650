package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unique"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Query chooses rows of a Grid. The zero value of each choice is all rows; a
// row has to fit every choice that is made.
type Query struct {
	Search   string   // text in a cell, a problem or an error, without regard to case
	Problems bool     // rows with a problem
	Outcomes []string // of a run: rows that ended so ("failed"); of a dry run: that are planned so ("patch", "unchanged", "invalid")
	Fields   []string // of a dry run with a comparison: rows that change one of these ("status", "attributes.end_date")

	From int // the first row wanted, counted from 0 among those that fit
	Rows int // how many rows are wanted; at most MaxWindow
}

// MaxWindow is the most rows of a Window.
const MaxWindow = 1000

// Window is a stretch of the rows that fit a Query.
type Window struct {
	All      int // rows of the sheet that are not blank
	Matching int // rows that fit the query
	From     int // as asked, but not beyond Matching
	Rows     []GridRow
}

// GridRow is one row of a Window.
type GridRow struct {
	Number   int             // as Excel shows it
	Cells    []string        // one for each of the Grid's columns
	Problems []sheet.Problem // of the check, in the order of the columns
	Result   *RowResult      // of a run; nil for a sheet that is only checked
}

// RowResult is what became of a row in a run, or what a dry run plans: its Status
// is then the action, "patch", "unchanged" or "invalid".
type RowResult struct {
	journal.Outcome
	Fields []journal.FieldChange // of a dry run with a comparison: what would change
}

// maxGridProblems is how many problems a Grid shows.
const maxGridProblems = 200_000

// Grid shows the rows of a sheet in windows, with what a check found or what a
// run made of them, so that a large sheet need not be in memory: it keeps some
// bytes a row, and the problems. It may be used by several goroutines at once,
// but not while its Sheet is used otherwise.
type Grid struct {
	mu       sync.Mutex
	sheet    *sheet.Sheet
	index    *sheet.Index
	problems []sheet.Problem // in the order of rows and columns
	run      *Options        // nil for a sheet that is only checked
	plans    []rowPlan       // of a dry run, by row
	fields   []string        // that they change, in the order in which they are met
	chosen   string          // the choices that hits are of
	hits     []int32         // rows that fit them, by their place; without any choice all
}

// rowPlan is what is kept of a row's plan. Rows that are planned alike share the
// texts.
type rowPlan struct {
	action string
	fields string // that change, divided by NUL
}

// NewGrid reads a sheet that was checked, and takes the problems that were found.
// The sheet stays the caller's to close, after the Grid.
func NewGrid(ctx context.Context, s *sheet.Sheet, problems []sheet.Problem) (*Grid, error) {
	g := &Grid{sheet: s, problems: slices.Clone(problems[:min(len(problems), maxGridProblems)])}
	slices.SortStableFunc(g.problems, func(a, b sheet.Problem) int { return cmp.Compare(a.Row, b.Row) })
	var err error
	g.index, err = s.NewIndex(ctx)
	return g, err
}

// NewRunGrid is NewGrid for a run: of the options, Sheet, Replays and DryRun count.
// It shows what the journal held when that was loaded.
func NewRunGrid(ctx context.Context, o Options) (*Grid, error) {
	g, err := NewGrid(ctx, o.Sheet, nil)
	if err != nil {
		return nil, err
	}
	if g.run = &o; o.DryRun {
		if err := g.readPlans(ctx); err != nil {
			return nil, errors.Join(err, g.Close())
		}
	}
	return g, nil
}

// readPlans reads what a dry run has planned.
func (g *Grid) readPlans(ctx context.Context) error {
	g.plans = make([]rowPlan, g.index.Len())
	for i := range g.plans {
		p, _, err := g.run.plan(g.index.Number(i), "")
		if err := cmp.Or(ctx.Err(), err); err != nil {
			return err
		}
		var changed []string
		for _, f := range p.Fields {
			if changed = append(changed, f.Field); !slices.Contains(g.fields, f.Field) {
				g.fields = append(g.fields, f.Field)
			}
		}
		g.plans[i] = rowPlan{unique.Make(p.Action).Value(), unique.Make(strings.Join(changed, "\x00")).Value()}
	}
	return nil
}

// Fields returns the fields that a dry run with a comparison would change, in the
// order in which they are met. They are not to be changed.
func (g *Grid) Fields() []string { return g.fields }

// Close gives up what the grid keeps next to the sheet.
func (g *Grid) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.index.Close()
}

// Columns returns the sheet's columns.
func (g *Grid) Columns() []sheet.Column { return g.sheet.Columns() }

// Window returns the rows of a query.
func (g *Grid) Window(ctx context.Context, q Query) (w Window, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.choose(ctx, q); err != nil {
		return w, err
	}
	w.All, w.Matching = g.index.Len(), len(g.hits)
	w.From = min(max(q.From, 0), w.Matching)
	wanted := g.hits[w.From:min(w.From+min(max(q.Rows, 0), MaxWindow), w.Matching)]
	for len(w.Rows) < len(wanted) {
		if err := g.read(ctx, wanted[len(w.Rows):], &w.Rows); err != nil {
			return w, err
		}
	}
	return w, nil
}

// Place returns where a row is among those that fit a query, for Query.From.
func (g *Grid) Place(ctx context.Context, q Query, number int) (at int, ok bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i, ok := g.index.Find(number)
	if err := g.choose(ctx, q); err != nil || !ok {
		return i, false, err
	}
	at, ok = slices.BinarySearch(g.hits, int32(i))
	return at, ok, nil
}

// The caller of these holds the mutex.

var errEnough = errors.New("enough")

// farApart is how many rows between two that are wanted are rather passed over
// than read.
const farApart = 100

// read adds the first of the rows that are wanted and those after it, as long as
// the next one is near.
func (g *Grid) read(ctx context.Context, wanted []int32, rows *[]GridRow) error {
	err := g.index.Each(ctx, int(wanted[0]), func(i int, r *sheet.Row) error {
		if i < int(wanted[0]) {
			return nil
		}
		row := GridRow{Number: r.Number, Cells: slices.Clone(r.Cells), Problems: g.problemsOf(r.Number)}
		if g.run != nil {
			var err error
			if row.Result, err = g.resultOf(r); err != nil {
				return err
			}
		}
		*rows = append(*rows, row)
		if wanted = wanted[1:]; len(wanted) == 0 || int(wanted[0]) > i+farApart {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return err
}

// problemsOf returns the problems of one row.
func (g *Grid) problemsOf(number int) []sheet.Problem {
	from := func(number int) int {
		at, _ := slices.BinarySearchFunc(g.problems, number, func(p sheet.Problem, number int) int { return cmp.Compare(p.Row, number) })
		return at
	}
	return g.problems[from(number):from(number+1)]
}

// resultOf returns what became of a row.
func (g *Grid) resultOf(r *sheet.Row) (*RowResult, error) {
	out, known, err := g.run.outcome(r.Number)
	result := &RowResult{Outcome: out}
	if err != nil || !g.run.DryRun {
		return result, err
	}
	plan, planned, err := g.run.plan(r.Number, "")
	if planned && !known {
		result.Status = journal.Status(plan.Action)
	}
	result.Fields = plan.Fields
	return result, err
}

// choose finds the rows that fit a query, unless the last one was of the same
// choices: rows come as they are scrolled to.
func (g *Grid) choose(ctx context.Context, q Query) error {
	key := fmt.Sprintf("%q %v %q %q", q.Search, q.Problems, q.Outcomes, q.Fields)
	if key == g.chosen {
		return nil
	}
	g.chosen, g.hits = "", g.hits[:0]
	if err := g.find(ctx, q); err != nil {
		return err
	}
	g.chosen = key
	return nil
}

func (g *Grid) find(ctx context.Context, q Query) error {
	if q.Search == "" {
		for i := range g.index.Len() {
			if g.fits(q, i) {
				g.hits = append(g.hits, int32(i))
			}
		}
		return ctx.Err()
	}
	text := strings.ToLower(q.Search)
	return g.index.Each(ctx, 0, func(i int, r *sheet.Row) error {
		if !g.fits(q, i) {
			return nil
		}
		found, err := g.has(r, text)
		if found {
			g.hits = append(g.hits, int32(i))
		}
		return err
	})
}

// fits reports whether the ith row fits all that needs no reading of it.
func (g *Grid) fits(q Query, i int) bool {
	changes := func(field string) bool {
		return g.plans != nil && slices.Contains(strings.Split(g.plans[i].fields, "\x00"), field)
	}
	return (!q.Problems || len(g.problemsOf(g.index.Number(i))) > 0) &&
		(len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, g.statusOf(i))) &&
		(len(q.Fields) == 0 || slices.ContainsFunc(q.Fields, changes))
}

// statusOf returns the outcome of the ith row, of a dry run its action.
func (g *Grid) statusOf(i int) string {
	if g.run == nil {
		return ""
	}
	status := g.run.Replays[0].Entry(g.index.Number(i)).Status()
	if g.run.DryRun && status == journal.Pending && g.plans[i].action != "" {
		return g.plans[i].action
	}
	return string(status)
}

// has reports whether a text, in lower case, is in a row.
func (g *Grid) has(r *sheet.Row, text string) (bool, error) {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	switch {
	case slices.ContainsFunc(r.Cells, has), slices.ContainsFunc(r.Excess, has),
		slices.ContainsFunc(g.problemsOf(r.Number), func(p sheet.Problem) bool { return has(p.Message) }):
		return true, nil
	case g.run == nil:
		return false, nil
	}
	replay := g.run.Replays[0]
	known := replay.Entry(r.Number)
	if !isFailure(known.Status()) {
		return false, nil
	}
	out, _, err := replay.OutcomeOf(known)
	return has(out.Error), err
}
