//go:build unix

package sheet

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipe names a pipe that nobody writes to: opening it would wait for ever.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "standard input") {
		t.Errorf("got %v, want the way that pipes take", err)
	}
}
