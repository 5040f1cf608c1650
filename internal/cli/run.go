package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

func newRunCommand(s Streams) *cobra.Command {
	f := &runFlags{}
	c := &cobra.Command{
		Use:   "run SHEET",
		Short: "Check a sheet, then send it: one PATCH for each row",
		Long: `Run checks the whole sheet, says what will happen and on which host, sends each row
as one PATCH to its workflow session, and leaves a run directory with one recorded
result for each row. SHEET is a path, or - for standard input.`,
		Example: `  # a whole run against a simulated tenant
  nermbulk run samples/sessions.csv --sandbox

  # against a real one; the token is in NERM_TOKEN
  nermbulk run sessions.csv --tenant acme

  # every night, from cron: go on with what was interrupted, never ask
  nermbulk run sessions.csv --tenant acme --yes --resume`,
		Args:              exactly(1, "one sheet"),
		ValidArgsFunction: oneArgument(completeSheet),
	}
	setFlags(c, f.groups()...)
	c.RunE = func(c *cobra.Command, args []string) error {
		r := &runner{Streams: s, runFlags: f, flags: c.Flags(), path: args[0]}
		return r.run()
	}
	return c
}

// runner drives one job for the run command, and is its observer.
type runner struct {
	Streams
	*runFlags
	flags *pflag.FlagSet
	path  string // as given

	out      *printer
	asked    <-chan os.Signal // for the state
	in       *bufio.Reader    // answers
	sheet    job.Sheet
	tenant   job.Tenant
	problems *problems
	jsonErr  error // of writing the problems as one document
	show     *report.Progress
	result   job.Result
}

func (r *runner) run() (err error) {
	if err := r.validate(); err != nil {
		return err
	}
	r.out, r.problems, r.in = newPrinter(r.Err, r.logFlags), newProblems(r.asJSON), bufio.NewReader(r.In)
	ctx, caught, stop := r.Signals()
	defer stop()
	r.asked, stop = r.stateAsked()
	defer stop()
	if r.metricsFile != "" {
		if err := writable(r.metricsFile); err != nil {
			return usage("--metrics-file %s: %w", r.metricsFile, err)
		}
		began := r.Now()
		defer func() { err = r.writeMetrics(began, err) }()
	}
	return r.finish(ctx, caught, r.runJob(ctx, caught))
}

func (r *runner) runJob(ctx context.Context, caught func() ExitCode) (err error) {
	if r.tenant, err = r.resolveTenant(r.Env, r.send.DryRun && !r.send.Compare); err != nil {
		return err
	}
	if r.path == "-" && !r.yes && !r.sandbox && !r.send.DryRun {
		return usage("a sheet from standard input needs --yes: there is nobody to ask")
	}
	in, err := openInput(ctx, r.Streams, r.path)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, in.close()) }()
	if r.sheet, err = r.sheetFlags.sheet(in); err != nil {
		return err
	}
	r.limitMemory()
	r.tenant.Client.Log = r.out.client()
	r.result, err = job.Run(ctx, job.Options{
		Sheet: r.sheet, Tenant: r.tenant, Send: r.send, MaxFailures: r.failureLimit,
		Dir: r.runDir, Resume: r.resume, New: r.fresh, Settings: settings(r.flags), Version: version(),
		Now: r.Now, Caught: caught, Observer: r,
	})
	return err
}

// finish says how the job ended.
func (r *runner) finish(ctx context.Context, caught func() ExitCode, err error) error {
	switch {
	case err == nil:
		return r.print(r.result.Summary, r.result.Code)
	case errors.Is(err, job.ErrRefused):
		return cmp.Or[error](r.jsonErr, silent(ExitUsage))
	case r.result.Next == job.Resume:
		return &failure{ExitInternal, fmt.Errorf("%w\ngo on with: %s", explain(err, r.result.Dir), r.nextCommand())}
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		code := caught()
		const said = "interrupted before anything was sent"
		r.out.say(slog.LevelError, said, "interrupted", "error", said, "exit_code", int(code))
		return silent(code)
	}
	return explain(err, r.result.Dir)
}

// print shows the summary: as JSON on standard output, for people on standard
// error.
func (r *runner) print(s report.Summary, code ExitCode) error {
	if r.asJSON {
		if err := s.WriteJSON(r.Out); err != nil {
			return err
		}
	}
	next := r.nextCommand()
	var b strings.Builder
	if err := s.Print(&b, next); err != nil {
		return err
	}
	level := slog.LevelInfo
	if code != ExitOK {
		level = slog.LevelError
	}
	files := map[string]string{}
	for _, f := range s.Files {
		files[f.Name] = f.Path
	}
	attrs := []any{
		"exit_code", int(code), "sheet", s.Sheet, "host", s.Host, "run_dir", r.result.Dir, "rows", s.Rows, "dry_run", s.DryRun,
		"outcomes", s.Outcomes, "requests", s.Requests, "latency_ms", s.Latency, "failures", s.Failures,
		"files", files, "next", next,
	}
	if s.Reason != "" {
		attrs = append(attrs, "reason", s.Reason)
	}
	r.out.say(level, b.String(), "summary", attrs...)
	if code != ExitOK {
		return silent(code)
	}
	return nil
}

// nextCommand is what a person would type now.
func (r *runner) nextCommand() string {
	dir := r.result.Dir
	switch r.result.Next {
	case job.SendNow:
		return r.command(r.path, "dry-run")
	case job.Resume:
		return r.command(r.path, "run-dir", "resume", "new", "limit") + " --resume --run-dir " + text.ShellWord(dir)
	case job.FixFailed:
		return r.command(filepath.Join(dir, "failed.csv"), "run-dir", "resume", "new", "retry-failed", "limit", "skip-invalid")
	case job.Rehearse:
		return r.command(r.path, "sandbox", "run-dir", "resume", "new", "retry-failed") + " --tenant NAME --dry-run"
	}
	return "nermbulk report " + text.ShellWord(dir)
}

// command is this command line again for another sheet, without some flags.
func (r *runner) command(path string, without ...string) string {
	words := append([]string{"nermbulk", "run", text.ShellWord(path)}, flagWords(r.flags, func(f *pflag.Flag) bool {
		return isTyped(f) && !slices.Contains(without, f.Name)
	})...)
	return strings.Join(words, " ")
}
