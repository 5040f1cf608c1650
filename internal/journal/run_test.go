package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCreateRun(t *testing.T) {
	tests := []struct {
		name   string
		before func(t *testing.T, dir string)
		exists bool
	}{
		{"not there", func(t *testing.T, dir string) {}, false},
		{"empty", func(t *testing.T, dir string) { makeAll(t, dir) }, false},
		{"foreign files", func(t *testing.T, dir string) { makeAll(t, dir); put(t, dir, "notes.txt", "keep") }, false},
		{"a description", func(t *testing.T, dir string) { makeAll(t, dir); put(t, dir, InfoFileName, "{}") }, true},
		{"a journal", func(t *testing.T, dir string) { makeAll(t, dir); put(t, dir, FileName, "") }, true},
		{"a link that leads nowhere", func(t *testing.T, dir string) {
			makeAll(t, dir)
			if err := os.Symlink("nowhere", filepath.Join(dir, FileName)); err != nil {
				t.Skip(err)
			}
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "runs", "x")
			tt.before(t, dir)
			before, _ := os.ReadDir(dir)
			run, err := Create(dir, Info{Sheet: "s.csv", StartedAt: testTime})
			var exists *ExistsError
			if errors.As(err, &exists) != tt.exists {
				t.Fatalf("got %v", err)
			}
			if tt.exists {
				if want := dir + " holds a run already; go on with it with --resume, or choose another --run-dir"; exists.Error() != want {
					t.Errorf("message %q", exists)
				}
				if lock, err := Lock(dir); err != nil {
					t.Errorf("the lock was kept: %v", err)
				} else if err := lock.Unlock(); err != nil {
					t.Error(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range before {
				if data, _ := os.ReadFile(filepath.Join(dir, entry.Name())); string(data) != "keep" {
					t.Errorf("%s is now %q", entry.Name(), data)
				}
			}
			checkMode(t, filepath.Join(dir, InfoFileName), 0o600)
			checkMode(t, filepath.Join(dir, lockFileName), 0o600)
			if len(before) == 0 {
				checkMode(t, dir, fs.ModeDir|0o700)
			}
			if run.Dir() != dir {
				t.Errorf("dir %q", run.Dir())
			}
			if err := run.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func makeAll(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkMode checks a mode where the system has modes; elsewhere, that the file
// is there and of its kind.
func checkMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if runtime.GOOS == "windows" && err == nil && info.Mode().Type() == want.Type() {
		return
	}
	if err != nil || info.Mode() != want {
		t.Errorf("%s has mode %v, want %v; %v", path, info.Mode(), want, err)
	}
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	run, err := Create(dir, Info{})
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	attempts := map[string]func() error{
		"create": func() error { _, err := Create(dir, Info{}); return err },
		"open":   func() error { _, _, err := Open(dir); return err },
		"lock":   func() error { _, err := Lock(dir); return err },
	}
	for name, attempt := range attempts {
		if err := attempt(); !errors.As(err, &locked) || !strings.Contains(locked.Work, dir) {
			t.Errorf("%s of a locked run: got %v", name, err)
		}
	}
	code := 3
	saved := Info{Sheet: "s", Options: map[string]string{"workers": "8"}, StartedAt: testTime, FinishedAt: &testTime, ExitCode: &code, ResumedAt: []time.Time{testTime}}
	if err := errors.Join(run.Save(saved), run.Close()); err != nil {
		t.Fatal(err)
	}
	run, info, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if !reflect.DeepEqual(info, saved) {
		t.Errorf("got %+v, want %+v", info, saved)
	}
}

func TestLockRefusesLinks(t *testing.T) {
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	if err := os.Symlink(victim, filepath.Join(dir, lockFileName)); err != nil {
		t.Skip(err)
	}
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(victim); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link was followed: %v", err)
	}
}

func TestOpenWhatIsNoRun(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%v was left behind", entries)
	}
	put(t, dir, InfoFileName, `{"sheet":5}`)
	_, _, err := Open(dir)
	if want := `"sheet" is not a text`; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want …%s", err, want)
	}
	lock, err := Lock(dir)
	if err != nil {
		t.Fatalf("the lock was kept: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestRuns(t *testing.T) {
	root := t.TempDir()
	for name, hours := range map[string]int{"b": 2, "a": 2, "old": 0, "new": 5} {
		run, err := Create(filepath.Join(root, name), Info{Sheet: name, StartedAt: testTime.Add(time.Duration(hours) * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
	}
	put(t, root, "file", "")
	makeAll(t, filepath.Join(root, "no-run"))
	makeAll(t, filepath.Join(root, "broken"))
	put(t, filepath.Join(root, "broken"), InfoFileName, "{")
	runs, unreadable, err := Runs(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(unreadable) != 1 || !strings.Contains(unreadable[0].Error(), "broken") {
		t.Errorf("not to be read are %v", unreadable)
	}
	var names []string
	for _, run := range runs {
		names = append(names, run.Info.Sheet)
		if run.Dir != filepath.Join(root, run.Info.Sheet) {
			t.Errorf("dir %q", run.Dir)
		}
	}
	if want := []string{"new", "b", "a", "old"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	for _, none := range []string{"nowhere", "file"} {
		if runs, unreadable, err := Runs(filepath.Join(root, none)); runs != nil || unreadable != nil || err != nil {
			t.Errorf("%s as the root: %v, %v, %v", none, runs, unreadable, err)
		}
	}
}
