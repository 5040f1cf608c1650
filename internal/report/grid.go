package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Query chooses rows of a Grid. The zero value of each choice is all rows; a
// row has to fit every choice that is made.
type Query struct {
	Search   string       // text in a cell, a problem or an error, without regard to case
	Problems bool         // rows with a problem of any kind
	Kinds    []sheet.Kind // rows with a problem of one of these kinds
	Outcomes []string     // of a run: rows that ended so ("failed"); of a dry run: that are planned so ("patch", "unchanged", "invalid")
	Fields   []string     // of a dry run with a comparison: rows that change one of these ("status", "attributes.end_date")

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
	Excess   []string        // cells beyond the last column, where one has data
	Problems []sheet.Problem // of the check, in the order of the columns
	Result   *RowResult      // of a run; nil for a sheet that is only checked
}

// RowResult is what became of a row in a run, or what a dry run plans.
type RowResult struct {
	Status     string // "updated", "failed", …; of a dry run the action: "patch", "unchanged" or "invalid"; "pending" for a row not tried yet
	HTTPStatus int    // of the last answer; 0 when there was none
	Error      string
	Note       string
	Attempts   int
	Fields     []FieldChange // of a dry run with a comparison: what would change
}

// FieldChange is one field that a row changes.
type FieldChange = journal.FieldChange

// maxGridProblems is how many problems a Grid shows. What is beyond them is
// counted alone.
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
	more     int             // problems that are not kept
	run      *Options        // nil for a sheet that is only checked
	plans    []planOf        // of a dry run, by row; made when they are asked for
	fields   []FieldCount    // that plans refer to
	chosen   string          // the choices that hits are of
	hits     []int32         // rows that fit them, by their place
}

// planOf is what is kept of a row's plan.
type planOf struct {
	action string // one of few, so that no text is made for it
	fields uint64 // a bit for each of Grid.fields
}

// NewGrid reads a sheet that was checked, and takes the problems that were found.
// The sheet stays the caller's to close, after the Grid.
func NewGrid(ctx context.Context, s *sheet.Sheet, problems []sheet.Problem) (*Grid, error) {
	g := &Grid{sheet: s}
	g.more = max(0, len(problems)-maxGridProblems)
	g.problems = slices.Clone(problems[:len(problems)-g.more])
	slices.SortStableFunc(g.problems, func(a, b sheet.Problem) int { return cmp.Compare(a.Row, b.Row) })
	var err error
	g.index, err = s.NewIndex(ctx)
	return g, err
}

// NewRunGrid is NewGrid for a run: of the options, Sheet, Replay and DryRun count.
// It shows what the journal held when the Replay was loaded.
func NewRunGrid(ctx context.Context, o Options) (*Grid, error) {
	g, err := NewGrid(ctx, o.Sheet, nil)
	if err == nil {
		g.run = &o
	}
	return g, err
}

// Close gives up what the grid keeps next to the sheet.
func (g *Grid) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.index.Close()
}

// Columns returns the sheet's columns.
func (g *Grid) Columns() []sheet.Column { return g.sheet.Columns() }

// HeaderRow returns the header's row number, 0 where none can be read.
func (g *Grid) HeaderRow() int { return g.sheet.HeaderRow() }

// Problems returns some of the problems, in the order of rows and columns, from
// the one at a place on, and how many there are. more of these are not kept.
func (g *Grid) Problems(from, n int) (some []sheet.Problem, all, more int) {
	from = min(max(from, 0), len(g.problems))
	return g.problems[from:min(from+max(n, 0), len(g.problems))], len(g.problems) + g.more, g.more
}

// Window returns the rows of a query.
func (g *Grid) Window(ctx context.Context, q Query) (w Window, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.choose(ctx, q); err != nil {
		return w, err
	}
	w.All, w.Matching = g.index.Len(), g.count(q)
	w.From = min(max(q.From, 0), w.Matching)
	end := min(w.From+min(max(q.Rows, 0), MaxWindow), w.Matching)
	for at := w.From; at < end; at = w.From + len(w.Rows) {
		if err := g.read(ctx, q, at, end, &w.Rows); err != nil {
			return w, err
		}
	}
	return w, nil
}

// Place returns where a row is among those that fit a query, for Query.From.
func (g *Grid) Place(ctx context.Context, q Query, number int) (at int, ok bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.choose(ctx, q); err != nil {
		return 0, false, err
	}
	i, ok := g.index.Find(number)
	if !ok || !q.chooses() {
		return i, ok, nil
	}
	at, ok = slices.BinarySearch(g.hits, int32(i))
	return at, ok, nil
}

// The caller of these holds the mutex.

// count returns how many rows fit a query that choose was called with.
func (g *Grid) count(q Query) int {
	if q.chooses() {
		return len(g.hits)
	}
	return g.index.Len()
}

// rowAt returns the place of one of them among all rows.
func (g *Grid) rowAt(q Query, at int) int {
	if q.chooses() {
		return int(g.hits[at])
	}
	return at
}

var errEnough = errors.New("enough")

// farApart is how many rows between two that are wanted are rather passed over
// than read.
const farApart = 100

// read adds the rows from one place of a query on, as long as the next one is
// near.
func (g *Grid) read(ctx context.Context, q Query, at, end int, rows *[]GridRow) error {
	err := g.index.Each(ctx, g.rowAt(q, at), func(i int, r *sheet.Row) error {
		if i < g.rowAt(q, at) {
			return nil
		}
		row := GridRow{Number: r.Number, Cells: slices.Clone(r.Cells), Excess: r.Excess, Problems: g.problemsOf(r.Number)}
		if g.run != nil {
			var err error
			if row.Result, err = g.resultOf(r); err != nil {
				return err
			}
		}
		*rows = append(*rows, row)
		if at++; at == end || g.rowAt(q, at) > i+farApart {
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
	at, _ := slices.BinarySearchFunc(g.problems, number, func(p sheet.Problem, number int) int { return cmp.Compare(p.Row, number) })
	end := at
	for end < len(g.problems) && g.problems[end].Row == number {
		end++
	}
	return g.problems[at:end]
}

// resultOf returns what became of a row.
func (g *Grid) resultOf(r *sheet.Row) (*RowResult, error) {
	out, known, err := g.run.Replay.Outcome(r.Number)
	if err != nil {
		return nil, fmt.Errorf("read the outcome of row %d: %w", r.Number, err)
	}
	result := &RowResult{Status: string(journal.Pending)}
	if known {
		result = &RowResult{Status: string(out.Status), HTTPStatus: out.HTTPStatus, Error: out.Error, Note: out.Note, Attempts: out.Attempts}
	}
	if !g.run.DryRun {
		return result, nil
	}
	plan, planned, err := g.run.plan(r.Number, sheet.Trim(r.ID))
	if planned && !known {
		result.Status = plan.Action
	}
	result.Fields = plan.Fields
	return result, err
}
