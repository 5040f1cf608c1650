package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// ExitCode is what the process returns to its caller.
type ExitCode = job.ExitCode

// The exit codes, all of them.
const (
	ExitOK          = job.ExitOK
	ExitRowsFailed  = job.ExitRowsFailed
	ExitUsage       = ExitCode(2)
	ExitStopped     = job.ExitStopped
	ExitLocked      = ExitCode(4)
	ExitInternal    = job.ExitInternal
	ExitInterrupted = job.ExitInterrupted
	ExitTerminated  = ExitCode(143)
)

// exitCodes says when each code is given, for help and the README.
var exitCodes = []struct {
	code ExitCode
	when string
}{
	{ExitOK, "every row is updated or unchanged (in a dry run or a check: no problem but warnings)"},
	{ExitRowsFailed, "the run ended, and some rows are failed, unknown or invalid"},
	{ExitUsage, "usage, configuration, or a sheet with problems; nothing was sent"},
	{ExitStopped, "stopped by a guard (--max-failures, --canary, 401 or 403, --outage-wait, 20 rows of 5xx in a row) or by --limit with rows left; go on with --resume"},
	{ExitLocked, "another process has this run"},
	{ExitInternal, "an internal or disk error; go on with --resume"},
	{ExitInterrupted, "interrupted (SIGINT); go on with --resume"},
	{ExitTerminated, "terminated (SIGTERM); go on with --resume"},
}

// exitCodeTable is the list as text.
func exitCodeTable() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 3, ' ', 0)
	for _, e := range exitCodes {
		fmt.Fprintf(w, "  %d\t%s\n", e.code, e.when)
	}
	_ = w.Flush() // into memory
	return b.String()
}

// failure is an error with the exit code that it asks for.
type failure struct {
	code ExitCode
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage makes an error that is the caller's to mend: nothing was sent.
func usage(format string, args ...any) error {
	return &failure{ExitUsage, fmt.Errorf(format, args...)}
}

// silent is an exit code without anything left to say.
type silent ExitCode

func (s silent) Error() string { return fmt.Sprintf("exit code %d", int(s)) }

// exitCodeOf finds the code that an error asks for.
func exitCodeOf(err error) ExitCode {
	var (
		quiet  silent
		failed *failure
		locked *journal.LockedError
		exists *journal.ExistsError
		ofJob  *job.Error
	)
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &quiet):
		return ExitCode(quiet)
	case errors.As(err, &failed):
		return failed.code
	case errors.As(err, &locked):
		return ExitLocked
	case errors.As(err, &exists):
		return ExitUsage
	case errors.As(err, &ofJob) && ofJob.Kind < job.NoDirectory:
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitInternal
}

// explain adds the remedy to an error of a job with the run directory dir, in
// the words of the command line.
func explain(err error, dir string) error {
	failed, ok := errors.AsType[*job.Error](err)
	if !ok {
		return err
	}
	switch failed.Kind {
	case job.MissingDate:
		return usage("--date %w", err)
	case job.OtherTenant:
		return usage("%w: resume it with the same tenant, or start a new run with another --run-dir", err)
	case job.NoDirectory:
		return fmt.Errorf("the run directory cannot be made; choose another place with --run-dir: %w", err)
	case job.NoFiles:
		return fmt.Errorf("the run's files could not be written (the journal holds every result; `nermbulk report %s` writes them again): %w", text.ShellWord(dir), err)
	}
	return err
}
