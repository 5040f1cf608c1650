package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
)

// keptRun makes a run directory that ended the given time before testNow; 0 is
// one that did not end.
func keptRun(t *testing.T, name string, ago time.Duration, change func(*journal.Info)) string {
	t.Helper()
	dir := filepath.Join(job.RunsRoot, name)
	info := journal.Info{Sheet: "sessions.csv", StartedAt: testNow.Add(-ago - time.Hour)}
	if ago > 0 {
		at := testNow.Add(-ago)
		info.FinishedAt, info.Finished = &at, true
	}
	if change != nil {
		change(&info)
	}
	run, err := journal.Create(dir, info)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{journal.FileName, "results.csv"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("personal"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	active := testNow.Add(-ago)
	if err := os.Chtimes(filepath.Join(dir, journal.FileName), active, active); err != nil {
		t.Fatal(err)
	}
	return dir
}

func remainingRuns(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(job.RunsRoot)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

const day = 24 * time.Hour

func TestPrune(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		left []string
	}{
		{"the newest two stay", []string{"--keep", "2"}, []string{"b-1d", "c-dry-2d", "unfinished"}},
		{"none need stay", []string{"--keep", "0"}, []string{"unfinished"}},
		{"more than there are", []string{"--keep", "9"}, []string{"b-1d", "c-dry-2d", "d-10d", "e-40d", "unfinished"}},
		{"by age in days", []string{"--older-than", "30d"}, []string{"b-1d", "c-dry-2d", "d-10d", "unfinished"}},
		{"by age in hours", []string{"--older-than", "36h"}, []string{"b-1d", "unfinished"}},
		{"by days and hours", []string{"--older-than", "1d12h"}, []string{"b-1d", "unfinished"}},
		{"both must hold: too few", []string{"--keep", "3", "--older-than", "1h"}, []string{"b-1d", "c-dry-2d", "d-10d", "unfinished"}},
		{"both must hold: too new", []string{"--keep", "0", "--older-than", "30d"}, []string{"b-1d", "c-dry-2d", "d-10d", "unfinished"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			keptRun(t, "unfinished", 0, nil)
			keptRun(t, "b-1d", day, nil)
			keptRun(t, "c-dry-2d", 2*day, func(i *journal.Info) { i.DryRun, i.Finished, i.FinishedAt = true, false, nil })
			keptRun(t, "d-10d", 10*day, nil)
			keptRun(t, "e-40d", 40*day, nil)
			got := call(t, nil, append([]string{"prune"}, test.args...)...)
			got.wantCode(t, ExitOK)
			if names := remainingRuns(t); !slices.Equal(names, test.left) {
				t.Errorf("left are %v, want %v", names, test.left)
			}
			for _, name := range []string{"b-1d", "c-dry-2d", "d-10d", "e-40d"} {
				if !slices.Contains(test.left, name) {
					wantText(t, got.out, "removed "+filepath.Join(job.RunsRoot, name)+" (sessions.csv)\n")
				}
			}
		})
	}
}

func TestPruneLeaves(t *testing.T) {
	t.Chdir(t.TempDir())
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "kept.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	held := keptRun(t, "held", 3*day, nil)
	other, _, err := journal.Open(held)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	stopped := keptRun(t, "stopped", 3*day, func(i *journal.Info) { i.Finished = false })
	// A finished run elsewhere, to which a link leads, and a link in a run.
	elsewhere := keptRun(t, "elsewhere", 3*day, nil)
	away := filepath.Join(outside, "run")
	if err := os.Rename(elsewhere, away); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(away, elsewhere); err != nil {
		t.Skip("no links here:", err)
	}
	gone := keptRun(t, "gone", 3*day, nil)
	if err := os.Symlink(outside, filepath.Join(gone, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(job.RunsRoot, "notes"), 0o700); err != nil {
		t.Fatal(err)
	}

	got := call(t, nil, "prune", "--keep", "0")
	got.wantCode(t, ExitOK)
	wantText(t, got.err, "left "+held+": another process works on it")
	if want := []string{"elsewhere", "held", "notes", "stopped"}; !slices.Equal(remainingRuns(t), want) {
		t.Errorf("left are %v, want %v", remainingRuns(t), want)
	}
	for _, file := range []string{filepath.Join(outside, "kept.csv"), filepath.Join(away, "results.csv"), filepath.Join(held, "results.csv"), filepath.Join(stopped, "results.csv")} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

// TestPruneUnfinished names them, and removes those that are asked for and were
// not active for so long, whenever they began.
func TestPruneUnfinished(t *testing.T) {
	stopped := func(i *journal.Info) { i.Finished, i.FinishedAt = false, nil }
	for _, test := range []struct {
		name     string
		args     []string
		left     []string
		out, err []string
	}{
		{"named", []string{"--keep", "0"}, []string{"stopped-100d", "stopped-2d"}, []string{"removed runs/done-3d (sessions.csv)\n"}, []string{
			"2 unfinished runs are left", "runs/stopped-100d (sessions.csv), last active 2", "runs/stopped-2d (sessions.csv), last active 2",
		}},
		{"the old ones alone", []string{"--unfinished-older-than", "90d"}, []string{"done-3d", "stopped-2d"}, []string{"removed runs/stopped-100d (sessions.csv, unfinished)\n"}, []string{"1 unfinished run is left"}},
		{"with finished ones", []string{"--older-than", "1d", "--unfinished-older-than", "1d"}, nil, []string{"removed runs/done-3d", "removed runs/stopped-100d", "removed runs/stopped-2d"}, nil},
		{"in rehearsal", []string{"--older-than", "1d", "--unfinished-older-than", "90d", "--dry-run"}, []string{"done-3d", "stopped-100d", "stopped-2d"}, []string{
			"would remove runs/done-3d (sessions.csv)\nwould remove runs/stopped-100d (sessions.csv, unfinished)\n",
		}, []string{"1 unfinished run is left"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			keptRun(t, "done-3d", 3*day, nil)
			keptRun(t, "stopped-2d", 2*day, stopped)
			keptRun(t, "stopped-100d", 100*day, stopped)
			got := call(t, nil, append([]string{"prune"}, test.args...)...)
			got.wantCode(t, ExitOK)
			if names := remainingRuns(t); !slices.Equal(names, test.left) {
				t.Errorf("left are %v, want %v", names, test.left)
			}
			wantText(t, filepath.ToSlash(got.out), test.out...)
			wantText(t, filepath.ToSlash(got.err), test.err...)
			if test.err == nil && got.err != "" {
				t.Errorf("it says %q", got.err)
			}
		})
	}
}

func TestPruneWithoutRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	got := call(t, nil, "prune", "--keep", "1")
	got.wantCode(t, ExitOK)
	wantText(t, got.err, "nothing to remove")
}

func TestPruneRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	keptRun(t, "a", day, nil)
	for _, args := range [][]string{
		{}, {"--keep", "-1"}, {"--keep", "x"}, {"--older-than", "d"}, {"--older-than", "30"}, {"--older-than", "-1h"},
		{"--older-than", "1d-12h"}, {"--older-than", "1.5d"}, {"--older-than", "99999d"}, {"--keep", "0", "runs"},
		{"--dry-run"}, {"--unfinished-older-than", "x"},
	} {
		got := call(t, nil, append([]string{"prune"}, args...)...)
		if got.code != int(ExitUsage) {
			t.Errorf("%v: exit code %d", args, got.code)
		}
	}
	if len(remainingRuns(t)) != 1 {
		t.Error("the run was removed")
	}
}
