// Package report makes everything that a person reads of a run: the CSV files,
// the summary, the page, and the progress while it goes on. All of it comes
// from the journal and the run's copy of the sheet, in memory that does not
// grow with the rows, so it can be made again at any time. It never sends
// anything and never changes the journal.
package report

import (
	"context"
	"fmt"
	"path/filepath"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Options says what to report on. Sheet and Replay stay the caller's to close.
type Options struct {
	Dir    string          // the run directory; the files are written into it
	Sheet  *sheet.Sheet    // the copy of the sheet that the journal's row numbers refer to
	Replay *journal.Replay // the run's journal
	// Shards are, in place of Replay, the journals of the runs of all parts of the
	// sheet, in the order of the parts.
	Shards []*journal.Replay

	// Rules are those by which the rows became changes.
	Rules change.Rules
	// DryRun is set for a run that sent nothing: it gets plan.csv, and its
	// planned rows count as pending.
	DryRun bool
	// Compare is set when each session was read before it was changed:
	// plan.csv then has the changes.
	Compare bool
	// Results is the form of results, failed and undo. Empty is CSV.
	Results Form
	// Settings are the run's options for the page, by flag name. They must
	// hold no secret: everybody who is shown the page reads them.
	Settings map[string]string
}

// Write makes the run's files and returns their summary. Each file is replaced
// whole or not at all; files of an earlier report that this one does not make
// are removed. It reads the sheet once. An error means that some file could not be
// made; what the journal holds is safe in any case.
func Write(ctx context.Context, o Options) (Summary, error) {
	s := newSummary(o)
	causes := NewCauses()
	failed := &failedRows{}
	undo := newUndo(o)
	patched := 0

	err := writeResults(ctx, o, func(r *sheet.Row, out journal.Outcome) error {
		s.Rows++
		s.add(out.Status)
		if out.Status == toSend {
			out.Status = journal.Pending
		}
		if out.Status == journal.Updated {
			patched += out.Attempts
		}
		if isFailure(out.Status) {
			causes.Add(out, r.Cells)
			failed.add(out)
		}
		undo.keepSource(r)
		return nil
	})
	if err != nil {
		return s, err
	}
	if err := undo.survey(ctx); err != nil {
		return s, err
	}
	// A kill takes the last second's figures with it, but not the rows'.
	s.Requests.Patch = max(s.Requests.Patch, patched)
	s.Failures = causes.List()
	s.Undo = undo.note

	m := &making{o, &s, undo, failed}
	for _, f := range files {
		path := filepath.Join(o.Dir, f.file)
		if f.write != nil {
			if err := f.write(ctx, m, path); err != nil {
				return s, err
			}
		}
		paths := []string{path}
		if f.forms {
			var marks marker
			if f.marked {
				marks = resultMarks(o.Sheet.Columns())
			}
			var unfit string
			if paths, unfit, err = writeForms(ctx, path, o.Results, marks); err != nil {
				return s, err
			}
			if unfit != "" {
				s.Notes = append(s.Notes, fmt.Sprintf("there is no workbook of %s: %s", f.file, unfit))
			}
		}
		for _, path := range paths {
			if f.named == nil || f.named(m) {
				s.Files = append(s.Files, File{f.name, path})
			}
		}
	}
	return s, nil
}

// making is what the files of one report are made of.
type making struct {
	o      Options
	s      *Summary
	undo   *undo
	failed *failedRows
}

// files are those that Write makes, in this order.
var files = []struct {
	name, file string
	forms      bool // it can be a workbook too
	marked     bool // with marks then
	named      func(*making) bool
	write      func(ctx context.Context, m *making, path string) error // nil where it is written already
}{
	{name: "results", file: "results.csv", forms: true, marked: true, write: keepJoined},
	{name: "failed", file: "failed.csv", forms: true, marked: true, named: func(m *making) bool { return m.failed.all > 0 }},
	{
		name: "undo", file: "undo.csv", forms: true, named: func(m *making) bool { return m.s.Undo.Rows > 0 },
		write: func(ctx context.Context, m *making, path string) error { return m.undo.write(ctx, path) },
	},
	{
		name: "plan", file: "plan.csv", named: func(m *making) bool { return m.o.DryRun },
		write: func(ctx context.Context, m *making, path string) error { return writePlan(ctx, path, m.o) },
	},
	{
		name: "changes", file: "changes.csv", named: func(m *making) bool { return m.o.compared() },
		write: func(ctx context.Context, m *making, path string) error { return writeChanges(ctx, path, m.o) },
	},
	{name: "summary", file: "summary.json", write: func(_ context.Context, m *making, path string) error { return m.s.writeFile(path) }},
	{name: "page", file: "report.html", write: func(_ context.Context, m *making, path string) error { return writePage(path, m.o, *m.s, m.failed) }},
}

// FileNames returns the names of all files that Write can leave in a run's
// directory.
func FileNames() []string {
	names := []string{UndoWritten}
	for _, f := range files {
		names = append(names, f.file)
		if f.forms {
			names = append(names, workbookOf(f.file))
		}
	}
	return names
}
