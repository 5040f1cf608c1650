package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

// ExitCode is how a run ended, as the journal and the summary hold it and the
// process of a command returns it.
type ExitCode int

// The exit codes of a run. Another signal than an interrupt has its own.
const (
	ExitOK          ExitCode = 0
	ExitRowsFailed  ExitCode = 1
	ExitStopped     ExitCode = 3
	ExitInternal    ExitCode = 5
	ExitInterrupted ExitCode = 130
)

// exitCode decides from how a run ended. left counts the rows that this
// session was to try and did not, wrong those that are failed, unknown or
// invalid. A canary that is not right is never a success, though it be the last
// row.
func exitCode(stop batch.StopKind, interrupt ExitCode, err error, left, wrong int) ExitCode {
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
		return interrupt
	}
	return ExitStopped
}

// finish closes the journal and writes the files that a person reads.
func (j *job) finish(ctx context.Context, stop batch.Stop, sendErr error) error {
	err := j.closeJournal(stop, sendErr)
	reportErr := j.report(ctx)
	if _, gone := os.Stat(j.dir.Dir()); errors.Is(gone, fs.ErrNotExist) {
		// A resume would begin again and send every row.
		return fmt.Errorf("%s was removed while the run went on, and what was sent with it: before any of these rows is sent again, look at %s what came of them", j.dir.Dir(), j.Tenant.Host)
	}
	j.result.Next = Resume
	switch {
	case err != nil:
		return err
	case reportErr != nil:
		return &Error{NoFiles, reportErr}
	}
	if err := j.dir.Save(j.info); err != nil {
		return err
	}
	j.result.Next = NextStep(j.result.Summary, j.Tenant.Sandbox)
	return nil
}

// closeJournal counts what is in the journal, ends it and closes it.
func (j *job) closeJournal(stop batch.Stop, sendErr error) error {
	err := cmp.Or(sendErr, j.journal.Flush())
	wrong := j.tally.Count(journal.Failed) + j.tally.Count(journal.Unknown) + j.tally.Count(journal.Invalid)
	// A failed or unknown row that was to be tried again is left too, though
	// it is not pending.
	left := max(j.due-j.tally.Session(), j.overview.Rows-j.tally.Done())
	if j.Send.DryRun && (stop.Kind == batch.NotStopped || stop.Kind == batch.StoppedByLimit) {
		left = 0
	}
	code := exitCode(stop.Kind, j.Caught(), err, left, wrong)
	end := journal.End{At: j.Now(), ExitCode: int(code), Reason: stop.Reason, Finished: left <= 0 || j.Send.DryRun}
	if left <= 0 && stop.Kind != batch.StoppedByCanary {
		end.Reason = ""
	}
	if err == nil {
		err = j.journal.Commit(end)
	}
	err = cmp.Or(err, j.journal.Close())
	at := end.At.UTC()
	j.info.FinishedAt, j.info.ExitCode, j.info.Finished = &at, &end.ExitCode, end.Finished
	j.result.Code = code
	return err
}

// report writes the files from the journal. An interrupt does not keep it from
// that.
func (j *job) report(ctx context.Context) (err error) {
	replay, err := journal.Load(j.dir.Dir())
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, replay.Close()) }()
	o := reportOptions(j.dir.Dir(), j.Sheet, j.info)
	o.Sheet, o.Replays, o.Compare = j.sheet, []*journal.Replay{replay}, j.Send.Compare
	j.result.Summary, err = report.Write(context.WithoutCancel(ctx), o)
	if err != nil {
		j.result.Summary.Outcomes, j.result.Summary.Requests = j.outcomes(), report.RequestsOf(j.requests)
	}
	return err
}

func (j *job) outcomes() report.Outcomes {
	o := report.Outcomes{
		Updated: j.tally.Count(journal.Updated), Unchanged: j.tally.Count(journal.Unchanged), Failed: j.tally.Count(journal.Failed),
		Unknown: j.tally.Count(journal.Unknown), Invalid: j.tally.Count(journal.Invalid),
	}
	o.Pending = max(0, j.overview.Rows-j.tally.Done())
	return o
}

// NextStep returns what a person would do after a run, by its summary. sandbox
// says that it was a rehearsal against a simulated tenant.
func NextStep(s report.Summary, sandbox bool) Next {
	o := s.Outcomes
	switch {
	case s.DryRun:
		return SendNow
	case s.ExitCode == nil: // it was killed
		return Resume
	}
	switch code := ExitCode(*s.ExitCode); {
	case code == ExitStopped && strings.HasPrefix(s.Reason, batch.FailuresReason):
		return RetryFailed
	case code == ExitStopped || code == ExitInternal || code >= 128: // a signal
		return Resume
	case o.Failed+o.Invalid > 0:
		return FixFailed
	case o.Unknown > 0:
		return Resume
	case sandbox:
		return Rehearse
	}
	return Report
}
