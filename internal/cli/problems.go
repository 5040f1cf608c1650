package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// mostPrinted is how many problems people are shown; the rest is counted.
const mostPrinted = 20

// mostKept bounds the problems that are kept for one JSON document. A sheet
// with more is read a second time instead.
const mostKept = 50_000

// problems collects what a check reports, in bounded memory.
type problems struct {
	keep     bool // all of them, for JSON
	all      []sheet.Problem
	overflow bool
	errors   []sheet.Problem // the first ones
	warnings []sheet.Problem
	groups   map[columnKind]*problemGroup
}

// columnKind is one sort of problem in one column.
type columnKind struct {
	column string
	kind   sheet.Kind
}

type problemGroup struct {
	rows  int
	first sheet.Problem
}

func newProblems(keep bool) *problems {
	return &problems{keep: keep, groups: map[columnKind]*problemGroup{}}
}

func (p *problems) add(problem sheet.Problem) {
	switch {
	case p.keep && len(p.all) < mostKept:
		p.all = append(p.all, problem)
	case p.keep:
		p.overflow = true
	}
	switch {
	case problem.Severity == sheet.Error && len(p.errors) < mostPrinted:
		p.errors = append(p.errors, problem)
	case problem.Severity == sheet.Warning && len(p.warnings) < mostPrinted:
		p.warnings = append(p.warnings, problem)
	}
	key := columnKind{problem.Column, problem.Kind}
	if p.groups[key] == nil {
		p.groups[key] = &problemGroup{first: problem}
	}
	p.groups[key].rows++
}

// settle makes the problems of the whole sheet, if any, the only ones.
func (p *problems) settle(o *batch.Overview) {
	if len(o.Whole) == 0 {
		return
	}
	*p = *newProblems(p.keep)
	for _, problem := range o.Whole {
		p.add(problem)
	}
}

// print shows people the first problems, errors before warnings, then where a
// column is wrong nearly everywhere, and how many there are of each kind.
func (p *problems) print(w io.Writer, o *batch.Overview) error {
	if o.Errors+o.Warnings == 0 {
		return nil
	}
	var b strings.Builder
	shown := append(slices.Clone(p.errors), p.warnings...)
	shown = shown[:min(len(shown), mostPrinted)]
	for _, problem := range shown {
		if problem.Severity == sheet.Warning {
			b.WriteString("warning: ")
		}
		b.WriteString(problem.String() + "\n")
	}
	groups := slices.SortedFunc(maps.Values(p.groups), func(a, b *problemGroup) int {
		return cmp.Or(cmp.Compare(len(a.first.Column), len(b.first.Column)), cmp.Compare(a.first.Column, b.first.Column), cmp.Compare(a.first.Kind, b.first.Kind))
	})
	printColumns(&b, groups, o)
	kinds := slices.SortedFunc(maps.Keys(o.Kinds), func(a, b sheet.Kind) int {
		return cmp.Or(cmp.Compare(o.Kinds[b], o.Kinds[a]), cmp.Compare(a, b))
	})
	counts := make([]string, len(kinds))
	for i, k := range kinds {
		counts[i] = fmt.Sprintf("%s %s", text.Number(o.Kinds[k]), k)
		if slices.ContainsFunc(shown, func(s sheet.Problem) bool { return s.Kind == k }) {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(groups), func(g *problemGroup) bool { return g.first.Kind != k })
		first := slices.MinFunc(others, func(a, b *problemGroup) int { return cmp.Compare(a.first.Row, b.first.Row) })
		counts[i] += " (first in " + placeOf(first.first) + ")"
	}
	fmt.Fprintf(&b, "%s, %s: %s\n", text.Count(o.Errors, "error"), text.Count(o.Warnings, "warning"), strings.Join(counts, ", "))
	_, err := io.WriteString(w, b.String())
	return err
}

// placeOf is a problem's row and column.
func placeOf(problem sheet.Problem) string {
	problem.Message = ""
	return strings.TrimSuffix(problem.String(), ": ")
}

// printColumns writes one line for each column that is wrong nearly everywhere:
// there one remedy may mend all rows.
func printColumns(b *strings.Builder, groups []*problemGroup, o *batch.Overview) {
	for _, g := range groups {
		if g.first.Column == "" || g.rows <= mostPrinted || g.rows*2 <= o.Rows {
			continue
		}
		column := g.first
		column.Row = 0
		fmt.Fprintf(b, "%s: %s of %s rows are wrong in the same way (%s); the first: %s\n",
			placeOf(column), text.Number(g.rows), text.Number(o.Rows), g.first.Kind, g.first)
	}
}

// log writes the problems that people would be shown, and the counts, as a
// run's log has them. Warnings alone are left out of what is to hold errors only.
func (p *problems) log(out *printer, o *batch.Overview) {
	level := slog.LevelWarn
	if o.Errors > 0 {
		level = slog.LevelError
	}
	switch {
	case o.Errors+o.Warnings == 0:
		return
	case !out.json:
		if level >= out.level {
			_ = p.print(out.out, o) // what cannot be shown does not keep rows from being sent
		}
		return
	}
	for _, problem := range append(slices.Clone(p.errors), p.warnings...) {
		level := slog.LevelError
		if problem.Severity == sheet.Warning {
			level = slog.LevelWarn
		}
		out.say(level, "", "problem", "row", problem.Row, "column", problem.Column, "header", problem.Header,
			"kind", problem.Kind, "severity", problem.Severity, "message", problem.Message)
	}
	out.say(level, "", "problems", "rows", o.Rows, "errors", o.Errors, "warnings", o.Warnings, "kinds", o.Kinds)
}

// writeJSON writes all problems as one document, with the corrections of the
// copy if there is one. again repeats the check of a sheet that has more
// problems than were kept.
func (p *problems) writeJSON(w io.Writer, name string, o *batch.Overview, again func(func(sheet.Problem)) error, fixes func(func(change.Fix)) error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintf(out, `{"sheet":%s,"rows":%d,`, text.AppendJSON(nil, name), o.Rows)
	if !p.overflow {
		again = func(add func(sheet.Problem)) error {
			for _, problem := range p.all {
				add(problem)
			}
			return nil
		}
	}
	err := writeList(out, "problems", again)
	if err == nil && fixes != nil {
		fmt.Fprint(out, ",")
		err = writeList(out, "fixes", fixes)
	}
	fmt.Fprint(out, "}\n")
	return cmp.Or(err, out.Flush())
}

// writeList writes a JSON array, an element a line. Errors of the writer are
// left to its Flush.
func writeList[T any](out *bufio.Writer, key string, elements func(func(T)) error) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // "<clear>" is easier to read than its escape
	fmt.Fprintf(out, "%q:[", key)
	separator := "\n"
	err := elements(func(element T) {
		fmt.Fprint(out, separator)
		_ = enc.Encode(element)
		separator = ","
	})
	fmt.Fprint(out, "]")
	return err
}
