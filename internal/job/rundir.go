package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

// prepareRunDir makes the run directory, or goes on in it, with a copy of the
// sheet and the journal open.
func (j *job) prepareRunDir(ctx context.Context) error {
	prepare := j.reopen
	if j.dir == nil {
		prepare = j.create
	}
	if err := prepare(); err != nil {
		return err
	}
	file, err := j.keepSheet(ctx)
	if err != nil {
		return err
	}
	if err := j.keepAttributes(); err != nil {
		return err
	}
	if j.journal, err = journal.OpenWriter(j.dir.Dir(), journal.Options{Written: j.written}); err != nil {
		return err
	}
	j.onClose(j.journal.Close)
	start := journal.Start{
		At: j.Now(), Version: j.Version, Host: j.Tenant.Host, Sheet: j.Sheet.Name,
		SHA256: j.hash, SheetFile: file, FileSHA256: j.sheet.CopySHA256(), Rows: j.overview.Rows, Rules: j.rules(),
		Clears: j.overview.Clears, Runs: j.overview.Runs, Operator: j.Operator, Edition: 1,
	}
	if j.earlier != nil {
		j.tally.Seed(j.earlier.Counts())
		last := j.earlier.Last
		start.Edition, start.Removed = max(last.Edition, 1), last.Removed
	}
	if j.matches != nil {
		start.Edition, start.Removed, start.Matched = start.Edition+1, j.matches.Removed, j.matches.Count
		for moved := range j.matches.Moves() {
			if err := j.journal.Append(moved); err != nil {
				return err
			}
		}
	}
	return j.journal.Commit(start)
}

func (j *job) create() (err error) {
	now := j.Now().UTC()
	j.info = journal.Info{
		Sheet: j.Sheet.Name, SheetPath: j.sheetPath(), Shard: j.part().String(), Host: j.Tenant.Host, StartedAt: now, DryRun: j.Send.DryRun, Canary: j.Send.Canary,
	}
	j.describe()
	dir := j.Dir
	if dir == "" {
		words := []string{RunName(j.Sheet.Name), partName(j.part()), now.Format("20060102T150405Z")}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		dir = filepath.Join(RunsRoot, strings.Join(words, "-"))
	} else if err := forgetDryRun(dir); err != nil {
		return err
	}
	base := dir
	for n := 2; ; n++ {
		j.dir, err = journal.Create(dir, j.info)
		_, exists := errors.AsType[*journal.ExistsError](err)
		_, locked := errors.AsType[*journal.LockedError](err)
		switch {
		case err == nil:
			j.onClose(j.closeDir)
			j.Observer.Event(InDir{dir})
			return nil
		case isWriting(err):
			return err // the directory is made; the disk is full, say
		case !exists && !locked:
			return &Error{NoDirectory, err}
		case j.Dir != "":
			return err
		}
		// Two runs of one sheet can begin in the same second.
		dir = fmt.Sprintf("%s-%d", base, n)
	}
}

// isWriting reports whether an error is one of writing a file's content.
func isWriting(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && (path.Op == "write" || path.Op == "sync")
}

// reopen notes in run.json that the run goes on.
func (j *job) reopen() error {
	before := journal.Edition{SheetPath: j.info.SheetPath, SHA256: j.info.SHA256}
	if !slices.Contains(j.info.Earlier, before) {
		j.info.Earlier = append(j.info.Earlier, before)
	}
	if path := j.sheetPath(); path != "" {
		j.info.SheetPath = path
	}
	j.info.ResumedAt = append(j.info.ResumedAt, j.Now().UTC())
	j.info.FinishedAt, j.info.ExitCode, j.info.Finished = nil, nil, false
	if j.Send.Canary == 0 { // the last session's did not come to its end, or was not right
		j.Send.Canary = j.info.Canary
	}
	j.info.Canary = j.Send.Canary
	j.describe()
	now := journal.Edition{SheetPath: j.info.SheetPath, SHA256: j.info.SHA256}
	j.info.Earlier = slices.DeleteFunc(j.info.Earlier, func(e journal.Edition) bool { return e == now })
	return j.dir.Save(j.info)
}

// describe notes what this session sends, and by which rules.
func (j *job) describe() {
	j.info.SHA256, j.info.FileSHA256, j.info.Version, j.info.Options = j.hash, j.sheet.CopySHA256(), j.Version, j.Settings
	j.info.Results, j.info.Sources, j.info.Operator = string(j.Results), j.Sources, j.Operator
	j.info.Undoes = j.Undoes
	j.info.Clears, j.info.Runs = j.overview.Clears, j.overview.Runs
}

// removeFile removes a file that may be gone already.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// maxRunName is how many bytes of a sheet's name a directory's has. File
// systems allow 255 bytes for all of it, encrypted ones as few as 143.
const maxRunName = 100

// RunName is the sheet's name as a part of a directory's.
func RunName(sheet string) string {
	name := filepath.Base(sheet)
	if ext := filepath.Ext(name); strings.EqualFold(ext, ".gz") {
		name = strings.TrimSuffix(name, ext)
	}
	name = text.Head(strings.TrimSuffix(name, filepath.Ext(name)), maxRunName)
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
	run, _, err := journal.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(removeFiles(dir), run.Close())
}

// removeFiles removes what a run leaves in its directory, and nothing else. The
// run's description goes last, so that what a crash leaves can still be
// recognised.
func removeFiles(dir string) error {
	own := []string{sheetFile, idsFile(sheetFile), attributesFile, journal.FileName, journal.InfoFileName}
	for _, name := range append(report.FileNames(), own...) {
		if err := removeFile(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// closeDir gives the run directory up. Of a new run that has not begun nothing
// is left: it sent nothing, and is not to be taken for an unfinished one.
func (j *job) closeDir() error {
	dir := j.dir
	if j.result.Begun {
		return dir.Close()
	}
	j.dir = nil
	if j.Dir == "" {
		return dir.Remove()
	}
	return errors.Join(removeFiles(dir.Dir()), dir.Close()) // what else is there is not the run's
}

// RunGrid shows the rows of a run, or of a dry run, with what became of them.
type RunGrid struct {
	*report.Grid
	// Outline is what the run has done so far.
	Outline report.Summary
	SHA256  string // of the sheet
	run     *keptRun
}

// OpenGrid opens what the run in a directory has made of its rows up to now: it
// may go on meanwhile, in this process or another one. The error is ErrNotBegun
// for a run without any.
func OpenGrid(ctx context.Context, dir string, asOf AsOf) (*RunGrid, error) {
	info, err := journal.ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	k, err := asOf.open(ctx, dir, info)
	if err != nil {
		return nil, err
	}
	g := &RunGrid{Outline: report.Outline(k.Options), SHA256: info.SHA256, run: k}
	if g.Grid, err = report.NewRunGrid(ctx, k.Options); err != nil {
		return nil, errors.Join(err, k.close())
	}
	return g, nil
}

// Close closes the run's files, too.
func (g *RunGrid) Close() error { return errors.Join(g.Grid.Close(), g.run.close()) }
