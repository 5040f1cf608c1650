package report

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

const (
	maxCauses     = 50   // in the summary; the rest is put together
	maxGroups     = 2000 // kept while counting, so that a tenant's prose cannot fill the memory
	maxExamples   = 5
	maxCause      = 300  // characters
	maxErrorBytes = 1200 // of an error that are looked at
)

// Causes groups failures that differ only in a row's own values. Its memory is
// bounded whatever the tenant answers. It is safe for concurrent use.
type Causes struct {
	mu     sync.Mutex
	groups map[string]*group
	order  []*group
	rest   group
	folded map[string]string // what fold made of a text, for the many rows that fail alike
}

// group is the failures of one cause.
type group struct {
	Failure
	varied bool // its rows differ in a value, so the cause names none
}

// NewCauses returns a Causes without any failure.
func NewCauses() *Causes {
	return &Causes{
		groups: map[string]*group{}, folded: map[string]string{},
		rest: group{Failure: Failure{Cause: "other causes"}},
	}
}

// Add counts a row that failed; cells are the row's own, where they are known.
func (c *Causes) Add(out journal.Outcome, cells []string) {
	cause := causeOf(out)
	key := cause
	if len(out.ID) >= 8 { // a shorter text may be part of another word
		key = strings.ReplaceAll(key, out.ID, "…")
	}
	key = foldCells(key, cells)
	c.mu.Lock()
	defer c.mu.Unlock()
	folded, ok := c.folded[key]
	if !ok {
		folded = fold(key)
		if len(c.folded) < maxGroups {
			c.folded[key] = folded
		}
	}
	c.count(folded, cause, out.Row)
}

// count counts a row in the group of key. The group has the first row's cause
// until another row's differs.
func (c *Causes) count(key, cause string, row int) {
	cause = text.Cut(cause, maxCause)
	g := c.groups[key]
	switch {
	case g != nil:
		if !g.varied && g.Cause != cause {
			g.varied, g.Cause = true, text.Cut(key, maxCause)
		}
	case len(c.groups) >= maxGroups:
		g = &c.rest
	default:
		g = &group{Failure: Failure{Cause: cause}}
		c.groups[key] = g
		c.order = append(c.order, g)
	}
	g.add(row, 1)
}

func (g *group) add(row, n int) {
	g.Rows += n
	if len(g.ExampleRows) < maxExamples {
		g.ExampleRows = append(g.ExampleRows, row)
	}
}

// List returns the causes, most rows first, those of as many rows in the order
// in which they were met.
func (c *Causes) List() []Failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortStableFunc(c.order, func(a, b *group) int { return cmp.Compare(b.Rows, a.Rows) })
	failures := make([]Failure, 0, min(len(c.order), maxCauses)+1)
	rest := c.rest
	rest.ExampleRows = slices.Clone(rest.ExampleRows) // an earlier list has it
	for i, g := range c.order {
		if i < maxCauses {
			failures = append(failures, g.Failure)
			continue
		}
		rest.add(g.ExampleRows[0], g.Rows)
	}
	if rest.Rows > 0 {
		slices.Sort(rest.ExampleRows)
		failures = append(failures, rest.Failure)
	}
	return failures
}

var rowPrefix = regexp.MustCompile(`^rows? \d+(, |: )`)

// causeOf returns a failure's error as one line without its row, which the
// examples name.
func causeOf(out journal.Outcome) string {
	cause := cmp.Or(line(out.Error, maxErrorBytes), line(out.Note, maxErrorBytes), "no reason was recorded")
	return rowPrefix.ReplaceAllString(cause, "")
}

// line returns the first bytes of a text from the tenant or the sheet, whose
// length is unknown, as one safe line.
func line(s string, bytes int) string { return text.Line(text.Head(s, bytes), 0) }

// rowValues match what is likely a row's own: ids, times, addresses and long
// numbers.
var rowValues = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b`),
	regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.:Z+-]*`),
	regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]*\w`),
	regexp.MustCompile(`\b\d{5,}\b|\b\d+\.\d+\b`),
}

var (
	rowNumber = regexp.MustCompile(`\brow \d+`)
	quoted    = regexp.MustCompile(`"[^"]*"|'[^']*'|“[^”]*”`)
)

// fold replaces a row's own values by a placeholder.
func fold(cause string) string {
	for _, value := range rowValues {
		cause = value.ReplaceAllString(cause, "…")
	}
	return rowNumber.ReplaceAllString(cause, "row …")
}

// foldCells replaces quoted text that is one of the row's cells. Quoted names
// of fields stay.
func foldCells(cause string, cells []string) string {
	if !strings.ContainsAny(cause, `"'“`) {
		return cause
	}
	return quoted.ReplaceAllStringFunc(cause, func(q string) string {
		if isCell(strings.Trim(q, `"'“”`), cells) {
			return "“…”"
		}
		return q
	})
}

// isCell reports whether value is a cell, or the beginning of one that was cut.
func isCell(value string, cells []string) bool {
	start, wasCut := strings.CutSuffix(value, "…")
	return start != "" && slices.ContainsFunc(cells, func(c string) bool {
		c = sheet.Trim(c)
		return c == value || wasCut && strings.HasPrefix(c, start)
	})
}

// Failure is one cause for which rows were not updated.
type Failure struct {
	Cause       string `json:"cause"`
	Rows        int    `json:"rows"`
	ExampleRows []int  `json:"example_rows"` // the first few
}

// String returns a cause as the printed summary has it:
// "3,912 rows: end_date can't be blank; e.g. rows 17, 18, 40".
func (f Failure) String() string {
	line := text.Count(f.Rows, "row") + ": " + f.Cause
	if e := f.examples(printedExamples); e != "" {
		line += "; " + e
	}
	return line
}

// examples names at most n of a cause's rows: "e.g. rows 17, 18, 40".
func (f Failure) examples(n int) string {
	var list []string
	for _, row := range f.ExampleRows[:min(len(f.ExampleRows), n)] {
		list = append(list, strconv.Itoa(row))
	}
	if len(list) == 0 {
		return ""
	}
	words := "rows " + strings.Join(list, ", ")
	if len(list) == 1 {
		words = "row " + list[0]
	}
	if f.Rows > len(list) {
		words = "e.g. " + words
	}
	return words
}

// maxFailedRows are on the page; failed.csv has all.
const maxFailedRows = 1000

// shortened cuts the texts of a row that failed, so that it stays small.
func shortened(out journal.Outcome) journal.Outcome {
	out.Error = cmp.Or(shown(out.Error), shown(out.Note))
	out.ID, out.ErrorBody, out.Note = shown(out.ID), shown(out.ErrorBody), ""
	return out
}

// shown cuts a text for the page.
func shown(s string) string { return text.Cut(line(s, 4*maxShown), maxShown) }
