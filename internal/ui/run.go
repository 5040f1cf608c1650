package ui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/job"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// state is how far a run has come.
type state int

const (
	checking state = iota
	asking         // a question waits for its answer
	sending
	finishing
	ended
)

// running is a run that goes on, or that has ended last. The workspace's mu
// guards it, but for control and answers. What is exported of it is for the page's
// template, and for the job that it observes.
type running struct {
	w        *workspace
	Dry      bool
	path     string // of its sheet
	sha256   string // that the sheet was previewed with; empty without a preview
	tenant   job.Tenant
	control  job.Control
	state    state
	Question *question // while asking
	answers  chan string
	total    int
	last     job.Progress
	Notes    []string
	Failed   string // why it could not go on
	Stopping bool
}

// question is what a person is asked before anything is sent.
type question struct {
	Number int  // an answer is to this question only, whatever a tab still shows
	GoOn   bool // whether to go on with an unfinished run
	Text   string
	Extra  string // of a run that goes on
	Name   string // to be typed; empty for a simple yes
	Rows   int
}

func (r *running) Busy() bool { return r != nil && r.state != ended }

// start begins a run of the sheet at path. The caller has the lock.
func (w *workspace) start(r *running, flags ...map[string]string) error {
	if w.run.Busy() {
		return errBusy
	}
	o, err := w.options(r.path, flags...)
	if err != nil {
		return err
	}
	r.w, r.answers, r.tenant = w, make(chan string, 1), o.Tenant
	o.SHA256, o.Observer, o.Control, o.Caught = r.sha256, r, &r.control, w.o.Interrupted
	w.run = r
	w.working.Go(func() {
		result, err := job.Run(w.ctx, o)
		var came *outcome
		if result.Begun {
			came = w.newOutcome(context.WithoutCancel(w.ctx), result.Dir, result.Summary, err)
		}
		w.update(func() { w.ended(r, came, w.explained(result, err)) })
	})
	return nil
}

// explained adds the remedy to the error of a job.
func (w *workspace) explained(result job.Result, err error) error {
	switch {
	case err == nil || errors.Is(err, job.ErrRefused):
		return err
	case errors.Is(err, context.Canceled) && !result.Begun:
		return errors.New("stopped before anything was sent")
	}
	return w.o.Explain(err, result.Dir)
}

// ended takes the end of a run and what came of it, nil where nothing was sent.
// The caller has the lock.
func (w *workspace) ended(r *running, came *outcome, err error) {
	if r.state, r.Question = ended, nil; err != nil {
		r.Failed = err.Error()
	}
	switch {
	case errors.Is(err, job.ErrRefused): // it was changed since it was checked
		r.Failed = "the sheet was changed and has problems now: nothing was sent"
		if s := w.sheet; s != nil && s.path == r.path {
			w.check(s.again(s.path, s.flags))
		} else {
			w.check(&openSheet{path: r.path})
		}
		w.step = stepSheet
	case came == nil:
	case r.Dry:
		w.preview.close()
		w.preview = came
	default: // the preview is of what was; to send the sheet again takes another one
		w.preview.close()
		w.results.close()
		w.preview, w.results, w.step = nil, came, stepResults
	}
}

func (w *workspace) doPreview(*http.Request) error {
	if w.sheet == nil || !w.sheet.Sendable() {
		return errors.New("the sheet cannot be sent as it is: correct it first")
	}
	w.step = stepPreview
	return w.start(&running{Dry: true, path: w.sheet.path}, w.sheet.flags, map[string]string{"dry-run": "true", "compare": "true"})
}

// doSend begins to send the sheet; the question comes before anything is sent.
func (w *workspace) doSend(r *http.Request) error {
	if w.sheet == nil || w.preview == nil {
		return errors.New("look at the preview first")
	}
	flags := map[string]string{"compare": "true"}
	if rate := strings.TrimSpace(r.PostFormValue("rate")); rate != "" {
		flags["rate"] = rate
	}
	w.step = stepSend
	return w.start(&running{path: w.sheet.path, sha256: w.preview.sha256}, w.sheet.flags, flags)
}

// doResume goes on with an unfinished run, by its own settings.
func (w *workspace) doResume(r *http.Request) error {
	run, err := findRun(r.PostFormValue("run"))
	if err != nil {
		return err
	}
	flags := map[string]string{}
	maps.Copy(flags, run.Info.Options)
	for _, name := range []string{"new", "limit", "yes", "tenant", "base-url", "sandbox", "auth-scheme", "token-file"} {
		delete(flags, name)
	}
	flags["resume"], flags["run-dir"] = "true", run.Dir
	if r.PostFormValue("failed") != "" {
		flags["retry-failed"] = "true"
	}
	path := run.Info.SheetPath
	if path == "" {
		return fmt.Errorf("the sheet of %s came from standard input and has no file: go on with it in a terminal", run.Dir)
	}
	w.step = stepSend
	return w.start(&running{path: path}, flags)
}

func (w *workspace) doConfirm(r *http.Request) error {
	if w.run == nil || w.run.Question == nil || strconv.Itoa(w.run.Question.Number) != r.PostFormValue("question") {
		return errors.New("nothing waits for that answer any more: it was given already, here or in another tab")
	}
	answer, q := strings.TrimSpace(r.PostFormValue("answer")), w.run.Question
	if answer == "yes" && q.Name != "" && !strings.EqualFold(strings.TrimSpace(r.PostFormValue("name")), q.Name) {
		return fmt.Errorf("type the tenant's name (%s) to send them", q.Name)
	}
	w.run.Question, w.run.state = nil, checking
	w.run.answers <- answer
	return nil
}

func (w *workspace) steer(change func(*running)) error {
	if !w.run.Busy() {
		return errors.New("no run is going on")
	}
	change(w.run)
	return nil
}

func (w *workspace) doPause(r *http.Request) error {
	return w.steer(func(run *running) {
		if r.PostFormValue("on") == "true" {
			run.control.Pause()
		} else {
			run.control.Continue()
		}
	})
}

func (w *workspace) doRate(r *http.Request) error {
	rate, err := strconv.ParseFloat(strings.TrimSpace(r.PostFormValue("rate")), 64)
	if err != nil || !(rate >= 0 && rate <= 1e6) {
		return fmt.Errorf("the rate %q: use a number of requests per second, or 0 for no ceiling", r.PostFormValue("rate"))
	}
	return w.steer(func(run *running) { run.control.SetRate(rate) })
}

func (w *workspace) doStop(*http.Request) error {
	return w.steer(func(run *running) {
		run.Stopping = true
		run.control.Stop()
	})
}

// Confirm implements job.Observer: it asks where a terminal asks.
func (r *running) Confirm(ctx context.Context, a job.Announcement) error {
	if r.Dry {
		return nil
	}
	q := &question{Text: a.String(), Extra: a.Resuming(), Rows: a.Rows}
	if a.NameWanted() && !r.tenant.Sandbox {
		q.Name = r.tenant.Name
	}
	_, err := r.ask(ctx, q, "yes")
	return err
}

// GoOn implements job.Observer.
func (r *running) GoOn(ctx context.Context, run job.RunDir) (bool, error) {
	found := fmt.Sprintf("The run of this sheet in %s, begun %s, is unfinished.", run.Dir, text.Minute(run.Info.StartedAt))
	answer, err := r.ask(ctx, &question{GoOn: true, Text: found}, "resume", "new")
	return answer == "resume", err
}

// ask returns the answer to a question, an error unless it agrees.
func (r *running) ask(ctx context.Context, q *question, agree ...string) (answer string, err error) {
	r.w.update(func() {
		r.w.questions++
		q.Number = r.w.questions
		r.Question, r.state = q, asking
	})
	select {
	case answer = <-r.answers:
		if !slices.Contains(agree, answer) {
			err = errors.New("not confirmed: nothing was sent")
		}
		return answer, err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Event implements job.Observer.
func (r *running) Event(event any) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	switch e := event.(type) {
	case job.Sending:
		r.total, r.state = e.Total, sending
	case job.Progress:
		r.last = e
		r.w.tick++
		r.w.wake()
		return
	case job.Sent:
		r.state = finishing
	case job.Draining:
		r.Stopping = true
	case sheet.Problem: // the step before shows them
		return
	}
	if words := wordsOf(event); words != "" {
		r.Notes = append(r.Notes, words)
		r.Notes = r.Notes[max(0, len(r.Notes)-mostNotes):]
	}
	r.w.touch()
}

// mostNotes bounds what is shown of what happened on the way.
const mostNotes = 50

// wordsOf says what happened on the way of a check or a run; nothing of what is
// shown in another form.
func wordsOf(event any) string {
	switch e := event.(type) {
	case job.Note:
		return e.Text
	case job.Warning:
		return "warning: " + e.Text
	case job.Outage:
		return fmt.Sprintf("the tenant cannot be reached: %s; waiting for it, at most %s", e.Cause, text.Span(e.Wait))
	case job.Draining:
		return fmt.Sprintf("stopping: requests in flight are waited for, at most %s", text.Span(e.Wait))
	}
	return ""
}

// findRun finds a run of this directory by its name, as the page was given it.
func findRun(name string) (job.RunDir, error) {
	runs, _, err := job.Runs()
	if err != nil {
		return job.RunDir{}, err
	}
	for _, run := range runs {
		if filepath.Base(run.Dir) == name {
			return run, nil
		}
	}
	return job.RunDir{}, fmt.Errorf("there is no run %s here any more", text.Quote(name, 100))
}
