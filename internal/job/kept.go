package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
)

// ErrNotBegun says that a run's journal has no start: there is nothing to
// report on.
var ErrNotBegun = errors.New("the run was stopped before it sent anything")

// AsOf returns how a run with these settings read its sheet.
type AsOf func(settings map[string]string) (Sheet, error)

// kept is the sheet of the run in dir, read by the attributes too that the run
// keeps.
func (f AsOf) kept(dir string, settings map[string]string) (Sheet, error) {
	of, err := f(settings)
	return of, cmp.Or(err, of.useKept(dir))
}

// keptRun is a run with what its directory keeps of it open, to be reported on.
type keptRun struct {
	report.Options
	closers
	of Sheet // how it read its sheet
}

// open opens the journal of the run in dir, and its copy of the sheet. The error is
// ErrNotBegun for a run without any.
func (f AsOf) open(ctx context.Context, dir string, info journal.Info) (*keptRun, error) {
	of, err := f.kept(dir, info.Options)
	if err != nil {
		return nil, err
	}
	replay, err := journal.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotBegun
	}
	if err != nil {
		return nil, err
	}
	k := &keptRun{Options: reportOptions(dir, of, info), of: of}
	k.Replays = []*journal.Replay{replay}
	k.onClose(replay.Close)
	if err := k.openSheet(ctx, dir); err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k, nil
}

// reportOptions are those of a report on the run in dir.
func reportOptions(dir string, of Sheet, info journal.Info) report.Options {
	return report.Options{
		Dir: dir, Rules: of.Rules, Results: report.Form(info.Results), DryRun: info.DryRun, Compare: compared(info), Settings: info.Options,
	}
}

// compared reports whether a run read each session before it changed it.
func compared(i journal.Info) bool { return i.Options["compare"] == "true" }

// openSheet opens the sheet that the runs in dirs have a copy of, each of which
// has one of the journals.
func (k *keptRun) openSheet(ctx context.Context, dirs ...string) (err error) {
	var copies []string
	for i, r := range k.Replays {
		file := r.Last.SheetFile
		if file == "" {
			return ErrNotBegun
		}
		// Only a name: a journal from elsewhere must not make us read outside
		// its directory.
		copies = append(copies, filepath.Join(dirs[i], filepath.Base(file)))
	}
	if k.Sheet, err = k.of.openCopy(ctx, copies...); err == nil {
		k.onClose(k.Sheet.Close)
	}
	return err
}

// openCopy opens the first of the copies of a sheet, with the ids that were looked
// up for all of them. A dry run without a tenant has found none.
func (s Sheet) openCopy(ctx context.Context, copies ...string) (*sheet.Sheet, error) {
	sh, err := s.Open(ctx, copies[0])
	if err != nil {
		return nil, fmt.Errorf("open the run's copy of the sheet: %w", err)
	}
	if !sh.ByUID() {
		return sh, nil
	}
	found, ids := false, &sheet.IDs{}
	for _, copied := range copies {
		switch err := sheet.ReadIDs(ctx, idsFile(copied), ids); {
		case err == nil:
			found = true
		case !errors.Is(err, fs.ErrNotExist):
			return nil, errors.Join(fmt.Errorf("read the ids of the run's sessions: %w", err), sh.Close())
		}
	}
	if found {
		ids.Seal()
		sh.SetIDs(ids)
	}
	return sh, nil
}

// idsFile returns where the ids are kept that were found for the uids of a run's
// copy of a sheet: sheet-2.csv has uids-2.csv.
func idsFile(copied string) string {
	dir, name := filepath.Split(copied)
	return filepath.Join(dir, "uids"+strings.TrimPrefix(name, "sheet"))
}

// copiesIn lists the copies of sheets that a run directory has, the newest first:
// sheet-10.csv, sheet-9.csv, sheet.csv.
func copiesIn(dir string) ([]string, error) {
	copies, err := filepath.Glob(filepath.Join(dir, "sheet*.csv"))
	slices.SortFunc(copies, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(b, a))
	})
	return copies, err
}
