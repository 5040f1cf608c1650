package cli_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// output is the result of a nermbulk that ran to its end.
type output struct {
	code           int
	stdout, stderr string
}

// nermbulk runs the tool to its end in dir, with env on top of an environment
// that holds nothing of the caller's.
func nermbulk(t *testing.T, dir string, env []string, args ...string) output {
	t.Helper()
	limit := testTimeout
	if *nginxSlow { // 700 rows, 10 a second
		limit *= 4
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nermbulk", args...)
	temp := t.TempDir()
	cmd.Dir = dir
	cmd.Env = append([]string{"GORACE=" + noPause, "HOME=" + dir, "TMPDIR=" + temp, "TMP=" + temp, "PATH=" + os.Getenv("PATH")}, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("nermbulk %q: %s", args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("nermbulk %q has not ended after %s; it printed:\n%s", args, limit, stderr.String())
	}
	return output{codeOf(cmd.ProcessState), stdout.String(), stderr.String()}
}

// runSheet runs a sheet against a tenant, which is not asked for attributes, and wants that exit code. It returns the
// results, and the output.
func runSheet(t *testing.T, code int, base, sheet string, env []string, args ...string) (table, output) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sheet.csv"), sheet)
	args = append([]string{"run", "sheet.csv", "--yes", "--rate", "0", "--attributes", "off", "--base-url", base, "--run-dir", "r"}, args...)
	s := nermbulk(t, dir, env, args...)
	if s.code != code {
		t.Fatalf("exit code %d, not %d; it printed:\n%s", s.code, code, s.stderr)
	}
	results, err := parseTable(read(t, filepath.Join(dir, "r", "results.csv")))
	if err != nil {
		t.Fatal(err)
	}
	return results, s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
