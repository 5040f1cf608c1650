package cli

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

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
		"rows", a.Rows, "rate", r.client.Rate, "dry_run", r.send.DryRun,
		"clears", o.Clears, "runs", o.Runs, "invalid", o.Invalid, "columns", sent, "not_sent", notSent,
	}
	if o.Statuses != nil {
		attrs = append(attrs, "statuses", o.Statuses)
	}
	if profile := r.flags.Lookup(profileFlag).Value.String(); profile != "" {
		attrs = append(attrs, "profile", profile)
	}
	say(slog.LevelInfo, a.String(), "announcement", attrs...)
	switch {
	case !asks:
		return nil
	case !r.InTerminal:
		return usage("standard input is no terminal, so nobody can be asked: agree with --yes")
	}
	return r.ask(ctx, a)
}

// ask asks the person at the terminal. What cannot be undone, or is large,
// wants the tenant's name typed.
func (r *runner) ask(ctx context.Context, a job.Announcement) error {
	question, want := "Send them? [y/N] ", []string{"y", "yes"}
	if a.NameWanted() {
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
	found := fmt.Sprintf("%s: the run of this sheet in %s, begun %s, is unfinished", r.sheet.Name, run.Dir, text.Minute(run.Info.StartedAt))
	if r.InTerminal && !r.yes {
		answer, err := r.answer(ctx, found+".\nGo on with it, begin a new one, or neither? [resume/new/N] ")
		if err != nil || strings.EqualFold(answer, "resume") || strings.EqualFold(answer, "new") {
			return strings.EqualFold(answer, "resume"), err
		}
	}
	again, another := r.command(r.path, "run-dir"), r.command(r.path)
	return false, usage("%s; nothing was sent\ngo on with it:     %s --resume --run-dir %s\nbegin another one: %s --new", found, again, text.ShellWord(run.Dir), another)
}
