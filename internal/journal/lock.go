package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gofrs/flock"
)

// LockedError says that another process is at work on something.
type LockedError struct{ Work string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another process is %s; wait until it has ended", e.Work)
}

// Lock takes the directory of a run for this process, at once or not at all: a
// *LockedError says that another one has it. The directory must exist.
//
// The system gives the lock up when the process ends, however it ends, so that
// it is never stale. Its file stays after Unlock.
func Lock(dir string) (*flock.Flock, error) {
	lock, err := tryLock(filepath.Join(dir, lockFileName))
	if err == nil && lock == nil {
		return nil, &LockedError{"working on the run in " + dir}
	}
	if err != nil {
		return nil, fmt.Errorf("lock the run directory: %w", err)
	}
	return lock, nil
}

// tryLock returns nil when another process has the lock.
func tryLock(path string) (*flock.Flock, error) {
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, err
	}
	return lock, nil
}

// Claim is Lock for something that has no directory of its own: the file at path
// is there only while somebody has it, and so is the directory that it is in, if
// that was missing. work is what a *LockedError says of the process that has it.
func Claim(path, work string) (release func() error, err error) {
	dir := filepath.Dir(path)
	made := false
	for tries := 1; ; tries++ {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			err := MakeDir(dir)
			if errors.Is(err, fs.ErrExist) && tries < 100 {
				continue // another one has made it, and removed it again
			}
			if err != nil {
				return nil, err
			}
			made = true
		}
		lock, err := tryLock(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // who had made the directory has removed it
		case err != nil:
			return nil, err
		case lock == nil:
			return nil, &LockedError{work}
		}
		// Who had it may have removed the file after it was opened here: a lock on
		// what has no name keeps nobody out.
		mine, err := lock.Stat()
		named, err2 := os.Lstat(path)
		if err == nil && err2 == nil && os.SameFile(mine, named) {
			return func() error { return releaseClaim(lock, path, made) }, nil
		}
		if err := lock.Unlock(); err != nil {
			return nil, err
		}
	}
}

// Claimed reports whether somebody has claimed the file at path, which need not be
// there. A Claim of it in the very moment is refused as if somebody had.
func Claimed(path string) (bool, error) {
	if err := checkRegular(path); err != nil {
		return false, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDWR|noFollow))
	free, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil || !free:
		return !free && err == nil, err
	}
	return false, lock.Unlock()
}

// releaseClaim removes the file while the lock is held. Where no file that is
// open can be removed, it goes afterwards, if nobody else has opened it. One that
// stays does no harm.
func releaseClaim(lock *flock.Flock, path string, made bool) error {
	removed := os.Remove(path)
	err := lock.Unlock()
	if removed != nil && runtime.GOOS == "windows" {
		_ = os.Remove(path)
	}
	if made {
		_ = os.Remove(filepath.Dir(path)) // not with anything in it
	}
	return err
}
