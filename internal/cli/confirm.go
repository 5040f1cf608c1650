package cli

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/batch"
	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// Confirm implements job.Observer: it says what will happen, and asks where
// somebody must agree.
func (r *runner) Confirm(ctx context.Context, a job.Announcement) error {
	asks := !r.yes && !r.sandbox && !r.send.DryRun
	say := r.out.say
	if asks && r.InTerminal {
		say = r.out.always // who is asked must see what about, --quiet or not
	}
	if a.Resumed != "" {
		message := "going on with " + a.Resumed
		attrs := []any{"run_dir", a.Resumed}
		if !a.Active.IsZero() {
			message += ", last active " + a.Active.UTC().Format("2006-01-02 15:04 UTC")
			attrs = append(attrs, "last_active", a.Active.UTC())
		}
		if a.Edited {
			message += ": the sheet was changed; rows that were sent as they are now are not sent again"
			attrs = append(attrs, "removed", a.Removed)
		}
		if a.Removed != (journal.Removed{}) {
			message += fmt.Sprintf("; sessions that it had before and has no more: %d sent, %d not yet sent (what was sent stays recorded)", a.Removed.Sent, a.Removed.NotSent)
		}
		if a.Again > 0 {
			message += "; sent again, since a later run has written their sessions: " + text.Count(a.Again, "row")
			attrs = append(attrs, "again", a.Again)
		}
		say(slog.LevelInfo, message, "resuming", attrs...)
	}
	o := a.Overview
	attrs := []any{
		"sheet", r.sheet.Name, "host", r.tenant.Host, "rows", a.Rows, "rate", r.client.Rate, "dry_run", r.send.DryRun,
		"clears", o.Clears, "runs", o.Runs, "invalid", o.Invalid,
	}
	if o.Statuses != nil {
		attrs = append(attrs, "statuses", o.Statuses)
	}
	say(slog.LevelInfo, r.announcement(a), "announcement", attrs...)
	switch {
	case !asks:
		return nil
	case !r.InTerminal:
		return usage("standard input is no terminal, so nobody can be asked: agree with --yes")
	}
	return r.ask(ctx, a)
}

// mostUnnamed is how many rows a simple yes is enough for.
const mostUnnamed = 1000

// ask asks the person at the terminal. What cannot be undone, or is large,
// wants the tenant's name typed.
func (r *runner) ask(ctx context.Context, a job.Announcement) error {
	question, want := "Send them? [y/N] ", []string{"y", "yes"}
	if a.Rows > mostUnnamed || a.Overview.Clears > 0 || a.Overview.Runs > 0 {
		question, want = fmt.Sprintf("Type the tenant's name (%s) to send them: ", r.tenant.Name), []string{r.tenant.Name}
	}
	answer, err := r.answer(ctx, question)
	if err == nil && !slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(answer, w) }) {
		err = usage("not confirmed: nothing was sent")
	}
	return err
}

// answer puts a question to the person at the terminal.
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
	found := fmt.Sprintf("%s: the run of this sheet in %s, begun %s, is unfinished", r.sheet.Name, run.Dir, run.Info.StartedAt.UTC().Format("2006-01-02 15:04 UTC"))
	if r.InTerminal && !r.yes {
		answer, err := r.answer(ctx, found+".\nGo on with it, begin a new one, or neither? [resume/new/N] ")
		if err != nil || strings.EqualFold(answer, "resume") || strings.EqualFold(answer, "new") {
			return strings.EqualFold(answer, "resume"), err
		}
	}
	again, another := r.command(r.path, "run-dir"), r.command(r.path)
	return false, usage("%s; nothing was sent\ngo on with it:     %s --resume --run-dir %s\nbegin another one: %s --new", found, again, text.ShellWord(run.Dir), another)
}

// overviewLines says what a sheet would change, a line each.
func overviewLines(o *batch.Overview) string {
	var b strings.Builder
	if len(o.Statuses) > 0 {
		names := mostFirst(o.Statuses)
		for i, s := range names {
			names[i] = fmt.Sprintf("%s %s", text.Number(o.Statuses[s]), s)
		}
		fmt.Fprintf(&b, "  status:  %s\n", strings.Join(names, ", "))
	}
	if o.Clears > 0 {
		fmt.Fprintf(&b, "  clears:  %s emptied\n", text.Count(o.Clears, "attribute"))
	}
	if o.Runs > 0 {
		fmt.Fprintf(&b, "  runs:    %s run (run=true)\n", text.Count(o.Runs, "session"))
	}
	if o.Invalid > 0 {
		fmt.Fprintf(&b, "  invalid: %s not sent\n", text.Count(o.Invalid, "row"))
	}
	return b.String()
}

// announcement says what is about to happen, on which host.
func (r *runner) announcement(a job.Announcement) string {
	name, host, rows := r.sheet.Name, r.tenant.Host, a.Rows
	if rows == 0 {
		return fmt.Sprintf("%s: nothing is left to send to %s\n", name, host)
	}
	verb := "are sent to"
	switch {
	case r.send.DryRun:
		verb = "would be sent to"
	case rows == 1:
		verb = "is sent to"
	}
	if host == "" {
		host = "no tenant (offline)"
	}
	lines := overviewLines(a.Overview)
	if rows != a.Overview.Valid && lines != "" {
		lines = fmt.Sprintf("  in all %s of the sheet:\n%s", text.Count(a.Overview.Valid, "row"), lines)
	}
	return fmt.Sprintf("%s: %s %s %s, %s\n%s", name, text.Count(rows, "row"), verb, host, r.howLong(rows), lines)
}

// howLong is the time that rows take at the permitted rate. With a comparison,
// a row that is sent takes a GET too.
func (r *runner) howLong(rows int) string {
	if r.client.Rate <= 0 {
		return "as fast as the tenant answers"
	}
	at := "about "
	if r.send.Compare && !r.send.DryRun {
		rows *= 2
		at = "at most about "
	}
	return fmt.Sprintf("%s%s at %g requests a second", at, roughly(time.Duration(float64(rows)/r.client.Rate*float64(time.Second))), r.client.Rate)
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Round(time.Second)/time.Second)))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute)/time.Minute))
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %02d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
}
