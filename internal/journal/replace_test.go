package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestReplace(t *testing.T) {
	failure := errors.New("cannot say")
	hello := func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err }
	tests := []struct {
		name   string
		before func(t *testing.T, path string)
		write  func(io.Writer) error
		want   string // the content afterwards; empty is no file
		fails  bool
	}{
		{"new", func(*testing.T, string) {}, hello, "hello", false},
		{"old", func(t *testing.T, path string) { put(t, filepath.Dir(path), "f.csv", "old") }, hello, "hello", false},
		{"failing", func(t *testing.T, path string) { put(t, filepath.Dir(path), "f.csv", "old") },
			func(w io.Writer) error { _ = hello(w); return failure }, "old", true},
		{"failing without an old one", func(*testing.T, string) {}, func(io.Writer) error { return failure }, "", true},
		{"a directory in the way", func(t *testing.T, path string) { makeAll(t, filepath.Join(path, "sub")) }, hello, "", true},
		{"larger than the buffer", func(*testing.T, string) {},
			func(w io.Writer) error { _, err := io.WriteString(w, strings.Repeat("x", 3*replaceBuffer)); return err }, strings.Repeat("x", 3*replaceBuffer), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.csv")
			tt.before(t, path)
			if err := Replace(path, tt.write); (err != nil) != tt.fails {
				t.Fatalf("got %v", err)
			}
			if data, _ := os.ReadFile(path); string(data) != tt.want {
				t.Errorf("content %.20q, want %.20q", data, tt.want)
			}
			entries, err := os.ReadDir(filepath.Dir(path))
			if err != nil || len(entries) > 1 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
			if !tt.fails {
				checkMode(t, path, 0o600)
			}
		})
	}
	t.Run("link", func(t *testing.T) {
		dir := t.TempDir()
		path, victim := filepath.Join(dir, "f.csv"), filepath.Join(dir, "victim")
		put(t, dir, "victim", "safe")
		if err := os.Symlink(victim, path); err != nil {
			t.Skip(err)
		}
		if err := Replace(path, hello); err != nil {
			t.Fatal(err)
		}
		checkMode(t, path, 0o600)
		if data, _ := os.ReadFile(victim); string(data) != "safe" {
			t.Errorf("the link's target is %q", data)
		}
	})
	t.Run("for others", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "metrics.prom")
		if err := ReplaceMode(path, 0o644, hello); err != nil {
			t.Fatal(err)
		}
		checkMode(t, path, 0o644)
	})
}

// TestReplaceAll has two files of which the first is complete before the other:
// neither takes its place then.
func TestReplaceAll(t *testing.T) {
	failure := errors.New("the disk is full")
	for _, fails := range []bool{true, false} {
		dir := t.TempDir()
		put(t, dir, "a", "old a")
		paths := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
		err := ReplaceAll(paths, func(w []io.Writer) error {
			for i, text := range []string{"new a", "new b"} {
				if _, err := io.WriteString(w[i], text); err != nil {
					return err
				}
			}
			if data, _ := os.ReadFile(paths[0]); string(data) != "old a" {
				t.Errorf("the first is %q before both are complete", data)
			}
			if fails {
				return failure
			}
			return nil
		})
		if (err != nil) != fails {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(paths[0])
		b, _ := os.ReadFile(paths[1])
		if got, want := string(a)+", "+string(b), map[bool]string{true: "old a, ", false: "new a, new b"}[fails]; got != want {
			t.Errorf("the files are %q, not %q", got, want)
		}
	}
}

// TestNoNames looks for what a kill would leave behind: a file that is being
// written, and one that is only for the process.
func TestNoNames(t *testing.T) {
	dir := t.TempDir()
	nothing := func(when string) {
		t.Helper()
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s: %v, %v", when, entries, err)
		}
	}
	f, err := Scratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" { // which removes it with its last handle
		nothing("a scratch file is open")
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4)
	if _, err := f.ReadAt(text, 0); err != nil || string(text) != "text" {
		t.Errorf("read back %q, %v", text, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	nothing("a scratch file is closed")

	if probe, err := openUnnamed(dir, "probe"); err != nil {
		t.Skip("files have names here: ", err)
	} else if err := probe.Close(); err != nil {
		t.Error(err)
	}
	err = Replace(filepath.Join(dir, "f.csv"), func(w io.Writer) error {
		nothing("a file is being written")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestOpenSweeps goes on with a run whose report was killed.
func TestOpenSweeps(t *testing.T) {
	dir := t.TempDir()
	run, err := Create(dir, Info{Sheet: "s.csv", StartedAt: testTime})
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".results.csv.tmp-12345", ".run.json.tmp-1", "results.csv", ".mine.tmp-old", "mine.tmp-1", ".tmp-"} {
		put(t, dir, name, "keep")
	}
	if err := os.Mkdir(filepath.Join(dir, ".d.tmp-7"), 0o700); err != nil {
		t.Fatal(err)
	}
	if run, _, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	want := []string{".d.tmp-7", lockFileName, ".mine.tmp-old", ".tmp-", "mine.tmp-1", "results.csv", InfoFileName}
	slices.Sort(want)
	if err != nil || !slices.Equal(left, want) {
		t.Errorf("%v is left, not %v; %v", left, want, err)
	}
}
