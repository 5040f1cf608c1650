package job

import (
	"errors"
	"testing"

	"nermbulk/internal/batch"
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
