package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
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

// problems collects what a check tells, in bounded memory.
type problems struct {
	keep     bool // all of them, for JSON
	all      []sheet.Problem
	overflow bool
	errors   []sheet.Problem // the first ones
	warnings []sheet.Problem
	columns  map[columnKind]*columnTrouble
	first    map[sheet.Kind]sheet.Problem
}

// columnKind is one sort of problem in one column.
type columnKind struct {
	column string
	kind   sheet.Kind
}

type columnTrouble struct {
	rows  int
	first sheet.Problem
}

func newProblems(keep bool) *problems {
	return &problems{keep: keep, columns: map[columnKind]*columnTrouble{}, first: map[sheet.Kind]sheet.Problem{}}
}

func (p *problems) add(told sheet.Problem) {
	if p.keep {
		if len(p.all) < mostKept {
			p.all = append(p.all, told)
		} else {
			p.overflow = true
		}
	}
	switch {
	case told.Severity == sheet.Error && len(p.errors) < mostPrinted:
		p.errors = append(p.errors, told)
	case told.Severity == sheet.Warning && len(p.warnings) < mostPrinted:
		p.warnings = append(p.warnings, told)
	}
	if _, met := p.first[told.Kind]; !met {
		p.first[told.Kind] = told
	}
	if told.Column != "" {
		key := columnKind{told.Column, told.Kind}
		if p.columns[key] == nil {
			p.columns[key] = &columnTrouble{first: told}
		}
		p.columns[key].rows++
	}
}

// settle makes the problems of the whole sheet, if any, the only ones.
func (p *problems) settle(o *batch.Overview) {
	if len(o.Whole) == 0 {
		return
	}
	*p = *newProblems(p.keep)
	for _, told := range o.Whole {
		p.add(told)
	}
}

// print tells people the first problems, errors before warnings, then where a
// column is wrong nearly everywhere, and how many there are of each kind.
func (p *problems) print(w io.Writer, o *batch.Overview) error {
	if o.Errors+o.Warnings == 0 {
		return nil
	}
	var b strings.Builder
	shown := map[sheet.Kind]bool{}
	for i, told := range append(slices.Clone(p.errors), p.warnings...) {
		if i == mostPrinted {
			break
		}
		shown[told.Kind] = true
		prefix := ""
		if told.Severity == sheet.Warning {
			prefix = "warning: "
		}
		b.WriteString(prefix + told.String() + "\n")
	}
	p.printColumns(&b, o)
	kinds := slices.SortedFunc(maps.Keys(o.Kinds), func(a, b sheet.Kind) int {
		return cmp.Or(cmp.Compare(o.Kinds[b], o.Kinds[a]), cmp.Compare(a, b))
	})
	counts := make([]string, len(kinds))
	for i, k := range kinds {
		counts[i] = fmt.Sprintf("%s %s", text.Number(o.Kinds[k]), k)
		if first, ok := p.first[k]; ok && !shown[k] {
			counts[i] += " (first in " + placeOf(first) + ")"
		}
	}
	fmt.Fprintf(&b, "%s, %s: %s\n", text.Count(o.Errors, "error"), text.Count(o.Warnings, "warning"), strings.Join(counts, ", "))
	_, err := io.WriteString(w, b.String())
	return err
}

// placeOf is a problem's row and column.
func placeOf(told sheet.Problem) string {
	told.Message = ""
	return strings.TrimSuffix(told.String(), ": ")
}

// printColumns tells in one line each which columns are wrong nearly
// everywhere: there one remedy may mend all rows.
func (p *problems) printColumns(b *strings.Builder, o *batch.Overview) {
	keys := make([]columnKind, 0)
	for key, t := range p.columns {
		if t.rows > mostPrinted && t.rows*2 > o.Rows {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b columnKind) int {
		return cmp.Or(cmp.Compare(len(a.column), len(b.column)), cmp.Compare(a.column, b.column), cmp.Compare(a.kind, b.kind))
	})
	for _, key := range keys {
		t := p.columns[key]
		at := t.first
		at.Row = 0
		fmt.Fprintf(b, "%s: %s of %s rows are wrong in the same way (%s); the first: %s\n",
			placeOf(at), text.Number(t.rows), text.Number(o.Rows), key.kind, t.first)
	}
}

// writeJSON writes all problems as one document. again repeats the check for a
// sheet that has more than were kept.
func (p *problems) writeJSON(w io.Writer, name string, o *batch.Overview, again func(tell func(sheet.Problem)) error) error {
	return p.writeDocument(w, name, o, again, nil)
}

// writeDocument is writeJSON with the corrections of the copy, if one is made.
func (p *problems) writeDocument(w io.Writer, name string, o *batch.Overview, again func(func(sheet.Problem)) error, fixes func(func(change.Fix)) error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // "<clear>" is easier to read than its escape
	nameJSON, err := json.Marshal(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `{"sheet":%s,"rows":%d,"problems":[`, nameJSON, o.Rows)
	problems := jsonList[sheet.Problem]{out: out, enc: enc}
	if p.overflow {
		problems.failed = again(problems.add)
	}
	for _, told := range p.all {
		if !p.overflow {
			problems.add(told)
		}
	}
	list := jsonList[change.Fix]{out: out, enc: enc}
	if fixes != nil {
		fmt.Fprint(out, `],"fixes":[`)
		list.failed = fixes(list.add)
	}
	fmt.Fprint(out, "]}\n")
	return cmp.Or(problems.failed, list.failed, out.Flush())
}

// jsonList writes the elements of a JSON array, a line each. Errors of the
// writer stick to it; failed is the first other one.
type jsonList[T any] struct {
	out    *bufio.Writer
	enc    *json.Encoder
	begun  bool
	failed error
}

func (l *jsonList[T]) add(element T) {
	separator := ","
	if !l.begun {
		separator, l.begun = "\n", true
	}
	fmt.Fprint(l.out, separator)
	l.failed = cmp.Or(l.failed, l.enc.Encode(element))
}
