package cli_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/sandbox"
)

// editedSheet is a sheet that a person edits while its run is stopped: rows leave
// and come back, change places and, those that do not run their session, values.
type editedSheet struct {
	random *rand.Rand
	ids    []string
	uids   []string
	values []int // of each id, as the sheet has it last
}

func (s *editedSheet) runs(i int) bool { return i%3 == 0 }

// text writes so many of the rows, or all of them in order, by their ids or their
// uids.
func (s *editedSheet) text(rows []int) string {
	var b strings.Builder
	byUID := s.random.IntN(2) == 0
	b.WriteString(keyName(byUID) + ",status,attributes.badge,run\n")
	for _, i := range rows {
		key := s.ids[i]
		if byUID {
			key = s.uids[i]
		}
		fmt.Fprintf(&b, "%s,closed,B-%d,%v\n", key, s.values[i], s.runs(i))
	}
	return b.String()
}

func (s *editedSheet) all() []int {
	rows := make([]int, len(s.ids))
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// edit makes the next edition.
func (s *editedSheet) edit() string {
	rows := s.all()
	switch s.random.IntN(5) {
	case 0: // shrunk, and in another order
		s.random.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
		rows = rows[:1+s.random.IntN(len(rows))]
	case 1: // a part of it
		from := s.random.IntN(len(rows))
		rows = rows[from : from+1+s.random.IntN(len(rows)-from)]
	case 2: // re-sorted
		s.random.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
	case 3: // edited, and edited back
		for range len(rows) / 4 {
			if i := s.random.IntN(len(rows)); !s.runs(i) {
				s.values[i] = s.random.IntN(3)
			}
		}
	} // else restored
	return s.text(rows)
}

// TestChaosOfEdits kills nermbulk over and over, and edits, shrinks, re-sorts,
// restores and moves the sheet between, and starts it twice at once: no row runs
// twice, and nothing that was sent is forgotten.
func TestChaosOfEdits(t *testing.T) {
	t.Parallel()
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-chaos.seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	real := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Latency: 5 * time.Millisecond}})
	base, dir := answering(t, real.Handler()), t.TempDir()
	s := &editedSheet{random: random}
	for i := range 40 + 6**chaosKills {
		s.ids, s.uids = append(s.ids, addSession(t, real, i, false)), append(s.uids, addSession(t, real, i, true))
		s.values = append(s.values, 0)
	}
	args := func(sheet string, more ...string) []string {
		return append([]string{"run", sheet, "--base-url", base, "--yes", "--resume", "--run-dir", "runs/r", "--quiet", "--compare",
			"--rate", "100", "--workers", fmt.Sprint(chaosWorkers), "--timeout", "1s", "--max-failures", "0"}, more...)
	}
	text, twice := s.text(s.all()), 0
	for range *chaosKills {
		sheet := fmt.Sprintf("sheet-%d.csv", random.IntN(3)) // moved
		write(t, filepath.Join(dir, sheet), text)
		second := exec.Command("nermbulk", args(sheet)...)
		if second.Dir = dir; random.IntN(4) == 0 {
			second.Env = []string{"GORACE=" + noPause, "HOME=" + dir, "NERM_TOKEN=chaos"}
			if err := second.Start(); err != nil {
				t.Fatal(err)
			}
			twice++
		}
		doomed(t, dir, time.Duration(150+random.IntN(250))*time.Millisecond, args(sheet)...)
		if second.Process != nil {
			_ = second.Process.Kill() // it may have ended by itself
			_ = second.Wait()
		}
		if random.IntN(3) > 0 {
			text = s.edit()
		}
	}
	write(t, filepath.Join(dir, "sheet.csv"), s.text(s.all()))
	end := nermbulk(t, dir, []string{"NERM_TOKEN=chaos"}, args("sheet.csv", "--retry-failed", "--rate", "0", "--timeout", "30s")...)
	if end.code != 0 && end.code != 1 {
		t.Fatalf("exit code %d:\n%s", end.code, end.stderr)
	}
	results, err := parseTable(read(t, filepath.Join(dir, "runs", "r", "results.csv")))
	if err != nil {
		t.Fatal(err)
	}
	if len(results.rows) != len(s.ids) {
		t.Errorf("%d rows in the results, not %d", len(results.rows), len(s.ids))
	}
	held, patches := map[string]int{}, 0
	for i, row := range results.rows {
		record, _ := real.Record(s.ids[i])
		status := row["result.status"]
		held[status]++
		patches += record.Patches
		switch {
		case record.Runs > 1 || !s.runs(i) && record.Runs > 0:
			t.Errorf("%s ran %d times", s.ids[i], record.Runs)
		case status == "unknown" && s.runs(i):
		case status != "updated" && status != "unchanged":
			t.Errorf("%s is %q: %s", s.ids[i], status, row["result.error"])
		case s.runs(i) && record.Runs != 1:
			t.Errorf("%s is %s, and did not run", s.ids[i], status)
		case record.Session.Status != "closed" || record.Session.Attributes["badge"] != fmt.Sprint("B-", s.values[i]):
			t.Errorf("%s is %s, and holds %s, %s, not B-%d", s.ids[i], status, record.Session.Status, record.Session.Attributes["badge"], s.values[i])
		}
	}
	t.Logf("%d kills, %d of them started twice; %v; %d changes applied for %d rows", *chaosKills, twice, held, patches, len(s.ids))
}
