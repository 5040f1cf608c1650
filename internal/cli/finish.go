package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

// finish closes the journal, writes the files a person reads and says how the
// run ended.
func (r *runner) finish(stop batch.Stop, sendErr error) error {
	code, err := r.closeJournal(stop, sendErr)
	summary, reportErr := r.report()
	if reportErr == nil {
		r.summary = &summary
	}
	if _, gone := os.Stat(r.dir.Dir()); errors.Is(gone, fs.ErrNotExist) {
		// To go on would be to begin anew.
		return &failure{ExitInternal, fmt.Errorf("%s was removed while the run went on, and what was sent with it: before any of these rows is sent again, look at %s what came of them", r.dir.Dir(), r.to.host)}
	}
	if err == nil && reportErr != nil {
		err, code = fmt.Errorf("the run's files could not be written (the journal holds every result; `nermbulk report %s` writes them again): %w", text.ShellWord(r.dir.Dir()), reportErr), ExitInternal
	}
	if err == nil {
		err = r.dir.Save(r.info)
	}
	if err != nil {
		return &failure{ExitInternal, fmt.Errorf("%w\ngo on with: %s", err, r.resumeCommand())}
	}
	if err := r.print(summary, code); err != nil {
		return err
	}
	if code != ExitOK {
		return silent(code)
	}
	return nil
}

// closeJournal counts what is in the journal, ends it and closes it.
func (r *runner) closeJournal(stop batch.Stop, sendErr error) (ExitCode, error) {
	err := firstOf(sendErr, r.journal.Flush())
	wrong := r.tally.Count(journal.Failed) + r.tally.Count(journal.Unknown) + r.tally.Count(journal.Invalid)
	// A failed or unknown row that was to be tried again is left too, though
	// it is not pending.
	left := max(r.due-r.tally.Session(), r.overview.Rows-r.tally.Done())
	if r.dryRun && (stop.Kind == batch.NotStopped || stop.Kind == batch.StoppedByLimit) {
		left = 0
	}
	code := exitCodeFor(stop.Kind, r.caught(), err, left, wrong)
	end := journal.End{At: r.Now(), ExitCode: int(code), Reason: stop.Reason, Finished: left <= 0 || r.dryRun}
	if left <= 0 && stop.Kind != batch.StoppedByCanary {
		end.Reason = ""
	}
	if err == nil {
		err = r.journal.Commit(end)
	}
	err = firstOf(err, r.journal.Close())
	if err != nil {
		code = ExitInternal
	}
	at := end.At.UTC()
	number := int(code)
	r.info.FinishedAt, r.info.ExitCode, r.info.Finished = &at, &number, end.Finished && err == nil
	return code, err
}

// report writes the files from the journal, as `nermbulk report` would. An
// interrupt does not keep it from that.
func (r *runner) report() (_ report.Summary, err error) {
	replay, err := journal.Load(r.dir.Dir())
	if err != nil {
		return report.Summary{}, err
	}
	defer func() { err = firstOf(err, replay.Close()) }()
	return report.Write(context.WithoutCancel(r.ctx), report.Options{
		Dir: r.dir.Dir(), Sheet: r.sheet, Replay: replay, DryRun: r.dryRun, Compare: r.compare,
		Settings: r.info.Options, Undo: undoRules(r.rules),
	})
}

// undoRules tells the report what it needs to know of the API's values.
func undoRules(rules change.Rules) report.UndoRules {
	return report.UndoRules{ClearMarker: rules.ClearMarker, Status: change.KnownStatus, Refused: change.Refused}
}

// print shows the summary: as JSON on standard output, for people on standard
// error.
func (r *runner) print(s report.Summary, code ExitCode) error {
	if r.asJSON {
		if err := s.WriteJSON(r.Out); err != nil {
			return err
		}
	}
	var text strings.Builder
	if err := s.Print(&text, r.nextCommand(code)); err != nil {
		return err
	}
	level := slog.LevelInfo
	if code != ExitOK {
		level = slog.LevelError
	}
	r.says.say(level, text.String(), "summary", r.summed(s, code)...)
	return nil
}

// nextCommand is what a person would type now.
func (r *runner) nextCommand(code ExitCode) string {
	switch {
	case r.dryRun:
		return r.command(r.path, "dry-run")
	case code == ExitStopped || code == ExitInterrupted || code == ExitTerminated:
		return r.resumeCommand()
	case r.tally.Count(journal.Failed)+r.tally.Count(journal.Invalid) > 0:
		return r.command(filepath.Join(r.dir.Dir(), "failed.csv"), "run-dir", "resume", "retry-failed", "limit", "skip-invalid")
	case r.tally.Count(journal.Unknown) > 0:
		return r.resumeCommand()
	case r.sandbox:
		return r.command(r.path, "sandbox", "run-dir", "resume", "retry-failed") + " --tenant NAME --dry-run"
	}
	return "nermbulk report " + text.ShellWord(r.dir.Dir())
}

func (r *runner) resumeCommand() string {
	return r.command(r.path, "run-dir", "resume", "limit") + " --resume --run-dir " + text.ShellWord(r.dir.Dir())
}

// command is this command line again for another sheet, without some flags.
func (r *runner) command(path string, without ...string) string {
	words := append([]string{"nermbulk", "run", text.ShellWord(path)}, flagWords(r.flags, func(f *pflag.Flag) bool {
		return r.typed[f.Name] && !slices.Contains(without, f.Name)
	})...)
	return strings.Join(words, " ")
}
