package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ExistsError says that a directory holds a run already.
type ExistsError struct{ Dir string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("%s holds a run already; go on with it with --resume, or choose another --run-dir", e.Dir)
}

// Run is a run directory that this process has locked.
type Run struct {
	dir  string
	lock *DirLock
}

// Create makes dir (0700) for a new run, locks it and writes run.json. Files
// that are no run's stay untouched. A *LockedError or an *ExistsError says that
// the directory is taken.
func Create(dir string, info Info) (*Run, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	lock, err := Lock(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{InfoFileName, FileName} {
		// A link that leads nowhere is in the way as well.
		switch _, err := os.Lstat(filepath.Join(dir, name)); {
		case err == nil:
			return nil, errors.Join(&ExistsError{Dir: dir}, lock.Unlock())
		case !errors.Is(err, fs.ErrNotExist):
			return nil, errors.Join(err, lock.Unlock())
		}
	}
	if err := WriteInfo(dir, info); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return &Run{dir: dir, lock: lock}, nil
}

// Open locks the directory of a run that exists, to go on with it. The error is
// a *LockedError when another process has it.
func Open(dir string) (*Run, Info, error) {
	if _, err := os.Lstat(filepath.Join(dir, InfoFileName)); err != nil {
		return nil, Info{}, fmt.Errorf("%s holds no run: %w", dir, err)
	}
	lock, err := Lock(dir)
	if err != nil {
		return nil, Info{}, err
	}
	sweep(dir)
	// Only now: the process that had the lock may have changed it.
	info, err := ReadInfo(dir)
	if err != nil {
		return nil, Info{}, errors.Join(err, lock.Unlock())
	}
	return &Run{dir: dir, lock: lock}, info, nil
}

// Dir is the directory as it was given.
func (r *Run) Dir() string { return r.dir }

// Save replaces run.json.
func (r *Run) Save(info Info) error { return WriteInfo(r.dir, info) }

// Close gives the directory up. The journal's writer is closed first.
func (r *Run) Close() error { return r.lock.Unlock() }

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
