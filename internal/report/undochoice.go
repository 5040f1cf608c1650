package report

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"nermbulk/internal/change"
	"nermbulk/internal/sheet"
)

// UndoChoice chooses what of a run is put back. The zero value is all of it.
type UndoChoice struct {
	Only []string // fields by their names in a header; without any, all
	// Where, if any, opens a copy of the run's sheet with the rows alone whose
	// sessions are put back.
	Where Opener

	chosen map[uint64]bool // ids by their hash, where there is a Where
}

// takes leaves in d what is chosen, and reports whether that is anything.
func (c *UndoChoice) takes(d *undone) bool {
	if c.Where != nil && !c.chosen[hashOfID(d.id)] {
		return false
	}
	if len(c.Only) > 0 {
		maps.DeleteFunc(d.cells, func(label string, _ change.PutBack) bool { return !slices.Contains(c.Only, label) })
		d.run = false
	}
	return len(d.cells) > 0 || d.run
}

// WriteUndo writes the sheet that puts back what is chosen of what a run overwrote,
// from the run's directory alone. Without a choice that is undo.csv. It writes
// nothing where nothing comes back.
func WriteUndo(ctx context.Context, open Opener, o Options, c UndoChoice, to io.Writer) (note UndoNote, err error) {
	closeRun, err := o.Open(ctx, open)
	if err != nil {
		return note, err
	}
	defer func() { err = errors.Join(err, closeRun()) }()
	if c.Where != nil {
		if err := c.choose(ctx, open, o.Dir); err != nil {
			return note, err
		}
	}
	u := newUndo(o)
	u.choice = c
	if sources := sourceRowsOf(o.Sheet); sources != nil {
		err := o.Sheet.Each(ctx, func(r *sheet.Row) error {
			u.keepSource(r, sources)
			return nil
		})
		if err != nil {
			return note, err
		}
	}
	if err := u.survey(ctx); err != nil || u.note.Rows == 0 {
		return u.note, err
	}
	return u.note, u.writeTo(ctx, to)
}

func (u *undo) keepSource(r *sheet.Row, sources sourceRows) {
	if number := sources.of(r); number != "" {
		u.sources[r.Number] = strings.Clone(number)
	}
}

// choose finds the sessions that are chosen: the newest sheet of the run that has
// a session decides, so that one that left the sheet is chosen by its last row.
func (c *UndoChoice) choose(ctx context.Context, open Opener, dir string) error {
	copies, err := filepath.Glob(filepath.Join(dir, "sheet*.csv"))
	if err != nil {
		return err
	}
	// The newest first: sheet-10.csv, sheet-9.csv, sheet.csv.
	slices.SortFunc(copies, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(b, a))
	})
	c.chosen = map[uint64]bool{}
	for n, path := range copies {
		fit := map[uint64]bool{}
		err := eachID(ctx, c.Where, path, func(id uint64) { fit[id] = true })
		if err != nil && n == 0 { // an older sheet need not have the column
			return err
		}
		err = eachID(ctx, open, path, func(id uint64) {
			if _, decided := c.chosen[id]; !decided {
				c.chosen[id] = fit[id]
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func eachID(ctx context.Context, open Opener, path string, visit func(id uint64)) (err error) {
	s, err := openKept(ctx, open, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.SkipHash()
	return s.Each(ctx, func(r *sheet.Row) error {
		visit(hashOfID(r.ID))
		return nil
	})
}

func hashOfID(id string) uint64 { return xxhash.Sum64String(strings.ToLower(sheet.Trim(id))) }
