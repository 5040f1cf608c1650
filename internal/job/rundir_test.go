package job

import (
	"os"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
)

const oneRow = "id,status\n00000001-0000-4000-8000-000000000001,closed\n"

// toSandbox is a job that sends s.csv to a tenant inside.
func toSandbox(t *testing.T, observer Observer) Options {
	t.Helper()
	auth, err := api.StaticToken("token", "bearer")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("s.csv", []byte(oneRow), 0o600); err != nil {
		t.Fatal(err)
	}
	return Options{
		Sheet:  Sheet{Name: "s.csv", Path: "s.csv", Options: sheet.Options{Fields: change.SheetFields()}, Rules: change.Rules{ClearMarker: "<clear>"}},
		Tenant: Tenant{Host: "sandbox", Sandbox: true, Client: api.Options{Auth: auth, Workers: 1, MaxAttempts: 1, Timeout: time.Second}},
		Now:    time.Now, Caught: func() ExitCode { return ExitInterrupted }, Observer: observer,
	}
}

// TestForgetDryRun leaves none of the files that a run can leave.
func TestForgetDryRun(t *testing.T) {
	t.Chdir(t.TempDir())
	o := toSandbox(t, &recorder{})
	o.Dir, o.Results, o.Send = "r", report.Both, batch.Options{Compare: true}
	if result, err := Run(t.Context(), o); err != nil || result.Code != ExitOK || result.Summary.Undo.Rows != 1 {
		t.Fatalf("%v, %+v", err, result)
	}
	info, err := journal.ReadInfo("r")
	if err != nil {
		t.Fatal(err)
	}
	info.DryRun = true
	if err := journal.WriteInfo("r", info); err != nil {
		t.Fatal(err)
	}
	if err := forgetDryRun("r"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir("r")
	if err != nil || len(left) != 1 || !strings.Contains(left[0].Name(), "lock") {
		t.Errorf("left: %v, %v", left, err)
	}
}
