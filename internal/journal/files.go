package journal

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
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
// followed. The writer given to write is buffered and must not be kept. Where
// the system allows it, the new file has no name before it is complete, so that
// not even a kill leaves it behind.
func Replace(path string, write func(io.Writer) error) error {
	return ReplaceMode(path, 0o600, write)
}

// ReplaceMode is Replace for a file that others may read: one that a collector
// of metrics picks up, say.
func ReplaceMode(path string, mode fs.FileMode, write func(io.Writer) error) error {
	return replace([]string{path}, mode, func(w []io.Writer) error { return write(w[0]) })
}

// ReplaceAll is Replace for files that belong together, given to write in the
// order of their paths: all of them are complete before the first takes its
// place.
func ReplaceAll(paths []string, write func([]io.Writer) error) error {
	return replace(paths, 0o600, write)
}

func replace(paths []string, mode fs.FileMode, write func([]io.Writer) error) (err error) {
	var drafts []*draft
	defer func() {
		for _, d := range drafts {
			err = cmp.Or(err, d.drop())
		}
	}()
	var writers []io.Writer
	for _, path := range paths {
		d, err := newDraft(path, mode)
		if err != nil {
			return err
		}
		drafts, writers = append(drafts, d), append(writers, d.content)
	}
	if err := write(writers); err != nil {
		return err
	}
	for _, d := range drafts {
		if err := d.complete(); err != nil {
			return err
		}
	}
	for _, d := range drafts {
		if err := d.place(); err != nil {
			return err
		}
	}
	return nil
}

// draft is the new content of a file before it takes its place.
type draft struct {
	path    string
	file    *os.File
	temp    string // its name until then; empty while it has none
	content *bufio.Writer
}

func newDraft(path string, mode fs.FileMode) (d *draft, err error) {
	d = &draft{path: path}
	if d.file, err = openUnnamed(d.dir(), path); err != nil {
		if d.file, err = os.CreateTemp(d.dir(), "."+filepath.Base(path)+tempMark+"*"); err != nil {
			return nil, err
		}
		d.temp = d.file.Name()
	}
	if mode != 0o600 {
		if err := d.file.Chmod(mode); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return nil, cmp.Or(err, d.drop())
		}
	}
	d.content = bufio.NewWriterSize(d.file, replaceBuffer)
	return d, nil
}

func (d *draft) dir() string { return filepath.Dir(d.path) }

// complete makes sure that the content is on the disk: the name may reach it
// before the content does.
func (d *draft) complete() error {
	if err := d.content.Flush(); err != nil {
		return err
	}
	if err := d.file.Sync(); err != nil || d.temp == "" {
		return err
	}
	return d.file.Close() // a file that is open cannot be renamed everywhere
}

func (d *draft) place() error {
	if d.temp == "" {
		switch err := linkUnnamed(d.file, d.path); {
		case err == nil:
			return syncDir(d.dir())
		case !errors.Is(err, fs.ErrExist):
			return err
		}
		// A link takes nobody's place: it has to be renamed.
		temp := filepath.Join(d.dir(), "."+filepath.Base(d.path)+tempMark+strconv.FormatUint(uint64(rand.Uint32()), 10))
		if err := linkUnnamed(d.file, temp); err != nil {
			return err
		}
		d.temp = temp
	}
	if err := rename(d.temp, d.path); err != nil {
		return err
	}
	d.temp = ""
	return syncDir(d.dir())
}

// drop closes the draft, and removes what has not taken its place.
func (d *draft) drop() error {
	_ = d.file.Close() // where that matters, complete did it
	if d.temp == "" {
		return nil
	}
	return os.Remove(d.temp)
}

// Scratch returns a new file in dir that nobody else can read, and that is gone
// once it is closed or the process has ended, however it ends. It has no name,
// or none that can be relied on.
func Scratch(dir string) (*os.File, error) {
	if f, err := openUnnamed(dir, filepath.Join(dir, ".nermbulk")); err == nil {
		return f, nil
	}
	return openScratch(dir)
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

// MakeDir makes dir with those above it that are missing, each one so that a
// power cut cannot take it, and closes it to others if it is empty.
func MakeDir(dir string) error {
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
	if entries, err := os.ReadDir(dir); err == nil && len(entries) == 0 {
		// Where it is not ours to change, the files' own modes protect them. Not
		// every file system can do it.
		_ = restrict(dir)
	}
	return nil
}
