//go:build unix

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBrokenPipe runs to its end though nobody reads its output.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sheet, err := filepath.Abs("../../samples/sessions.csv")
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	cmd := exec.CommandContext(t.Context(), "nermbulk", "run", sheet, "--sandbox", "--rate", "0", "--run-dir", "r")
	cmd.Dir, cmd.Stderr = dir, writer
	cmd.Env = []string{"GORACE=" + noPause, "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if summary := read(t, filepath.Join(dir, "r", "summary.json")); !strings.Contains(summary, `"exit_code": 0`) {
		t.Error(summary)
	}
}
