package cli_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nermbulk/internal/cli"
)

// TestMain makes the test binary double as nermbulk itself, and as nermbulk
// with a bound on the size of the files that it can write.
func TestMain(m *testing.M) {
	nermbulk := func() { os.Exit(cli.Run(os.Args[1:], cli.System())) }
	testscript.Main(m, map[string]func(){
		"nermbulk": nermbulk,
		"cramped": func() {
			boundFiles(os.Getenv("CRAMPED_BYTES"))
			nermbulk()
		},
	})
}
