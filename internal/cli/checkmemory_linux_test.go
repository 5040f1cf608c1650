package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// TestCheckKeepsNoProblems has a sheet be wrong in each row, in its own way: what
// a check has in use does not grow with the rows.
func TestCheckKeepsNoProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "known.json"), `{"attributes":[{"uid":"kind","label":"Kind","data_type":"drop-down","options":["Contractor","Intern"]}]}`)
	var sheet bytes.Buffer
	sheet.WriteString("id,Kind\n")
	peak := func(rows int, args ...string) (mib int) {
		t.Helper()
		for row := bytes.Count(sheet.Bytes(), []byte("\n")); row <= rows; row++ {
			fmt.Fprintf(&sheet, "%s,neither a contractor nor an intern %d\n", idOf(row), row)
		}
		write(t, filepath.Join(dir, "s.csv"), sheet.String())
		peakFile := filepath.Join(dir, "peak")
		cmd := exec.CommandContext(t.Context(), "measured", append([]string{"check", "s.csv", "--attributes", "known.json"}, args...)...)
		cmd.Dir = dir
		cmd.Env = []string{"GORACE=" + noPause, "HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"), "PEAK_FILE=" + peakFile}
		_ = cmd.Run() // its code is looked at
		if code := codeOf(cmd.ProcessState); code != 2 {
			t.Fatalf("exit code %d", code)
		}
		kib, err := strconv.Atoi(read(t, peakFile))
		if err != nil {
			t.Fatal(err)
		}
		return kib >> 10
	}
	few, fewJSON := peak(10_000), peak(22_000, "--json")
	all, allJSON := peak(60_000), peak(60_000, "--json")
	t.Logf("%d and %d MiB, as JSON %d and %d MiB", few, all, fewJSON, allJSON)
	if all > few*3/2 || allJSON > fewJSON*3/2 {
		t.Errorf("%d MiB for 10,000 rows, %d MiB for 60,000; as JSON %d for 22,000, then %d", few, all, fewJSON, allJSON)
	}
}
