package ui

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

//go:embed page.html.tmpl
var markup string

//go:embed app.css
var style string

//go:embed app.js
var script string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"base": filepath.Base, "join": strings.Join, "count": text.Count, "number": text.Number, "countOf": text.CountOf,
	"size": sizeOf, "title": titleOf, "readOptions": func() []readOption { return readOptions },
	"note":  func(file string) string { return fileNotes[file] },
	"class": func(name string) string { return strings.ReplaceAll(name, " ", "-") },
	"local": func(t time.Time) string { return t.Local().Format("2006-01-02 15:04") },
}).Parse(markup))

// pageView is what the template shows. The template escapes all of it.
type pageView struct {
	Token, Title   string
	Step, Revision int
	Reached        int      // the last step that can be shown
	Steps          []string // their names
	Tenant         *tenant
	Choice         string // of a tenant
	Offers         []Offer
	Sheet          *openSheet
	Files          []sheetFile
	Here           string
	Fields         []string
	Run            *running
	CanSend        bool
	Preview        *outcome
	Results        *outcome
	Runs           []runRow
}

func (p *Page) servePage(rw http.ResponseWriter, _ *http.Request) {
	var page bytes.Buffer // which a slow browser does not keep the workspace from going on
	if err := p.work.render(&page, p.guard.token); err != nil {
		http.Error(rw, "the page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(rw)
}

func (w *workspace) render(to io.Writer, token string) error {
	w.mu.Lock()
	busy, host := w.run.Busy(), ""
	if w.tenant != nil {
		host = w.tenant.Host
	}
	w.mu.Unlock()
	runs := earlierRuns(busy, host) // read from the disk without the lock
	here, _ := filepath.Abs(".")
	w.mu.Lock()
	defer w.mu.Unlock()
	v := pageView{
		Token: token, Title: fmt.Sprintf("%d. %s – nermbulk", w.step, stepNames[w.step]),
		Step: w.step, Reached: w.reached(), Steps: stepNames, Revision: w.revision, Choice: w.choice(), Offers: w.o.Offers, Here: filepath.Base(here),
		Tenant: w.tenant, Sheet: w.sheet, Run: w.run, Preview: w.preview, Results: w.results, Runs: runs,
	}
	if w.step == stepSheet {
		v.Files, v.Fields = sheetsHere(), w.sheet.fieldChoices()
	}
	v.CanSend = !w.run.Busy() && w.preview != nil && w.preview.sendable()
	return pageTemplate.Execute(to, v)
}

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

// Name is the sheet's for people.
func (r *running) Name() string { return filepath.Base(r.path) }

// Sending reports whether rows are being sent.
func (r *running) Sending() bool { return r.state == sending }

// Rate is the one that is permitted.
func (r *running) Rate() float64 { return r.control.Rate(r.tenant.Client.Rate) }

// State says what goes on.
func (r *running) State() string {
	switch {
	case r.Stopping && r.state != ended:
		return "Stopping: requests in flight are waited for"
	case r.state == checking:
		return "Checking the sheet …"
	case r.state == sending && r.Dry:
		return "Reading the sessions and comparing"
	case r.state == sending:
		return "Sending"
	case r.state == finishing:
		return "Writing the results …"
	}
	return ""
}

const (
	// mostOften is how often news is sent to the page at most.
	mostOften = 200 * time.Millisecond
	// keepAlive is how long a stream of events stays silent at most, so that a
	// browser that left is noticed.
	keepAlive = 15 * time.Second
)

// serveEvents is a stream of server-sent events: a revision whenever the page
// should read itself again, and the progress as it comes.
func (w *workspace) serveEvents(rw http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(rw).Flush
	rw.Header().Set("Content-Type", "text/event-stream")
	revision, tick := -1, -1
	for {
		w.mu.Lock()
		changed, news := w.changed, ""
		if w.revision != revision {
			revision = w.revision
			news += fmt.Sprintf("event: revision\ndata: %d\n\n", revision)
		}
		if w.tick != tick {
			tick = w.tick
			var live bytes.Buffer
			_ = pageTemplate.ExecuteTemplate(&live, "live", w.run.Progress()) // as the page has it
			news += fmt.Sprintf("event: progress\ndata: %s\n\n", bytes.ReplaceAll(live.Bytes(), []byte("\n"), []byte(" ")))
		}
		w.mu.Unlock()
		if _, err := fmt.Fprint(rw, news, ":\n\n"); err != nil || flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(mostOften):
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-time.After(keepAlive):
		}
	}
}

// progress is what the page shows of a run while it sends.
type progress struct {
	Done, Total int
	Words       string // all of it in a sentence
	Rate, Left  string // time is left
	Waiting     string // why nothing is sent, or slowly
	Paused      bool
	Counts      []report.Count
	Causes      []report.Failure
}

// tallies are the counts that are shown: whatever is not 0, and the main ones.
func tallies(counts []report.Count, main ...string) []report.Count {
	return slices.DeleteFunc(counts, func(c report.Count) bool { return c.Rows == 0 && !slices.Contains(main, c.Name) })
}

// Progress returns how far the run has come. The caller has the workspace's
// lock.
func (r *running) Progress() progress {
	if r == nil {
		return progress{}
	}
	s, now := r.last.State, time.Now()
	why, _ := s.Waiting(now)
	p := progress{
		Done: s.Done, Total: r.total, Words: s.Line(r.total, now), Rate: s.RateText(true), Left: strings.TrimSuffix(s.TimeLeft(), " left"), Waiting: why,
		Paused: r.control.Paused(), Causes: r.last.Failures,
	}
	if p.Paused {
		p.Waiting, p.Left, p.Rate = "paused: nothing is sent until you go on", "", ""
	}
	counts := report.Summary{Outcomes: r.last.Outcomes}.Counts()
	if r.Dry {
		counts = slices.DeleteFunc(counts, func(c report.Count) bool { return c.Name == "updated" || c.Name == "pending" })
	}
	p.Counts = tallies(counts, "updated", "unchanged", "failed")
	return p
}
