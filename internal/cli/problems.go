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
	"strconv"
	"strings"

	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// mostPrinted is how many problems people are shown; the rest is counted.
const mostPrinted = 20

// mostKept bounds the problems that are kept for one JSON document. A sheet
// with more is read a second time instead.
const mostKept = 20_000

// problems collects what a check reports, in bounded memory. The overview is
// that of the check, once it has ended.
type problems struct {
	*batch.Overview
	keep             bool // all of them, for JSON
	all              []sheet.Problem
	errors, warnings []*problemLine                 // the first ones
	lines            map[sheet.Problem]*problemLine // those of them that have a column; the key has no row
	firstOf          map[sheet.Kind]sheet.Problem
	groups           map[sheet.Problem]*problemLine // the key holds a column and a kind only
}

// problemLine is a problem as people are shown it: once for all rows that have
// the same text in the same column.
type problemLine struct {
	sheet.Problem
	rows int
	more []int // the first few rows after the problem's own
}

// mostRows is how many rows of a problem are named.
const mostRows = 3

func (l *problemLine) String() string {
	if l.rows == 1 {
		return l.Problem.String()
	}
	rows := []string{strconv.Itoa(l.Row)}
	for _, row := range l.more {
		rows = append(rows, strconv.Itoa(row))
	}
	last := strconv.Itoa(l.rows-len(rows)) + " more"
	if l.rows == len(rows) {
		last, rows = rows[len(rows)-1], rows[:len(rows)-1]
	}
	one := strings.TrimPrefix(l.Problem.String(), "row "+strconv.Itoa(l.Row))
	return "rows " + strings.Join(rows, ", ") + " and " + last + one
}

func newProblems(keep bool) *problems {
	return &problems{
		keep: keep, lines: map[sheet.Problem]*problemLine{},
		firstOf: map[sheet.Kind]sheet.Problem{}, groups: map[sheet.Problem]*problemLine{},
	}
}

func (p *problems) add(problem sheet.Problem) {
	if p.keep && len(p.all) <= mostKept {
		p.all = append(p.all, problem)
	}
	p.addLine(problem)
	key := sheet.Problem{Column: problem.Column, Header: problem.Header, Kind: problem.Kind}
	g := p.groups[key]
	if g == nil {
		g = &problemLine{Problem: problem}
		p.groups[key] = g
		if _, ok := p.firstOf[problem.Kind]; !ok {
			p.firstOf[problem.Kind] = problem
		}
	}
	g.rows++
}

// addLine keeps what people are shown of a problem.
func (p *problems) addLine(problem sheet.Problem) {
	key := problem
	key.Row = 0
	if l := p.lines[key]; l != nil {
		if l.rows++; len(l.more)+1 < mostRows {
			l.more = append(l.more, problem.Row)
		}
		return
	}
	first := &p.errors
	if problem.Severity == sheet.Warning {
		first = &p.warnings
	}
	if len(*first) == mostPrinted {
		return
	}
	l := &problemLine{Problem: problem, rows: 1}
	*first = append(*first, l)
	if problem.Column != "" && problem.Row > 0 {
		p.lines[key] = l
	}
}

// settle takes the overview of the check. The problems of the whole sheet, if
// there are any, are the only ones.
func (p *problems) settle(o *batch.Overview) {
	if len(o.Whole) > 0 {
		*p = *newProblems(p.keep)
		for _, problem := range o.Whole {
			p.add(problem)
		}
	}
	p.Overview = o
}

// first returns the first problems, errors before warnings.
func (p *problems) first() []*problemLine { return slices.Concat(p.errors, p.warnings) }

// String is what people are shown: the first problems, then where a column is
// wrong nearly everywhere, and how many there are of each kind.
func (p *problems) String() string {
	if p.Errors+p.Warnings == 0 {
		return ""
	}
	var b strings.Builder
	shown := p.first()
	shown = shown[:min(len(shown), mostPrinted)]
	for _, problem := range shown {
		if problem.Severity == sheet.Warning {
			b.WriteString("warning: ")
		}
		b.WriteString(problem.String() + "\n")
	}
	p.printColumns(&b)
	var counts []string
	for _, k := range job.MostFirst(p.Kinds) {
		count := fmt.Sprintf("%s %s", text.Number(p.Kinds[k]), k)
		if !slices.ContainsFunc(shown, func(l *problemLine) bool { return l.Kind == k }) {
			count += " (first in " + p.firstOf[k].Place() + ")"
		}
		counts = append(counts, count)
	}
	fmt.Fprintf(&b, "%s, %s: %s\n", text.Count(p.Errors, "error"), text.Count(p.Warnings, "warning"), strings.Join(counts, ", "))
	return b.String()
}

// printColumns writes one line for each column that is wrong nearly everywhere:
// there one remedy may mend all rows.
func (p *problems) printColumns(b *strings.Builder) {
	columns := slices.SortedFunc(maps.Keys(p.groups), func(a, b sheet.Problem) int {
		return cmp.Or(change.CompareColumns(a, b), cmp.Compare(a.Kind, b.Kind))
	})
	for _, c := range columns {
		if g := p.groups[c]; c.Column != "" && g.rows > mostPrinted && g.rows*2 > p.Rows {
			fmt.Fprintf(b, "%s: %s of %s rows are wrong in the same way (%s); the first: %s\n",
				c.Place(), text.Number(g.rows), text.Number(p.Rows), c.Kind, g.Problem)
		}
	}
}

// log writes the problems that people would be shown, and the counts, as a
// run's log has them. Warnings alone are left out of what is to hold errors only.
func (p *problems) log(out *printer) {
	out.people(p.level(), p.String())
	p.record(out.say)
}

func (p *problems) level() slog.Level {
	if p.Errors > 0 {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// record writes the first problems and their counts for machines.
func (p *problems) record(write func(level slog.Level, text, what string, attrs ...any)) {
	if p.Errors+p.Warnings == 0 {
		return
	}
	for _, problem := range p.first() {
		level := slog.LevelError
		if problem.Severity == sheet.Warning {
			level = slog.LevelWarn
		}
		write(level, "", "problem", "row", problem.Row, "column", problem.Column, "header", problem.Header,
			"kind", problem.Kind, "severity", problem.Severity, "message", problem.Message, "rows", problem.rows)
	}
	write(p.level(), "", "problems", "rows", p.Rows, "errors", p.Errors, "warnings", p.Warnings, "kinds", p.Kinds)
}

// writeJSON writes all problems as one document, with the corrections of the
// copy if there is one. again repeats the check of a sheet that has more
// problems than were kept.
func (p *problems) writeJSON(w io.Writer, head, name string, again func(func(sheet.Problem)) error, fixes func(func(change.Fix)) error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintf(out, `{%s"sheet":%s,"rows":%d,`, head, text.AppendJSON(nil, name), p.Rows)
	if len(p.all) <= mostKept {
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
