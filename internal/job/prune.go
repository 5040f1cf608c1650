package job

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"time"

	"nermbulk/internal/journal"
)

// Pruning says which runs are removed.
type Pruning struct {
	Keep       int            // of the newest finished runs, at least
	Finished   *time.Duration // how long ago finished ones have ended at least; nil for none of them
	Unfinished *time.Duration // likewise when unfinished ones were active last
	Now        func() time.Time
}

// Choose divides the runs here into those that are old and, of the others, those
// that are unfinished.
func (p Pruning) Choose() (old, unfinished []RunDir, err error) {
	runs, _, err := Runs() // the newest first
	kept := 0
	for _, r := range runs {
		switch ended := hasEnded(r.Info); {
		case ended && kept < p.Keep:
			kept++
		case p.isOld(r):
			old = append(old, r)
		case !ended:
			unfinished = append(unfinished, r)
		}
	}
	return old, unfinished, err
}

// isOld reports whether a run is to be removed, if it is beyond those to keep.
func (p Pruning) isOld(r RunDir) bool {
	age := p.Unfinished
	if hasEnded(r.Info) {
		age = p.Finished
	}
	return age != nil && p.Now().Sub(LastActive(r)) >= *age
}

// ErrInUse is the error of a run that is not to be removed after all.
var ErrInUse = errors.New("another process works on it")

// Remove removes a run, unless another process works on it or has done so since
// the runs were chosen: then the error is ErrInUse.
func (p Pruning) Remove(dir string) error {
	run, info, err := journal.Open(dir)
	if _, locked := errors.AsType[*LockedError](err); locked {
		return ErrInUse
	}
	if err != nil {
		return err
	}
	if !p.isOld(RunDir{Dir: dir, Info: info}) {
		return cmp.Or(run.Close(), ErrInUse)
	}
	return run.Remove()
}

// LastActive is when a run ended or, where it did not, last wrote its journal.
func LastActive(r RunDir) time.Time {
	if r.Info.FinishedAt != nil {
		return *r.Info.FinishedAt
	}
	at := r.Info.StartedAt
	if file, err := os.Stat(filepath.Join(r.Dir, journal.FileName)); err == nil && file.ModTime().After(at) {
		at = file.ModTime()
	}
	return at
}
