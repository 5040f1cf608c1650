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
