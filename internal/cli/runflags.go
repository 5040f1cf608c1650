package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
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
	mostFailures                      int     // from maxFailures, as a number
	mostFailuresShare                 float64 // or as a share of the rows
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
	return firstOf(f.paceFlags.validate(), f.logFlags.validate(), f.tenantFlags.validate(), f.parseMaxFailures())
}

func (f *runFlags) parseMaxFailures() error {
	text, percent := strings.CutSuffix(f.maxFailures, "%")
	if percent {
		share, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(share >= 0 && share <= 100) {
			return usage("--max-failures %q: use a number of rows or a percentage, such as 100 or 5%%", f.maxFailures)
		}
		f.mostFailuresShare = share / 100
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return usage("--max-failures %q: use a number of rows or a percentage, such as 100 or 5%%", f.maxFailures)
	}
	f.mostFailures = n
	return nil
}

// failureCeiling is the number of rows that may fail of a sheet of that many;
// 0 = no ceiling.
func (f *runFlags) failureCeiling(rows int) int {
	if f.mostFailuresShare > 0 {
		return max(1, int(math.Ceil(f.mostFailuresShare*float64(rows))))
	}
	return f.mostFailures
}

// settings are the flags as the run directory keeps them: by name, never a
// secret. flags that only say how this session goes are kept too, for the
// report.
func settings(flags *pflag.FlagSet) map[string]string {
	kept := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Value.String() == f.DefValue {
			return
		}
		value := f.Value.String()
		if v, ok := f.Value.(pflag.SliceValue); ok {
			value = strings.Join(v.GetSlice(), "\n")
		}
		kept[f.Name] = value
	})
	return kept
}

// meaning picks from a run's settings those that decide what a row means: a
// resume with others has another sheet before it.
func meaning(settings map[string]string) string {
	var b strings.Builder
	for _, name := range []string{
		"map", "unknown-columns", "date", "clear-marker", "duplicates", "run-sessions",
		"allow-unknown-status", "encoding", "delimiter", "strict", "skip-invalid",
	} {
		fmt.Fprintf(&b, "%s=%q;", name, settings[name])
	}
	return b.String()
}
