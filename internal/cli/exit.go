package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
)

// ExitCode is what the process tells its caller.
type ExitCode int

// The exit codes, all of them.
const (
	ExitOK          ExitCode = 0
	ExitRowsFailed  ExitCode = 1
	ExitUsage       ExitCode = 2
	ExitStopped     ExitCode = 3
	ExitLocked      ExitCode = 4
	ExitInternal    ExitCode = 5
	ExitInterrupted ExitCode = 130
	ExitTerminated  ExitCode = 143
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
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitInternal
}

// exitCodeFor decides from how a run ended. left counts the rows that this
// session was to try and did not, wrong those that are failed, unknown or
// invalid. A canary that is not right is never a success, though it be the last
// row.
func exitCodeFor(stop batch.StopKind, signal ExitCode, err error, left, wrong int) ExitCode {
	switch {
	case err != nil || stop == batch.StoppedByJournal:
		return ExitInternal
	case stop == batch.StoppedByCanary:
		return ExitStopped
	case left <= 0 && wrong > 0:
		return ExitRowsFailed
	case left <= 0:
		return ExitOK
	case stop == batch.StoppedByCaller:
		return signal
	}
	return ExitStopped
}
