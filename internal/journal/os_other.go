//go:build !unix && !windows

package journal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// There is no such flag; openFile looks before it opens.
const noFollow = 0

// syncDir does nothing: a directory cannot be synced here.
func syncDir(string) error { return nil }

// openScratch opens a file with a name that nobody guesses.
func openScratch(dir string) (*os.File, error) {
	path := filepath.Join(dir, fmt.Sprintf(".nermbulk-%d", rand.Uint64()))
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func restrict(dir string) error { return os.Chmod(dir, 0o700) }
