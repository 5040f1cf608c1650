package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/sheet"
)

// TestInputLeavesNothing looks for what a kill would leave behind of a sheet
// from standard input, and reads the copy twice.
func TestInputLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // on Windows
	const text = "id,status\n00000001-0000-4000-8000-00000000000a,completed\n"
	in, err := keepInput(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); runtime.GOOS != "windows" && (err != nil || len(left) > 0) {
		t.Errorf("a kill would leave %v, %v", left, err)
	}
	for range 2 {
		sh, err := job.Sheet{Name: stdinName, File: in, Options: sheet.Options{Fields: change.SheetFields()}}.Open(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		if err := sh.Each(t.Context(), func(*sheet.Row) error { rows++; return nil }); err != nil || rows != 1 {
			t.Errorf("%d rows, %v", rows, err)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(text))); sh.SHA256() != sum {
			t.Errorf("the hash is %s, not %s", sh.SHA256(), sum)
		}
		if err := sh.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestInputInterrupted waits for a sheet that never comes.
func TestInputInterrupted(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // on Windows
	from, to := io.Pipe()
	defer to.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := keepInput(ctx, from); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
