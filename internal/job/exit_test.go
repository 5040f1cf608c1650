package job

import (
	"errors"
	"testing"

	"nermbulk/internal/batch"
	"nermbulk/internal/report"
)

func TestExitCode(t *testing.T) {
	for _, test := range []struct {
		name        string
		stop        batch.StopKind
		signal      ExitCode
		err         error
		left, wrong int
		want        ExitCode
	}{
		{"all well", batch.NotStopped, ExitInterrupted, nil, 0, 0, ExitOK},
		{"some failed", batch.NotStopped, ExitInterrupted, nil, 0, 2, ExitRowsFailed},
		{"the limit met the last row", batch.StoppedByLimit, ExitInterrupted, nil, 0, 0, ExitOK},
		{"the limit left rows", batch.StoppedByLimit, ExitInterrupted, nil, 7, 0, ExitStopped},
		{"too many failures", batch.StoppedByFailures, ExitInterrupted, nil, 7, 3, ExitStopped},
		{"the last row was one failure too many", batch.StoppedByFailures, ExitInterrupted, nil, 0, 3, ExitRowsFailed},
		{"denied", batch.StoppedByDenial, ExitInterrupted, nil, 7, 0, ExitStopped},
		{"interrupted", batch.StoppedByCaller, ExitInterrupted, nil, 7, 3, ExitInterrupted},
		{"terminated", batch.StoppedByCaller, 143, nil, 7, 3, 143},
		{"interrupted when all was done", batch.StoppedByCaller, ExitInterrupted, nil, 0, 0, ExitOK},
		{"a wrong canary was the last row", batch.StoppedByCanary, ExitInterrupted, nil, 0, 0, ExitStopped},
		{"the journal failed", batch.StoppedByJournal, ExitInterrupted, nil, 0, 0, ExitInternal},
		{"an error with nothing left", batch.NotStopped, ExitInterrupted, errors.New("broken"), 0, 0, ExitInternal},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := exitCode(test.stop, test.signal, test.err, test.left, test.wrong); got != test.want {
				t.Errorf("%d, not %d", got, test.want)
			}
		})
	}
}

func TestNextStep(t *testing.T) {
	code := func(c ExitCode) *int { n := int(c); return &n }
	for _, test := range []struct {
		name    string
		summary report.Summary
		sandbox bool
		want    Next
	}{
		{"all well", report.Summary{ExitCode: code(ExitOK)}, false, Report},
		{"a rehearsal", report.Summary{ExitCode: code(ExitOK)}, true, Rehearse},
		{"a dry run", report.Summary{DryRun: true, ExitCode: code(ExitOK)}, false, SendNow},
		{"killed", report.Summary{Outcomes: report.Outcomes{Failed: 3}}, true, Resume},
		{"stopped", report.Summary{ExitCode: code(ExitStopped), Outcomes: report.Outcomes{Failed: 3}}, false, Resume},
		{"the disk was full", report.Summary{ExitCode: code(ExitInternal)}, false, Resume},
		{"hung up", report.Summary{ExitCode: code(129)}, false, Resume},
		{"some failed", report.Summary{ExitCode: code(ExitRowsFailed), Outcomes: report.Outcomes{Failed: 3, Unknown: 1}}, false, FixFailed},
		{"some invalid", report.Summary{ExitCode: code(ExitRowsFailed), Outcomes: report.Outcomes{Invalid: 3}}, false, FixFailed},
		{"some unknown", report.Summary{ExitCode: code(ExitRowsFailed), Outcomes: report.Outcomes{Unknown: 3}}, false, Resume},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := NextStep(test.summary, test.sandbox); got != test.want {
				t.Errorf("%d, not %d", got, test.want)
			}
		})
	}
}
