package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestOpening(t *testing.T) {
	t.Run("create twice", func(t *testing.T) {
		dir := t.TempDir()
		w, err := CreateWriter(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if _, err := CreateWriter(dir, Options{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("open where there is none", func(t *testing.T) {
		dir := t.TempDir()
		w := openWriter(t, dir)
		if err := w.Commit(start("s")); err != nil {
			t.Fatal(err)
		}
		if got := load(t, dir).First; got != start("s") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("mode", func(t *testing.T) {
		dir := t.TempDir()
		openWriter(t, dir)
		checkMode(t, filepath.Join(dir, FileName), 0o600)
	})
	t.Run("symbolic link", func(t *testing.T) {
		dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "victim")
		if err := os.WriteFile(elsewhere, []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, FileName)
		if err := os.Symlink(elsewhere, path); err != nil {
			t.Skip(err)
		}
		_, err := OpenWriter(dir, Options{})
		if want := fmt.Sprintf("%s is a symbolic link, not a regular file; remove it", path); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if data, _ := os.ReadFile(elsewhere); string(data) != "torn" {
			t.Errorf("the link's target is %q", data)
		}
	})
	t.Run("directory", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, FileName), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenWriter(dir, Options{}); err == nil {
			t.Error("opened")
		}
		if _, err := Load(dir); err == nil {
			t.Error("loaded")
		}
	})
}
