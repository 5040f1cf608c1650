package ui

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"

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
