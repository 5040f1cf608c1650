package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

func newReportCommand(s Streams) *cobra.Command {
	r := &reporter{Streams: s}
	c := &cobra.Command{
		Use:               "report RUN_DIR...",
		Short:             "Write a run's results, summary and page again from its journal",
		ValidArgsFunction: completeRun,
		RunE: func(_ *cobra.Command, args []string) error {
			return s.interruptible(func(ctx context.Context) error { return r.report(ctx, args) })
		},
	}
	setFlags(c, group("Output", func(flags *pflag.FlagSet) {
		flags.StringVarP(&r.output, "output", "o", "", "write the joined files of the runs of all parts of a sheet into this directory")
		registerResults(flags, &r.results, "that of the run")
		flags.BoolVar(&r.asJSON, "json", false, "the summary as one JSON document on standard output")
	}))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(nil, dirsOnly)) // there is such a flag
	return c
}

// reporter are the flags of report.
type reporter struct {
	Streams
	output, results string
	asJSON          bool
}

func (r *reporter) report(ctx context.Context, dirs []string) error {
	if err := validateResults(r.results); err != nil {
		return err
	}
	switch {
	case len(dirs) == 0:
		return usage("no run is named: use nermbulk report RUN_DIR, with the directory of a run, such as one under %s/", job.RunsRoot)
	case r.output != "":
		return r.join(ctx, dirs)
	case len(dirs) > 1:
		return usage("the runs of the parts of a sheet are joined into a directory of their own: add -o DIR")
	}
	return r.reportAgain(ctx, dirs[0])
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
func (r *reporter) reportAgain(ctx context.Context, dir string) error {
	summary, of, err := writeReport(ctx, dir, r.results)
	switch {
	case err != nil:
		return err
	case r.asJSON:
		return summary.WriteJSON(r.Out)
	}
	next := ""
	if of.result.Next != job.Report { // which this was
		next = of.nextCommand()
	}
	return summary.Print(r.Err, next)
}

// openRun locks a run that somebody has named.
func openRun(dir string) (*journal.Run, journal.Info, error) {
	run, info, err := journal.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = noRun(dir)
	}
	return run, info, err
}

// writeReport writes a run's files from its directory alone, and returns the
// command that made the run.
func writeReport(ctx context.Context, dir, results string) (summary report.Summary, r *runner, err error) {
	run, info, err := openRun(dir)
	if err != nil {
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
	r := &runner{path: info.Sheet, undoes: info.Undoes, flags: pflag.NewFlagSet("run", pflag.ContinueOnError)}
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
