package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/journal"
)

// The page is one file that asks the network for nothing, so its style and
// script stand in it, and its policy names them by their hashes.
var (
	//go:embed page.html.tmpl
	pageText string
	//go:embed page.css
	pageStyle string
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
	Title     string
	SheetName string
	Lead      string // where and when
	Headline  string // the run in one sentence
	Good      bool
	Counts    []pageCount
	Bar       string // the outcome bar in words
	Chart     *rateChart
	Latency   []latencyBar
	Causes    []pageCause

	LatencyTold string
	MoreCauses  []pageCause // behind the most frequent ones
	Failed      []failedRow
	AllFailed   string
	MoreFails   bool
	Facts       []fact
	Settings    []fact
	Style       template.CSS
	Script      template.JS
	Policy      string
}

type pageCount struct {
	Name, Rows, Share string
	X, Width          string // in the bar, of 1000
}

type pageCause struct {
	Failure
	Count, Examples, Width string
}

type fact struct{ Name, Value string }

func writePage(path string, o Options, s Summary, failed *failedRows) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	line := newTimeline()
	if err := o.Replay.Ticks(func(k journal.Tick) error { line.add(k); return nil }); err != nil {
		return fmt.Errorf("read the run's course from the journal: %w", err)
	}
	d := pageData{
		Summary: s, SheetName: clean(filepath.Base(s.Sheet)),
		Counts: pageCounts(s), Chart: line.chart(), Latency: latencyBars(o.Replay.Totals().Latency),
		Causes: pageCauses(s.Failures),
		Failed: failed.first, AllFailed: thousands(failed.all), MoreFails: failed.all > len(failed.first),
		Facts: facts(o, s), Settings: settings(o.Settings),
		// Both are ours, embedded above: nothing of a tenant or a sheet is in them.
		Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Policy: "default-src 'none'; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript) +
			"; img-src data:; base-uri 'none'; form-action 'none'",
	}
	d.Title = "nermbulk: " + d.SheetName
	d.Headline, d.Good = headline(s)
	d.Lead = "on " + clean(s.Host) + ", begun " + stamp(s.StartedAt)
	d.Bar = barWords(d.Counts)
	l := s.Latency
	d.LatencyTold = fmt.Sprintf("Half within %s ms, 90 %% within %s ms, 99 %% within %s ms, all within %s ms.",
		thousands(l.P50), thousands(l.P90), thousands(l.P99), thousands(l.Max))
	if len(d.Causes) > maxOpenCauses {
		d.Causes, d.MoreCauses = d.Causes[:maxOpenCauses], d.Causes[maxOpenCauses:]
	}
	if err := journal.Replace(path, func(w io.Writer) error { return t.Execute(w, d) }); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// hash names an inline style or script in a content security policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// headline tells how the run ended to somebody who reads nothing else.
func headline(s Summary) (text string, good bool) {
	bad := s.Outcomes.Failed + s.Outcomes.Unknown + s.Outcomes.Invalid
	switch {
	case s.DryRun && bad > 0:
		return fmt.Sprintf("Dry run: nothing was sent; %s cannot be sent.", rows(bad)), false
	case s.DryRun:
		return fmt.Sprintf("Dry run: nothing was sent; %s would be.", rows(s.Outcomes.Pending)), true
	case bad > 0 && s.Outcomes.Pending > 0:
		return fmt.Sprintf("%s need attention and %s were not tried yet.", rows(bad), thousands(s.Outcomes.Pending)), false
	case bad == 1:
		return "1 row needs attention.", false
	case bad > 0:
		return rows(bad) + " need attention.", false
	case s.Outcomes.Pending > 0:
		return fmt.Sprintf("Stopped early: %s not tried yet.", rows(s.Outcomes.Pending)), false
	case s.Outcomes.Updated == 0:
		return "Nothing had to be changed.", true
	}
	return "Every row is as the sheet says.", true
}

func pageCounts(s Summary) []pageCount {
	var counts []pageCount
	x := 0.0
	for _, c := range s.Outcomes.counts() {
		width := 0.0
		if s.Rows > 0 {
			width = 1000 * float64(c.Rows) / float64(s.Rows)
		}
		counts = append(counts, pageCount{
			Name: c.Name, Rows: thousands(c.Rows), Share: share(c.Rows, s.Rows),
			X: coordinate(x), Width: coordinate(width),
		})
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

func barWords(counts []pageCount) string {
	words := make([]string, len(counts))
	for i, c := range counts {
		words[i] = c.Rows + " " + c.Name
	}
	return strings.Join(words, ", ")
}

func pageCauses(failures []Failure) []pageCause {
	causes, most := make([]pageCause, len(failures)), 1
	for _, f := range failures {
		most = max(most, f.Rows)
	}
	for i, f := range failures {
		causes[i] = pageCause{f, thousands(f.Rows), examples(f, maxExamples), coordinate(100 * float64(f.Rows) / float64(most))}
	}
	return causes
}

func facts(o Options, s Summary) []fact {
	f := []fact{
		{"Tenant", clean(s.Host)}, {"Sheet", clean(s.Sheet)}, {"Rows", thousands(s.Rows)}, {"Started", stamp(s.StartedAt)},
	}
	if s.FinishedAt != nil {
		f = append(f, fact{"Finished", stamp(*s.FinishedAt)},
			fact{"Took", span(s.FinishedAt.Sub(s.StartedAt).Truncate(time.Second))}, fact{"Exit code", strconv.Itoa(*s.ExitCode)})
	} else {
		f = append(f, fact{"Finished", "no: it was killed"})
	}
	if s.Reason != "" {
		f = append(f, fact{"Stopped", clean(s.Reason)})
	}
	if n := o.Replay.Sessions(); n > 1 {
		f = append(f, fact{"Resumed", strconv.Itoa(n-1) + " times"})
	}
	r := s.Requests
	return append(f,
		fact{"Requests", fmt.Sprintf("%s PATCH, %s GET, %s for a token", thousands(r.Patch), thousands(r.Get), thousands(r.Token))},
		fact{"Refused for the rate", thousands(r.Throttled)}, fact{"Retried", thousands(r.Retried)},
		fact{"nermbulk", clean(o.Replay.Last().Version)}, fact{"Page made with", runtime.Version() + " on " + runtime.GOOS + "/" + runtime.GOARCH},
		fact{"Sheet's SHA-256", clean(o.Replay.Last().SHA256)})
}

func settings(all map[string]string) []fact {
	var f []fact
	for _, k := range slices.Sorted(maps.Keys(all)) {
		f = append(f, fact{clean(k), shown(all[k])})
	}
	return f
}
