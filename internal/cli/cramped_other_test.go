//go:build !unix

package cli_test

import (
	"fmt"
	"os"
)

// boundFiles ends the process: there is no such bound here.
func boundFiles(string) {
	fmt.Fprintln(os.Stderr, "the size of files cannot be bounded on this system")
	os.Exit(99)
}

func maxResident(*os.ProcessState) int64 { return 0 }
