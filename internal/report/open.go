package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// ErrNotBegun says that a run's journal has no start: there is nothing to
// report on.
var ErrNotBegun = errors.New("the run was stopped before it sent anything")

// Opener opens the copy of the sheet at path with the options that the run had.
type Opener func(ctx context.Context, path string) (*sheet.Sheet, error)

// FromDir is Write for a run of which only the directory is at hand.
func FromDir(ctx context.Context, open Opener, o Options) (s Summary, err error) {
	closeRun, err := o.Open(ctx, open)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeRun()) }()
	return Write(ctx, o)
}

// FromDirs is Write for runs of which the journals, in o, and the directories are
// at hand, in the same order.
func FromDirs(ctx context.Context, open Opener, dirs []string, o Options) (s Summary, err error) {
	if err := o.openSheet(ctx, open, dirs...); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, o.Sheet.Close()) }()
	return Write(ctx, o)
}

// Open adds the journal of the run in Dir, and its copy of the sheet.
func (o *Options) Open(ctx context.Context, open Opener) (closeRun func() error, err error) {
	o.Replay, err = journal.Load(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotBegun
	}
	if err != nil {
		return nil, err
	}
	if err := o.openSheet(ctx, open, o.Dir); err != nil {
		return nil, errors.Join(err, o.Replay.Close())
	}
	return func() error { return errors.Join(o.Sheet.Close(), o.Replay.Close()) }, nil
}

// openSheet adds the sheet that the runs in dirs have a copy of.
func (o *Options) openSheet(ctx context.Context, open Opener, dirs ...string) (err error) {
	var copies []string
	for i, r := range o.replays() {
		file := r.Last().SheetFile
		if file == "" {
			return ErrNotBegun
		}
		// Only a name: a journal from elsewhere must not make us read outside
		// its directory.
		copies = append(copies, filepath.Join(dirs[i], filepath.Base(file)))
	}
	o.Sheet, err = openKept(ctx, open, copies...)
	return err
}

// openKept opens the first of the copies of a sheet, with the ids that were looked
// up for all of them.
func openKept(ctx context.Context, open Opener, copies ...string) (*sheet.Sheet, error) {
	s, err := open(ctx, copies[0])
	if err != nil {
		return nil, fmt.Errorf("open the run's copy of the sheet: %w", err)
	}
	if err := useKeptIDs(ctx, s, copies); err != nil {
		return nil, errors.Join(fmt.Errorf("read the ids of the run's sessions: %w", err), s.Close())
	}
	return s, nil
}

// IDsFile returns where the ids are kept that were found for the uids of a run's
// copy of a sheet: sheet-2.csv has uids-2.csv.
func IDsFile(copied string) string {
	dir, name := filepath.Split(copied)
	return filepath.Join(dir, "uids"+strings.TrimPrefix(name, "sheet"))
}

// useKeptIDs gives a sheet of uids the ids that were found for copies of it. A dry run without a tenant has found none.
func useKeptIDs(ctx context.Context, s *sheet.Sheet, copies []string) error {
	if !s.ByUID() {
		return nil
	}
	var ids *sheet.IDs
	for _, copied := range copies {
		found := cmp.Or(ids, &sheet.IDs{})
		switch err := sheet.ReadIDs(ctx, IDsFile(copied), found); {
		case err == nil:
			ids = found
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if ids != nil {
		ids.Seal()
		s.SetIDs(ids)
	}
	return nil
}
