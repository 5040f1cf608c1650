package cli_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nermbulk/internal/cli"
)

// TestMain makes the test binary double as nermbulk itself, as nermbulk with a
// bound on the size of the files that it can write, and as a small process that
// measures nermbulk.
func TestMain(m *testing.M) {
	nermbulk := func() { os.Exit(cli.Run(os.Args[1:], cli.System())) }
	testscript.Main(m, map[string]func(){
		"nermbulk": nermbulk,
		"cramped": func() {
			boundFiles(os.Getenv("CRAMPED_BYTES"))
			nermbulk()
		},
		"measured": func() { os.Exit(measured("nermbulk", os.Args[1:])) },
	})
}

// measured runs a command, writes the most memory that it had in use to the file
// PEAK_FILE, in KiB, and returns its exit code. Linux counts what a process's
// parent had in use when it was started, so the parent has to be small.
func measured(name string, args []string) int {
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState != nil {
		peak := fmt.Sprint(maxResident(cmd.ProcessState))
		err = cmp.Or(err, os.WriteFile(os.Getenv("PEAK_FILE"), []byte(peak), 0o600))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return codeOf(exit.ProcessState)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return 0
}
