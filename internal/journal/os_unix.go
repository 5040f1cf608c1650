//go:build unix

package journal

import (
	"cmp"
	"errors"
	"os"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

// syncDir makes the entries of dir survive a power cut. Some file systems
// cannot sync a directory and keep its entries safe by themselves.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// rename has a file take the place of another one, whoever has that open.
var rename = os.Rename

// openScratch opens a file whose name is gone at once.
func openScratch(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, ".nermbulk-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, cmp.Or(err, f.Close())
	}
	return f, nil
}

// restrict closes a directory to others.
func restrict(dir string) error { return os.Chmod(dir, 0o700) }
