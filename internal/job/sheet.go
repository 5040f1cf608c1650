package job

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// Sheet is a sheet and how it is read.
type Sheet struct {
	Name    string   // for people and for the run directory
	Path    string   // the file that is read; empty for a sheet that has none
	File    *os.File // read in its place, such as a copy of standard input; the caller's to close
	Options sheet.Options
	Rules   change.Rules
	// NotBefore is when the file at Path must have been changed last, or later.
	NotBefore time.Time
	// Attributes is AttributesAuto (also if empty), AttributesOff, or the path of a
	// file.
	Attributes string
	// AsOf may be nil: then no sheet is held against what a run wrote.
	AsOf AsOf
}

// AsOf returns how a run with these settings read its sheet.
type AsOf func(settings map[string]string) (Sheet, error)

// kept is the sheet of the run in dir, read by the attributes too that the run
// keeps.
func (f AsOf) kept(dir string, settings map[string]string) (Sheet, error) {
	of, err := f(settings)
	return of, cmp.Or(err, of.UseKept(dir))
}

func (j *job) open(ctx context.Context) (err error) {
	unresolved := j.Sheet
	unresolved.Options.LabelsLater = true
	if j.sheet, err = unresolved.Open(ctx, j.Sheet.Path); err != nil {
		return err
	}
	j.onClose(func() error { return j.sheet.Close() })
	j.onClose(j.Sheet.HoldAgainstWritten(ctx, j.sheet))
	if j.Results == "" && j.sheet.IsWorkbook() {
		j.Results = report.Both
	}
	return nil
}

// keepFitting leaves out of what the run directory keeps the settings that do
// not hold for this sheet: whatever reads the run later takes them as typed.
func (j *job) keepFitting() {
	j.Settings = maps.Clone(j.Settings)
	set := func(name string, values []string) {
		if j.Settings[name] = strings.Join(values, "\n"); len(values) == 0 {
			delete(j.Settings, name)
		}
	}
	fitting := j.Sheet.Rules.Fitting(j.sheet.Columns())
	if j.Settings != nil {
		set("map", texts(j.sheet.Mapped()))
		set("where", texts(j.sheet.Where()))
		set("date", texts(fitting.Dates))
		set("value", texts(fitting.Values))
	}
	j.result.Settings = j.Settings
}

func texts[T fmt.Stringer](rules []T) []string {
	var texts []string
	for _, r := range rules {
		texts = append(texts, r.String())
	}
	return texts
}

// Open opens a file as the sheet is read, such as the run's copy of it. An empty
// path is the File.
func (s Sheet) Open(ctx context.Context, path string) (sh *sheet.Sheet, err error) {
	s.Options.DateLayouts, s.Options.Scratch = s.Rules.DateLayouts, scratch
	if s.Rules.Attributes != nil {
		s.Options.Fields = s.Rules.Attributes.SheetFields()
	}
	if path == "" && s.File != nil {
		sh, err = sheet.OpenFile(ctx, s.File, s.Name, s.Options)
	} else {
		sh, err = sheet.Open(ctx, path, s.Options)
	}
	if ctx.Err() != nil {
		if err == nil {
			return nil, errors.Join(ctx.Err(), sh.Close())
		}
		return nil, ctx.Err()
	}
	if _, disk := errors.AsType[*sheet.ScratchError](err); disk {
		return nil, err
	}
	if err != nil {
		return nil, &Error{Kind: Invalid, Err: err}
	}
	if changed := sh.ModTime(); path == s.Path && changed.Before(s.NotBefore) {
		err := fmt.Errorf("--max-sheet-age: %s was last changed at %s, before %s: it may be an old sheet, delivered again",
			text.Line(s.Name, 0), text.Minute(changed), text.Minute(s.NotBefore))
		return nil, errors.Join(&Error{Kind: Invalid, Err: err}, sh.Close())
	}
	return sh, nil
}

// scratch makes a file that nothing leaves behind, not even a kill.
func scratch() (*os.File, error) { return journal.Scratch(os.TempDir()) }

// sheetFile is the run's own copy of the sheet: what was checked is what is
// sent and reported on, whatever happens to the original meanwhile.
const sheetFile = "sheet.csv"

// keepSheet copies the sheet into the run directory, if it is not there yet,
// and opens the copy in the original's place. It returns the copy's name.
func (j *job) keepSheet(ctx context.Context) (string, error) {
	hash := cmp.Or(j.sheet.CopySHA256(), j.hash)
	name := sheetFile
	if j.earlier != nil {
		last := j.earlier.Last()
		if name = last.SheetFile; cmp.Or(last.FileSHA256, last.SHA256) != hash {
			name = fmt.Sprintf("sheet-%d.csv", j.earlier.Sessions()+1)
		}
	}
	path := filepath.Join(j.dir.Dir(), filepath.Base(name))
	if kept, err := hashFile(path); err != nil || kept != hash {
		if err := j.copySheet(path); err != nil {
			return "", err
		}
	}
	kept, err := j.sheet.OpenCopy(ctx, path)
	if err != nil {
		return "", err
	}
	original := j.sheet
	j.sheet = kept
	return name, cmp.Or(j.keepIDs(ctx, path), original.Close())
}

// copySheet copies the sheet, which must still be as it was checked.
func (j *job) copySheet(to string) error {
	return journal.Replace(to, func(w io.Writer) error {
		if j.sheet.IsWorkbook() {
			return j.sheet.WriteCopy(w)
		}
		switch copied, err := j.Sheet.copyTo(w); {
		case err != nil:
			return err
		case copied != j.hash:
			return errChanged
		}
		return nil
	})
}

func hashFile(path string) (string, error) { return Sheet{Path: path}.copyTo(io.Discard) }

// copyTo copies the sheet's content and returns its SHA-256.
func (s Sheet) copyTo(w io.Writer) (hash string, err error) {
	f := s.File
	if f == nil {
		if f, err = os.Open(s.Path); err != nil {
			return "", invalid("the sheet cannot be read again: %w", err)
		}
		defer func() { err = cmp.Or(err, f.Close()) }()
	}
	from, err := sheet.Content(f)
	if err != nil {
		return "", invalid("the sheet cannot be read again: %w", err)
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), from); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
