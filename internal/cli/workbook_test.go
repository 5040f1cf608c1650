package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// A kill while a workbook is written leaves nothing of it, neither in the run
// directory nor elsewhere: it holds personal data.
func TestKilledWhileItWritesAWorkbook(t *testing.T) {
	t.Parallel()
	dir, temp := t.TempDir(), t.TempDir()
	var sheet bytes.Buffer
	sheet.WriteString("id,attributes.note\n")
	for i := range 60_000 {
		fmt.Fprintf(&sheet, "%s,%s\n", idOf(i), strings.Repeat("personal ", 20))
	}
	write(t, filepath.Join(dir, "sheet.csv"), sheet.String())
	if got := nermbulk(t, dir, nil, "run", "sheet.csv", "--dry-run", "--run-dir", "r", "--quiet"); got.code != 0 {
		t.Fatalf("exit code %d:\n%s", got.code, got.stderr)
	}
	run := filepath.Join(dir, "r")
	want := names(t, run)
	// failed.csv takes its place after results.csv. A file that is there already
	// is replaced by one that has a name for a moment.
	failed := filepath.Join(run, "failed.csv")
	for _, name := range []string{failed, filepath.Join(run, "results.csv")} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "nermbulk", "report", "r", "--results", "both")
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "TMPDIR=" + temp, "TMP=" + temp, "PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The CSV files come before the workbook.
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(failed); err == nil {
			break
		}
		if time.Since(began) > testTimeout {
			t.Fatal("there is no failed.csv")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if _, err := os.Stat(filepath.Join(run, "results.xlsx")); err == nil {
		t.Skip("the workbook was written before the kill")
	}
	if got := names(t, run); runtime.GOOS == "linux" && !slices.Equal(got, want) {
		t.Errorf("the run directory has %q, not %q", got, want)
	}
	if left := names(t, temp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	// Where a file must have a name, the next process removes it.
	if got := nermbulk(t, dir, nil, "report", "r"); got.code != 0 || !slices.Equal(names(t, run), want) {
		t.Errorf("after a report (exit code %d) the run directory has %q, not %q", got.code, names(t, run), want)
	}
}

// names returns the names of a directory's files.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
