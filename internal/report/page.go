package report

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// The page is one file that asks the network for nothing: its style and script
// are part of it, and its policy names them by their hashes.
var (
	//go:embed page.html.tmpl
	pageText string
	// Colors are those of the pages, as the custom properties of a style sheet.
	//
	//go:embed colors.css
	Colors string
	//go:embed page.css
	pageRules string
	//go:embed page.js
	pageScript string
)

const (
	maxOpenCauses = 10  // shown at once; the others on demand
	maxShown      = 400 // characters of an error or a body on the page
)

// pageData is what the page's template shows.
type pageData struct {
	Summary   Summary
	Start     journal.Start // of the last session
	Resumed   int           // how often
	SheetName string
	Headline  string // the run in one sentence
	Good      bool
	Counts    []pageCount
	Chart     *rateChart
	Latency   []latencyBar
	Settings  map[string]string

	Causes, MoreCauses []pageCause // the most frequent ones and the others
	Failed             []journal.Outcome
	AllFailed          int

	Style  template.CSS
	Script template.JS
	Policy string
}

type pageCount struct {
	Count
	Class           string
	Share, X, Width string // X and Width in the bar, of 1000
}

type pageCause struct {
	Failure
	Examples, Width string
}

// funcs make text of values, for the page and the printed summary. What a tenant
// or a sheet wrote passes line or shown; the page's template escapes it.
var funcs = template.FuncMap{
	"line":      func(s string) string { return text.Line(s, 0) },
	"shown":     shown,
	"number":    text.Number,
	"shellNote": text.ShellNote,
	"count":     text.Count,
	"time":      func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"span":      func(d time.Duration) string { return text.Span(d.Truncate(time.Second)) },
	"system":    func() string { return runtime.Version() + " on " + runtime.GOOS + "/" + runtime.GOARCH },
}

func (m *making) writePage(_ context.Context, to io.Writer) error {
	t, err := template.New("page").Funcs(funcs).Parse(pageText)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	rates := newTimeline()
	if err := m.ticks(rates.add); err != nil {
		return fmt.Errorf("read the run's rates from the journal: %w", err)
	}
	d := pageData{
		Summary: *m.s, Start: m.Replays[0].Last, SheetName: filepath.Base(m.s.Sheet),
		Counts: pageCounts(*m.s), Chart: rates.chart(), Latency: latencyBars(m.totals().Latency),
		Causes: pageCauses(m.s.Failures), Failed: m.failed, AllFailed: m.s.Outcomes.Bad(), Settings: m.Settings,
		// Both are ours, embedded above: nothing of a tenant or a sheet is in them.
		Style: template.CSS(Colors + pageRules), Script: template.JS(pageScript), Policy: PagePolicy(),
	}
	for _, r := range m.Replays {
		d.Resumed += max(r.Sessions-1, 0)
	}
	d.Headline, d.Good = m.s.Headline()
	if len(d.Causes) > maxOpenCauses {
		d.Causes, d.MoreCauses = d.Causes[:maxOpenCauses], d.Causes[maxOpenCauses:]
	}
	return t.Execute(to, d)
}

// PagePolicy is the content security policy of the page: its own style and
// script, and nothing from elsewhere.
func PagePolicy() string {
	return "default-src 'none'; style-src " + hash(Colors+pageRules) + "; script-src " + hash(pageScript) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

// hash names an inline style or script in a content security policy.
func hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Headline says how the run ended to somebody who reads nothing else: first why
// it stopped, if it did.
func (s Summary) Headline() (line string, good bool) {
	line, good = s.verdict()
	if why := s.stopped(); why != "" {
		return "Stopped: " + why + ". " + line, false
	}
	return line, good
}

// stopped is why the run ended before its end, or empty.
func (s Summary) stopped() string {
	switch {
	case s.Reason != "":
		return text.Line(s.Reason, maxShown)
	case s.FinishedAt == nil:
		return "the process was killed"
	case s.ExitCode != nil && *s.ExitCode > 128: // by a signal, as shells count
		return "it was interrupted"
	}
	return ""
}

func (s Summary) verdict() (line string, good bool) {
	o := s.Outcomes
	bad := o.Bad()
	switch {
	case s.DryRun && bad > 0:
		return fmt.Sprintf("Dry run: nothing was sent; %s cannot be sent.", text.Count(bad, "row")), false
	case s.DryRun && o.Pending > 0:
		return fmt.Sprintf("Dry run: nothing was sent; %s not looked at yet.", text.Count(o.Pending, "row")), false
	case s.DryRun:
		return fmt.Sprintf("Dry run: nothing was sent; %s would be.", text.Count(s.ToSend, "row")), true
	case bad > 0 && o.Pending > 0:
		return fmt.Sprintf("%s need attention and %s were not tried yet.", text.Count(bad, "row"), text.Number(o.Pending)), false
	case bad > 0:
		return text.CountOf(bad, "row needs attention.", "rows need attention."), false
	case o.Pending > 0:
		return text.CountOf(o.Pending, "row was not tried yet.", "rows were not tried yet."), false
	case o.Updated == 0:
		return "Nothing had to be changed.", true
	}
	return "Every row is as the sheet says.", true
}

func pageCounts(s Summary) []pageCount {
	var counts []pageCount
	x := 0.0
	for _, c := range s.Counts() {
		width := 1000 * float64(c.Rows) / float64(max(s.Rows, 1))
		counts = append(counts, pageCount{c, strings.ReplaceAll(c.Name, " ", "-"), share(c.Rows, s.Rows), coordinate(x), coordinate(width)})
		x += width
	}
	return counts
}

// share is a rounded percentage for the page: something is never shown as
// nothing, nor less than all as all.
func share(n, of int) string {
	whole := 0
	if of > 0 {
		whole = int((int64(n)*200 + int64(of)) / (2 * int64(of)))
	}
	switch {
	case n > 0 && whole == 0:
		return "<\u00a01\u00a0%"
	case n < of && whole == 100:
		return ">\u00a099\u00a0%"
	}
	return strconv.Itoa(whole) + "\u00a0%"
}

func pageCauses(failures []Failure) []pageCause {
	causes, most := make([]pageCause, len(failures)), 1
	for _, f := range failures {
		most = max(most, f.Rows)
	}
	for i, f := range failures {
		causes[i] = pageCause{f, f.examples(maxExamples), coordinate(100 * float64(f.Rows) / float64(most))}
	}
	return causes
}
