package ui

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

// outcome is what came of a run, or of a dry run. The workspace's mu guards it.
type outcome struct {
	dir     string
	summary report.Summary
	failed  string
	rows    *rows    // nil where they cannot be read
	fields  []string // that a dry run would change
	opened  time.Time
	others  bool // another process has the run: it is looked at alone
}

// newOutcome opens the rows of a run in its directory.
func (w *workspace) newOutcome(ctx context.Context, dir string, s report.Summary, err error) *outcome {
	o := &outcome{dir: dir, summary: s, opened: time.Now()}
	if err != nil {
		o.failed = err.Error()
	}
	grid, err := job.OpenGrid(ctx, dir, w.o.AsOf)
	if err != nil {
		o.failed = strings.TrimPrefix(o.failed+"\nits rows cannot be shown: "+err.Error(), "\n")
		return o
	}
	o.rows = &rows{grid: grid.Grid, closing: grid.Close}
	if s.Rows == 0 { // another process has the run
		o.summary = grid.Outline
	}
	if fields, err := grid.Fields(ctx); err == nil { // or they are no choice
		o.fields = fields
	}
	return o
}

// version names what is shown: a run can be shown again after it went on.
func (o *outcome) version() string {
	return fmt.Sprintf("%s %d", filepath.Base(o.dir), o.opened.UnixNano())
}

func (o *outcome) close() {
	if o != nil {
		o.rows.close()
	}
}

// sendable reports whether a preview leads to sending.
func (o *outcome) sendable() bool { return o.summary.ToSend > 0 && o.summary.Outcomes.Pending == 0 }

// outcomeView is a run's end as the page shows it.
type outcomeView struct {
	Sheet, Lead, Failed, Headline string
	Good                          bool
	Counts                        []tally
	Causes, Lost                  []string
	Fields, Outcomes              string
	Version                       string
	CanFix, CanUndo               string
	CanResume, Retry              bool
	Run, Dir                      string
	Files                         []fileView
}

type fileView struct {
	Name, Is string
	Page     bool
}

// mostCauses is how many causes of failures are listed.
const mostCauses = 20

func (o *outcome) view() *outcomeView {
	if o == nil {
		return nil
	}
	s := o.summary
	headline, good := s.Headline()
	v := &outcomeView{
		Sheet: filepath.Base(s.Sheet), Failed: o.failed, Headline: headline, Good: good,
		Run: filepath.Base(o.dir), Dir: o.dir, Version: o.version(), Fields: strings.Join(o.fields, ","), Files: filesOf(o.dir),
	}
	v.Lead = fmt.Sprintf("%s on %s, begun %s.", text.Count(s.Rows, "row"), s.Host, s.StartedAt.Local().Format("2006-01-02 15:04"))
	main := []string{"to send", "updated", "unchanged"}
	if !s.DryRun {
		main = append(main, "failed")
	}
	v.Counts = tallies(s.Counts(), main...)
	var outcomes []string
	for _, c := range s.Counts() {
		if c.Rows > 0 {
			outcomes = append(outcomes, cmp.Or(map[string]string{"to send": "patch"}[c.Name], c.Name))
		}
	}
	v.Outcomes = strings.Join(outcomes, ",")
	for _, f := range s.Failures[:min(len(s.Failures), mostCauses)] {
		v.Causes = append(v.Causes, f.String())
	}
	bad := s.Outcomes.Bad()
	if bad == 0 { // those of failed rows are empty
		v.Files = slices.DeleteFunc(v.Files, func(f fileView) bool { return strings.HasPrefix(f.Name, "failed.") })
	}
	if !s.DryRun && !o.others {
		v.offer(s, bad)
	}
	return v
}

// offer shows what can be done after a run with so many bad rows.
func (v *outcomeView) offer(s report.Summary, bad int) {
	if bad > 0 {
		v.CanFix = text.CountOf(bad, "row that failed and send it again", "rows that failed and send them again")
	}
	if s.Undo.Rows > 0 {
		v.CanUndo = text.Count(s.Undo.Rows, "row")
	}
	for _, f := range s.Undo.Lost {
		v.Lost = append(v.Lost, f.String())
	}
	next := job.NextStep(s, false)
	v.CanResume, v.Retry = next == job.Resume || next == job.RetryFailed, next == job.RetryFailed
}

// fileNotes say what the files of a run are.
var fileNotes = map[string]string{
	"results.csv": "each row with what became of it", "failed.csv": "the rows that failed, to be corrected", "undo.csv": "puts back what was overwritten",
	"plan.csv": "what would be sent", "changes.csv": "each field that was changed, old and new", "summary.json": "the counts, for programs",
	"report.html": "the report, to read or print", "results.xlsx": "the same as a workbook", "failed.xlsx": "the same as a workbook", "undo.xlsx": "the same as a workbook",
}

// filesOf lists the files that a person may want of a run.
func filesOf(dir string) (files []fileView) {
	for _, name := range report.FileNames() {
		if note, ok := fileNotes[name]; ok {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				files = append(files, fileView{name, note, name == "report.html"})
			}
		}
	}
	return files
}

// runRow is an earlier run.
type runRow struct {
	Run, Sheet, Host, Begun, State string
	CanResume                      bool
}

// mostRuns is how many earlier runs are listed.
const mostRuns = 50

// earlierRuns lists the runs of this directory. Those of the tenant at host can
// be gone on with, unless one goes on.
func earlierRuns(busy bool, host string) (rows []runRow) {
	runs, _ := job.Runs() // what cannot be read is not listed
	runs = slices.DeleteFunc(runs, func(r job.RunDir) bool { return r.Info.DryRun })
	for at, run := range runs[:min(len(runs), mostRuns)] {
		i := run.Info
		r := runRow{Run: filepath.Base(run.Dir), Sheet: text.Line(filepath.Base(i.Sheet), 100), Host: i.Host, Begun: i.StartedAt.Local().Format("2006-01-02 15:04")}
		if i.Shard != "" {
			r.Sheet += ", part " + i.Shard
		}
		switch {
		case i.Finished:
			r.State = "finished"
		case i.FinishedAt == nil && busy && at == 0:
			r.State = "going on"
		case i.FinishedAt == nil:
			r.State, r.CanResume = "going on, or ended by force", true
		default:
			r.State, r.CanResume = "stopped early", true
		}
		r.CanResume = r.CanResume && !busy && i.Host == host
		rows = append(rows, r)
	}
	return rows
}

func (w *workspace) doShow(r *http.Request) error {
	run, err := findRun(r.PostFormValue("run"))
	if err != nil {
		return err
	}
	var shown *outcome
	w.apart(func() { shown, err = w.look(context.WithoutCancel(r.Context()), run.Dir) })
	switch {
	case err != nil:
		return err
	case w.run.Busy():
		shown.close()
		return errBusy
	}
	w.results.close()
	w.run, w.results, w.step = nil, shown, stepResults
	return nil
}

// look returns what came of the run in a directory, or has so far in another
// process.
func (w *workspace) look(ctx context.Context, dir string) (*outcome, error) {
	summary, _, err := job.WriteReport(ctx, dir, "", w.o.AsOf)
	_, locked := errors.AsType[*job.LockedError](err)
	if err != nil && !locked {
		return nil, err
	}
	shown := w.newOutcome(ctx, dir, summary, err)
	if shown.others = locked; locked && shown.rows == nil {
		return nil, err
	}
	return shown, nil
}

// doUndo opens the sheet that puts back what a run overwrote, and previews it.
func (w *workspace) doUndo(r *http.Request) error { return w.again(r, "undo.csv") }

// doFailed opens the rows of a run that failed, to be corrected.
func (w *workspace) doFailed(r *http.Request) error { return w.again(r, "failed.csv") }

// again opens a file of the run that is shown as the sheet.
func (w *workspace) again(r *http.Request, name string) error {
	shown := w.results
	if shown == nil || filepath.Base(shown.dir) != r.PostFormValue("run") {
		return errors.New("another run is shown by now: load the page again")
	}
	if shown.others {
		return errors.New("another process has this run: show it again when that has ended")
	}
	run, err := findRun(filepath.Base(shown.dir))
	if err != nil {
		return err
	}
	s := &openSheet{path: filepath.Join(shown.dir, name), flags: map[string]string{}, Undo: name == "undo.csv"}
	if s.Undo {
		for _, flag := range shown.summary.Undo.Flags {
			s.flags[strings.TrimPrefix(flag, "--")] = "true"
		}
		return w.open(s)
	}
	// What its cells mean is as it was; how the sheet was read is not: a run
	// wrote this one.
	for _, name := range []string{"map", "date", "unknown-columns", "clear-marker", "duplicates", "allow-unknown-status", "run-sessions"} {
		if value := run.Info.Options[name]; value != "" {
			s.flags[name] = value
		}
	}
	return w.open(s)
}

// download sends a file that is made for it.
func download(rw http.ResponseWriter, name string, write func(io.Writer) error) {
	var made bytes.Buffer // nothing that it is made of is to wait for a browser
	if err := write(&made); err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	attach(rw, name)
	_, _ = made.WriteTo(rw) // a browser that left is no fault of ours
}

// attach has the browser save what follows.
func attach(rw http.ResponseWriter, name string) {
	rw.Header().Set("Content-Type", "application/octet-stream")
	rw.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// serveFile sends a file that a run left. Its page runs in a sandbox of the
// browser's, from which it cannot reach this one.
func (w *workspace) serveFile(rw http.ResponseWriter, r *http.Request) {
	run, err := findRun(r.PathValue("run"))
	name := r.PathValue("name")
	if err != nil || !slices.Contains(report.FileNames(), name) || fileNotes[name] == "" {
		http.NotFound(rw, r)
		return
	}
	file, err := os.OpenInRoot(run.Dir, name)
	if err != nil {
		http.NotFound(rw, r)
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		http.NotFound(rw, r)
		return
	}
	if name == "report.html" {
		rw.Header().Set("Content-Security-Policy", "sandbox allow-scripts; "+report.PagePolicy()+"; frame-ancestors 'none'")
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	} else {
		attach(rw, name)
	}
	_, _ = io.Copy(rw, file)
}
