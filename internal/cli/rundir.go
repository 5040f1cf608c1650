package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"nermbulk/internal/journal"
)

// runsRoot is where runs are kept unless --run-dir says otherwise.
const runsRoot = "runs"

// find looks for the run to go on with, and takes its directory. Without one,
// the run is new.
func (r *runner) find() error {
	dir := r.runDir
	if !r.resume {
		return refuseTaken(dir)
	}
	if dir == "" {
		var err error
		if dir, err = r.newestRun(); err != nil {
			return err
		}
	}
	info, err := journal.ReadInfo(dir)
	if dir == "" || errors.Is(err, fs.ErrNotExist) || err == nil && info.DryRun {
		return nil
	}
	if r.dir, r.info, err = journal.Open(dir); err != nil {
		return err
	}
	r.later(r.dir.Close)
	if r.info.Host != r.to.host {
		return usage("the run in %s is of %s, not of %s: resume it with the same tenant, or start a new run with another --run-dir", dir, r.info.Host, r.to.host)
	}
	if err := r.loadEarlier(dir); err != nil {
		return err
	}
	if r.hash, err = hashFile(r.input.path); err != nil {
		return err
	}
	r.same = r.earlier != nil && !r.info.Rebasing && r.earlier.Last().SHA256 == r.hash &&
		meaning(r.info.Options) == meaning(settings(r.flags))
	return nil
}

// refuseTaken refuses a directory that holds a run, before the sheet is checked
// and anybody is asked.
func refuseTaken(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := journal.ReadInfo(dir)
	if err != nil || info.DryRun {
		return nil // what is wrong with the directory is told when it is made
	}
	run, _, err := journal.Open(dir)
	if err != nil {
		return err // such as that another process has it
	}
	return firstOf(run.Close(), &journal.ExistsError{Dir: dir})
}

func (r *runner) loadEarlier(dir string) error {
	replay, err := journal.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // killed before the journal was begun
	}
	if err != nil {
		return err
	}
	if replay.Sessions() == 0 {
		return replay.Close()
	}
	r.earlier = replay
	r.later(replay.Close)
	return nil
}

// newestRun finds the newest run of this sheet and tenant that can be gone on
// with; "" when there is none.
func (r *runner) newestRun() (string, error) {
	runs, err := journal.Runs(runsRoot)
	if err != nil {
		return "", err
	}
	path := r.sheetPath()
	for _, run := range runs {
		i := run.Info
		same := i.SheetPath == path && (path != "" || i.Sheet == r.input.name)
		if same && i.Host == r.to.host && !i.DryRun && (!i.Finished || r.retryFailed) {
			return run.Dir, nil
		}
	}
	return "", nil
}

// sheetPath is the sheet's absolute path; empty for standard input.
func (r *runner) sheetPath() string {
	if r.input.stdin {
		return ""
	}
	path, err := filepath.Abs(r.input.path)
	if err != nil {
		return r.input.path
	}
	return path
}

// create makes the directory of a new run.
func (r *runner) create() (err error) {
	now := r.Now().UTC()
	r.info = journal.Info{
		Sheet: r.input.name, SheetPath: r.sheetPath(), SHA256: r.hash, Host: r.to.host,
		Options: settings(r.flags), Version: version(), StartedAt: now, DryRun: r.dryRun,
	}
	r.noteOverview()
	var exists *journal.ExistsError
	var locked *journal.LockedError
	if dir := r.runDir; dir != "" {
		if err := forgetDryRun(dir); err != nil {
			return err
		}
		r.dir, err = journal.Create(dir, r.info)
	} else {
		base := filepath.Join(runsRoot, runName(r.input.name)+"-"+now.Format("20060102T150405Z"))
		dir := base
		for n := 2; ; n++ {
			// Two runs of one sheet can begin in the same second.
			r.dir, err = journal.Create(dir, r.info)
			if !errors.As(err, &exists) && !errors.As(err, &locked) {
				break
			}
			dir = fmt.Sprintf("%s-%d", base, n)
		}
	}
	switch {
	case errors.As(err, &exists), errors.As(err, &locked):
		return err
	case err != nil:
		return fmt.Errorf("the run directory cannot be made; choose another place with --run-dir: %w", err)
	}
	r.later(r.dir.Close)
	return nil
}

// runName is the sheet's name as a part of a directory's.
func runName(sheet string) string {
	name := filepath.Base(sheet)
	name = strings.TrimSuffix(name, filepath.Ext(name))
	name = strings.Map(func(c rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, c) || c < ' ' {
			return '_'
		}
		return c
	}, name)
	if strings.Trim(name, ". ") == "" {
		return "sheet"
	}
	return name
}

// forgetDryRun makes room for a run where a dry run was: it leaves nothing to
// resume.
func forgetDryRun(dir string) error {
	if info, err := journal.ReadInfo(dir); err != nil || !info.DryRun {
		return nil
	}
	lock, err := journal.Lock(dir)
	if err != nil {
		return err
	}
	for _, name := range []string{"plan.csv", "results.csv", "failed.csv", "undo.csv", "summary.json", "report.html", sheetFile, journal.FileName, journal.InfoFileName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, lock.Unlock())
		}
	}
	return lock.Unlock()
}

// sheetFile is the run's own copy of the sheet: what was checked is what is
// sent and reported on, whatever happens to the original meanwhile.
const sheetFile = "sheet.csv"

// keepSheet copies the sheet into the run directory, if it is not there yet,
// and opens the copy in the original's place. It returns the copy's name.
func (r *runner) keepSheet() (string, error) {
	name := sheetFile
	if r.earlier != nil {
		if name = r.earlier.Last().SheetFile; r.earlier.Last().SHA256 != r.hash {
			name = fmt.Sprintf("sheet-%d.csv", r.earlier.Sessions()+1)
		}
	}
	path := filepath.Join(r.dir.Dir(), filepath.Base(name))
	if kept, err := hashFile(path); err != nil || kept != r.hash {
		if err := copySheet(r.input.path, path, r.hash); err != nil {
			return "", err
		}
	}
	copied, rules, err := r.sheetFlags.open(path)
	if err != nil {
		return "", err
	}
	original := r.sheet
	r.sheet, r.rules = copied, rules
	return name, original.Close()
}

// copySheet copies a sheet that must still be as it was checked.
func copySheet(from, to, hash string) error {
	in, err := os.Open(from)
	if err != nil {
		return usage("the sheet cannot be read again: %w", err)
	}
	defer in.Close()
	sum := sha256.New()
	return journal.Replace(to, func(w io.Writer) error {
		if _, err := io.Copy(io.MultiWriter(w, sum), in); err != nil {
			return err
		}
		if hex.EncodeToString(sum.Sum(nil)) != hash {
			return usage("the sheet was changed while it was checked: save it, and run again")
		}
		return nil
	})
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
