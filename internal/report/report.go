// Package report makes everything that a person reads of a run: the CSV files,
// the summary, the page, and the progress while it goes on. All of it comes
// from the journal and the run's copy of the sheet, in memory that does not
// grow with the rows, so it can be made again at any time. It never sends
// anything and never changes the journal.
package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Options says what to report on. Sheet and Replays stay the caller's to close.
type Options struct {
	Dir   string       // the run directory; the files are written into it
	Sheet *sheet.Sheet // the copy of the sheet that the journal's row numbers refer to
	// Replays has the run's journal or, where they are joined, those of the runs of
	// all parts of the sheet, in the order of the parts.
	Replays []*journal.Replay
	Joined  bool // they are those of parts

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
	m := &making{Options: o, s: &s, undo: newUndo(o)}
	patched, counts := 0, map[journal.Status]int{}
	err := writeResults(ctx, o, func(r *sheet.Row, out journal.Outcome) error {
		s.Rows++
		counts[out.Status]++
		if out.Status == journal.Updated {
			patched += out.Attempts
		}
		if isFailure(out.Status) {
			causes.Add(out, r.Cells)
			if len(m.failed) < maxFailedRows {
				m.failed = append(m.failed, shortened(out))
			}
		}
		m.undo.keepSource(r)
		return nil
	})
	if err != nil {
		return s, err
	}
	if err := m.undo.survey(ctx); err != nil {
		return s, err
	}
	// A kill takes the last second's figures with it, but not the rows'.
	s.Requests.Patch = max(s.Requests.Patch, patched)
	s.ToSend = counts[toSend]
	s.Outcomes = outcomesOf(counts, s.Rows-s.ToSend)
	s.Failures = causes.List()
	s.Undo = m.undo.note

	for _, f := range files {
		if err := m.make(ctx, f); err != nil {
			return s, err
		}
	}
	return s, nil
}

// making is what the files of one report are made of.
type making struct {
	Options
	s      *Summary
	undo   *undo
	failed []journal.Outcome // the first of them
}

// madeFile is a file that a report has.
type madeFile struct {
	name, file string
	what       string             // in the error of one that could not be written
	forms      bool               // it can be a workbook too
	marked     bool               // with marks then
	made       func(*making) bool // nil is always
	write      func(m *making, ctx context.Context, to io.Writer) error
}

// files are those that Write makes, in this order. Those without a name are for
// the tool alone; those without a write are written with the results.
var files = []madeFile{
	{
		file: ResultsWritten, what: "the results", made: func(m *making) bool { return m.Joined },
		write: func(m *making, _ context.Context, to io.Writer) error { return m.copy(to, "results.csv") },
	},
	{name: "results", file: "results.csv", forms: true, marked: true},
	{name: "failed", file: "failed.csv", forms: true, marked: true, made: func(m *making) bool { return m.s.Outcomes.Bad() > 0 }},
	{
		file: UndoWritten, what: "what undoes the run", made: func(m *making) bool { return m.s.Undo.Rows > 0 },
		write: func(m *making, ctx context.Context, to io.Writer) error { return m.undo.write(ctx, to) },
	},
	{
		name: "undo", file: "undo.csv", what: "what undoes the run", forms: true, made: func(m *making) bool { return m.s.Undo.Rows > 0 },
		write: func(m *making, _ context.Context, to io.Writer) error { return m.copy(to, UndoWritten) },
	},
	{name: "plan", file: "plan.csv", what: "the plan", made: func(m *making) bool { return m.DryRun }, write: (*making).writePlan},
	{name: "changes", file: "changes.csv", what: "what was changed", made: (*making).compared, write: (*making).writeChanges},
	{
		name: "summary", file: "summary.json", what: "the summary",
		write: func(m *making, _ context.Context, to io.Writer) error { return m.s.WriteJSON(to) },
	},
	{name: "page", file: "report.html", what: "the page", write: (*making).writePage},
}

// ResultsWritten and UndoWritten are copies of the results of joined runs and of
// undo.csv. When results.csv, failed.csv or undo.csv is run, it is held against
// that: a spreadsheet program may have changed it, and there is no copy of the
// sheet of joined runs.
const (
	ResultsWritten = ".results.csv"
	UndoWritten    = ".undo.csv"
)

// make makes a file in the form that is wanted, or removes that of an earlier
// report.
func (m *making) make(ctx context.Context, f madeFile) (err error) {
	path, made := filepath.Join(m.Dir, f.file), f.made == nil || f.made(m)
	switch {
	case f.write == nil:
	case !made:
		err = remove(path)
	default:
		err = journal.Replace(path, func(to io.Writer) error { return f.write(m, ctx, to) })
		if err != nil {
			err = fmt.Errorf("write %s: %w", f.what, err)
		}
	}
	paths := []string{path}
	if f.forms && err == nil {
		var marks marker
		if f.marked {
			marks = resultMarks(m.Sheet.Columns())
		}
		var unfit string
		paths, unfit, err = writeForms(ctx, path, m.Results, marks)
		if unfit != "" {
			m.s.Notes = append(m.s.Notes, fmt.Sprintf("there is no workbook of %s: %s", f.file, unfit))
		}
	}
	if made && f.name != "" {
		for _, path := range paths {
			m.s.Files = append(m.s.Files, File{f.name, path})
		}
	}
	return err
}

// copy copies another of the files.
func (m *making) copy(to io.Writer, file string) error {
	f, err := os.Open(filepath.Join(m.Dir, file))
	if err != nil {
		return err
	}
	_, err = io.Copy(to, f)
	return errors.Join(err, f.Close())
}

// remove deletes a file that an earlier report made and this one does not.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the file of an earlier report: %w", err)
	}
	return nil
}

// FileNames returns the names of all files that Write can leave in a run's
// directory.
func FileNames() []string {
	var names []string
	for _, f := range files {
		names = append(names, f.file)
		if f.forms {
			names = append(names, workbookOf(f.file))
		}
	}
	return names
}
