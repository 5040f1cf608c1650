//go:build !unix

package job

import "math"

// openFiles returns how many files and connections this process may have open
// at a time: the system has no such limit.
func openFiles() int { return math.MaxInt32 }
