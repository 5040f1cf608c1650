//go:build unix

package cli_test

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// boundFiles makes every write beyond so many bytes of a file fail, as on a
// disk that is full.
func boundFiles(bytes string) {
	n, err := strconv.ParseUint(bytes, 10, 64)
	if err == nil {
		// The signal would end the process before the write could fail.
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: n, Max: n}
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot bound the size of files to %q: %s\n", bytes, err)
		os.Exit(99)
	}
}

// maxResident returns the most memory that a process had in use, as the system
// counts it: in KiB on Linux.
func maxResident(s *os.ProcessState) int64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return usage.Maxrss
}
