package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

func newReportCommand(s Streams) *cobra.Command {
	r := &reporter{Streams: s}
	c := withFlags(&cobra.Command{
		Use:               "report RUN_DIR...",
		Short:             "Write a run's results, summary and page again from its journal",
		ValidArgsFunction: completeRun,
		RunE: func(_ *cobra.Command, args []string) error {
			return s.interruptible(func(ctx context.Context) error { return r.report(ctx, args) })
		},
	}, group("Output", func(flags *pflag.FlagSet) {
		flags.StringVarP(&r.output, "output", "o", "", "write the joined files of the runs of all parts of a sheet into this directory")
		registerResults(flags, &r.results, "that of the run")
		flags.BoolVar(&r.asJSON, "json", false, "the summary as one JSON document on standard output")
	}))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(nil, dirsOnly)) // there is such a flag
	return c
}

type reporter struct {
	Streams
	output  string
	results report.Form
	asJSON  bool
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

func registerResults(flags *pflag.FlagSet, results *report.Form, otherwise string) {
	flags.StringVar((*string)(results), "results", "", "the form of results, failed and undo: csv, xlsx or both (default: "+otherwise+")")
}

func validateResults(results report.Form) error {
	if results == "" {
		return nil
	}
	return oneOf("results", string(results), string(report.CSV), string(report.Workbook), string(report.Both))
}

// reportAgain writes a run's files again, and prints the summary.
func (r *reporter) reportAgain(ctx context.Context, dir string) error {
	summary, info, err := job.WriteReport(ctx, dir, r.results, sheetOfRun)
	switch {
	case err != nil:
		return err
	case r.asJSON:
		return summary.WriteJSON(r.Out)
	}
	next := ""
	if step := job.NextStep(summary, info.Host == sandboxHost); step != job.Report { // which this was
		next, err = nextOf(dir, info, summary, step)
	}
	return cmp.Or(err, summary.Print(r.Err, next))
}

// join writes the files of the runs of all parts of a sheet into one directory,
// as if they were one run, and prints their summary.
func (r *reporter) join(ctx context.Context, dirs []string) (err error) {
	shards, err := job.OpenShards(dirs)
	defer func() { err = cmp.Or(err, shards.Close()) }()
	if errors.Is(err, job.ErrNotBegun) {
		last := shards[len(shards)-1]
		next, nextErr := nextOf(last.Dir, last.Info, report.Summary{}, job.Resume)
		return cmp.Or(nextErr, usage("%w\ngo on with it: %s", err, next))
	}
	if err != nil {
		return err
	}
	if err := r.prepareOutput(); err != nil {
		return err
	}
	summary, err := shards.Join(ctx, r.output, r.results, sheetOfRun)
	switch {
	case err != nil:
		return err
	case r.asJSON:
		return summary.WriteJSON(r.Out)
	}
	var commands []string
	step, of := shards.Next(summary)
	for _, s := range of {
		next, nextErr := nextOf(s.Dir, s.Info, summary, step)
		err, commands = cmp.Or(err, nextErr), append(commands, next)
	}
	return cmp.Or(err, summary.Print(r.Err, strings.Join(commands, "\n")))
}

// prepareOutput makes the directory of the joined files. It may have those of an
// earlier report, and no others.
func (r *reporter) prepareOutput() error {
	if _, err := os.Lstat(filepath.Join(r.output, journal.InfoFileName)); err == nil {
		return usage("-o %s holds a run: name another directory", r.output)
	}
	if info, err := os.Stat(r.output); err == nil && !info.IsDir() {
		return usage("-o %s cannot be used: not a directory", r.output)
	}
	entries, err := os.ReadDir(r.output)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usage("-o %s cannot be used: %w", r.output, cause(err))
	}
	isReport := func(e fs.DirEntry) bool { return e.Name() == "summary.json" }
	if len(entries) > 0 && !slices.ContainsFunc(entries, isReport) {
		return usage("-o %s has other files than those of a report: name a new directory", r.output)
	}
	if err := journal.MakeDir(r.output); err != nil {
		return usage("-o %s cannot be made: %w", r.output, cause(err))
	}
	return nil
}

// nextOf is the command for the step after the run in dir.
func nextOf(dir string, info journal.Info, s report.Summary, step job.Next) (string, error) {
	r, err := runnerOf(info)
	if err != nil {
		return "", err
	}
	r.result = job.Result{Dir: dir, Summary: s, Settings: info.Options, Next: step}
	return r.nextCommand(), nil
}

// runnerOf returns the command that made a run, from what the run keeps of it.
func runnerOf(info journal.Info) (*runner, error) {
	r := newRunner(Streams{})
	r.path, r.Undoes = info.Sheet, info.Undoes
	if err := fill(r.flags, typed(info.Options)); err != nil {
		return nil, usage("run.json holds options that cannot be read: %w", err)
	}
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
	return r.sheet()
}
