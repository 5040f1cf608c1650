package job

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode"

	"nermbulk/internal/batch"
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

func (j *job) open(ctx context.Context) (err error) {
	unresolved := j.Sheet
	unresolved.Options.LabelsLater = true
	if j.sheet, err = unresolved.Open(ctx, j.Sheet.Path); err != nil {
		return err
	}
	j.onClose(func() error { return j.sheet.Close() })
	j.onClose(j.Sheet.holdAgainstWritten(ctx, j.sheet))
	if j.Results == "" && j.sheet.IsWorkbook() {
		j.Results = report.Both
	}
	return nil
}

// keepFitting leaves out of what the run directory keeps the settings that do
// not hold for this sheet: whatever reads the run later takes them as typed.
func (j *job) keepFitting() {
	j.Settings, j.Sources = maps.Clone(j.Settings), maps.Clone(j.Sources)
	fitting := j.Sheet.Rules.Fitting(j.sheet.Columns())
	for name, values := range map[string][]string{
		"map": texts(j.sheet.Mapped()), "where": texts(j.sheet.Where()), "date": texts(fitting.Dates), "value": texts(fitting.Values),
	} {
		if len(values) == 0 {
			delete(j.Settings, name)
			delete(j.Sources, name)
		} else if j.Settings != nil {
			j.Settings[name] = strings.Join(values, "\n")
		}
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
		last := j.earlier.Last
		if name = last.SheetFile; cmp.Or(last.FileSHA256, last.SHA256) != hash {
			name = fmt.Sprintf("sheet-%d.csv", j.earlier.Sessions+1)
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

// CheckedSheet is a sheet that was checked. It stays open until Close.
type CheckedSheet struct {
	Sheet    *sheet.Sheet
	Rules    change.Rules // that it was checked by
	Overview *batch.Overview
	// Again repeats the check, for those who do not keep the problems of a large
	// sheet.
	Again func(report func(sheet.Problem)) error
	Close func() error
}

// Check checks a sheet as a run begins: what is wrong with it is no error. Without
// a host of the tenant, it is offline. event takes what is found, as an Observer
// does: each problem and note, and Checked at the end. opened, which may be nil, is
// called once the sheet is open, before anything is asked of a tenant; its error
// ends the check. See Error for the errors that callers explain.
func Check(ctx context.Context, s Sheet, tenant Tenant, event func(any), opened func(*sheet.Sheet) error) (*CheckedSheet, error) {
	s.Options.Part = sheet.Part{} // who looks at a sheet sees all of it
	j := &job{Options: Options{Sheet: s, Tenant: tenant, Now: time.Now, Observer: eventsOnly(event)}}
	isOpen := func(context.Context) error {
		j.sheet.SkipHash() // there is no run to compare it with
		if opened == nil {
			return nil
		}
		return opened(j.sheet)
	}
	denied := func(context.Context) error { return j.deniedError() }
	for _, step := range []func(context.Context) error{j.open, isOpen, j.connect, j.learnAttributes, denied, j.lookUp, j.check} {
		if err := step(ctx); err != nil && !errors.Is(err, ErrRefused) {
			return nil, cmp.Or(err, j.close())
		}
	}
	return &CheckedSheet{Sheet: j.sheet, Rules: j.Sheet.Rules, Overview: j.overview, Again: j.checkAgain(ctx), Close: j.close}, nil
}

// eventsOnly observes a job that has nothing to ask.
type eventsOnly func(event any)

func (f eventsOnly) Event(event any) { f(event) }

func (f eventsOnly) Confirm(context.Context, Announcement) error { return nil }

func (f eventsOnly) GoOn(context.Context, journal.RunDir) (bool, error) { return false, nil }

// check checks the whole sheet. A resume with the very sheet that was checked
// before needs no second check, unless it must know which rows to leave out.
func (j *job) check(ctx context.Context) error {
	if j.same && !j.Send.SkipInvalid {
		start := j.earlier.Last
		j.overview = &batch.Overview{Rows: start.Rows, Valid: start.Rows, Clears: start.Clears, Runs: start.Runs}
		return nil
	}
	again := j.checkAgain(ctx)
	if err := again(func(p sheet.Problem) { j.Observer.Event(p) }); err != nil {
		return err
	}
	refused := !j.overview.Sendable(j.Send.SkipInvalid)
	j.Observer.Event(Checked{Overview: j.overview, Refused: refused, Again: again})
	if refused {
		return ErrRefused
	}
	if sum := j.sheet.SHA256(); j.hash == "" {
		j.hash = sum
	} else if sum != "" && sum != j.hash {
		return errChanged
	}
	return nil
}

// checkAgain returns what checks the sheet, each time that it is called.
func (j *job) checkAgain(ctx context.Context) func(report func(sheet.Problem)) error {
	return func(report func(sheet.Problem)) (err error) {
		j.overview, err = batch.Check(ctx, j.sheet, j.Sheet.Rules, j.Send.SkipInvalid, report)
		if err != nil {
			err = j.Sheet.unreadable(ctx, err)
		}
		return err
	}
}

var errChanged = invalid("the sheet was changed while it was checked: save it, and run again")

// unreadable is the error of a check that could not be carried to its end.
func (s Sheet) unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return invalid("the sheet %s cannot be read: %w", s.Name, err)
}

// mostKeptAlike bounds the names that are tried for a file.
const mostKeptAlike = 1000

// KeepSheet makes a file of what a sheet's reader gives, in the working
// directory, and returns its path. It has the name's last part, with a number
// where there is such a file: it is never over another, and not there before it
// is whole.
func KeepSheet(name string, from io.Reader) (path string, err error) {
	stem, ending := nameOfKept(name)
	path, err = newFile(stem, ending, mostKeptAlike, func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep the sheet as %s: %w", cmp.Or(path, "a file here"), err)
	}
	return path, nil
}

// newFile writes a file, whole or not at all, under a name that nothing has: that
// of stem and ending, with a number up to most where there is one. An empty file
// keeps the name meanwhile. The path is empty where no name is left.
func newFile(stem, ending string, most int, write func(io.Writer) error) (path string, err error) {
	for n := 1; ; n++ {
		if path = stem + ending; n > 1 {
			path = fmt.Sprintf("%s-%d%s", stem, n, ending)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			if err = cmp.Or(f.Close(), journal.Replace(path, write)); err != nil {
				err = errors.Join(err, removeFile(path))
			}
			return path, err
		}
		if n == most || !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
}

// nameOfKept is the last part of a name, as any system takes it and as it is
// read: a colon, a device's name and a character that nobody sees are not in it.
func nameOfKept(name string) (stem, ending string) {
	name = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, name)
	stem, ending = RunName(filepath.Base(strings.ReplaceAll(name, `\`, "/"))), filepath.Ext(name)
	if !plainEnding.MatchString(ending) {
		ending = ""
	}
	if !filepath.IsLocal(stem + ending) {
		stem = "sheet-" + stem
	}
	return stem, ending
}

var plainEnding = regexp.MustCompile(`^\.[A-Za-z0-9]{1,10}$`)

// Correct writes the sheet with other texts in some cells to a file, whole or
// not at all, and returns its path. It may be the sheet's own; where to is empty
// it is one next to the sheet, under a name that nothing has, such as
// sessions-corrected.csv. What was checked is another sheet then: this one is
// closed, and the corrected one is to be checked again. After an error of the
// edits (*sheet.EditError) nothing has changed.
func (c *CheckedSheet) Correct(ctx context.Context, edits []sheet.Edit, to string) (path string, err error) {
	write := func(w io.Writer) error {
		if err := c.Sheet.WriteEdited(ctx, w, edits); err != nil {
			return err
		}
		return c.Close() // an open file cannot be replaced on every system
	}
	if path = to; to != "" {
		err = journal.Replace(path, write)
	} else {
		own := c.Sheet.Name()
		ending := filepath.Ext(own)
		if strings.EqualFold(ending, ".gz") {
			ending = filepath.Ext(strings.TrimSuffix(own, ending)) + ending
		}
		path, err = newFile(strings.TrimSuffix(own, ending)+"-corrected", ending, math.MaxInt, write)
	}
	if _, refused := errors.AsType[*sheet.EditError](err); refused || err == nil || ctx.Err() != nil {
		return path, err
	}
	return path, fmt.Errorf("the corrected sheet cannot be written: %w", err)
}
