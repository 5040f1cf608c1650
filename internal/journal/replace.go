package journal

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const replaceBuffer = 256 << 10

// tempMark is in the names of files that are to take another's place; a number
// follows it.
const tempMark = ".tmp-"

// sweep removes the files that a kill kept from taking their place: they hold
// personal data, and can be as large as the sheet. dir must be locked.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // what is wrong with dir, others tell better
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

// Replace writes path whole or not at all: into a new file (0600) beside it that
// is synced and then renamed. Who reads path sees the old content or the new
// one, after a power cut too. A symbolic link at path is replaced, not followed.
// The writer given to write is buffered and must not be kept.
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
