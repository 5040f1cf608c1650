package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

func newRunCommand(s Streams) *cobra.Command {
	r := &runner{Streams: s}
	return withFlags(&cobra.Command{
		Use:               "run SHEET",
		Short:             "Check a sheet, then send it: one PATCH for each row",
		Args:              exactly(1, "one sheet"),
		ValidArgsFunction: oneArgument(completeSheet),
		RunE: func(c *cobra.Command, args []string) error {
			r.flags, r.path = c.Flags(), args[0]
			r.open = func(ctx context.Context, do func(job.Sheet) error) error { return r.withSheet(ctx, s, r.path, do) }
			return r.run()
		},
	}, r.groups()...)
}

// runner drives one job for the run command, and is its observer.
type runner struct {
	Streams
	sheetFlags
	tenantFlags
	logFlags
	job.Options              // which options completes
	maxFailures, metricsFile string
	yes, asJSON              bool

	flags *pflag.FlagSet
	path  string // as given

	out      *printer
	asked    <-chan os.Signal // for the state
	in       *bufio.Reader    // answers
	problems *problems
	jsonErr  error // of writing the problems as one document
	show     *report.Progress
	control  job.Control
	steering func() (stop func()) // begins to listen to keys
	stopKeys func()
	result   job.Result
	metrics  metrics

	open func(context.Context, func(job.Sheet) error) error // calls a function with the sheet
}

// newRunner returns the run command, for what does not come from a command line.
func newRunner(s Streams) *runner {
	r := &runner{Streams: s, flags: pflag.NewFlagSet("run", pflag.ContinueOnError)}
	r.flags.SortFlags = false
	for _, g := range r.groups() {
		r.flags.AddFlagSet(g.flags)
	}
	return r
}

func (r *runner) groups() []flagGroup {
	return []flagGroup{
		group("The tenant", func(flags *pflag.FlagSet) {
			r.tenantFlags.register(flags)
			flags.BoolVar(&r.sandbox, "sandbox", false, "run against a simulated tenant in this process; needs no token and no --yes")
		}),
		group("How fast", func(flags *pflag.FlagSet) {
			flags.IntVar(&r.client.Workers, "workers", 8, "requests in flight")
			r.registerPace(flags, "row")
		}),
		group("Safety", r.registerSafety),
		group("Where the run is kept", func(flags *pflag.FlagSet) {
			flags.StringVar(&r.Dir, "run-dir", "", "keep the run here (default: runs/<sheet>-<UTC time>)")
			flags.BoolVar(&r.Resume, "resume", false, "go on with the unfinished run in --run-dir, or the newest one of this sheet; start one if there is none")
			flags.BoolVar(&r.New, "new", false, "begin a new run though an unfinished one of this sheet exists")
			flags.BoolVar(&r.Send.RetryFailed, "retry-failed", false, "with --resume: send the failed rows of the newest run again too")
		}),
		group("The sheet", func(flags *pflag.FlagSet) {
			r.sheetFlags.register(flags)
			flags.StringVar(&r.shard, shardFlag, "", "only the rows whose id falls into part I of N, 'I/N', or 'auto/N' by the number of this job in its cluster")
		}),
		group("Output", func(flags *pflag.FlagSet) {
			registerResults(flags, &r.Results, "csv for a CSV, both for a workbook")
			flags.StringVar(&r.metricsFile, metricsFlag, "", "write the run's figures here for Prometheus's textfile collector, which reads *.prom")
			r.logFlags.register(flags)
			flags.BoolVar(&r.asJSON, "json", false, "the summary (or the problems) as one JSON document on standard output")
		}),
	}
}

func (r *runner) registerSafety(flags *pflag.FlagSet) {
	flags.BoolVar(&r.Send.DryRun, "dry-run", false, "everything short of a PATCH: writes plan.csv")
	flags.BoolVar(&r.Send.Compare, "compare", false, "read each session first: send only what differs, and keep what is overwritten in undo.csv")
	flags.BoolVar(&r.IfUnchanged, "if-unchanged", false, "with --compare, which it switches on: send a row only if its session is as old as the row's updated_at, which an export has")
	flags.IntVar(&r.Send.Canary, "canary", 0, "send this many rows first, one by one, and read each back; go on only if all are right")
	flags.StringVar(&r.maxFailures, "max-failures", "100", "stop after this many failed and unknown rows, or share of the rows (5%); 0 = never")
	flags.IntVar(&r.Send.Limit, "limit", 0, "send at most this many rows, then stop; --resume goes on")
	flags.DurationVar(&r.Send.MaxDuration, "max-duration", 0, "stop when it has been sending for that long; --resume goes on")
	flags.BoolVar(&r.Send.SkipInvalid, "skip-invalid", false, "send the valid rows of a sheet that has invalid ones")
	flags.BoolVar(&r.yes, "yes", false, "do not ask; required where standard input is no terminal")
}

// validate refuses values that make no sense, each with its remedy.
func (r *runner) validate() error {
	switch {
	case r.client.Workers < 1 || r.client.Workers > 1000:
		return usage("--workers %d: use 1 to 1000", r.client.Workers)
	case r.Send.Canary < 0:
		return usage("--canary %d: use 0 or more", r.Send.Canary)
	case r.Send.Limit < 0:
		return usage("--limit %d: use 0 or more", r.Send.Limit)
	case r.Send.MaxDuration < 0:
		return usage("--max-duration %s: use a time of 0 or more, such as 6h", r.Send.MaxDuration)
	case r.Send.RetryFailed && !r.Resume:
		return usage("--retry-failed sends the failed rows of an earlier run: use it with --resume")
	case r.Resume && r.New:
		return usage("--resume goes on with a run, and --new begins another one: use one of them")
	case r.Resume && r.Send.DryRun:
		return usage("a dry run leaves nothing to resume: use --dry-run without --resume")
	}
	if r.IfUnchanged {
		_ = r.flags.Lookup("compare").Value.Set("true") // not as if it were typed
	}
	return cmp.Or(r.tenantFlags.validate(), validateResults(r.Results), r.parseMaxFailures(), r.findShard())
}

func (r *runner) parseMaxFailures() error {
	var ok bool
	if share, isShare := strings.CutSuffix(r.maxFailures, "%"); isShare {
		r.MaxFailures.Share, ok = percentage(share)
	} else {
		rows, err := strconv.Atoi(r.maxFailures)
		r.MaxFailures.Rows, ok = rows, err == nil && rows >= 0
	}
	if !ok {
		return usage("--max-failures %q: use a number of rows or a percentage, such as 100 or 5%%", r.maxFailures)
	}
	return nil
}

func (r *runner) run() (err error) {
	if r.out, err = openPrinter(r.Err, r.logFlags); err != nil {
		return err
	}
	defer func() { err = r.out.close(withOrigin(r.flags, err)) }()
	r.out.known.set("sheet", r.sheetName())
	if job.Written(r.path) && !isTyped(r.flags.Lookup(metricsFlag)) {
		r.metricsFile = ""
	}
	if r.metricsFile != "" {
		if err := r.beginMetrics(); err != nil {
			return err
		}
		defer func() { err = r.endMetrics(err) }()
	}
	if err := r.validate(); err != nil {
		return err
	}
	r.problems, r.in = newProblems(r.asJSON), bufio.NewReader(r.In)
	ctx, caught, stop := r.Signals()
	defer stop()
	if r.StateAsked != nil {
		r.asked, stop = r.StateAsked()
		defer stop()
	}
	return r.finish(ctx, caught, r.runJob(ctx, caught))
}

// sheetName is what the sheet is called.
func (r *runner) sheetName() string {
	if r.path == "-" {
		return stdinName
	}
	return r.path
}

func (r *runner) runJob(ctx context.Context, caught func() ExitCode) (err error) {
	if r.Tenant, err = r.resolveTenant(r.Env, r.Send.DryRun && !r.Send.Compare); err != nil {
		return err
	}
	r.out.known.set("host", r.Tenant.Host)
	r.warn(r.out)
	switch { // before the tenant is asked for anything
	case !r.asks():
	case r.path == "-":
		return usage("a sheet from standard input needs --yes: there is nobody to ask")
	case !r.InTerminal:
		return usage("standard input is no terminal, so nobody can be asked: agree with --yes")
	}
	return r.open(ctx, func(sh job.Sheet) (err error) {
		r.Sheet = sh
		r.limitMemory()
		r.Tenant.Client.Log = r.out.client()
		r.steering, r.stopKeys = func() func() { return r.steer(ctx) }, func() {}
		defer func() { r.stopKeys() }() // a panic too leaves the terminal as it was
		o := r.options()
		o.Caught, o.Observer, o.Control = caught, r, &r.control
		r.result, err = job.Run(ctx, o)
		return err
	})
}

// options is the job of these flags, with the sheet and the tenant.
func (r *runner) options() job.Options {
	o := r.Options
	o.Settings, o.Sources, o.Profile = settings(r.flags), sourcesOf(r.flags), profileOf(r.flags)
	o.Version, o.Operator, o.Undoes, o.Now = version(), operator(), absolute(r.Undoes), r.Streams.Now
	return o
}

// finish says how the job ended.
func (r *runner) finish(ctx context.Context, caught func() ExitCode, err error) error {
	switch {
	case err == nil:
		return r.print(r.result.Summary, r.result.Code)
	case errors.Is(err, job.ErrRefused):
		return cmp.Or(r.jsonErr, said(ExitUsage, err.Error()))
	case r.result.Next == job.Resume:
		return &failure{ExitInternal, fmt.Errorf("%w\ngo on with: %s", explain(err, r.result.Dir), r.nextCommand())}
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		code := caught()
		const why = "interrupted before anything was sent"
		r.out.say(slog.LevelError, why, "interrupted", "error", why, "exit_code", int(code))
		return said(code, why)
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
		if files[f.Name] == "" {
			files[f.Name] = f.Path
		} else {
			files[f.Name+"_xlsx"] = f.Path
		}
	}
	attrs := []any{
		"exit_code", int(code), "rows", s.Rows, "dry_run", s.DryRun,
		"outcomes", s.Outcomes, "requests", s.Requests, "latency_ms", s.Latency, "failures", s.Failures,
		"files", files, "next", next,
	}
	if s.Reason != "" {
		attrs = append(attrs, "reason", s.Reason)
	}
	if len(s.Notes) > 0 {
		attrs = append(attrs, "notes", s.Notes)
	}
	r.out.say(level, b.String(), "summary", attrs...)
	return said(code, "see the summary")
}

// nextCommand is what a person would type now.
func (r *runner) nextCommand() string {
	dir := r.result.Dir
	switch r.result.Next {
	case job.SendNow:
		next := r.command(r.path, "dry-run", "run-dir")
		if r.Dir != "" { // the rehearsal stays
			next += " --run-dir " + text.ShellWord(freeBeside(r.Dir))
		}
		return next
	case job.Resume:
		return r.command(r.path, "run-dir", "resume", "new", "limit") + " --resume --run-dir " + text.ShellWord(dir)
	case job.RetryFailed:
		return r.command(r.path, "run-dir", "resume", "new", "limit", "retry-failed") + " --resume --retry-failed --run-dir " + text.ShellWord(dir)
	case job.FixFailed:
		// It is read as it was written: what read the sheet does not read it. What
		// its cells mean is typed: a settings file does not hold for it. The
		// figures stay those of the sheet.
		next := r.command(r.result.Summary.FileToEdit("failed"), "run-dir", "resume", "new", "retry-failed", "limit", "skip-invalid",
			"encoding", "delimiter", "worksheet", "hidden-rows", "map", "date", "value", "where", shardFlag, metricsFlag)
		for _, name := range []string{"map", "date", "value"} {
			for value := range strings.FieldsFuncSeq(r.result.Settings[name], func(c rune) bool { return c == '\n' }) {
				next += " --" + name + " " + text.ShellWord(value)
			}
		}
		return next
	case job.Rehearse:
		if r.Undoes != nil { // on its own tenant alone
			break
		}
		return r.command(r.path, "sandbox", "run-dir", "resume", "new", "retry-failed") + " --tenant NAME --dry-run"
	}
	return "nermbulk report " + text.ShellPath(dir)
}

// command is this command line again for another sheet, without some flags.
func (r *runner) command(path string, without ...string) string {
	words := []string{"nermbulk", "run", text.ShellPath(path)}
	if r.Undoes != nil {
		if without = append(without, "only", "where"); path == r.path {
			words = undoWords(r.Undoes)
		}
	}
	return strings.Join(append(words, flagWords(r.flags, func(f *pflag.Flag) bool {
		return (isTyped(f) || sourceOf(f) == sourceRun) && !slices.Contains(without, f.Name)
	})...), " ")
}
