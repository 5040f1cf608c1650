package ui

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

//go:embed page.html.tmpl
var markup string

//go:embed app.css
var style string

//go:embed app.js
var script string

var pageTemplate = template.Must(template.New("page").Parse(markup))

// pageView is what the template shows. The template escapes all of it.
type pageView struct {
	Token, Title   string
	Step, Revision int
	Steps          []stepView
	Tenant         *tenantView
	Choice         string // of a tenant
	Offers         []Offer
	Sheet          *sheetView
	Files          []sheetFile
	Here           string
	Fields         []string
	Run            *runView
	Busy           bool
	CanSend        bool
	Rate           string
	Preview        *outcomeView
	Results        *outcomeView
	Runs           []runRow
}

type stepView struct {
	Number        int
	Name, Class   string
	Open, Current bool
}

type tenantView struct {
	Host     string
	Practice bool
}

func (p *Page) servePage(rw http.ResponseWriter, _ *http.Request) {
	view := p.work.view()
	view.Token = p.guard.token
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, view); err != nil {
		http.Error(rw, "the page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(rw)
}

func (w *workspace) view() pageView {
	w.mu.Lock()
	busy, host := w.run.busy(), ""
	if w.tenant != nil {
		host = w.tenant.host
	}
	w.mu.Unlock()
	runs := earlierRuns(busy, host) // read from the disk without the lock
	here, _ := filepath.Abs(".")
	w.mu.Lock()
	defer w.mu.Unlock()
	v := pageView{
		Title: "nermbulk", Step: w.step, Revision: w.revision, Choice: w.choice(), Offers: w.o.Offers, Here: filepath.Base(here), Busy: w.run.busy(),
		Run: w.run.view(), Preview: w.preview.view(), Results: w.results.view(), Runs: runs,
	}
	names := []string{"Tenant", "Sheet", "Preview", "Send", "Results"}
	for i, name := range names {
		s := stepView{Number: i + 1, Name: name, Open: i+1 <= w.reached(), Current: i+1 == w.step}
		s.Class = map[bool]string{true: "open", false: "later"}[s.Open]
		if s.Current {
			s.Class, v.Title = "current", fmt.Sprintf("%d. %s – nermbulk", s.Number, name)
		}
		v.Steps = append(v.Steps, s)
	}
	if t := w.tenant; t != nil {
		v.Tenant, v.Rate = &tenantView{t.host, t.flags["sandbox"] != ""}, plain(t.rate)
	}
	if w.step == stepSheet {
		v.Files, v.Fields = sheetsHere(), w.sheet.fieldChoices()
	}
	v.Sheet = w.sheet.view()
	v.CanSend = !v.Busy && w.preview != nil && w.preview.sendable()
	return v
}

// plain is a rate as it can be typed.
func plain(rate float64) string { return strconv.FormatFloat(rate, 'g', -1, 64) }

// choice is the tenant that is chosen, or offered first.
func (w *workspace) choice() string {
	switch {
	case w.tenant != nil:
		return w.tenant.name
	case len(w.o.Offers) > 0:
		return w.o.Offers[0].Name
	}
	return "typed"
}

// runView is a run that goes on, or ended without results.
type runView struct {
	progress
	Name              string
	Dry, Busy         bool
	Sending, Stopping bool
	State             string
	Failed            string
	Question          *question
	Rate              string
	Notes             []string
}

// RowsText is how many rows the question is about.
func (q *question) RowsText() string { return text.Count(q.Rows, "row") }

func (r *running) view() *runView {
	if r == nil {
		return nil
	}
	v := &runView{
		progress: r.progress(), Name: filepath.Base(r.path), Dry: r.dry, Busy: r.busy(), Sending: r.state == sending, Stopping: r.stopping,
		State: r.words(), Failed: r.failed, Question: r.question, Notes: slices.Clone(r.notes),
	}
	v.Total = max(v.Total, 1)
	v.Rate = plain(r.control.Rate(r.rate))
	return v
}

// words says what goes on.
func (r *running) words() string {
	switch {
	case r.stopping && r.state != ended:
		return "Stopping: requests in flight are waited for"
	case r.state == checking:
		return "Checking the sheet …"
	case r.state == sending && r.dry:
		return "Reading the sessions and comparing"
	case r.state == sending:
		return "Sending"
	case r.state == finishing:
		return "Writing the results …"
	}
	return ""
}

// sheetView is the sheet with what the check found.
type sheetView struct {
	Name, Notice, Failed string
	Undo, Checking       bool
	OpenReading          bool // a problem may be how it is read
	Sendable, Marked     bool
	Verdict              string
	Overview, Notes      []string
	Unknown              []unknownColumn
	Groups               []problemGroup
	Fixes                string // how many, empty for none
	Grid                 bool
	Lines                int // of a row
	Version              string
	Reading              []readOption
}

// unknownColumn is one that a person has to give a field.
type unknownColumn struct{ Letter, Header, Guess string }

// problemGroup is one sort of problem.
type problemGroup struct {
	Title, Count, More string
	Severity           sheet.Severity
	Open               bool
	Problems           []problemView
}

type problemView struct {
	Row, Index          int // the index is the column's
	Place, Message, Fix string
	Certain             bool
}

const (
	// mostOfKind is how many problems of a kind are listed.
	mostOfKind = 50
	openGroups = 3
)

func (s *openSheet) view() *sheetView {
	if s == nil {
		return nil
	}
	v := &sheetView{
		Name: filepath.Base(s.path), Notice: s.notice, Failed: s.failed, Undo: s.undo, Checking: s.checking, Sendable: s.sendable(),
		Notes: slices.Clone(s.notes), Reading: s.reading(), Version: s.version(),
	}
	if s.checked == nil {
		return v
	}
	o := s.checked.Overview
	v.Marked = o.Errors+o.Warnings > 0
	v.Grid = s.shown
	v.Lines = 1
	if v.Marked {
		v.Lines = 2
	}
	if v.Sendable {
		for line := range strings.Lines(job.OverviewLines(o)) {
			v.Overview = append(v.Overview, strings.TrimSpace(line))
		}
	}
	for _, p := range s.found {
		if p.Kind == sheet.UnknownColumn {
			v.Unknown = append(v.Unknown, unknownColumn{p.Column, p.Header, guessField(p.Header)})
		}
	}
	switch rows := text.Count(o.Rows, "row"); {
	case o.Errors == 0:
		v.Verdict = rows + ", all of them can be sent."
	case v.Sendable:
		v.Verdict = fmt.Sprintf("%s of %s can be sent; %s left out.", text.Number(o.Valid), rows, text.CountOf(o.Invalid, "is", "are"))
	case len(o.Whole) > 0:
		v.Verdict = "The sheet cannot be sent as it is: " + text.Count(o.Errors, "problem") + " to be solved first."
		v.OpenReading = len(v.Unknown) < len(o.Whole)
	default:
		v.Verdict = fmt.Sprintf("%s in %s: correct %s, and the sheet can be sent.", text.Count(o.Errors, "error"), rows, map[bool]string{true: "it", false: "them"}[o.Errors == 1])
	}
	if o.Warnings > 0 {
		v.Verdict += fmt.Sprintf(" %s to look at.", text.Count(o.Warnings, "warning"))
	}
	v.Groups = groupsOf(s.found, o.Kinds, positions(s.checked.Sheet.Columns()))
	if n := len(s.certain()); n > 0 {
		v.Fixes = text.Count(n, "certain correction")
	}
	return v
}

// guessField is the attribute that a header without a meaning most likely is.
func guessField(header string) string {
	if near, ok := change.SheetFields().Nearest(header); ok {
		return near
	}
	return "attributes." + strings.ToLower(strings.Join(strings.Fields(header), "_"))
}

// groupsOf groups problems by kind, errors first, then the most frequent.
func groupsOf(found []sheet.Problem, kinds map[sheet.Kind]int, positions map[string]int) (groups []problemGroup) {
	at := map[sheet.Kind]int{}
	for _, p := range found {
		if p.Kind == sheet.UnknownColumn { // for which the page has a form
			continue
		}
		i, ok := at[p.Kind]
		if !ok {
			i, at[p.Kind] = len(groups), len(groups)
			groups = append(groups, problemGroup{Title: string(p.Kind), Severity: p.Severity})
		}
		if g := &groups[i]; len(g.Problems) < mostOfKind {
			place := sheet.Problem{Row: p.Row, Column: p.Column, Header: p.Header}.String()
			g.Problems = append(g.Problems, problemView{p.Row, positions[p.Column], cmp.Or(strings.TrimSuffix(place, ": "), "the sheet"), p.Message, p.Suggested, p.Certain})
		}
	}
	for i := range groups {
		g := &groups[i]
		n := kinds[sheet.Kind(g.Title)]
		g.Count, g.Title = text.Number(n), titleOf(sheet.Kind(g.Title))
		if n > len(g.Problems) {
			g.More = text.Number(n - len(g.Problems))
		}
	}
	slices.SortStableFunc(groups, func(a, b problemGroup) int { return strings.Compare(string(a.Severity), string(b.Severity)) })
	for i := range groups {
		groups[i].Open = i < openGroups
	}
	return groups
}

// titleOf is the kind of a problem as a person reads it.
func titleOf(k sheet.Kind) string {
	words := strings.ReplaceAll(string(k), "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}
