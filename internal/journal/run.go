package journal

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Info describes a run: the content of run.json.
type Info struct {
	Sheet      string            `json:"sheet"`                       // the path as the user gave it, or "stdin"
	SheetPath  string            `json:"sheet_path"`                  // absolute; empty for standard input
	SHA256     string            `json:"sha256"`                      // of the sheet's bytes, in hexadecimal
	FileSHA256 string            `json:"sheet_file_sha256,omitempty"` // of the run's copy where it is not SHA256: of a workbook it is a CSV
	Shard      string            `json:"shard,omitempty"`             // the part of the sheet's rows, such as 2/4; empty for all of them
	Host       string            `json:"host"`
	Options    map[string]string `json:"options"`                  // flags by name; never a secret
	Sources    map[string]string `json:"sources,omitempty"`        // where flags were set, by name: flag, environment, profile or file; the others have their default
	Undoes     *Undone           `json:"undoes,omitempty"`         // the run that this one puts back; nil for another one
	Earlier    []Edition         `json:"earlier_sheets,omitempty"` // what the run was begun and gone on with before, each once
	Results    string            `json:"results,omitempty"`        // the form of the files that can be corrected; empty for CSV
	Version    string            `json:"version"`
	Operator   Operator          `json:"operator,omitzero"` // of the last session
	Clears     int               `json:"clears"`            // attributes that the sheet empties
	Runs       int               `json:"runs"`              // sessions that the sheet runs
	StartedAt  time.Time         `json:"started_at"`
	ResumedAt  []time.Time       `json:"resumed_at,omitempty"`
	FinishedAt *time.Time        `json:"finished_at"` // of the last session; nil while one goes on or after a kill
	ExitCode   *int              `json:"exit_code"`   // as FinishedAt
	Finished   bool              `json:"finished"`    // nothing is left to resume
	DryRun     bool              `json:"dry_run"`
	Canary     int               `json:"canary,omitempty"` // rows to send first, until they were found right
}

// Undone is a run that another one puts back, and what of it.
type Undone struct {
	Run   string   `json:"run"`             // its directory, absolute
	Only  []string `json:"only,omitempty"`  // fields; all without any
	Where []string `json:"where,omitempty"` // rows of its sheet, COLUMN=VALUE; all without any
}

// Edition is a sheet as a session of a run found it; the fields are as in Info.
type Edition struct {
	SheetPath string `json:"sheet_path"`
	SHA256    string `json:"sha256"`
}

// RunDir is a directory that holds a run.
type RunDir struct {
	Dir  string
	Info Info
}

// ReadInfo reads a run's description. The error is fs.ErrNotExist where dir
// holds no run.
func ReadInfo(dir string) (Info, error) {
	path := filepath.Join(dir, InfoFileName)
	data, err := os.ReadFile(path)
	if err != nil {
		return Info{}, missing(err)
	}
	var info Info
	if err := json.Unmarshal(data, &info); err != nil {
		return Info{}, fmt.Errorf("%s cannot be read; put back an undamaged copy of it or start a new run: %w", path, explain(err))
	}
	return info, nil
}

// missing makes fs.ErrNotExist of the error of a file whose directory is a file.
func missing(err error) error {
	if errors.Is(err, syscall.ENOTDIR) {
		return fs.ErrNotExist
	}
	return err
}

// WriteInfo replaces a run's description, whole or not at all.
func WriteInfo(dir string, info Info) error {
	return Replace(filepath.Join(dir, InfoFileName), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(info)
	})
}

// Runs lists the runs in the directories under root, the newest first, and why
// others cannot be read. A root that is no directory holds none.
func Runs(root string) (runs []RunDir, unreadable []error, err error) {
	entries, err := os.ReadDir(root)
	if info, found := os.Stat(root); errors.Is(err, fs.ErrNotExist) || found == nil && !info.IsDir() {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		dir := filepath.Join(root, entry.Name())
		switch info, err := ReadInfo(dir); {
		case err == nil:
			runs = append(runs, RunDir{Dir: dir, Info: info})
		case !errors.Is(err, fs.ErrNotExist):
			unreadable = append(unreadable, err)
		}
	}
	slices.SortStableFunc(runs, func(a, b RunDir) int {
		return cmp.Or(b.Info.StartedAt.Compare(a.Info.StartedAt), cmp.Compare(b.Dir, a.Dir))
	})
	return runs, unreadable, nil
}

// ExistsError says that a directory holds a run already.
type ExistsError struct{ Dir string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("%s holds a run already; go on with it with --resume, or choose another --run-dir", e.Dir)
}

// Run is a run directory that this process has locked.
type Run struct {
	dir  string
	lock *flock.Flock
}

// Create makes dir (0700) for a new run, locks it and writes run.json. Files
// that are no run's stay untouched. A *LockedError or an *ExistsError says that
// the directory is taken.
func Create(dir string, info Info) (*Run, error) {
	if err := MakeDir(dir); err != nil {
		return nil, err
	}
	lock, err := Lock(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{InfoFileName, FileName} {
		// A link that leads nowhere is in the way as well.
		if _, found := os.Lstat(filepath.Join(dir, name)); found == nil {
			err = &ExistsError{Dir: dir}
		} else if !errors.Is(found, fs.ErrNotExist) {
			err = errors.Join(err, found)
		}
	}
	if err == nil {
		err = WriteInfo(dir, info)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return &Run{dir: dir, lock: lock}, nil
}

// Open locks the directory of a run that exists, to go on with it. The error is
// a *LockedError when another process has it.
func Open(dir string) (*Run, Info, error) {
	if _, err := os.Lstat(filepath.Join(dir, InfoFileName)); err != nil {
		return nil, Info{}, fmt.Errorf("%s holds no run: %w", dir, missing(err))
	}
	lock, err := Lock(dir)
	if err != nil {
		return nil, Info{}, err
	}
	sweep(dir)
	// Only now: the process that had the lock may have changed it.
	info, err := ReadInfo(dir)
	if err != nil {
		return nil, Info{}, errors.Join(err, lock.Unlock())
	}
	return &Run{dir: dir, lock: lock}, info, nil
}

// Dir is the directory as it was given.
func (r *Run) Dir() string { return r.dir }

// Save replaces run.json.
func (r *Run) Save(info Info) error { return WriteInfo(r.dir, info) }

// Close gives the directory up. The journal's writer is closed first.
func (r *Run) Close() error { return r.lock.Unlock() }

// Remove deletes the run's directory with everything in it, and gives it up.
// Symbolic links are deleted, never followed. The run's description goes after
// all else, so that what a crash leaves can still be recognised.
func (r *Run) Remove() error {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return errors.Join(err, r.lock.Unlock())
	}
	err = empty(root)
	// Where the system removes no file that is open, it goes after the lock.
	var kept error
	if err == nil {
		kept = root.Remove(lockFileName)
	}
	if err = errors.Join(err, root.Close(), r.lock.Unlock()); err != nil {
		return err
	}
	if kept != nil && !errors.Is(kept, fs.ErrNotExist) {
		if err := os.Remove(filepath.Join(r.dir, lockFileName)); err != nil {
			return err
		}
	}
	// Not with what another process may have begun there meanwhile.
	return os.Remove(r.dir)
}

// empty deletes what is in a run's directory, but for the lock's file.
func empty(root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name != InfoFileName && name != lockFileName {
			if err := root.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	return root.RemoveAll(InfoFileName) // no error where it is not there
}

// LockedError says that another process is at work on something.
type LockedError struct{ Work string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another process is %s; wait until it has ended", e.Work)
}

// Lock takes the directory of a run for this process, at once or not at all: a
// *LockedError says that another one has it. The directory must exist.
//
// The system gives the lock up when the process ends, however it ends, so that
// it is never stale. Its file stays after Unlock.
func Lock(dir string) (*flock.Flock, error) {
	lock, err := tryLock(filepath.Join(dir, lockFileName))
	if err == nil && lock == nil {
		return nil, &LockedError{"working on the run in " + dir}
	}
	if err != nil {
		return nil, fmt.Errorf("lock the run directory: %w", err)
	}
	return lock, nil
}

// tryLock returns nil when another process has the lock.
func tryLock(path string) (*flock.Flock, error) {
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, err
	}
	return lock, nil
}

// Claim is Lock for something that has no directory of its own: the file at path
// is there only while somebody has it, and so is the directory that it is in, if
// that was missing. work is what a *LockedError says of the process that has it.
func Claim(path, work string) (release func() error, err error) {
	dir := filepath.Dir(path)
	made := false
	for tries := 1; ; tries++ {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() { // Windows says of what is in it that it is not there
			return nil, fmt.Errorf("%s is not a directory", dir)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err := MakeDir(dir)
			if errors.Is(err, fs.ErrExist) && tries < 100 {
				continue // another one has made it, and removed it again
			}
			if err != nil {
				return nil, err
			}
			made = true
		}
		lock, err := tryLock(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // who had made the directory has removed it
		case err != nil:
			return nil, err
		case lock == nil:
			return nil, &LockedError{work}
		}
		// Who had it may have removed the file after it was opened here: a lock on
		// what has no name keeps nobody out.
		mine, err := lock.Stat()
		named, err2 := os.Lstat(path)
		if err == nil && err2 == nil && os.SameFile(mine, named) {
			return func() error { return releaseClaim(lock, path, made) }, nil
		}
		if err := lock.Unlock(); err != nil {
			return nil, err
		}
	}
}

// Claimed reports whether somebody has claimed the file at path, which need not be
// there. A Claim of it in the very moment is refused as if somebody had.
func Claimed(path string) (bool, error) {
	if err := checkRegular(path); err != nil {
		return false, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDWR|noFollow))
	free, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil || !free:
		return !free && err == nil, err
	}
	return false, lock.Unlock()
}

// releaseClaim removes the file while the lock is held. Where no file that is
// open can be removed, it goes afterwards, if nobody else has opened it. One that
// stays does no harm.
func releaseClaim(lock *flock.Flock, path string, made bool) error {
	removed := os.Remove(path)
	err := lock.Unlock()
	if removed != nil && runtime.GOOS == "windows" {
		_ = os.Remove(path)
	}
	if made {
		_ = os.Remove(filepath.Dir(path)) // not with anything in it
	}
	return err
}
