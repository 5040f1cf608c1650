package job

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/report"
	"nermbulk/internal/sandbox"
	"nermbulk/internal/sheet"
)

// plainSheet is a CSV in the present directory, read without any flag.
func plainSheet(path string) Sheet {
	return Sheet{Name: path, Path: path, Options: sheet.Options{Fields: change.SheetFields()}, Rules: change.Rules{ClearMarker: change.DefaultClearMarker}}
}

// checked checks a sheet and returns its problems.
func checked(t *testing.T, s Sheet) (*CheckedSheet, []sheet.Problem) {
	t.Helper()
	var problems []sheet.Problem
	c, err := Check(t.Context(), s, Tenant{}, func(event any) {
		if p, ok := event.(sheet.Problem); ok {
			problems = append(problems, p)
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, append(problems, c.Overview.Whole...)
}

// TestCorrect applies what is suggested and what is typed, next to the sheet and
// then to the copy itself.
func TestCorrect(t *testing.T) {
	t.Chdir(t.TempDir())
	const original = "id;status\n{33f072dd-13b4-41e1-8ea0-16f2a59b57c8};complete\n59ed1cb6-9977-4965-9bfe-f2bcc242523e;Abgelehnt\n"
	if err := os.WriteFile("in.csv", []byte(original), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("in-corrected.csv", []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := checked(t, plainSheet("in.csv"))
	var edits []sheet.Edit
	for _, p := range problems {
		if p.Suggested != "" {
			edits = append(edits, sheet.Edit{Row: p.Row, Column: int(p.Column[0] - 'A'), Text: p.Suggested})
		}
	}
	if len(problems) != 3 || len(edits) != 2 {
		t.Fatalf("%d problems and %d suggestions", len(problems), len(edits))
	}
	if _, err := c.Correct(t.Context(), []sheet.Edit{{Row: 99, Text: "x"}}, ""); err == nil {
		t.Error("a row that is not there was corrected")
	}
	path, err := c.Correct(t.Context(), edits, "")
	if err != nil || path != "in-corrected-2.csv" {
		t.Fatalf("%q, %v", path, err)
	}
	if files, _ := filepath.Glob("*"); !slices.Equal(files, []string{"in-corrected-2.csv", "in-corrected.csv", "in.csv"}) {
		t.Errorf("the files are %v", files)
	}
	c, problems = checked(t, plainSheet(path))
	if len(problems) != 1 {
		t.Fatalf("left are %v", problems)
	}
	if again, err := c.Correct(t.Context(), []sheet.Edit{{Row: 3, Column: 1, Text: "rejected"}}, path); err != nil || again != path {
		t.Fatalf("%q, %v", again, err)
	}
	if _, problems = checked(t, plainSheet(path)); len(problems) != 0 {
		t.Errorf("left are %v", problems)
	}
	want := strings.NewReplacer("{", "", "}", "", "complete", "completed", "Abgelehnt", "rejected").Replace(original)
	if got, _ := os.ReadFile(path); string(got) != want {
		t.Errorf("the copy holds %q, not %q", got, want)
	}
	if got, _ := os.ReadFile("in.csv"); string(got) != original {
		t.Errorf("the original holds %q", got)
	}
	if info, _ := os.Stat(path); runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can read the copy: %v", info.Mode())
	}
}

// TestFailedRowsAndUndo corrects the failed row of a run and sends it, and puts
// back what the first run has overwritten: previewed, and then sent.
func TestFailedRowsAndUndo(t *testing.T) {
	t.Chdir(t.TempDir())
	const ids = "33f072dd-13b4-41e1-8ea0-16f2a59b57c8,59ed1cb6-9977-4965-9bfe-f2bcc242523e"
	a, b, _ := strings.Cut(ids, ",")
	if err := os.WriteFile("in.csv", []byte("id,status\n"+a+",completed\n"+b+",complete\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	auth, err := api.StaticToken("token", "bearer")
	if err != nil {
		t.Fatal(err)
	}
	options := Options{
		Sheet: plainSheet("in.csv"), Send: batch.Options{Compare: true, SkipInvalid: true},
		Tenant: Tenant{Host: "sandbox", Sandbox: true, Kept: sandbox.New(sandbox.Options{}), Client: api.Options{Auth: auth, Workers: 1, MaxAttempts: 1, Timeout: time.Second}},
		Now:    time.Now, Caught: func() ExitCode { return ExitInterrupted }, Observer: &recorder{},
	}
	first, err := Run(t.Context(), options)
	if err != nil || first.Summary.Outcomes.Updated != 1 || first.Summary.Outcomes.Invalid != 1 {
		t.Fatalf("%v, %+v", err, first.Summary.Outcomes)
	}
	if rows := rowsOf(t, first.Dir, options.Sheet); len(rows) != 2 || rows[0].Result.Status != "updated" || rows[1].Result.Status != "invalid" || !strings.Contains(rows[1].Result.Error, "is not a status") {
		t.Errorf("the rows are %+v", rows)
	}
	failed := plainSheet(first.Summary.FileToEdit("failed"))
	if failed.Path == "" {
		t.Fatal("no row has failed")
	}
	c, problems := checked(t, failed)
	if len(problems) != 1 || problems[0].Suggested != "completed" {
		t.Fatalf("the failed rows have the problems %v", problems)
	}
	path, err := c.Correct(t.Context(), []sheet.Edit{{Row: problems[0].Row, Column: 1, Text: problems[0].Suggested}}, "")
	if err != nil {
		t.Fatal(err)
	}
	second := options
	second.Sheet = failed
	second.Sheet.Name, second.Sheet.Path = path, path
	result, err := Run(t.Context(), second)
	if err != nil || result.Code != ExitOK || result.Summary.Outcomes.Updated != 1 {
		t.Fatalf("%v, exit code %d, %+v", err, result.Code, result.Summary.Outcomes)
	}
	if result.Summary.FileToEdit("failed") != "" {
		t.Error("a run whose rows are all done has failed rows")
	}

	undo := options
	if undo.Sheet = plainSheet(first.Summary.FileToEdit("undo")); undo.Sheet.Path == "" {
		t.Fatal("nothing is to be put back")
	}
	undo.Send = batch.Options{Compare: true, DryRun: true}
	preview, err := Run(t.Context(), undo)
	if err != nil || preview.Summary.ToSend != 1 {
		t.Fatalf("%v, to send %d", err, preview.Summary.ToSend)
	}
	rows := rowsOf(t, preview.Dir, undo.Sheet)
	if len(rows) != 1 || rows[0].Result.Status != "patch" || len(rows[0].Result.Fields) != 1 || rows[0].Result.Fields[0].Field != "status" || rows[0].Result.Fields[0].Old != "completed" {
		t.Errorf("previewed is %+v", rows)
	}
	undo.Send.DryRun = false
	done, err := Run(t.Context(), undo)
	if err != nil || done.Code != ExitOK || done.Summary.Outcomes.Updated != 1 {
		t.Fatalf("%v, exit code %d, %+v", err, done.Code, done.Summary.Outcomes)
	}
	if preview, err = Run(t.Context(), withDryRun(options)); err != nil || preview.Summary.ToSend != 1 {
		t.Errorf("after the undo, the first row is to be sent again: %v, %d", err, preview.Summary.ToSend)
	}
}

// rowsOf returns what a run has made of its rows.
func rowsOf(t *testing.T, dir string, s Sheet) []report.GridRow {
	t.Helper()
	g, err := OpenGrid(t.Context(), dir, func(map[string]string) (Sheet, error) { return s, nil })
	if err != nil {
		t.Fatal(err)
	}
	w, err := g.Window(t.Context(), report.Query{Rows: 10})
	if err := errors.Join(err, g.Close()); err != nil {
		t.Fatal(err)
	}
	return w.Rows
}

func withDryRun(o Options) Options {
	o.Send.DryRun = true
	return o
}

// TestCorrectsNothingItCannotWrite leaves no file behind.
func TestCorrectsNothingItCannotWrite(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.csv", []byte("id,status\n1,a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := checked(t, plainSheet("in.csv"))
	if err := os.WriteFile("in.csv", []byte("id,status\n1,longer\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := c.Correct(t.Context(), []sheet.Edit{{Row: 2, Column: 1, Text: "closed"}}, "")
	if _, refused := errors.AsType[*sheet.EditError](err); err == nil || refused || !strings.Contains(err.Error(), "was changed while it was read") {
		t.Errorf("%v", err)
	}
	if files, _ := filepath.Glob("*"); !slices.Equal(files, []string{"in.csv"}) {
		t.Errorf("the files are %v", files)
	}
}

// TestGridOfLabels reads the header of a run's sheet by the attributes that the
// run keeps.
func TestGridOfLabels(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("in.csv", "id,End Date\n33f072dd-13b4-41e1-8ea0-16f2a59b57c8,x\n")
	write("a.json", `{"host":"","read_at":"2026-01-01T00:00:00Z","attributes":[{"id":"1","uid":"end_date","label":"End Date","data_type":"text"}]}`)
	s := plainSheet("in.csv")
	s.Attributes = "a.json"
	result, err := Run(t.Context(), Options{
		Sheet: s, Send: batch.Options{DryRun: true}, Now: time.Now, Caught: func() ExitCode { return ExitInterrupted }, Observer: &recorder{},
		Tenant: Tenant{Client: api.Options{Workers: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	g, err := OpenGrid(t.Context(), result.Dir, func(map[string]string) (Sheet, error) { return plainSheet(""), nil })
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if c := g.Columns(); len(c) != 2 || c[1].UID != "end_date" {
		t.Errorf("the columns are %+v", c)
	}
}
