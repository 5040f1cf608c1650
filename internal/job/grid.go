package job

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

// RunGrid shows the rows of a run, or of a dry run, with what became of them.
type RunGrid struct {
	*report.Grid
	// Outline is what the run has done so far.
	Outline report.Summary
	closers []func() error
}

// OpenGrid opens what the run in a directory has made of its rows up to now: it
// may go on meanwhile, in this process or another one. asOf is as in Sheet. The
// error is report.ErrNotBegun for a run without any.
func OpenGrid(ctx context.Context, dir string, asOf func(settings map[string]string) (Sheet, error)) (_ *RunGrid, err error) {
	g := &RunGrid{}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Close())
		}
	}()
	info, err := journal.ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	of, err := asOf(info.Options)
	if err == nil {
		err = of.UseKept(dir)
	}
	if err != nil {
		return nil, err
	}
	replay, err := journal.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, report.ErrNotBegun
	}
	if err != nil {
		return nil, err
	}
	g.closers = append(g.closers, replay.Close)
	file := replay.Last().SheetFile
	if file == "" {
		return nil, report.ErrNotBegun
	}
	// Only a name: a journal from elsewhere must not make us read outside its
	// directory.
	copied := filepath.Join(dir, filepath.Base(file))
	sh, err := of.Open(ctx, copied)
	if err != nil {
		return nil, err
	}
	g.closers = append(g.closers, sh.Close)
	if err := report.UseKeptIDs(ctx, sh, copied); err != nil {
		return nil, err
	}
	o := report.Options{Dir: dir, Sheet: sh, Replay: replay, DryRun: info.DryRun}
	g.Outline = report.Outline(o)
	if g.Grid, err = report.NewRunGrid(ctx, o); err != nil {
		return nil, err
	}
	g.closers = append(g.closers, g.Grid.Close)
	return g, nil
}

// Close closes the run's files, too.
func (g *RunGrid) Close() error {
	var errs []error
	for i := len(g.closers) - 1; i >= 0; i-- {
		errs = append(errs, g.closers[i]())
	}
	g.closers = nil
	return errors.Join(errs...)
}
