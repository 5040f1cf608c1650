package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Remove deletes the run's directory with everything in it, and gives it up.
// Symbolic links are deleted, never followed. The run's description goes after
// all else, so that what a crash leaves can still be told for what it is.
func (r *Run) Remove() error {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return errors.Join(err, r.lock.Unlock())
	}
	err = empty(root)
	// Where the system removes no file that is open, it goes after the lock.
	var kept error
	if err == nil {
		kept = root.Remove(lockFileName)
	}
	if err = errors.Join(err, root.Close(), r.lock.Unlock()); err != nil {
		return err
	}
	if kept != nil && !errors.Is(kept, fs.ErrNotExist) {
		if err := os.Remove(filepath.Join(r.dir, lockFileName)); err != nil {
			return err
		}
	}
	// Not with what another process may have begun there meanwhile.
	return os.Remove(r.dir)
}

// empty deletes what is in a run's directory, but for the lock's file.
func empty(root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name != InfoFileName && name != lockFileName {
			if err := root.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	if err := root.Remove(InfoFileName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
