//go:build !unix

package journal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
)

// There is no such flag; openFile looks before it opens.
const noFollow = 0

// syncDir does nothing: a directory cannot be synced here.
func syncDir(string) error { return nil }

// openScratch opens a file that the system removes with its last handle.
func openScratch(dir string) (*os.File, error) {
	flags := os.O_RDWR | os.O_CREATE | os.O_EXCL
	if runtime.GOOS == "windows" {
		flags |= 0x04000000 // FILE_FLAG_DELETE_ON_CLOSE
	}
	return os.OpenFile(filepath.Join(dir, fmt.Sprintf(".nermbulk-%d", rand.Uint64())), flags, 0o600)
}
