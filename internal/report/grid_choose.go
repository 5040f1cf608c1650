package report

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// chooses reports whether a query leaves out any row.
func (q Query) chooses() bool {
	return q.Search != "" || q.Problems || len(q.Kinds)+len(q.Outcomes)+len(q.Fields) > 0
}

// choose finds the rows that fit a query, unless the last one was of the same
// choices: rows come as they are scrolled to. The caller holds the mutex.
func (g *Grid) choose(ctx context.Context, q Query) error {
	if !q.chooses() {
		return nil
	}
	key := fmt.Sprintf("%q %v %q %q %q", q.Search, q.Problems, q.Kinds, q.Outcomes, q.Fields)
	if key == g.chosen {
		return nil
	}
	g.chosen, g.hits = "", g.hits[:0]
	if g.run != nil && g.run.DryRun && len(q.Outcomes)+len(q.Fields) > 0 {
		if err := g.readPlans(ctx); err != nil {
			return err
		}
	}
	c := g.choiceOf(q)
	if q.Search == "" {
		for i := range g.index.Len() {
			if c.fits(i) {
				g.hits = append(g.hits, int32(i))
			}
		}
		g.chosen = key
		return ctx.Err()
	}
	err := g.index.Each(ctx, 0, func(i int, r *sheet.Row) error {
		if !c.fits(i) {
			return nil
		}
		found, err := c.finds(r)
		if found {
			g.hits = append(g.hits, int32(i))
		}
		return err
	})
	if err == nil {
		g.chosen = key
	}
	return err
}

// choice is a query made ready for many rows.
type choice struct {
	*Grid
	query  Query
	text   string // of Search, in lower case
	fields uint64
}

func (g *Grid) choiceOf(q Query) *choice {
	c := &choice{Grid: g, query: q, text: strings.ToLower(q.Search)}
	for _, f := range q.Fields {
		if at := slices.IndexFunc(g.fields, func(c FieldCount) bool { return c.Field == f }); at >= 0 {
			c.fields |= bit(at)
		}
	}
	return c
}

// fits reports whether the ith row fits all that needs no reading of it.
func (c *choice) fits(i int) bool {
	if c.query.Problems || len(c.query.Kinds) > 0 {
		if !slices.ContainsFunc(c.problemsOf(c.index.Number(i)), func(p sheet.Problem) bool {
			return len(c.query.Kinds) == 0 || slices.Contains(c.query.Kinds, p.Kind)
		}) {
			return false
		}
	}
	if len(c.query.Outcomes) > 0 && !slices.Contains(c.query.Outcomes, c.statusOf(i)) {
		return false
	}
	return len(c.query.Fields) == 0 || c.plans != nil && c.plans[i].fields&c.fields != 0
}

// statusOf returns the outcome of the ith row, of a dry run its action.
func (g *Grid) statusOf(i int) string {
	if g.run == nil {
		return ""
	}
	status := g.run.Replay.Status(g.index.Number(i))
	if g.run.DryRun && status == journal.Pending && g.plans[i].action != "" {
		return g.plans[i].action
	}
	return string(status)
}

// finds reports whether the text is in a row.
func (c *choice) finds(r *sheet.Row) (bool, error) {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), c.text) }
	switch {
	case slices.ContainsFunc(r.Cells, has), slices.ContainsFunc(r.Excess, has),
		slices.ContainsFunc(c.problemsOf(r.Number), func(p sheet.Problem) bool { return has(p.Message) }):
		return true, nil
	case c.run == nil || !isFailure(c.run.Replay.Status(r.Number)):
		return false, nil
	}
	out, _, err := c.run.Replay.Outcome(r.Number)
	return has(out.Error), err
}

// maxFields is how many fields of a dry run are kept apart.
const maxFields = 64

// bit is that of the field at a place. Those beyond the most share one.
func bit(at int) uint64 { return 1 << uint(min(at, maxFields-1)) }

// readPlans reads what a dry run has planned, once.
func (g *Grid) readPlans(ctx context.Context) error {
	if g.plans != nil {
		return nil
	}
	plans, actions := make([]planOf, g.index.Len()), map[string]string{}
	for i := range plans {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, _, err := g.run.plan(g.index.Number(i), "")
		if err != nil {
			return err
		}
		if _, ok := actions[p.Action]; !ok {
			actions[p.Action] = p.Action
		}
		plans[i].action = actions[p.Action]
		for _, f := range p.Fields {
			at := slices.IndexFunc(g.fields, func(c FieldCount) bool { return c.Field == f.Field })
			if at < 0 {
				at = len(g.fields)
				g.fields = append(g.fields, FieldCount{Field: f.Field})
			}
			g.fields[at].Rows++
			plans[i].fields |= bit(at)
		}
	}
	g.plans = plans
	return nil
}

// FieldCount is a field that a dry run with a comparison would change, and in how
// many rows.
type FieldCount struct {
	Field string
	Rows  int
}

// Fields returns the fields that a dry run would change, in the order in which
// they are met.
func (g *Grid) Fields(ctx context.Context) ([]FieldCount, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run == nil || !g.run.DryRun {
		return nil, nil
	}
	err := g.readPlans(ctx)
	return slices.Clone(g.fields), err
}
