package cli

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"nermbulk/internal/job"
)

// runFlags are the flags of run.
type runFlags struct {
	sheetFlags
	tenantFlags
	paceFlags
	logFlags
	workers, canary, limit            int
	maxFailures                       string
	dryRun, compare, skipInvalid, yes bool
	runDir                            string
	resume, retryFailed               bool
	metricsFile                       string
	asJSON                            bool
	failureLimit                      job.FailureLimit // from maxFailures
}

func (f *runFlags) groups() []flagGroup {
	return []flagGroup{
		group("The tenant", func(flags *pflag.FlagSet) {
			f.tenantFlags.register(flags)
			flags.BoolVar(&f.sandbox, "sandbox", false, "run against a simulated tenant in this process; needs no token and no --yes")
		}),
		group("How fast", func(flags *pflag.FlagSet) {
			flags.IntVar(&f.workers, "workers", 8, "requests in flight")
			f.paceFlags.register(flags, "row")
		}),
		group("Safety", f.registerSafety),
		group("Where the run is kept", func(flags *pflag.FlagSet) {
			flags.StringVar(&f.runDir, "run-dir", "", "keep the run here (default: runs/<sheet>-<UTC time>)")
			flags.BoolVar(&f.resume, "resume", false, "go on with the unfinished run in --run-dir, or the newest one of this sheet; start one if there is none")
			flags.BoolVar(&f.retryFailed, "retry-failed", false, "with --resume: send the failed rows of the newest run again too")
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
	flags.BoolVar(&f.dryRun, "dry-run", false, "everything short of a PATCH: writes plan.csv")
	flags.BoolVar(&f.compare, "compare", false, "read each session first: send only what differs, and keep what is overwritten in undo.csv")
	flags.IntVar(&f.canary, "canary", 0, "send this many rows first, one by one, and read each back; go on only if all are right")
	flags.StringVar(&f.maxFailures, "max-failures", "100", "stop after this many failed and unknown rows, or share of the rows (5%); 0 = never")
	flags.IntVar(&f.limit, "limit", 0, "send at most this many rows, then stop; --resume goes on")
	flags.BoolVar(&f.skipInvalid, "skip-invalid", false, "send the valid rows of a sheet that has invalid ones")
	flags.BoolVar(&f.yes, "yes", false, "do not ask; required where standard input is no terminal")
}

// validate refuses values that make no sense, each with its remedy.
func (f *runFlags) validate() error {
	switch {
	case f.workers < 1 || f.workers > 1000:
		return usage("--workers %d: use 1 to 1000", f.workers)
	case f.canary < 0:
		return usage("--canary %d: use 0 or more", f.canary)
	case f.limit < 0:
		return usage("--limit %d: use 0 or more", f.limit)
	case f.retryFailed && !f.resume:
		return usage("--retry-failed sends the failed rows of an earlier run: use it with --resume")
	case f.resume && f.dryRun:
		return usage("a dry run leaves nothing to resume: use --dry-run without --resume")
	}
	return cmp.Or(f.paceFlags.validate(), f.logFlags.validate(), f.tenantFlags.validate(), f.parseMaxFailures())
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

// pace and guards are the flags as a job takes them.
func (f *runFlags) pace() job.Pace {
	return job.Pace{Workers: f.workers, Rate: f.rate, Timeout: f.timeout, MaxAttempts: f.maxAttempts, OutageWait: f.outageWait}
}

func (f *runFlags) guards() job.Guards {
	return job.Guards{Limit: f.limit, Canary: f.canary, MaxFailures: f.failureLimit}
}

// paceFlags say how fast and how patiently requests are sent.
type paceFlags struct {
	rate                float64
	timeout, outageWait time.Duration
	maxAttempts         int
}

// register adds the flags; an attempt is one request of what.
func (f *paceFlags) register(flags *pflag.FlagSet, what string) {
	flags.Float64Var(&f.rate, "rate", 10, "requests per second, every attempt counted; 0 = no ceiling")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "for one attempt")
	flags.IntVar(&f.maxAttempts, "max-attempts", 5, "attempts for one "+what)
	flags.DurationVar(&f.outageWait, "outage-wait", 5*time.Minute, "how long to wait for a tenant that cannot be reached before stopping")
}

func (f *paceFlags) validate() error {
	switch {
	case f.rate < 0 || math.IsNaN(f.rate) || math.IsInf(f.rate, 0):
		return usage("--rate %g: use a number of requests per second, or 0 for no ceiling", f.rate)
	case f.timeout <= 0:
		return usage("--timeout %s: use a time above 0, such as 30s", f.timeout)
	case f.maxAttempts < 1:
		return usage("--max-attempts %d: it takes at least 1 attempt", f.maxAttempts)
	case f.outageWait < 0:
		return usage("--outage-wait %s: use a time of 0 or more, such as 5m", f.outageWait)
	}
	return nil
}
