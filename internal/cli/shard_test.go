package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/sandbox"
)

const shards = 4

// TestShards runs the parts of a sheet side by side as a cluster does, kills two
// of them, resumes those and joins all: every row is there once, and done once.
func TestShards(t *testing.T) {
	t.Parallel()
	for _, byUID := range []bool{false, true} {
		t.Run("by "+keyName(byUID), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			real := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Latency: 4 * time.Millisecond}})
			base := answering(t, real.Handler())
			write(t, filepath.Join(dir, "sheet.csv"), chaosSheet(t, real, byUID))

			killed, rates := []int{0, 2}, [shards]string{"20", "0", "20", "0"} // slow enough to be cut off
			var started [shards]*process
			for i := range started {
				started[i] = startShard(t, dir, base, i, rates[i])
			}
			for _, i := range killed {
				awaitOutcomes(t, dir, i, 5)
				if err := started[i].cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			for i, p := range started {
				<-p.ended
				if code := p.code(); i%2 == 1 && code != 0 || i%2 == 0 && code == 0 {
					t.Errorf("shard %d ended with %d:\n%s", i, code, read(t, p.stderr))
				}
			}
			if s := joinShards(t, dir, "early"); s.Rows != chaosRows() || s.ExitCode != nil || s.Outcomes["pending"] == 0 {
				t.Errorf("joined before the end: %+v", s)
			}

			for _, i := range killed {
				p := startShard(t, dir, base, i, "0")
				if <-p.ended; p.code() != 0 {
					t.Errorf("shard %d was resumed and ended with %d:\n%s", i, p.code(), read(t, p.stderr))
				}
			}
			if s := joinShards(t, dir, "all"); s.Rows != chaosRows() || s.ExitCode == nil || *s.ExitCode != 0 {
				t.Errorf("joined: %+v", s)
			}
			if held := holdAgainst(t, real, filepath.Join(dir, "all", "results.csv")); held["updated"] != chaosRows() {
				t.Errorf("%v of %d rows", held, chaosRows())
			}
			if repeats := real.Applied() - chaosRows(); repeats < 0 || repeats > chaosWorkers*len(killed) {
				t.Errorf("%d repeats after %d kills of %d workers", repeats, len(killed), chaosWorkers)
			}
		})
	}
}

// startShard starts the job of an array that has this number.
func startShard(t *testing.T, dir, base string, number int, rate string) *process {
	t.Helper()
	p := &process{
		cmd: exec.Command("nermbulk", "run", "sheet.csv", "--base-url", base, "--shard", fmt.Sprintf("auto/%d", shards),
			"--yes", "--resume", "--rate", rate, "--workers", fmt.Sprint(chaosWorkers), "--attributes", "off"),
		stderr: filepath.Join(t.TempDir(), "stderr"), ended: make(chan struct{}),
	}
	stderr, err := os.Create(p.stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close() // the process has its own
	p.cmd.Dir, p.cmd.Stderr = dir, stderr
	p.cmd.Env = []string{
		"GORACE=" + noPause, "HOME=" + dir, "PATH=" + os.Getenv("PATH"), "NERM_TOKEN=any", fmt.Sprintf("JOB_COMPLETION_INDEX=%d", number),
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is read from its state
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended long ago
		<-p.ended
	})
	return p
}

// awaitOutcomes waits until a shard has recorded so many outcomes.
func awaitOutcomes(t *testing.T, dir string, number, least int) {
	t.Helper()
	deadline := time.Now().Add(testTimeout)
	for {
		found, err := filepath.Glob(filepath.Join(dir, "runs", fmt.Sprintf("sheet-%dof%d-*", number+1, shards), "journal.jsonl"))
		if err != nil || len(found) > 1 {
			t.Fatalf("the journals of shard %d are %v (%v)", number, found, err)
		}
		if len(found) == 1 && strings.Count(read(t, found[0]), `{"t":"outcome",`) >= least {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for shard %d", testTimeout, number)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// joinedSummary is what the summary of joined runs says.
type joinedSummary struct {
	Rows     int            `json:"rows"`
	ExitCode *int           `json:"exit_code"`
	Outcomes map[string]int `json:"outcomes"`
}

// joinShards joins all runs that there are.
func joinShards(t *testing.T, dir, to string) (s joinedSummary) {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(dir, "runs", "sheet-*"))
	if err != nil || len(runs) != shards {
		t.Fatalf("%d runs, not %d: %v (%v)", len(runs), shards, runs, err)
	}
	out := nermbulk(t, dir, nil, append([]string{"report", "-o", to, "--json"}, runs...)...)
	if out.code != 0 {
		t.Fatalf("report ended with %d:\n%s", out.code, out.stderr)
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(out.stdout))).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}
