package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

const (
	maxCauses   = 50   // told in the summary; the rest is put together
	maxGroups   = 2000 // kept while counting, so that a tenant's prose cannot fill the memory
	maxExamples = 5
	maxCause    = 300  // characters
	maxTold     = 1200 // bytes of an error that are looked at
)

// causes groups failures that differ only in a row's own values. It is bounded
// in memory whatever the tenant answers.
type causes struct {
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

func newCauses() *causes {
	return &causes{
		groups: map[string]*group{}, folded: map[string]string{},
		rest: group{Failure: Failure{Cause: "other causes"}},
	}
}

// add counts a row that failed; cells are the row's own.
func (c *causes) add(out journal.Outcome, cells []string) {
	told := causeOf(out)
	key := told
	if len(out.ID) >= 8 { // a shorter text may stand for something else
		key = strings.ReplaceAll(key, out.ID, "…")
	}
	key = foldCells(key, cells)
	folded, ok := c.folded[key]
	if !ok {
		folded = fold(key)
		if len(c.folded) < maxGroups {
			c.folded[key] = folded
		}
	}
	c.tally(folded, told, out.Row)
}

// tally counts a row under the cause key. told is how this row tells it; the
// group tells it so as well until a row tells it otherwise.
func (c *causes) tally(key, told string, row int) {
	told = cut(told, maxCause)
	g := c.groups[key]
	switch {
	case g != nil:
		if !g.varied && g.Cause != told {
			g.varied, g.Cause = true, cut(key, maxCause)
		}
	case len(c.groups) >= maxGroups:
		g = &c.rest
	default:
		g = &group{Failure: Failure{Cause: told}}
		c.groups[key] = g
		c.order = append(c.order, g)
	}
	g.count(row, 1)
}

func (g *group) count(row, n int) {
	g.Rows += n
	if len(g.ExampleRows) < maxExamples {
		g.ExampleRows = append(g.ExampleRows, row)
	}
}

// list returns the causes, most rows first, those of as many rows in the order
// in which they were met.
func (c *causes) list() []Failure {
	slices.SortStableFunc(c.order, func(a, b *group) int { return cmp.Compare(b.Rows, a.Rows) })
	failures := make([]Failure, 0, min(len(c.order), maxCauses)+1)
	rest := c.rest
	for i, g := range c.order {
		if i < maxCauses {
			failures = append(failures, g.Failure)
			continue
		}
		rest.count(g.ExampleRows[0], g.Rows)
	}
	if rest.Rows > 0 {
		slices.Sort(rest.ExampleRows)
		failures = append(failures, rest.Failure)
	}
	return failures
}

var rowPrefix = regexp.MustCompile(`^rows? \d+(, |: )`)

// causeOf is a failure's error as one line without its row, which the examples
// name.
func causeOf(out journal.Outcome) string {
	text := clean(head(out.Error, maxTold))
	if text == "" {
		text = clean(head(out.Note, maxTold))
	}
	if text == "" {
		return "no reason was recorded"
	}
	return rowPrefix.ReplaceAllString(text, "")
}

var (
	uuids   = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b`)
	moments = regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.:Z+-]*`)
	mails   = regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]*\w`)
	numbers = regexp.MustCompile(`\b\d{5,}\b|\b\d+\.\d+\b`)
	rowNos  = regexp.MustCompile(`\brow \d+`)
	quoted  = regexp.MustCompile(`"[^"]*"|'[^']*'|“[^”]*”`)
)

// fold replaces by a placeholder what is likely a row's own: ids, times,
// addresses and long numbers.
func fold(text string) string {
	for _, own := range []*regexp.Regexp{uuids, moments, mails, numbers} {
		text = own.ReplaceAllString(text, "…")
	}
	return rowNos.ReplaceAllString(text, "row …")
}

// foldCells replaces quoted text that is one of the row's cells. Quoted names
// of fields stay.
func foldCells(text string, cells []string) string {
	if !strings.ContainsAny(text, `"'“`) {
		return text
	}
	return quoted.ReplaceAllStringFunc(text, func(q string) string {
		if isCell(strings.Trim(q, `"'“”`), cells) {
			return "“…”"
		}
		return q
	})
}

// isCell tells whether text is a cell's, or the beginning of one that was cut.
func isCell(text string, cells []string) bool {
	start, wasCut := strings.CutSuffix(text, "…")
	if start == "" {
		return false
	}
	for _, c := range cells {
		c = sheet.Trim(c)
		if c == text || wasCut && strings.HasPrefix(c, start) {
			return true
		}
	}
	return false
}
