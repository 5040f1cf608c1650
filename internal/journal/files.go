package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The files of a run directory that this package keeps.
const (
	FileName     = "journal.jsonl"
	InfoFileName = "run.json"
	lockFileName = ".lock"
)

// tempMark is in the names of files that are to take another's place; a number
// follows it.
const tempMark = ".tmp-"

const replaceBuffer = 256 << 10

// Replace writes path whole or not at all: into a new file (0600) next to it
// that is synced and then renamed. Who reads path sees the old content or the
// new one, after a power cut too. A symbolic link at path is replaced, not
// followed. The writer given to write is buffered and must not be kept.
func Replace(path string, write func(io.Writer) error) error {
	return ReplaceMode(path, 0o600, write)
}

// ReplaceMode is Replace for a file that others may read: one that a collector
// of metrics picks up, say.
func ReplaceMode(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+name+tempMark+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// Closing again after a failed close does no harm.
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if mode != 0o600 {
		if err := f.Chmod(mode); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	w := bufio.NewWriterSize(f, replaceBuffer)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	// The rename may reach the disk before the content does, so the content
	// goes first.
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// sweep removes the files that a kill kept from taking their place: they hold
// personal data, and can be as large as the sheet. dir must be locked.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // what is wrong with dir, others report better
	}
	for _, entry := range entries {
		name, number, ok := strings.Cut(entry.Name(), tempMark)
		if !ok || !strings.HasPrefix(name, ".") || !entry.Type().IsRegular() {
			continue
		}
		if _, err := strconv.ParseUint(number, 10, 64); err == nil {
			// One that stays does no harm to the run.
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// openFile opens a regular file for writing.
func openFile(path string, flag int) (*os.File, error) {
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	return os.OpenFile(path, flag|noFollow, 0o600)
}

// checkRegular refuses what is there and is no regular file. A symbolic link is
// never followed: one planted in a run directory would have us write elsewhere.
func checkRegular(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is a %s, not a regular file; remove it", path, kindOf(info.Mode()))
	}
	return err
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	}
	return "special file"
}

// makeDir makes dir with those above it that are missing, each one so that a
// power cut cannot take it, and closes an empty one to others.
func makeDir(dir string) error {
	var made []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		made = append(made, d)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, d := range made {
		if err := syncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	if entries, err := os.ReadDir(dir); len(made) == 0 && err == nil && len(entries) == 0 {
		// Where it is not ours to change, the files' own modes protect them.
		_ = os.Chmod(dir, 0o700)
	}
	return nil
}
