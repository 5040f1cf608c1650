package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
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
	}
	setFlags(c, f.groups()...)
	var typed map[string]bool
	c.Args = func(c *cobra.Command, args []string) error {
		// Arguments are looked at before the environment fills the flags.
		typed = typedFlags(c.Flags())
		return exactly(1, "one sheet")(c, args)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		r := &runner{Streams: s, runFlags: f, flags: c.Flags(), typed: typed, path: args[0]}
		return r.run()
	}
	return c
}

// runner carries out one run command.
type runner struct {
	Streams
	*runFlags
	flags *pflag.FlagSet
	typed map[string]bool // the flags of the command line itself
	path  string          // as given

	ctx      context.Context
	caught   func() ExitCode
	asked    <-chan os.Signal // for the state
	undo     []func() error   // what is to be closed, in the order of opening
	input    *input
	to       endpoint
	auth     api.Auth
	trusted  *x509.CertPool // root certificates beside the system's; nil for none
	sheet    *sheet.Sheet   // what rows are read from: the run's own copy once there is one
	rules    change.Rules
	overview *batch.Overview
	hash     string // of the sheet, SHA-256

	earlier *journal.Replay // of the run that goes on; nil for a new one
	same    bool            // it goes on with the very sheet, read in the same way, that its row numbers refer to
	dir     *journal.Run
	info    journal.Info
	journal *journal.Writer
	tally   batch.Tally
	due     int       // rows that were left to send or to read back when this session began
	total   int       // those of them that it may send
	away    time.Time // since when the tenant, as was said, cannot be reached
	client  *api.Client
	show    *report.Progress
	says    *printer
	sent    report.Requests // in this session
	summary *report.Summary // once there is one
}

func (r *runner) run() (err error) {
	if err := r.validate(); err != nil {
		return err
	}
	r.says = newPrinter(r.Err, r.logFlags)
	var stop func()
	r.ctx, r.caught, stop = r.Signals()
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
	defer func() { err = firstOf(err, r.close()) }()
	for _, step := range []func() error{r.aim, r.open, r.find, r.check, r.announce, r.connect, r.begin} {
		if err := step(); err != nil {
			if r.ctx.Err() != nil && errors.Is(err, context.Canceled) {
				code := r.caught()
				const said = "interrupted before anything was sent"
				r.says.say(slog.LevelError, said, "interrupted", "error", said, "exit_code", int(code))
				return silent(code)
			}
			return err
		}
	}
	ended, err := r.send()
	return r.finish(ended, err)
}

// later closes something at the end.
func (r *runner) later(undo func() error) { r.undo = append(r.undo, undo) }

// close undoes what was opened, the last first.
func (r *runner) close() error {
	var errs []error
	for i := len(r.undo) - 1; i >= 0; i-- {
		errs = append(errs, r.undo[i]())
	}
	r.undo = nil
	return errors.Join(errs...)
}

// offline reports whether the run needs no tenant at all.
func (r *runner) offline() bool { return r.dryRun && !r.compare }

// aim finds out where to send and as whom, before any work is done.
func (r *runner) aim() (err error) {
	if r.offline() && !r.sandbox && r.baseURL == "" && r.tenant == "" {
		if to, err := r.endpoint(r.Env); err == nil {
			r.to = to
		}
		return nil
	}
	if r.to, err = r.endpoint(r.Env); err != nil || r.offline() {
		return err
	}
	if r.trusted, err = r.roots(); err != nil {
		return err
	}
	r.auth, err = r.tenantFlags.auth(r.Env)
	return err
}

// open opens the sheet as it was given.
func (r *runner) open() (err error) {
	if r.path == "-" && !r.yes && !r.sandbox && !r.dryRun {
		return usage("a sheet from standard input needs --yes: there is nobody to ask")
	}
	if r.input, err = openInput(r.ctx, r.Streams, r.path); err != nil {
		return err
	}
	r.later(r.input.close)
	if r.sheet, r.rules, err = r.sheetFlags.open(r.input.path); err != nil {
		return err
	}
	stop := aimForMemory(r.Streams, r.sheet.Size())
	r.later(func() error { stop(); return nil })
	r.later(func() error { return r.sheet.Close() })
	return nil
}

// check checks the whole sheet. A resume with the very sheet that was checked
// before needs no second check, unless it must know which rows to leave out.
func (r *runner) check() error {
	if r.same && !r.skipInvalid {
		start := r.earlier.Last()
		r.overview = &batch.Overview{Rows: start.Rows, Valid: start.Rows, Clears: r.info.Clears, Runs: r.info.Runs}
		return nil
	}
	told := newProblems(r.asJSON)
	var err error
	if r.overview, err = batch.Check(r.ctx, r.sheet, r.rules, r.skipInvalid, told.add); err != nil {
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		return unreadable(r.input.name, err)
	}
	told.settle(r.overview)
	refused := !r.overview.Sendable(r.skipInvalid)
	if refused && r.asJSON {
		again := func(tell func(sheet.Problem)) error {
			_, err := batch.Check(r.ctx, r.sheet, r.rules, r.skipInvalid, tell)
			return err
		}
		if err := told.writeJSON(r.Out, r.input.name, r.overview, again); err != nil {
			return err
		}
	} else if err := told.say(r.says, r.overview); err != nil {
		return err
	}
	if refused {
		remedy := "nothing was sent: correct the sheet, or send its valid rows alone with --skip-invalid"
		if len(r.overview.Whole) > 0 {
			remedy = "nothing was sent: correct the sheet"
		}
		r.says.say(slog.LevelError, remedy, "refused", "error", remedy, "exit_code", int(ExitUsage))
		return silent(ExitUsage)
	}
	if r.hash == "" {
		r.hash = r.sheet.SHA256()
	}
	return nil
}

// announce says what will happen, and asks where somebody must agree.
func (r *runner) announce() error {
	rows := r.overview.Valid
	if r.same {
		for status, n := range r.earlier.Counts() {
			again := status == journal.Unknown || status == journal.Failed && r.retryFailed
			if !again && status != journal.Invalid {
				rows -= n
			}
		}
	}
	if r.limit > 0 {
		rows = min(rows, r.limit)
	}
	rows = max(rows, 0)
	asks := !r.yes && !r.sandbox && !r.dryRun
	say := r.says.say
	if asks && r.InTerminal {
		say = r.says.always // who is asked must see what about, --quiet or not
	}
	if r.dir != nil {
		text := "going on with " + r.dir.Dir()
		if r.earlier != nil && !r.same {
			text += ": the sheet was changed; of the rows below, those that were sent as they stand now are not sent again"
		}
		say(slog.LevelInfo, text, "resuming", "run_dir", r.dir.Dir())
	}
	say(slog.LevelInfo, r.announcement(rows), "announcement", r.announced(rows)...)
	switch {
	case !asks:
		return nil
	case !r.InTerminal:
		return usage("standard input is no terminal, so nobody can be asked: agree with --yes")
	}
	return confirm(r.ctx, r.In, r.says, r.to, r.overview, rows)
}
