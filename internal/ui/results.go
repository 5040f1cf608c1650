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
// What is exported of it is for the page's template.
type outcome struct {
	report.Summary
	Dir, Failed, Headline string
	Good                  bool
	Fields                []string // that a dry run would change
	Others                bool     // another process has the run: it is looked at alone
	rows                  *rows    // nil where they cannot be read
	opened                time.Time
	sha256                string // of the sheet
}

// newOutcome opens the rows of a run in its directory.
func (w *workspace) newOutcome(ctx context.Context, dir string, s report.Summary, err error) *outcome {
	o := &outcome{Dir: dir, Summary: s, opened: time.Now()}
	if err != nil {
		o.Failed = err.Error()
	}
	grid, err := job.OpenGrid(ctx, dir, w.o.AsOf)
	if err != nil {
		o.Failed = strings.TrimPrefix(o.Failed+"\nits rows cannot be shown: "+err.Error(), "\n")
	} else {
		o.rows = &rows{grid: grid.Grid, closing: grid.Close}
		if s.Rows == 0 { // another process has the run
			o.Summary = grid.Outline
		}
		o.Fields, o.sha256 = grid.Fields(), grid.SHA256
	}
	o.Headline, o.Good = o.Summary.Headline()
	return o
}

// Version names what is shown: a run can be shown again after it went on.
func (o *outcome) Version() string {
	return fmt.Sprintf("%s %d", filepath.Base(o.Dir), o.opened.UnixNano())
}

func (o *outcome) close() {
	if o != nil {
		o.rows.close()
	}
}

// sendable reports whether a preview leads to sending.
func (o *outcome) sendable() bool { return o.ToSend > 0 && o.Outcomes.Pending == 0 }

// Tiles are the counts that are shown.
func (o *outcome) Tiles() []report.Count {
	main := []string{"to send", "updated", "unchanged"}
	if !o.DryRun {
		main = append(main, "failed")
	}
	return tallies(o.Counts(), main...)
}

// Statuses are those that rows have, as the grid takes them.
func (o *outcome) Statuses() (statuses []string) {
	for _, c := range o.Counts() {
		if c.Rows > 0 {
			statuses = append(statuses, cmp.Or(map[string]string{"to send": "patch"}[c.Name], c.Name))
		}
	}
	return statuses
}

// mostCauses is how many causes of failures are listed.
const mostCauses = 20

// Causes are those of failures.
func (o *outcome) Causes() []report.Failure { return o.Failures[:min(len(o.Failures), mostCauses)] }

// CanAct reports whether something can be done after the run.
func (o *outcome) CanAct() bool { return !o.DryRun && !o.Others }

// Retry reports whether going on with the run sends failed rows again.
func (o *outcome) Retry() bool { return job.NextStep(o.Summary, false) == job.RetryFailed }

// CanResume reports whether the run can be gone on with.
func (o *outcome) CanResume() bool { return o.Retry() || job.NextStep(o.Summary, false) == job.Resume }

// fileNotes say what the files of a run are.
var fileNotes = map[string]string{
	"results.csv": "each row with what became of it", "failed.csv": "the rows that failed, to be corrected", "undo.csv": "puts back what was overwritten",
	"plan.csv": "what would be sent", "changes.csv": "each field that was changed, old and new", "summary.json": "the counts, for programs",
	"report.html": "the report, to read or print", "results.xlsx": "the same as a workbook", "failed.xlsx": "the same as a workbook", "undo.xlsx": "the same as a workbook",
}

// Kept are the files that a person may want of the run.
func (o *outcome) Kept() (names []string) {
	for _, name := range report.FileNames() {
		if fileNotes[name] == "" || o.Outcomes.Bad() == 0 && strings.HasPrefix(name, "failed.") { // which is empty then
			continue
		}
		if _, err := os.Stat(filepath.Join(o.Dir, name)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// runRow is an earlier run.
type runRow struct {
	Run, Sheet, Host, State string
	Begun                   time.Time
	CanResume               bool
}

// mostRuns is how many earlier runs are listed.
const mostRuns = 50

// earlierRuns lists the runs of this directory. Those of the tenant at host can
// be gone on with, unless one goes on.
func earlierRuns(busy bool, host string) (rows []runRow) {
	runs, _, _ := job.Runs() // what cannot be read is not listed
	runs = slices.DeleteFunc(runs, func(r job.RunDir) bool { return r.Info.DryRun })
	for at, run := range runs[:min(len(runs), mostRuns)] {
		i := run.Info
		r := runRow{Run: filepath.Base(run.Dir), Sheet: text.Line(filepath.Base(i.Sheet), 100), Host: i.Host, Begun: i.StartedAt}
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
	if shown.Others = locked; locked && shown.rows == nil {
		return nil, err
	}
	return shown, nil
}

// doUndo opens the sheet that puts back what a run overwrote, and previews it.
func (w *workspace) doUndo(r *http.Request) error { return w.again(r, "undo") }

// doFailed opens the rows of a run that failed, to be corrected.
func (w *workspace) doFailed(r *http.Request) error { return w.again(r, "failed") }

// again opens a file of the run that is shown as the sheet, a CSV where it has one.
func (w *workspace) again(r *http.Request, name string) error {
	shown := w.results
	if shown == nil || filepath.Base(shown.Dir) != r.PostFormValue("run") {
		return errors.New("another run is shown by now: load the page again")
	}
	if shown.Others {
		return errors.New("another process has this run: show it again when that has ended")
	}
	run, err := findRun(filepath.Base(shown.Dir))
	if err != nil {
		return err
	}
	path := filepath.Join(shown.Dir, name+".csv")
	if _, err := os.Stat(path); err != nil {
		if path = shown.FileToEdit(name); path == "" {
			return fmt.Errorf("%s has no %s.csv", shown.Dir, name)
		}
	}
	s := &openSheet{path: path, flags: map[string]string{}, Undo: name == "undo"}
	if s.Undo {
		for _, flag := range shown.Undo.Flags {
			s.flags[strings.TrimPrefix(flag, "--")] = "true"
		}
		return w.open(s)
	}
	// What its cells mean is as it was; how the sheet was read is not: a run
	// wrote this one.
	for _, name := range []string{"map", "date", "value", "attributes", "unknown-columns", "clear-marker", "duplicates", "allow-unknown-status", "run-sessions", "strict"} {
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
