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
	"slices"
	"time"
)

// Info describes a run: the content of run.json.
type Info struct {
	Sheet      string            `json:"sheet"`      // the path as the user gave it, or "stdin"
	SheetPath  string            `json:"sheet_path"` // absolute; empty for standard input
	SHA256     string            `json:"sha256"`     // of the sheet's bytes, in hexadecimal
	Host       string            `json:"host"`
	Options    map[string]string `json:"options"` // flags by name; never a secret
	Version    string            `json:"version"`
	Clears     int               `json:"clears"` // attributes that the sheet empties
	Runs       int               `json:"runs"`   // sessions that the sheet runs
	StartedAt  time.Time         `json:"started_at"`
	ResumedAt  []time.Time       `json:"resumed_at,omitempty"`
	FinishedAt *time.Time        `json:"finished_at"` // of the last session; nil while one goes on or after a kill
	ExitCode   *int              `json:"exit_code"`   // as FinishedAt
	Finished   bool              `json:"finished"`    // nothing is left to resume
	DryRun     bool              `json:"dry_run"`
	// Remapping says that an edited sheet takes the place of the one that SHA256
	// and Options describe, and that the journal may or may not have it yet.
	Remapping bool `json:"rebasing,omitempty"`
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
		return Info{}, err
	}
	var info Info
	if err := json.Unmarshal(data, &info); err != nil {
		return Info{}, fmt.Errorf("%s cannot be read; put back an undamaged copy of it or start a new run: %w", path, plain(err))
	}
	return info, nil
}

// plain takes Go's own names out of an error of encoding/json.
func plain(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Errorf("%q is a %s", wrongType.Field, wrongType.Value)
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

// Runs lists the runs in the directories under root, the newest first. What is
// no run, or cannot be read, is left out; a root that is not there holds none.
func Runs(root string) ([]RunDir, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var runs []RunDir
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		dir := filepath.Join(root, entry.Name())
		if info, err := ReadInfo(dir); err == nil {
			runs = append(runs, RunDir{Dir: dir, Info: info})
		}
	}
	slices.SortStableFunc(runs, func(a, b RunDir) int {
		return cmp.Or(b.Info.StartedAt.Compare(a.Info.StartedAt), cmp.Compare(b.Dir, a.Dir))
	})
	return runs, nil
}
