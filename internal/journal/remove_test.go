package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestRemove(t *testing.T) {
	root := t.TempDir()
	dir, outside := filepath.Join(root, "run"), filepath.Join(root, "outside.csv")
	run, err := Create(dir, Info{Sheet: "sessions.csv"})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{outside, filepath.Join(dir, FileName), filepath.Join(dir, "results.csv")} {
		if err := os.WriteFile(file, []byte("personal"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "a", "link")); err != nil {
		t.Log("no links here:", err)
	}
	if err := run.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	if text, err := os.ReadFile(outside); err != nil || string(text) != "personal" {
		t.Errorf("what a link led to is %q, %v", text, err)
	}
	again, err := Create(dir, Info{Sheet: "sessions.csv"})
	if err != nil {
		t.Fatalf("a new run of the same name: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
