package cli

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"nermbulk/internal/batch"
	"nermbulk/internal/job"
)

// runFlags are the flags of run.
type runFlags struct {
	sheetFlags
	tenantFlags
	logFlags
	send                             batch.Options // its limits and choices
	maxFailures, runDir, metricsFile string
	failureLimit                     job.FailureLimit // from maxFailures
	resume, fresh, yes, asJSON       bool
}

func (f *runFlags) groups() []flagGroup {
	return []flagGroup{
		group("The tenant", func(flags *pflag.FlagSet) {
			f.tenantFlags.register(flags)
			flags.BoolVar(&f.sandbox, "sandbox", false, "run against a simulated tenant in this process; needs no token and no --yes")
		}),
		group("How fast", func(flags *pflag.FlagSet) {
			flags.IntVar(&f.client.Workers, "workers", 8, "requests in flight")
			f.registerPace(flags, "row")
		}),
		group("Safety", f.registerSafety),
		group("Where the run is kept", func(flags *pflag.FlagSet) {
			flags.StringVar(&f.runDir, "run-dir", "", "keep the run here (default: runs/<sheet>-<UTC time>)")
			flags.BoolVar(&f.resume, "resume", false, "go on with the unfinished run in --run-dir, or the newest one of this sheet; start one if there is none")
			flags.BoolVar(&f.fresh, "new", false, "begin a new run though an unfinished one of this sheet exists")
			flags.BoolVar(&f.send.RetryFailed, "retry-failed", false, "with --resume: send the failed rows of the newest run again too")
		}),
		group("The sheet", f.sheetFlags.register),
		group("Output", func(flags *pflag.FlagSet) {
			flags.StringVar(&f.metricsFile, "metrics-file", "", "write the run's figures here for Prometheus's textfile collector, which reads *.prom")
			f.logFlags.register(flags)
			flags.BoolVar(&f.asJSON, "json", false, "the summary (or the problems) as one JSON document on standard output")
		}),
	}
}

func (f *runFlags) registerSafety(flags *pflag.FlagSet) {
	flags.BoolVar(&f.send.DryRun, "dry-run", false, "everything short of a PATCH: writes plan.csv")
	flags.BoolVar(&f.send.Compare, "compare", false, "read each session first: send only what differs, and keep what is overwritten in undo.csv")
	flags.IntVar(&f.send.Canary, "canary", 0, "send this many rows first, one by one, and read each back; go on only if all are right")
	flags.StringVar(&f.maxFailures, "max-failures", "100", "stop after this many failed and unknown rows, or share of the rows (5%); 0 = never")
	flags.IntVar(&f.send.Limit, "limit", 0, "send at most this many rows, then stop; --resume goes on")
	flags.BoolVar(&f.send.SkipInvalid, "skip-invalid", false, "send the valid rows of a sheet that has invalid ones")
	flags.BoolVar(&f.yes, "yes", false, "do not ask; required where standard input is no terminal")
}

// validate refuses values that make no sense, each with its remedy.
func (f *runFlags) validate() error {
	switch {
	case f.client.Workers < 1 || f.client.Workers > 1000:
		return usage("--workers %d: use 1 to 1000", f.client.Workers)
	case f.send.Canary < 0:
		return usage("--canary %d: use 0 or more", f.send.Canary)
	case f.send.Limit < 0:
		return usage("--limit %d: use 0 or more", f.send.Limit)
	case f.send.RetryFailed && !f.resume:
		return usage("--retry-failed sends the failed rows of an earlier run: use it with --resume")
	case f.resume && f.fresh:
		return usage("--resume goes on with a run, and --new begins another one: use one of them")
	case f.resume && f.send.DryRun:
		return usage("a dry run leaves nothing to resume: use --dry-run without --resume")
	}
	return cmp.Or(f.validatePace(), f.logFlags.validate(), f.tenantFlags.validate(), f.parseMaxFailures())
}

func (f *runFlags) parseMaxFailures() error {
	text, percent := strings.CutSuffix(f.maxFailures, "%")
	share, shareErr := strconv.ParseFloat(strings.TrimSpace(text), 64)
	rows, rowsErr := strconv.Atoi(text)
	switch {
	case percent && shareErr == nil && share >= 0 && share <= 100:
		f.failureLimit.Share = share / 100
	case !percent && rowsErr == nil && rows >= 0:
		f.failureLimit.Rows = rows
	default:
		return usage("--max-failures %q: use a number of rows or a percentage, such as 100 or 5%%", f.maxFailures)
	}
	return nil
}
