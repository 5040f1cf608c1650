package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// lookUp finds the ids of a sheet that names its sessions by uid. What the run
// that goes on has found stays as it is, whatever the tenant says now. Without a
// tenant no id is known, and a dry run goes without where it does not answer.
func (j *job) lookUp(ctx context.Context) error {
	if !j.sheet.ByUID() || len(j.sheet.Problems()) > 0 {
		return nil
	}
	part := j.part()
	switch {
	case j.client != nil:
	case part.Of > 1:
		return invalid("the sheet names its sessions by uid, so its rows of %s are known only once a tenant has named their ids: give the dry run the tenant's sign-in", part.Words())
	default:
		j.Observer.Event(Note{"uids are not looked up: there is no tenant to ask"})
		return nil
	}
	ids := &sheet.IDs{}
	if err := j.readKeptIDs(ctx, ids); err != nil {
		return err
	}
	if j.same && !j.Send.SkipInvalid {
		ids.Seal()
	} else if err := j.findIDs(ctx, ids); err != nil {
		if j.offline() && part.Of <= 1 && ctx.Err() == nil {
			j.Observer.Event(Note{err.Error()})
			return nil
		}
		return err
	}
	j.ids = ids
	j.sheet.SetIDs(ids)
	return nil
}

// findIDs asks the tenant for the ids that are missing.
func (j *job) findIDs(ctx context.Context, ids *sheet.IDs) (err error) {
	err = j.sheet.EachUID(ctx, func(uid string) error {
		ids.Add(uid)
		return nil
	})
	if err != nil {
		return j.Sheet.unreadable(ctx, err)
	}
	say := func(text string) { j.Observer.Event(Note{text}) }
	j.slow = true // that it is asked is said already
	defer j.watchAsking(ctx)(&err)
	err = batch.LookUp(ctx, j.sheet, ids, j.client, j.Tenant.Client.Workers, say)
	list, asked := errors.AsType[*api.ListError](err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case asked:
		return &Error{NoAnswer, fmt.Errorf("the sheet's uids cannot be looked up: %s; nothing was sent", list.Answer.Message)}
	}
	return j.Sheet.unreadable(ctx, err)
}

// readKeptIDs adds what earlier sessions of the run that goes on have found.
func (j *job) readKeptIDs(ctx context.Context, ids *sheet.IDs) error {
	if j.dir == nil {
		return nil
	}
	if j.same {
		path := idsFile(filepath.Join(j.dir.Dir(), filepath.Base(j.earlier.Last.SheetFile)))
		if _, err := os.Stat(path); err != nil {
			return invalid("the run in %s has lost the ids of its sessions (%s), so what it sent is not known: put it back, or begin a new run with --new", j.dir.Dir(), filepath.Base(path))
		}
	}
	kept, err := fs.Glob(os.DirFS(j.dir.Dir()), idsFile("sheet*.csv"))
	for _, name := range kept {
		err = cmp.Or(err, sheet.ReadIDs(ctx, filepath.Join(j.dir.Dir(), name), ids))
	}
	if err != nil && ctx.Err() == nil {
		return invalid("the ids of the run's sessions cannot be read: %w", err)
	}
	return err
}

// keepIDs keeps what was found for the run's copy of a sheet of uids next to it.
func (j *job) keepIDs(ctx context.Context, copied string) error {
	path := idsFile(copied)
	if _, err := os.Stat(path); j.ids == nil || j.same && err == nil {
		return nil
	}
	return journal.Replace(path, func(w io.Writer) error { return j.sheet.WriteIDs(ctx, w) })
}
