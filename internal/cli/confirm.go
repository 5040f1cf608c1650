package cli

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// What a run says, as text for people and in JSON. The keys are for log
// collectors to rely on.

// Event implements job.Observer.
func (r *runner) Event(event any) {
	switch e := event.(type) {
	case sheet.Problem:
		r.problems.add(e)
	case job.Checked:
		r.checked(e)
	case job.InDir:
		if dir, err := filepath.Abs(e.Dir); err == nil {
			r.out.known.set("run_dir", dir)
		}
	case job.Sending:
		r.collectLess()
		r.show = newProgress(r.Streams, r.out, e.Total)
		r.stopKeys = r.steering()
	case job.Progress:
		r.show.Update(e.State)
		r.updateMetrics(e)
		select {
		case <-r.asked:
			r.show.Print()
		default:
		}
	case job.Sent:
		r.stopKeys()
		r.show.Stop()
	case job.Note:
		r.out.say(slog.LevelInfo, e.Text, "decided", "text", e.Text)
	case job.Warning:
		r.out.say(slog.LevelWarn, "warning: "+e.Text, "warning", "text", e.Text)
	case job.Outage:
		if !r.out.showsClient() { // whose log says the same
			r.out.people(slog.LevelWarn, outageText(r.Tenant.Host, e, "--outage-wait"))
		}
	case job.Draining:
		r.stopping(e)
	}
}

// outageText says that a tenant is waited for, and which flag says how long.
func outageText(host string, e job.Outage, flag string) string {
	return fmt.Sprintf("%s cannot be reached: %s; waiting for it, at most %s (%s)", host, e.Cause, e.Wait, flag)
}

func (r *runner) checked(e job.Checked) {
	r.problems.settle(e.Overview)
	remedy := "nothing was sent: correct the sheet, or send its valid rows alone with --skip-invalid"
	if len(e.Overview.Whole) > 0 {
		remedy = "nothing was sent: correct the sheet"
	}
	if e.Refused && r.asJSON {
		head := endingJSON(ExitUsage, remedy) + ","
		if r.jsonErr = r.problems.writeJSON(r.Out, head, r.Sheet.Name, e.Again, nil); r.jsonErr != nil {
			return
		}
		r.problems.record(r.out.keep)
	} else {
		r.problems.log(r.out)
	}
	if e.Refused {
		r.out.say(slog.LevelError, remedy, "refused", "error", remedy, "exit_code", int(ExitUsage))
	}
}

// asks reports whether a person must agree before anything is sent.
func (r *runner) asks() bool { return !r.yes && !r.sandbox && !r.Send.DryRun }

// Confirm implements job.Observer: it says what will happen, and asks where
// somebody must agree.
func (r *runner) Confirm(ctx context.Context, a job.Announcement) error {
	say := r.out.say
	if r.asks() {
		say = r.out.always // who is asked must see what about, --quiet or not
	}
	if message := a.Resuming(); message != "" {
		var attrs []any
		if !a.Active.IsZero() {
			attrs = append(attrs, "last_active", a.Active.UTC())
		}
		if a.Edited {
			attrs = append(attrs, "removed", a.Removed)
		}
		if a.Again > 0 {
			attrs = append(attrs, "again", a.Again)
		}
		say(slog.LevelInfo, message, "resuming", attrs...)
	}
	o := a.Overview
	sent, notSent := job.Columns(o)
	attrs := []any{
		"rows", a.Rows, "rate", r.client.Rate, "dry_run", r.Send.DryRun,
		"clears", o.Clears, "runs", o.Runs, "invalid", o.Invalid, "columns", sent, "not_sent", notSent,
	}
	if o.Statuses != nil {
		attrs = append(attrs, "statuses", o.Statuses)
	}
	if profile := r.flags.Lookup(profileFlag).Value.String(); profile != "" {
		attrs = append(attrs, "profile", profile)
	}
	say(slog.LevelInfo, a.String(), "announcement", attrs...)
	if !r.asks() {
		return nil
	}
	return r.ask(ctx, a)
}

// ask asks the person at the terminal. What cannot be undone, or is large,
// wants the tenant's name typed.
func (r *runner) ask(ctx context.Context, a job.Announcement) error {
	question, want := "Send them? [y/N] ", []string{"y", "yes"}
	if a.NameWanted() {
		question, want = fmt.Sprintf("Type the tenant's name (%s) to send them: ", r.Tenant.Name), []string{r.Tenant.Name}
	}
	answer, err := r.answer(ctx, question)
	if err == nil && !slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(answer, w) }) {
		err = usage("not confirmed: nothing was sent")
	}
	return err
}

func (r *runner) answer(ctx context.Context, question string) (answer string, err error) {
	r.out.ask(question)
	err = await(ctx, func() error {
		answer, _ = r.in.ReadString('\n')
		return nil
	})
	if err != nil && !r.out.json {
		r.out.ask("\n") // what follows is not to be on the question's line
	}
	return strings.TrimSpace(answer), err
}

// GoOn implements job.Observer: it asks what is to become of an unfinished run,
// where somebody can be asked.
func (r *runner) GoOn(ctx context.Context, run journal.RunDir) (bool, error) {
	found := fmt.Sprintf("%s: the run of this sheet in %s, begun %s, is unfinished", r.Sheet.Name, run.Dir, text.Minute(run.Info.StartedAt))
	again := r.command(r.path, "run-dir", "resume")
	if was := run.Info.Options["worksheet"]; was != "" && was != r.Sheet.Options.Worksheet {
		own, err := runnerOf(run.Info)
		if err != nil {
			return false, err
		}
		found += " (--worksheet " + text.ShellWord(was) + ")"
		again = own.command(r.path, "run-dir", "resume", "new", "limit")
	}
	if r.InTerminal && !r.yes {
		answer, err := r.answer(ctx, found+".\nGo on with it, begin a new one, or neither? [resume/new/N] ")
		if err != nil || strings.EqualFold(answer, "resume") || strings.EqualFold(answer, "new") {
			return strings.EqualFold(answer, "resume"), err
		}
	}
	another := r.command(r.path, "resume", "retry-failed")
	return false, usage("%s; nothing was sent%s\ngo on with it:     %s --resume --run-dir %s\nbegin another one: %s --new", found, text.ShellNote(again), again, text.ShellWord(run.Dir), another)
}

const keysHelp = "keys: p pauses and goes on, + and - change the rate, q stops (--resume goes on)"

// steer has the keys of the terminal steer the job, where somebody can press
// them and see what they do, until the function that it returns is called, once
// or more often.
func (r *runner) steer(ctx context.Context) (stop func()) {
	if !r.InTerminal || !r.show.Interactive() {
		return func() {}
	}
	stop, err := watchKeys(ctx, r.press)
	if err != nil { // it is a terminal of another kind
		return func() {}
	}
	r.out.say(slog.LevelInfo, keysHelp, "keys")
	return sync.OnceFunc(stop)
}

func (r *runner) press(key byte) {
	switch key {
	case 'p', 'P':
		if r.control.Paused() {
			r.control.Continue()
		} else {
			r.control.Pause()
		}
	case '+', '=':
		r.control.SetRate(nextRate(r.control.Rate(r.client.Rate), +1))
	case '-', '_':
		r.control.SetRate(nextRate(r.control.Rate(r.client.Rate), -1))
	case 'q', 'Q':
		r.control.Stop()
	}
}

// rates are those that the keys go through, in requests per second.
var rates = []float64{0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000}

// nextRate returns the rate above one or, for a step below 0, the one below it.
// No ceiling (0) is above all others.
func nextRate(rate float64, step int) float64 {
	at, found := slices.BinarySearch(rates, rate)
	switch {
	case rate == 0 && step < 0:
		return rates[len(rates)-1]
	case rate == 0:
		return 0
	case step < 0:
		return min(rate, rates[max(at-1, 0)])
	case found:
		at++
	}
	if at == len(rates) {
		return rate
	}
	return rates[at]
}

func (r *runner) stopping(e job.Draining) {
	text := "stopping: requests in flight are waited for, at most " + e.Wait.String()
	if !r.control.Stopped() {
		text += "; press Ctrl-C once more to end at once"
	}
	r.out.say(slog.LevelWarn, text, "stopping", "timeout", e.Wait)
}
