package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a run directory that this package keeps.
const (
	FileName     = "journal.jsonl"
	InfoFileName = "run.json"
	lockFileName = ".lock"
)

// CreateWriter starts the journal of a new run in dir. It fails with
// fs.ErrExist when there is one already.
func CreateWriter(dir string, o Options) (*Writer, error) {
	f, err := openFile(filepath.Join(dir, FileName), os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	// Without the directory's own sync a power cut could take the whole file,
	// with all that was synced into it.
	err = f.Sync()
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return newWriter(f, o), nil
}

// OpenWriter goes on with the journal in dir, or starts it if the run was killed
// before there was one. A torn tail is cut off first; damage there is a
// *DamageError. Damage further up is Load's to find: call it before.
func OpenWriter(dir string, o Options) (*Writer, error) {
	path := filepath.Join(dir, FileName)
	switch _, err := repair(path); {
	case errors.Is(err, fs.ErrNotExist):
		return CreateWriter(dir, o)
	case err != nil:
		return nil, err
	}
	f, err := openFile(path, os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	return newWriter(f, o), nil
}

// openFile opens a regular file for writing. It never follows a symbolic link:
// one planted in a run directory would have us write elsewhere.
func openFile(path string, flag int) (*os.File, error) {
	switch info, err := os.Lstat(path); {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is a %s, not a regular file; remove it", path, kindOf(info.Mode()))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return os.OpenFile(path, flag|noFollow, 0o600)
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
