package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// LockedError says that another process has the run directory.
type LockedError struct{ Dir string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another process is working on the run in %s; wait until it has ended", e.Dir)
}

// DirLock is the hold on a run directory. The system gives it up when the
// process ends, however it ends, so that a lock is never stale.
type DirLock struct{ lock *flock.Flock }

// Lock takes the directory for this process, at once or not at all: a
// *LockedError says that another one has it. The directory must exist.
func Lock(dir string) (*DirLock, error) {
	path := filepath.Join(dir, lockFileName)
	switch info, err := os.Lstat(path); {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is a %s, not a regular file; remove it", path, kindOf(info.Mode()))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the run directory: %w", err)
	case !ok:
		return nil, &LockedError{Dir: dir}
	}
	return &DirLock{lock: lock}, nil
}

// Unlock gives the directory up. The lock's file stays: were it removed, two
// processes could hold two files of one name.
func (l *DirLock) Unlock() error { return l.lock.Unlock() }
