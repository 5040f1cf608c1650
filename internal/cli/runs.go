package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

func newReportCommand(s Streams) *cobra.Command {
	var asJSON bool
	var results string
	c := &cobra.Command{
		Use:               "report RUN_DIR",
		Short:             "Write a run's results, summary and page again from its journal",
		Args:              exactly(1, "one run directory"),
		ValidArgsFunction: oneArgument(completeRun),
		RunE: func(_ *cobra.Command, args []string) error {
			return s.interruptible(func(ctx context.Context) error { return reportAgain(ctx, s, args[0], results, asJSON) })
		},
	}
	setFlags(c, group("Output", func(flags *pflag.FlagSet) {
		registerResults(flags, &results, "that of the run")
		flags.BoolVar(&asJSON, "json", false, "the summary as one JSON document on standard output")
	}))
	return c
}

// registerResults adds the flag of the form of a run's files.
func registerResults(flags *pflag.FlagSet, results *string, otherwise string) {
	flags.StringVar(results, "results", "", "the form of results, failed and undo: csv, xlsx or both (default: "+otherwise+")")
}

func validateResults(results string) error {
	switch report.Form(results) {
	case "", report.CSV, report.Workbook, report.Both:
		return nil
	}
	return usage("--results %q: use csv, xlsx or both", results)
}

// reportAgain writes a run's files again, and prints the summary.
func reportAgain(ctx context.Context, s Streams, dir, results string, asJSON bool) error {
	if err := validateResults(results); err != nil {
		return err
	}
	summary, r, err := writeReport(ctx, dir, results)
	switch {
	case err != nil:
		return err
	case asJSON:
		return summary.WriteJSON(s.Out)
	}
	next := ""
	if r.result.Next != job.Report { // which this was
		next = r.nextCommand()
	}
	return summary.Print(s.Err, next)
}

// writeReport writes a run's files from its directory alone, and returns the
// command that made the run.
func writeReport(ctx context.Context, dir, results string) (summary report.Summary, r *runner, err error) {
	run, info, err := journal.Open(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = usage("%s holds no run: name the directory of a run, such as one under %s/", dir, job.RunsRoot)
		}
		return summary, nil, err
	}
	defer func() { err = cmp.Or(err, run.Close()) }()
	if r, err = runnerOf(info); err != nil {
		return summary, nil, err
	}
	sheet, err := r.sheetFlags.sheet()
	if err = cmp.Or(err, sheet.UseKept(dir)); err != nil {
		return summary, nil, err
	}
	summary, err = report.FromDir(ctx, sheet.Open, report.Options{
		Dir: dir, Rules: sheet.Rules, Results: report.Form(cmp.Or(results, info.Results)),
		DryRun: info.DryRun, Compare: info.Options["compare"] == "true", Settings: info.Options,
	})
	if errors.Is(err, report.ErrNotBegun) {
		err = usage("%s: there is nothing to report on: %w", dir, err)
	}
	r.result = job.Result{Dir: dir, Summary: summary, Settings: info.Options, Next: job.NextStep(summary, info.Host == sandboxHost)}
	return summary, r, err
}

// runnerOf returns the command that made a run, from what the run keeps of it.
func runnerOf(info journal.Info) (*runner, error) {
	r := &runner{path: info.Sheet, flags: pflag.NewFlagSet("run", pflag.ContinueOnError)}
	r.flags.SortFlags = false
	for _, g := range r.groups() {
		r.flags.AddFlagSet(g.flags)
	}
	if err := fill(r.flags, source{value: func(flag string) (value, name string) { return info.Options[flag], flag }}); err != nil {
		return nil, usage("run.json holds options that cannot be read: %w", err)
	}
	r.flags.VisitAll(func(f *pflag.Flag) { f.Annotations = nil }) // as if all of them were typed
	if path, err := filepath.Abs(info.Sheet); info.SheetPath == "" {
		r.path = "-"
	} else if err != nil || path != info.SheetPath { // it was named from another directory
		r.path = info.SheetPath
	}
	return r, nil
}

// sheetOfRun returns how a run read its sheet, from its settings.
func sheetOfRun(settings map[string]string) (job.Sheet, error) {
	r, err := runnerOf(journal.Info{Options: settings})
	if err != nil {
		return job.Sheet{}, err
	}
	return r.sheetFlags.sheet()
}

func newPruneCommand(s Streams) *cobra.Command {
	var (
		keep      int
		olderThan string
	)
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove finished runs: they hold personal data",
		Args:  exactly(0, "no arguments"),
	}
	setFlags(c, group("Which runs stay", func(flags *pflag.FlagSet) {
		flags.IntVar(&keep, "keep", 0, "keep this many of the newest finished runs")
		flags.StringVar(&olderThan, "older-than", "", "keep those that ended less than this ago, e.g. 30d, 12h or 1d12h")
	}))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !c.Flags().Changed("keep") && olderThan == "" {
			return usage("nothing says which runs stay: use --keep N, --older-than D (such as 30d), or both")
		}
		if keep < 0 {
			return usage("--keep %d: use 0 or more", keep)
		}
		age, err := parseAge(olderThan)
		if err != nil {
			return usage("--older-than %q: use a time such as 30d, 12h or 1d12h", olderThan)
		}
		return prune(s, keep, age)
	}
	return c
}

// parseAge parses a duration that may begin with days: 30d, 1d12h, 90m. An
// empty one is 0.
func parseAge(s string) (time.Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16)
	age := time.Duration(n) * 24 * time.Hour
	if err != nil || rest == "" {
		return age, err
	}
	more, err := time.ParseDuration(rest)
	if err == nil && more < 0 {
		err = errors.New("below 0")
	}
	return age + more, err
}

// prune removes the finished runs that are beyond the newest keep and ended at
// least age ago. A run that cannot be removed does not stop it.
func prune(s Streams, keep int, age time.Duration) error {
	runs, err := journal.Runs(job.RunsRoot) // the newest first
	if err != nil {
		return err
	}
	runs = slices.DeleteFunc(runs, func(r journal.RunDir) bool { return !isFinished(r.Info) })
	runs = runs[min(keep, len(runs)):]
	runs = slices.DeleteFunc(runs, func(r journal.RunDir) bool {
		end := cmp.Or(r.Info.FinishedAt, &r.Info.StartedAt) // a dry run that was killed has no end
		return s.Now().Sub(*end) < age
	})
	if len(runs) == 0 {
		fmt.Fprintf(s.Err, "nothing to remove under %s/\n", job.RunsRoot)
	}
	var errs []error
	for _, run := range runs {
		switch removed, err := removeRun(run.Dir); {
		case err != nil:
			errs = append(errs, fmt.Errorf("remove %s: %w", run.Dir, err))
		case !removed:
			fmt.Fprintf(s.Err, "left %s: another process works on it\n", run.Dir)
		default:
			if _, err := fmt.Fprintf(s.Out, "removed %s (%s)\n", run.Dir, run.Info.Sheet); err != nil {
				return err
			}
		}
	}
	return errors.Join(errs...)
}

func isFinished(i journal.Info) bool { return i.Finished || i.DryRun }

// removeRun removes a run, unless another process works on it, or resumed it
// since the runs were listed.
func removeRun(dir string) (removed bool, err error) {
	run, info, err := journal.Open(dir)
	if _, locked := errors.AsType[*journal.LockedError](err); locked {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !isFinished(info) {
		return false, run.Close()
	}
	return true, run.Remove()
}
