package job

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

// Runs lists the runs here, the newest first, and why others cannot be read.
func Runs() (runs []RunDir, unreadable []error, err error) { return journal.Runs(RunsRoot) }

// noRun is the error of a directory that holds no run.
func noRun(dir string) error {
	return invalid("%s holds no run: name the directory of a run, such as one under %s/", dir, RunsRoot)
}

// openRun locks a run that somebody has named.
func openRun(dir string) (*journal.Run, journal.Info, error) {
	run, info, err := journal.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = noRun(dir)
	}
	return run, info, err
}

// WriteReport writes a run's files again, from its directory alone. An empty form is
// that of the run.
func WriteReport(ctx context.Context, dir string, form report.Form, asOf AsOf) (s report.Summary, info journal.Info, err error) {
	run, info, err := openRun(dir)
	if err != nil {
		return s, info, err
	}
	defer func() { err = cmp.Or(err, run.Close()) }()
	k, err := asOf.open(ctx, dir, info)
	if errors.Is(err, ErrNotBegun) {
		err = invalid("%s: there is nothing to report on: %w", dir, err)
	}
	if err != nil {
		return s, info, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	k.Results = cmp.Or(form, k.Results)
	s, err = report.Write(ctx, k.Options)
	return s, info, err
}

// State is how far a run is, in words for people.
type State string

// The states of a run.
const (
	StateGoingOn  State = "going on" // a process has it
	StateFinished State = "finished"
	StateStopped  State = "stopped" // in order, with rows left
	StateKilled   State = "killed"
	StateDryRun   State = "dry run"
)

// StateOf returns the state of a run.
func StateOf(run RunDir) State {
	i := run.Info
	switch {
	case i.FinishedAt == nil && isTaken(run.Dir):
		return StateGoingOn
	case i.DryRun:
		return StateDryRun
	case i.FinishedAt == nil:
		return StateKilled
	case i.Finished:
		return StateFinished
	}
	return StateStopped
}

// isTaken reports whether a process works on a run.
func isTaken(dir string) bool {
	lock, err := journal.Lock(dir)
	if err == nil {
		_ = lock.Unlock() // there is nothing to lose by it
	}
	_, taken := errors.AsType[*LockedError](err)
	return taken
}

// SummaryOf returns what is known of a run, and when it was active last. A finished
// run's journal, which can be long, is not read for it. Of its files the summary
// has the rows to correct.
func SummaryOf(run RunDir) (s report.Summary, active time.Time, err error) {
	i := run.Info
	data, err := os.ReadFile(filepath.Join(run.Dir, "summary.json"))
	if i.FinishedAt != nil && hasEnded(i) && err == nil && json.Unmarshal(data, &s) == nil {
		active = *i.FinishedAt
	} else if s, active, err = outline(run); errors.Is(err, fs.ErrNotExist) {
		err = nil // it was killed before it sent anything
	}
	for _, name := range []string{"failed.csv", "failed.xlsx"} {
		path := filepath.Join(run.Dir, name)
		if _, err := os.Lstat(path); err == nil {
			s.Files = append(s.Files, report.File{Name: "failed", Path: path})
		}
	}
	return s, active, err
}

// outline counts what a run's journal has.
func outline(run RunDir) (report.Summary, time.Time, error) {
	o := report.Options{DryRun: run.Info.DryRun}
	replay, err := journal.Load(run.Dir)
	if err != nil {
		return report.Summary{DryRun: o.DryRun}, run.Info.StartedAt, err
	}
	o.Replays = []*journal.Replay{replay}
	return report.Outline(o), replay.LastActive(), replay.Close()
}

// hasEnded reports whether there is nothing to go on with.
func hasEnded(i journal.Info) bool { return i.Finished || i.DryRun }
