// Command nermbulk updates SailPoint NERM workflow sessions in bulk from a
// spreadsheet: each row of a CSV becomes one PATCH.
package main

import (
	"os"

	"nermbulk/internal/cli"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], cli.System()))
}
