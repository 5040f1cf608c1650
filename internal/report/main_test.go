package report

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// began is when the tests' runs start.
var began = time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC)

// uuid makes a different id for each n.
func uuid(n int) string { return fmt.Sprintf("0d0e0f00-0000-4000-8000-%012d", n) }

// run is a run directory that a test made.
type run struct {
	tb      testing.TB
	dir     string
	options sheet.Options
	o       Options
}

// newRun writes a run directory with the sheet's text and the records, the
// first session's start before them.
func newRun(tb testing.TB, text string, records ...journal.Record) *run {
	tb.Helper()
	r := &run{tb: tb, dir: tb.TempDir(), o: Options{Rules: change.Rules{ClearMarker: change.DefaultClearMarker}}}
	if err := os.WriteFile(filepath.Join(r.dir, "sheet.csv"), []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	w, err := journal.CreateWriter(r.dir, journal.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	start := journal.Start{
		At: began, Version: "1.2.3", Host: "acme.nonemployee.com", Sheet: "sessions.csv", SheetFile: "sheet.csv",
		Operator: journal.Operator{User: "ann", Machine: "desk"},
	}
	sent := sentBy(tb, r)
	for _, rec := range append([]journal.Record{start}, records...) {
		if b, ok := rec.(journal.Before); ok && b.Sent == nil {
			b.Sent = sent[b.Row]
			rec = b
		}
		if err := w.Append(rec); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return r
}

// sentBy is what the rows of a run's sheet send.
func sentBy(tb testing.TB, r *run) map[int]map[string]string {
	tb.Helper()
	s, err := sheet.Open(r.tb.Context(), filepath.Join(r.dir, "sheet.csv"), sheet.Options{Fields: change.SheetFields(), Unknown: sheet.UnknownIgnore})
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close()
	sent := map[int]map[string]string{}
	if len(s.Problems()) > 0 {
		return sent
	}
	planner := change.NewPlanner(s, change.Rules{ClearMarker: change.DefaultClearMarker, AllowUnknownStatus: true, InOrder: true})
	err = s.Each(context.Background(), func(row *sheet.Row) error {
		planner.Plan(row)
		sent[row.Number] = planner.Change.Sent()
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return sent
}

// write makes the run's files.
func (r *run) write() (Summary, error) {
	r.tb.Helper()
	r.options.Fields = change.SheetFields()
	s, err := sheet.Open(r.tb.Context(), filepath.Join(r.dir, "sheet.csv"), r.options)
	if err != nil {
		r.tb.Fatal(err)
	}
	defer s.Close()
	replay, err := journal.Load(r.dir)
	if err != nil {
		r.tb.Fatal(err)
	}
	defer replay.Close()
	r.o.Dir, r.o.Sheet, r.o.Replays = r.dir, s, []*journal.Replay{replay}
	return Write(context.Background(), r.o)
}

// must makes the run's files and fails the test if that does not work.
func (r *run) must() Summary {
	r.tb.Helper()
	s, err := r.write()
	if err != nil {
		r.tb.Fatal(err)
	}
	return s
}

// file reads one of the run's files; "" if it is not there.
func (r *run) file(name string) string {
	r.tb.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if os.IsNotExist(err) {
		return ""
	}
	if err != nil {
		r.tb.Fatal(err)
	}
	return string(text)
}

// readSheet reads a file of the run as `run` would: its header and its rows.
func (r *run) readSheet(name string) (header []string, rows [][]string) {
	r.tb.Helper()
	s, err := sheet.Open(r.tb.Context(), filepath.Join(r.dir, name), sheet.Options{Fields: change.SheetFields(), Unknown: sheet.UnknownAttribute})
	if err != nil {
		r.tb.Fatal(err)
	}
	defer s.Close()
	for _, c := range s.Columns() {
		header = append(header, c.Name)
	}
	err = s.Each(context.Background(), func(row *sheet.Row) error {
		rows = append(rows, append([]string(nil), row.Cells...))
		return nil
	})
	if err != nil {
		r.tb.Fatal(err)
	}
	for _, p := range s.Problems() {
		r.tb.Errorf("%s: %s", name, p)
	}
	return header, rows
}

// lines puts a CSV file's text together as it must be on disk.
func lines(l ...string) string { return "\uFEFF" + strings.Join(l, "\r\n") + "\r\n" }
