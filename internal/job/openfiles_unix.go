//go:build unix

package job

import (
	"math"
	"syscall"
)

// openFiles returns how many files and connections this process may have open
// at a time. Go has raised its limit as far as the system allows.
func openFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxInt32
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) //nolint:unconvert // an int64 on FreeBSD
}
