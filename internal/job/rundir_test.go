package job

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
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

// editing is an observer that edits the sheet while it is asked.
type editing struct{ recorder }

func (editing) Confirm(context.Context, Announcement) error {
	return os.WriteFile("s.csv", []byte(strings.ToUpper(oneRow)), 0o600)
}

// TestASheetEditedDuringTheQuestion leaves nothing of the run that did not
// begin: the next one is not refused for it.
func TestASheetEditedDuringTheQuestion(t *testing.T) {
	for _, test := range []struct {
		name, dir string
	}{{"a directory of its own", ""}, {"a directory that is named, with a file", "r"}} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.Mkdir("r", 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile("r/mine.txt", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			o := toSandbox(t, &editing{})
			o.Dir = test.dir
			result, err := Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), "was changed while it was checked") || result.Dir != "" {
				t.Fatalf("%v, and the run is in %q", err, result.Dir)
			}
			if _, err := os.Stat("runs"); err == nil {
				t.Error("runs is still there")
			}
			if left, _ := filepath.Glob("r/[^.]*"); len(left) != 1 {
				t.Errorf("left in r: %q", left)
			}
			seen := &recorder{}
			o.Observer = seen
			if result, err = Run(t.Context(), o); err != nil || result.Code != ExitOK || seen.seen[0] == "go on" {
				t.Errorf("the next run: %v, exit code %d, %q", err, result.Code, seen.seen)
			}
		})
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

// TestWriteReport makes the same files as the run itself, from its directory.
func TestWriteReport(t *testing.T) {
	t.Chdir(t.TempDir())
	o := toSandbox(t, &recorder{})
	o.Dir, o.Send, o.Settings = "r", batch.Options{Compare: true}, map[string]string{"compare": "true", "rate": "10"}
	result, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, f := range result.Summary.Files {
		content, err := os.ReadFile(f.Path)
		if err := errors.Join(err, os.Remove(f.Path)); err != nil {
			t.Fatal(err)
		}
		made[f.Path] = string(content)
	}
	if page := made[filepath.Join("r", "report.html")]; !strings.Contains(page, "<dt>rate</dt><dd>10</dd>") {
		t.Error("the page lacks the settings")
	}
	asOf := func(settings map[string]string) (Sheet, error) {
		if settings["rate"] != "10" {
			t.Errorf("it is read by %v", settings)
		}
		return plainSheet(""), nil
	}
	s, _, err := WriteReport(t.Context(), "r", "", asOf)
	if err != nil || !reflect.DeepEqual(s, result.Summary) {
		t.Errorf("reported %+v, not %+v; %v", s, result.Summary, err)
	}
	for path, want := range made {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s differs: %v", path, err)
		}
	}
	if err := os.Remove(filepath.Join("r", journal.FileName)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := WriteReport(t.Context(), "r", "", asOf); !errors.Is(err, ErrNotBegun) {
		t.Errorf("without a journal the error is %v", err)
	}
}
