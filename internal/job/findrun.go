package job

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// RunsRoot is where runs are kept whose directory is not named.
const RunsRoot = "runs"

// A run belongs to a host and a sheet, or to one part of its rows. It is the same sheet if its content is
// the same, wherever the file lies, or if it is the same file, edited or not.
// So a process that sends a sheet holds a lock for each of the two, from before
// the sheet is read until it ends: looking for the run, checking the sheet and
// making the directory are one step to others.

func (j *job) claimPath(context.Context) error {
	path := j.sheetPath()
	if j.Send.DryRun || path == "" {
		return nil
	}
	return j.claim("path", realPath(path))
}

// claimContent hashes the sheet and takes the lock of its content. What cannot
// be read to its end has no hash: the check says what is wrong with it.
func (j *job) claimContent(ctx context.Context) (err error) {
	if j.Send.DryRun {
		return nil
	}
	if j.hash, err = j.Sheet.copyTo(io.Discard); err != nil {
		return cmp.Or(j.check(ctx), err)
	}
	if j.SHA256 != "" && j.SHA256 != j.hash {
		return invalid("the sheet was changed since the preview: look at its preview again; nothing was sent")
	}
	return j.claim("content", j.hash)
}

func (j *job) part() sheet.Part { return j.Sheet.Options.Part }

func (j *job) claim(kind, value string) error {
	whole := filepath.Join(RunsRoot, lockName(j.Tenant.Host, kind, value))
	release, err := journal.Claim(strings.TrimSuffix(whole+"-"+partName(j.part()), "-"), j.sending(j.part()))
	if _, locked := errors.AsType[*journal.LockedError](err); err != nil && !locked {
		if j.Dir != "" {
			return nil // where nothing can be written here, the directory's own lock has to do
		}
		return &Error{NoDirectory, err}
	}
	if err != nil {
		return err
	}
	j.onClose(release)
	return j.refuseOverlap(whole)
}

// refuseOverlap refuses to send next to a process that sends rows of this part as
// another part: the whole sheet, or one of other parts than these. Each claims its
// own part before it looks, so that of two that begin in one moment at least one
// sees the other.
func (j *job) refuseOverlap(whole string) error {
	claims, _ := filepath.Glob(whole + "*") // the pattern is a good one
	for _, path := range claims {
		name := strings.TrimPrefix(strings.TrimPrefix(path, whole), "-")
		part, ok := sheet.ParsePart(strings.Replace(name, "of", "/", 1))
		if !ok || part == j.part() || part.Apart(j.part()) {
			continue
		}
		if taken, err := journal.Claimed(path); taken || err != nil {
			return cmp.Or(err, error(&journal.LockedError{Work: j.sending(part)}))
		}
	}
	return nil
}

func (j *job) sending(part sheet.Part) string {
	what := "the sheet " + j.Sheet.Name
	if part != (sheet.Part{}) {
		what = part.Words() + " of " + what
	}
	return fmt.Sprintf("sending %s to %s", what, j.Tenant.Host)
}

// lockName is the file of the lock of what "the same sheet on the same host"
// means, by the path or by the content. That of a part has an ending more.
func lockName(host, kind, value string) string {
	return fmt.Sprintf(".lock-%.16x", sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", host, kind, value)))
}

// partName is a part as a file's name has it, 2of4; empty for the whole sheet.
func partName(part sheet.Part) string { return strings.Replace(part.String(), "/", "of", 1) }

// findRun looks for the run to go on with, and locks its directory. Without
// one, the run is new.
func (j *job) findRun(ctx context.Context) error {
	if !j.Resume {
		if err := refuseTaken(j.Dir); err != nil {
			return err
		}
	}
	dir, err := j.dirToResume(ctx)
	switch {
	case err != nil:
		return err
	case dir == "":
		return refuseUnwritable(cmp.Or(j.Dir, RunsRoot))
	}
	if j.dir, j.info, err = journal.Open(dir); err != nil {
		return err
	}
	j.onClose(j.dir.Close)
	j.Observer.Event(InDir{dir})
	if j.info.Host != j.Tenant.Host {
		return &Error{OtherTenant, fmt.Errorf("the run in %s is of %s, not of %s", dir, j.info.Host, j.Tenant.Host)}
	}
	if j.info.Shard != j.part().String() {
		was, _ := sheet.ParsePart(j.info.Shard)
		return invalid("the run in %s is of %s, not of %s: go on with it with the --shard that it was begun with, or without one, or name another --run-dir", dir, was.Words(), j.part().Words())
	}
	return j.loadHistory()
}

// dirToResume returns the directory of the run to go on with; "" when the run is
// a new one.
func (j *job) dirToResume(ctx context.Context) (string, error) {
	switch {
	case j.New, j.Send.DryRun:
		return "", nil
	case j.Resume && j.Dir != "" && holdsRun(j.Dir):
		return j.Dir, nil
	}
	all, unreadable, err := Runs()
	if err != nil {
		return "", err
	}
	for _, err := range unreadable {
		j.Observer.Event(Note{fmt.Sprintf("a run that may be one of this sheet is passed over: %s", err)})
	}
	var runs, ofOtherParts []journal.RunDir
	for _, r := range all {
		switch {
		case !j.isOfSheet(r.Info):
		case r.Info.Shard == j.part().String():
			runs = append(runs, r)
		default:
			ofOtherParts = append(ofOtherParts, r)
		}
	}
	if len(runs) == 0 {
		return "", j.refuseUnfinishedOverlap(ofOtherParts)
	}
	newest, goesOn := runs[0], j.Resume && j.Dir == ""
	switch {
	case !newest.Info.Finished && !goesOn:
		goOn, err := j.Observer.GoOn(ctx, newest)
		if err != nil || !goOn {
			return "", err
		}
		return newest.Dir, nil
	case goesOn && (!newest.Info.Finished || j.Send.RetryFailed):
		return newest.Dir, nil
	}
	if err := j.refuseUnfinishedOverlap(ofOtherParts); err != nil || !j.Resume {
		return "", err
	}
	if older := slices.IndexFunc(runs, func(r journal.RunDir) bool { return !r.Info.Finished }); older > 0 {
		j.Observer.Event(Note{fmt.Sprintf("a new run begins, since the newest one of this sheet (%s) is finished; the older one in %s is unfinished and is not gone back to",
			newest.Dir, runs[older].Dir)})
	}
	return "", nil
}

// holdsRun reports whether there is a run to go on with in dir, readable or not.
func holdsRun(dir string) bool {
	info, err := journal.ReadInfo(dir)
	return err == nil && !info.DryRun || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// refuseUnfinishedOverlap refuses to begin a run of rows that an unfinished run of
// this sheet has as another part of it.
func (j *job) refuseUnfinishedOverlap(runs []journal.RunDir) error {
	for _, r := range runs {
		part, ok := sheet.ParsePart(r.Info.Shard)
		if !ok || r.Info.Finished || part.Apart(j.part()) {
			continue
		}
		flag := "without --shard"
		if part != (sheet.Part{}) {
			flag = "with --shard " + part.String()
		}
		return invalid("the run of %s in %s, begun %s, is unfinished, and has rows that are to be sent now: go on with it first, %s and --resume, or begin another run all the same with --new",
			part.Words(), r.Dir, text.Minute(r.Info.StartedAt), flag)
	}
	return nil
}

// isOfSheet reports whether a run is one of this sheet and tenant, of whatever part
// of it. A run is of each sheet that one of its sessions had.
func (j *job) isOfSheet(i journal.Info) bool {
	path := j.sheetPath()
	same := func(e journal.Edition) bool {
		return e.SHA256 == j.hash || path != "" && (e.SheetPath == path || realPath(e.SheetPath) == realPath(path))
	}
	now := journal.Edition{SheetPath: i.SheetPath, SHA256: i.SHA256}
	return i.Host == j.Tenant.Host && !i.DryRun && (same(now) || slices.ContainsFunc(i.Earlier, same))
}

// realPath is a path whose directory is named without links: one shell says
// where it is by a link and cron does not. The file itself may be a link to
// another edition each time. Windows takes its letters in either case.
func realPath(path string) string {
	if runtime.GOOS == "windows" {
		path = strings.ToLower(path)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return path
	}
	return filepath.Join(dir, filepath.Base(path))
}

// sheetPath is the sheet's absolute path; empty for one that has none of its
// own, such as standard input, by the name /dev/stdin too.
func (j *job) sheetPath() string {
	if j.Sheet.File != nil {
		return ""
	}
	path, err := filepath.Abs(j.Sheet.Path)
	if err != nil {
		return j.Sheet.Path
	}
	if strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/") {
		return "" // what the process was given, another file each time
	}
	return path
}

// rulesOf returns the settings that decide what rows mean: a resume under others
// has another sheet before it.
func rulesOf(settings map[string]string) string {
	var rules []string
	for _, name := range []string{
		"map", "unknown-columns", "date", "clear-marker", "duplicates", "run-sessions",
		"allow-unknown-status", "encoding", "delimiter", "strict", "skip-invalid", "allow-reformatted", "worksheet", "hidden-rows", "value", "where",
	} {
		if value := settings[name]; value != "" {
			rules = append(rules, fmt.Sprintf("%s=%q", name, value))
		}
	}
	return strings.Join(rules, " ")
}

// refuseTaken refuses a directory that holds a run, before the sheet is checked
// and anybody is asked.
func refuseTaken(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := journal.ReadInfo(dir)
	if err != nil || info.DryRun {
		return nil // what is wrong with the directory is met when it is made
	}
	run, _, err := journal.Open(dir)
	if err != nil {
		return err // such as that another process has it
	}
	if err := run.Close(); err != nil {
		return err
	}
	return &journal.ExistsError{Dir: dir}
}

// refuseUnwritable refuses a place where no directory can be made for a run, before
// the tenant or a person is asked for anything.
func refuseUnwritable(dir string) error {
	at := filepath.Clean(dir)
	for _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at); _, err = os.Lstat(at) {
		at = filepath.Dir(at)
	}
	file, err := journal.Scratch(at)
	if err == nil {
		return file.Close()
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		path.Op, path.Path = "mkdir", dir // the file has no name that anybody gave
	}
	return &Error{NoDirectory, err}
}

// loadHistory reads the journal of the run that goes on. A run that was killed
// before it had one begins with this session.
func (j *job) loadHistory() error {
	replay, err := journal.Load(j.dir.Dir())
	switch {
	case errors.Is(err, fs.ErrNotExist) && j.info.FinishedAt == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return invalid("the run in %s has lost its journal (%s), so what it sent is not known: put it back, or begin a new run with --new", j.dir.Dir(), journal.FileName)
	case err != nil:
		return err
	case replay.Sessions == 0:
		return replay.Close()
	}
	j.earlier = replay
	j.onClose(replay.Close)
	return nil
}

// loadLater reads what other runs have written to the same host since the run
// began that goes on, and what that one has written itself.
func (j *job) loadLater(context.Context) (err error) {
	if j.IfUnchanged {
		edited := j.matches != nil || j.earlier != nil && j.earlier.Last.Edition > 1
		if j.Send.IfUnchanged, err = batch.NewOwnWrites(j.earlier, j.Sheet.Rules.InOrder || edited); err != nil {
			return err
		}
	}
	if j.earlier == nil {
		return nil
	}
	runs, _, err := Runs()
	if err != nil {
		return err
	}
	later := new(batch.Later)
	for _, r := range runs {
		part, _ := sheet.ParsePart(r.Info.Shard)
		if r.Info.Host != j.Tenant.Host || r.Info.DryRun || part.Apart(j.part()) || sameDir(r.Dir, j.dir.Dir()) {
			continue
		}
		file, err := os.Stat(filepath.Join(r.Dir, journal.FileName))
		if err != nil || file.ModTime().Before(j.info.StartedAt) {
			continue
		}
		replay, err := journal.Load(r.Dir)
		if err == nil {
			err = errors.Join(later.Add(replay), replay.Close())
		}
		if err != nil {
			j.Observer.Event(Note{fmt.Sprintf("what the run in %s has written since cannot be read, so its sessions may not be as the outcomes of this run say: %s", r.Dir, err)})
		}
	}
	later.Sort()
	j.later = later
	j.again, j.noted, err = later.Count(j.earlier, j.Send.RetryFailed)
	return err
}

func sameDir(a, b string) bool {
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}

// match looks up the rows of an edited sheet in what the run has recorded.
func (j *job) match(ctx context.Context) (err error) {
	if j.earlier == nil || j.same {
		return nil
	}
	of := j.Sheet
	if j.Sheet.AsOf != nil {
		if of, err = j.Sheet.AsOf(j.info.Options); err != nil {
			return err
		}
		of.Options.Fields = j.Sheet.Options.Fields
		if err := of.useKept(j.dir.Dir()); err != nil {
			of.Rules.Attributes = j.Sheet.Rules.Attributes
		}
	}
	var previous *sheet.Sheet // where it cannot be read as that session read it, its rows cannot be named
	if sh, err := of.Open(ctx, filepath.Join(j.dir.Dir(), filepath.Base(j.earlier.Last.SheetFile))); err == nil {
		defer func() { _ = sh.Close() }() // it was only read
		if len(sh.Problems()) == 0 {
			sh.SetIDs(j.ids)
			previous = sh
		}
	}
	if j.matches, err = batch.Match(ctx, j.sheet, j.Sheet.Rules, j.earlier, previous); err != nil {
		return j.Sheet.unreadable(ctx, err)
	}
	return j.earlier.Edit(j.matches.Moves())
}
