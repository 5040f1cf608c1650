package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

func newReportCommand(s Streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "report RUN_DIR",
		Short: "Write a run's results, summary and page again from its journal",
		Long: `Report writes results.csv, failed.csv, summary.json and report.html of a run again from
its journal, and prints the summary. It sends nothing and needs no tenant. The exit
code is 0, whatever the rows ended in.`,
		Example:           "  nermbulk report runs/sessions-20260115T220000Z",
		Args:              exactly(1, "one run directory"),
		ValidArgsFunction: oneArgument(completeRun),
		RunE: func(_ *cobra.Command, args []string) error {
			return s.interruptible(func(ctx context.Context) error { return reportAgain(ctx, s, args[0], asJSON) })
		},
	}
	setFlags(c, group("Output", func(flags *pflag.FlagSet) {
		flags.BoolVar(&asJSON, "json", false, "the summary as one JSON document on standard output")
	}))
	return c
}

// reportAgain writes a run's files from its directory alone.
func reportAgain(ctx context.Context, s Streams, dir string, asJSON bool) (err error) {
	run, info, err := journal.Open(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return usage("%s holds no run: name the directory of a run, such as one under %s/", dir, job.RunsRoot)
		}
		return err
	}
	defer func() { err = cmp.Or(err, run.Close()) }()
	f, err := sheetFlagsOf(info.Options)
	if err != nil {
		return err
	}
	sheet, err := f.sheet(&input{})
	if err != nil {
		return err
	}
	summary, err := report.FromDir(ctx, sheet.Open, report.Options{
		Dir: dir, Rules: sheet.Rules, DryRun: info.DryRun, Compare: info.Options["compare"] == "true", Settings: info.Options,
	})
	switch {
	case errors.Is(err, report.ErrNotBegun):
		return usage("%s: there is nothing to report on: %w", dir, err)
	case err != nil:
		return err
	}
	if asJSON {
		return summary.WriteJSON(s.Out)
	}
	return summary.Print(s.Err, "")
}

// sheetFlagsOf returns how a run read its sheet, from its settings.
func sheetFlagsOf(settings map[string]string) (*sheetFlags, error) {
	f := &sheetFlags{}
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	f.register(flags)
	err := fill(flags, func(flag string) (value, name string, ok bool) {
		return settings[flag], flag, settings[flag] != ""
	})
	if err != nil {
		return nil, usage("run.json holds options that cannot be read: %w", err)
	}
	return f, nil
}
