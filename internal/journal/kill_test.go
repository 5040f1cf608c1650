package journal

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// appendUntilKilled is the child of TestKill: it records rows and says on
// standard output, in one write each, what was promised to be in the journal.
func appendUntilKilled(dir string) error {
	w, err := OpenWriter(dir, Options{})
	if err != nil {
		return err
	}
	first := 0
	if _, err := fmt.Sscan(os.Getenv(killDir+"_FIRST"), &first); err != nil {
		return err
	}
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			for row := first + worker; ; row += 4 {
				hand := w.Write
				if row%2 == 0 {
					hand = w.Commit
				}
				if hand(intent(row, row%2 == 0)) != nil {
					return
				}
				fmt.Printf("intent %d\n", row)
				if w.Write(outcome(row, Updated)) != nil {
					return
				}
				fmt.Printf("outcome %d\n", row)
			}
		})
	}
	workers.Wait()
	return w.Close()
}

// Whatever was promised before a SIGKILL is in the journal, and the journal goes
// on from there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	promised := map[string]bool{}
	for round := range 5 {
		first := round * 1_000_000
		for line := range strings.Lines(runAndKill(t, dir, first, 50+30*round)) {
			if strings.HasSuffix(line, "\n") {
				promised[line] = true
			}
		}
		r := load(t, dir)
		for line := range promised {
			var kind string
			var row int
			if _, err := fmt.Sscan(line, &kind, &row); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			_, flying := r.Entry(row).InFlight()
			if done := r.Entry(row).Status() == Updated; !done && (kind == "outcome" || !flying) {
				t.Fatalf("round %d: %q was promised and is lost", round, strings.TrimSpace(line))
			}
		}
	}
	if len(promised) < 250 {
		t.Errorf("only %d records were promised", len(promised))
	}
}

// runAndKill runs the child until it has said so many lines, kills it, and gives
// all that it said.
func runAndKill(t *testing.T, dir string, first, after int) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.WaitDelay = time.Minute
	cmd.Env = append(os.Environ(), killDir+"="+dir, fmt.Sprintf("%s_FIRST=%d", killDir, first))
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	in := bufio.NewReader(stdout)
	for range after {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("the child ended by itself: %v", err)
		}
		said.WriteString(line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&said, in); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child was not killed")
	}
	return said.String()
}
