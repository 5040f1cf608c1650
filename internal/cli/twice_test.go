package cli_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"nermbulk/internal/sandbox"
)

// TestStartedTwice starts one sheet twice at the same moment, as a job and a
// person do. Blank rows at its end make the check long.
func TestStartedTwice(t *testing.T) {
	t.Parallel()
	const rows = 40
	var b strings.Builder
	b.WriteString("id,status,run\n")
	tenant := sandbox.New(sandbox.Options{})
	for i := range rows {
		fmt.Fprintf(&b, "%s,closed,true\n", idOf(i))
		if err := tenant.AddID(idOf(i)); err != nil {
			t.Fatal(err)
		}
	}
	b.WriteString(strings.Repeat("\n", 5_000_000))
	for _, test := range []struct {
		name  string
		names [2]string // of the sheet
	}{{"one file", [2]string{"s.csv", "s.csv"}}, {"one content", [2]string{"s.csv", "copy.csv"}}} {
		t.Run(test.name, func(t *testing.T) {
			dir, base, before := t.TempDir(), answering(t, tenant.Handler()), tenant.Applied()
			var codes [2]int
			var both sync.WaitGroup
			for _, name := range test.names {
				write(t, filepath.Join(dir, name), b.String())
			}
			for i, name := range test.names {
				both.Go(func() {
					codes[i] = nermbulk(t, dir, []string{"NERM_TOKEN=x"}, "run", name, "--base-url", base, "--yes", "--resume", "--rate", "0").code
				})
			}
			both.Wait()
			slices.Sort(codes[:])
			if runs, _ := filepath.Glob(filepath.Join(dir, "runs", "*")); codes != [2]int{0, 4} || tenant.Applied()-before != rows || len(runs) != 1 {
				t.Errorf("exit codes %v, %d rows sent, %d runs", codes, tenant.Applied()-before, len(runs))
			}
		})
	}
}
