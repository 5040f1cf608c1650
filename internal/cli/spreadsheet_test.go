package cli_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestThroughLibreOffice has a real spreadsheet program open and save what a
// run wrote, and runs it again.
func TestThroughLibreOffice(t *testing.T) {
	t.Parallel()
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s.csv"), "id,attributes.a,attributes.b,attributes.c,run\n"+
		idOf(1)+",007,12345678901234567890,x,true\n"+
		idOf(2)+",1E5,plain,2026-01-15,\n")
	tool := func(code int, args ...string) string {
		t.Helper()
		out := nermbulk(t, dir, nil, args...)
		if out.code != code {
			t.Fatalf("%v ended with %d, not %d:\n%s", args, out.code, code, out.stderr)
		}
		return out.stderr
	}
	tool(0, "run", "s.csv", "--sandbox", "--rate", "0", "--run-dir", "r")
	tool(0, "check", "r/results.csv")
	convert := exec.Command(office, "-env:UserInstallation=file://"+filepath.ToSlash(dir)+"/profile", "--headless",
		"--convert-to", "csv", "--outdir", filepath.Join(dir, "saved"), filepath.Join(dir, "r", "results.csv"))
	if out, err := convert.CombinedOutput(); err != nil {
		t.Skipf("LibreOffice does not run here: %v\n%s", err, out)
	}
	write(t, filepath.Join(dir, "r", "results.csv"), read(t, filepath.Join(dir, "saved", "results.csv")))
	out := tool(2, "run", "r/results.csv", "--sandbox", "--rate", "0")
	for _, want := range []string{`"7" was "007" when it was written`, `was "12345678901234567890" when it was written`, `"100000" was "1E5" when it was written`, "nothing was sent"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %s:\n%s", want, out)
		}
	}
	tool(0, "run", "r/results.csv", "--sandbox", "--rate", "0", "--allow-reformatted")
}
