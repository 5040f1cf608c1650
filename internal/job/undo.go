package job

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// InfoToUndo returns what is known of the run in dir, if it is one that can be
// put back.
func InfoToUndo(dir string) (journal.Info, error) {
	switch info, err := journal.ReadInfo(dir); {
	case errors.Is(err, fs.ErrNotExist):
		for _, name := range undoSheets {
			joined := filepath.Join(dir, name)
			if _, found := os.Stat(joined); found == nil && Written(joined) {
				return info, invalid("%s holds joined runs: `nermbulk run %s` puts back what they overwrote", dir, text.ShellPath(joined))
			}
		}
		return info, noRun(dir)
	case err != nil:
		return info, &Error{Invalid, err}
	case info.DryRun:
		return info, invalid("%s is a dry run, which overwrote nothing", dir)
	default:
		return info, nil
	}
}

// WithUndo calls do with a file that holds the sheet which puts back what is
// chosen of a run, and with the flags that run needs to take it. No other process
// may work on the run before do has ended: what one sends, the other would not
// know of.
func WithUndo(ctx context.Context, of journal.Undone, asOf AsOf, do func(file *os.File, flags []string) error) (err error) {
	run, info, err := journal.Open(of.Run)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, run.Close()) }()
	file, err := scratch()
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	flags, err := writeUndo(ctx, of, info, asOf, file)
	if err != nil {
		return err
	}
	return do(file, flags)
}

// writeUndo makes the sheet of the run's journal, which has all of it though the
// run was killed before its files were written.
func writeUndo(ctx context.Context, of journal.Undone, info journal.Info, asOf AsOf, to *os.File) (flags []string, err error) {
	if err := refuseEdited(ctx, of.Run); err != nil {
		return nil, err
	}
	k, err := asOf.open(ctx, of.Run, info)
	if errors.Is(err, ErrNotBegun) {
		err = invalid("%s: there is nothing to put back: %w", of.Run, err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	var choice report.UndoChoice
	for _, name := range of.Only {
		field, uid, ok := k.of.Rules.Attributes.SheetFields().Parse(sheet.Trim(name))
		if !ok {
			return nil, invalid("--only %s: it is no field; name one of changes.csv in %s, such as status or attributes.end_date", text.ShellQuote(text.Line(name, 0)), of.Run)
		}
		choice.Only = append(choice.Only, change.Label(field, uid))
	}
	if len(of.Where) > 0 {
		if choice.Sessions, err = k.choose(ctx, of.Where); err != nil {
			return nil, err
		}
	}
	note, err := report.WriteUndo(ctx, k.Options, choice, to)
	if err == nil && note.Rows == 0 {
		err = nothingToUndo(of, note, k.Compare)
	}
	return note.Flags, err
}

// choose finds the sessions of the rows that fit all conditions, by their keys: the
// newest sheet of the run that has a session decides, so that one that left the
// sheet is chosen by its last row.
func (k *keptRun) choose(ctx context.Context, where []string) (chosen map[uint64]bool, err error) {
	copies, err := copiesIn(k.Dir)
	if err != nil {
		return nil, err
	}
	fitting := k.of
	fitting.Options.Where = nil
	for _, w := range where {
		fitting.Options.Where = append(fitting.Options.Where, sheet.Condition{Text: w})
	}
	chosen = map[uint64]bool{}
	for n, path := range copies {
		fit := map[uint64]bool{}
		err := fitting.eachSession(ctx, path, func(key uint64) { fit[key] = true })
		if err != nil && n == 0 { // an older sheet need not have the column
			return nil, err
		}
		err = k.of.eachSession(ctx, path, func(key uint64) {
			if _, decided := chosen[key]; !decided {
				chosen[key] = fit[key]
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return chosen, nil
}

// eachSession calls visit with the key of the session of each row in a copy.
func (s Sheet) eachSession(ctx context.Context, path string, visit func(key uint64)) (err error) {
	sh, err := s.openCopy(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sh.Close()) }()
	sh.SkipHash()
	return sh.Each(ctx, func(r *sheet.Row) error {
		visit(report.SessionKey(r.ID))
		return nil
	})
}

// nothingToUndo says why nothing is put back.
func nothingToUndo(of journal.Undone, note report.UndoNote, compared bool) error {
	var chosen []string
	for _, name := range of.Only {
		chosen = append(chosen, "--only "+text.ShellQuote(text.Line(name, 0)))
	}
	for _, w := range of.Where {
		chosen = append(chosen, "--where "+text.ShellQuote(text.Line(w, 0)))
	}
	what := strings.Join(append([]string{"of the run in " + of.Run}, chosen...), " ")
	switch {
	case len(note.Lost) > 0:
		return invalid("%s, nothing can be put back:\n  %s", what, strings.Join(texts(note.Lost), "\n  "))
	case !compared:
		return invalid("%s, nothing is known to put back: it did not read the sessions first (--compare)", what)
	case len(chosen) > 0:
		return invalid("%s, nothing was overwritten; `nermbulk undo %s --dry-run` shows what was", what, text.ShellPath(of.Run))
	}
	return invalid("%s, nothing is to be put back: it overwrote nothing", what)
}

// refuseEdited refuses a run whose undo.csv, or undo.xlsx, somebody has edited: what
// is sent is made again, without the edits.
func refuseEdited(ctx context.Context, dir string) error {
	written, err := hashCells(ctx, filepath.Join(dir, report.UndoWritten))
	if err != nil {
		return ctx.Err()
	}
	for _, name := range undoSheets {
		path := filepath.Join(dir, name)
		switch now, err := hashCells(ctx, path); {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist), err == nil && now == written:
			continue
		}
		return invalid("%s was edited: send it as it is with `nermbulk run %s`, or have it written again with `nermbulk report %s`",
			path, text.ShellPath(path), text.ShellPath(dir))
	}
	return nil
}

// hashCells returns a hash of what the cells of a sheet hold, whatever its form.
func hashCells(ctx context.Context, path string) (hash string, err error) {
	sh, err := Sheet{Options: sheet.Options{Fields: change.SheetFields()}}.Open(ctx, path)
	if err != nil {
		return "", err
	}
	defer func() { err = cmp.Or(err, sh.Close()) }()
	all := sha256.New()
	for _, c := range sh.Columns() {
		fmt.Fprintf(all, "%q\n", c.Name)
	}
	err = sh.Each(ctx, func(row *sheet.Row) error {
		fmt.Fprintf(all, "%q\n", row.Cells)
		return nil
	})
	return hex.EncodeToString(all.Sum(nil)), err
}
