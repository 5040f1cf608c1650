//go:build unix

package cli_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestInterruptedBeforeSendingInJSON interrupts commands while they wait for
// their sheet, or check it: one document says so.
func TestInterruptedBeforeSendingInJSON(t *testing.T) {
	t.Parallel()
	large := packedBlankLines(t)
	const beforeSending = "interrupted before anything was sent"
	for _, test := range []struct {
		name  string
		sheet []byte // nil for standard input that does not end
		args  []string
		sent  syscall.Signal
		want  string
	}{
		{"run waits for its sheet", nil, []string{"run", "-", "--yes", "--tenant", "acme"}, syscall.SIGINT, `{"exit_code":130,"error":"` + beforeSending + `"}`},
		{"run is terminated", nil, []string{"run", "-", "--yes", "--tenant", "acme"}, syscall.SIGTERM, `{"exit_code":143,"error":"` + beforeSending + `"}`},
		{"run checks", large, []string{"run", "s.csv", "--yes", "--tenant", "acme"}, syscall.SIGINT, `{"exit_code":130,"error":"` + beforeSending + `"}`},
		{"check waits for its sheet", nil, []string{"check", "-"}, syscall.SIGINT, `{"exit_code":130,"error":"interrupted"}`},
		{"check is terminated", nil, []string{"check", "-"}, syscall.SIGTERM, `{"exit_code":143,"error":"interrupted"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), "nermbulk", append(test.args, "--json")...)
			cmd.Dir, cmd.Env = dir, []string{"NERM_TOKEN=x", "GORACE=" + noPause, "HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if test.sheet != nil {
				write(t, filepath.Join(dir, "s.csv"), string(test.sheet))
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if test.sheet == nil { // more than a pipe holds: it is read when this returns
				_, err = in.Write(bytes.Repeat([]byte("\n"), 1<<20))
			} else {
				err = awaitClaim(dir)
			}
			if err != nil {
				t.Error(err)
			}
			if err := cmd.Process.Signal(test.sent); err != nil {
				t.Error(err)
			}
			_ = cmd.Wait() // how it ended is read from its state
			if got := stdout.String(); got != test.want+"\n" || codeOf(cmd.ProcessState) != 128+int(test.sent) {
				t.Errorf("exit code %d, standard output %q, standard error %q", codeOf(cmd.ProcessState), got, stderr.String())
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "runs", "*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// packedBlankLines is a sheet that is small and takes long to check.
func packedBlankLines(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, "id,status\n"+idOf(0)+",closed\n")
	lines := bytes.Repeat([]byte("\n"), 1<<20)
	for range 200 {
		if err == nil {
			_, err = w.Write(lines)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// awaitClaim waits until a run has taken its sheet, before it checks it.
func awaitClaim(dir string) error {
	for end := time.Now().Add(testTimeout); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "runs")); err == nil || time.Now().After(end) {
			return err
		}
	}
}
