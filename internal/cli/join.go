package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// shard is the run of one part of a sheet.
type shard struct {
	dir    string
	part   sheet.Part
	info   journal.Info
	run    *journal.Run
	replay *journal.Replay
}

// join writes the files of the runs of all parts of a sheet into one directory,
// as if they were one run, and prints their summary.
func (r *reporter) join(ctx context.Context, dirs []string) (err error) {
	shards, err := openShards(dirs)
	defer func() {
		for _, s := range shards {
			err = cmp.Or(err, s.close())
		}
	}()
	if err != nil {
		return err
	}
	if err := oneRun(shards); err != nil {
		return err
	}
	if err := r.prepareOutput(); err != nil {
		return err
	}
	summary, first, err := r.writeJoined(ctx, shards)
	switch {
	case err != nil:
		return err
	case r.asJSON:
		return summary.WriteJSON(r.Out)
	}
	next, err := nextOfAll(shards, first, summary)
	return cmp.Or(err, summary.Print(r.Err, next))
}

// openShards locks the runs and reads their journals. What it returns is to be
// closed even next to an error.
func openShards(dirs []string) (shards []*shard, err error) {
	for i, dir := range dirs {
		if slices.ContainsFunc(shards, func(s *shard) bool { return filepath.Clean(s.dir) == filepath.Clean(dir) }) {
			return shards, usage("%s is named twice: name the run of each part once", dir)
		}
		s := &shard{dir: dir}
		if s.run, s.info, err = openRun(dir); err != nil {
			return shards, err
		}
		shards = append(shards, s)
		var ok bool
		if s.part, ok = sheet.ParsePart(s.info.Shard); !ok {
			return shards, usage("%s: run.json names the part %q, which is none: put back an undamaged copy of it", dir, text.Line(s.info.Shard, 0))
		}
		if s.part.Of == 0 && (i > 0 || len(dirs) > 1) {
			return shards, usage("%s is a run of the whole sheet: only runs of its parts (--shard) are joined", dir)
		}
		switch s.replay, err = journal.Load(dir); {
		case errors.Is(err, fs.ErrNotExist), err == nil && s.replay.Last().SheetFile == "":
			next, err := s.resumeCommand()
			return shards, cmp.Or(err, usage("%s: %w\ngo on with it: %s", dir, report.ErrNotBegun, next))
		case err != nil:
			return shards, err
		}
	}
	return shards, nil
}

func (s *shard) close() error {
	var err error
	if s.replay != nil {
		err = s.replay.Close()
	}
	return cmp.Or(err, s.run.Close())
}

// resumeCommand is what goes on with the run.
func (s *shard) resumeCommand() (string, error) {
	r, err := runnerOf(s.info)
	if err != nil {
		return "", err
	}
	r.result = job.Result{Dir: s.dir, Next: job.Resume}
	return r.nextCommand(), nil
}

// oneRun makes sure that these are the runs of all parts of one sheet, each
// once, and puts them in the order of the parts.
func oneRun(shards []*shard) error {
	first := shards[0]
	for _, s := range shards[1:] {
		mine, its := first.replay.Last(), s.replay.Last()
		switch {
		case s.info.DryRun != first.info.DryRun:
			return usage("one of %s and %s is a dry run: join those that sent alone", s.dir, first.dir)
		case its.Host != mine.Host:
			return usage("%s is of %s, and %s of %s: only runs on one host are joined", s.dir, its.Host, first.dir, mine.Host)
		case s.part.Of != first.part.Of:
			return usage("%s is %s, and %s %s: only the parts of one division are joined", s.dir, s.part.Words(), first.dir, first.part.Words())
		case its.SHA256 != mine.SHA256 || its.FileSHA256 != mine.FileSHA256:
			return usage("%s sent last another sheet than %s, or another edition of it: go on with the run that has the older one, with the sheet as it is now (--resume --run-dir), and join them then", s.dir, first.dir)
		case rulesIn(its) != rulesIn(mine):
			return usage("%s read the sheet by other rules than %s (%s; %s): go on with one of them by the rules of the other (--resume --run-dir), and join them then",
				s.dir, first.dir, cmp.Or(rulesIn(its), "no flags"), cmp.Or(rulesIn(mine), "no flags"))
		}
	}
	slices.SortStableFunc(shards, func(a, b *shard) int { return cmp.Compare(a.part.Number, b.part.Number) })
	var missing []string
	next := 1
	for i, s := range shards {
		if i > 0 && s.part.Number == shards[i-1].part.Number {
			return usage("%s and %s are both %s: name one of them", shards[i-1].dir, s.dir, s.part.Words())
		}
		for ; next < s.part.Number; next++ {
			missing = append(missing, fmt.Sprint(next))
		}
		next = s.part.Number + 1
	}
	for ; next <= first.part.Of; next++ {
		missing = append(missing, fmt.Sprint(next))
	}
	if len(missing) > 0 {
		return usage("of %d parts, these are missing: %s; name the directories of their runs too", first.part.Of, strings.Join(missing, ", "))
	}
	return nil
}

// rulesIn returns the flags that decided what rows meant. The tenant's attributes
// are left out: they may have changed between the beginnings of two parts.
func rulesIn(s journal.Start) string {
	flags, _, _ := strings.Cut(s.Rules, " attributes=")
	return flags
}

// prepareOutput makes the directory of the joined files. It may have those of an
// earlier report, and no others.
func (r *reporter) prepareOutput() error {
	if _, err := os.Lstat(filepath.Join(r.output, journal.InfoFileName)); err == nil {
		return usage("-o %s holds a run: name another directory", r.output)
	}
	entries, err := os.ReadDir(r.output)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usage("-o %s cannot be used: %w", r.output, cause(err))
	}
	report := func(e fs.DirEntry) bool { return e.Name() == "summary.json" }
	if len(entries) > 0 && !slices.ContainsFunc(entries, report) {
		return usage("-o %s has other files than those of a report: name a new directory", r.output)
	}
	if err := journal.MakeDir(r.output); err != nil {
		return usage("-o %s cannot be made: %w", r.output, cause(err))
	}
	return nil
}

// writeJoined writes the files, and returns the command that made the run of the
// first part.
func (r *reporter) writeJoined(ctx context.Context, shards []*shard) (summary report.Summary, first *runner, err error) {
	info := shards[0].info
	if first, err = runnerOf(info); err != nil {
		return summary, nil, err
	}
	first.shard = "" // of the sheet, every row is wanted
	sh, err := first.sheetFlags.sheet()
	if err = cmp.Or(err, sh.UseKept(shards[0].dir)); err != nil {
		return summary, nil, err
	}
	o := report.Options{
		Dir: r.output, Rules: sh.Rules, Results: report.Form(cmp.Or(r.results, info.Results)), DryRun: info.DryRun, Settings: maps.Clone(info.Options),
	}
	delete(o.Settings, shardFlag)
	var dirs []string
	for _, s := range shards {
		o.Compare = o.Compare || s.info.Options["compare"] == "true"
		o.Shards = append(o.Shards, s.replay)
		dirs = append(dirs, s.dir)
	}
	summary, err = report.FromDirs(ctx, sh.Open, dirs, o)
	return summary, first, err
}

// nextOfAll is what a person would do after the runs: go on with those that are
// not at their end, then correct what failed, then look at what is unknown.
func nextOfAll(shards []*shard, first *runner, summary report.Summary) (string, error) {
	unfinished := func(s *shard) bool { return !s.info.Finished }
	inDoubt := func(s *shard) bool { return s.replay.Counts()[journal.Unknown] > 0 }
	switch o := summary.Outcomes; {
	case summary.DryRun:
		return "", nil
	case slices.ContainsFunc(shards, unfinished):
		return resumeCommands(shards, unfinished)
	case o.Failed+o.Invalid > 0:
		first.result = job.Result{Summary: summary, Settings: shards[0].info.Options, Next: job.FixFailed}
		return first.nextCommand(), nil
	}
	return resumeCommands(shards, inDoubt)
}

// resumeCommands are those of the runs that left picks, a line each.
func resumeCommands(shards []*shard, left func(*shard) bool) (string, error) {
	var commands []string
	for _, s := range shards {
		if !left(s) {
			continue
		}
		command, err := s.resumeCommand()
		if err != nil {
			return "", err
		}
		commands = append(commands, command)
	}
	return strings.Join(commands, "\n"), nil
}
