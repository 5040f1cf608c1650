// Command profiled is nermbulk with a processor profile of the whole process,
// written to the file that its first argument names. The compiler takes such a
// profile as default.pgo; see "make profile".
package main

import (
	"fmt"
	"os"
	"runtime/pprof"

	"nermbulk/internal/cli"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: profiled FILE COMMAND...")
		os.Exit(2)
	}
	code, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		code = 1
	}
	os.Exit(code)
}

func run(path string, args []string) (code int, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 1, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return 1, err
	}
	code = cli.Run(args, cli.System())
	pprof.StopCPUProfile()
	return code, f.Close()
}
