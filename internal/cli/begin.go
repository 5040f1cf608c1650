package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
)

// begin makes the run directory, or goes on in it, with a copy of the sheet
// and the journal open.
func (r *runner) begin() error {
	if r.dir == nil {
		if err := r.create(); err != nil {
			return err
		}
	} else if err := r.reopen(); err != nil {
		return err
	}
	file, err := r.keepSheet()
	if err != nil {
		return err
	}
	if r.earlier == nil || r.same {
		return r.startJournal(file)
	}
	if err := r.rebase(file); err != nil {
		return err
	}
	r.describe()
	return r.dir.Save(r.info)
}

// reopen notes in run.json that the run goes on. Of a run whose rows get other
// numbers or meanings, run.json tells so until the journal has them: a kill in
// between must not have the old outcomes taken for those of the new rows.
func (r *runner) reopen() error {
	r.info.ResumedAt = append(r.info.ResumedAt, r.Now().UTC())
	r.info.FinishedAt, r.info.ExitCode, r.info.Finished = nil, nil, false
	if r.earlier == nil || r.same {
		r.describe()
	} else {
		r.info.Rebasing = true
	}
	return r.dir.Save(r.info)
}

// describe notes what this session sends, and by which rules.
func (r *runner) describe() {
	r.info.SHA256, r.info.Version = r.hash, version()
	r.info.Options = settings(r.flags)
	r.info.Rebasing = false
	r.noteOverview()
}

func (r *runner) noteOverview() { r.info.Clears, r.info.Runs = r.overview.Clears, r.overview.Runs }

func (r *runner) openJournal() (err error) {
	if r.journal, err = journal.OpenWriter(r.dir.Dir(), journal.Options{Written: r.tally.Written}); err == nil {
		r.later(r.journal.Close)
	}
	return err
}

func (r *runner) start(file string) journal.Start {
	return journal.Start{
		At: r.Now(), Version: version(), Host: r.to.host, Sheet: r.input.name,
		SHA256: r.hash, SheetFile: file, Rows: r.overview.Rows,
	}
}

// startJournal opens the journal and a session in it.
func (r *runner) startJournal(file string) error {
	if err := r.openJournal(); err != nil {
		return err
	}
	if r.earlier != nil {
		r.tally.Seed(r.earlier.Counts())
	}
	return r.journal.Commit(r.start(file))
}

// rebase opens the journal and a session with an edited sheet in it, into
// which what still holds is carried over.
func (r *runner) rebase(file string) error {
	if err := r.openJournal(); err != nil {
		return err
	}
	if err := r.journal.Rebase(r.start(file), batch.Remap(r.ctx, r.sheet, r.rules, r.earlier)); err != nil {
		return err
	}
	old := filepath.Base(r.earlier.Last().SheetFile)
	var err error
	if r.earlier, err = journal.Load(r.dir.Dir()); err != nil {
		return err
	}
	r.later(r.earlier.Close)
	r.tally.Seed(r.earlier.Counts())
	if old == file {
		return nil
	}
	if err := os.Remove(filepath.Join(r.dir.Dir(), old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
