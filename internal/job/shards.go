package job

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// Shard is the run of one part of a sheet.
type Shard struct {
	Dir    string
	Info   journal.Info
	part   sheet.Part
	run    *journal.Run
	replay *journal.Replay
}

// Shards are the runs of all parts of a sheet, in the order of the parts.
type Shards []*Shard

// OpenShards locks the runs in these directories and reads their journals. They
// must be those of all parts of one sheet, each once. What it returns is to be
// closed even next to an error. Where that is ErrNotBegun, it is the last
// one's.
func OpenShards(dirs []string) (shards Shards, err error) {
	for _, dir := range dirs {
		if slices.ContainsFunc(shards, func(s *Shard) bool { return filepath.Clean(s.Dir) == filepath.Clean(dir) }) {
			return shards, invalid("%s is named twice: name the run of each part once", dir)
		}
		s := &Shard{Dir: dir}
		if s.run, s.Info, err = openRun(dir); err != nil {
			return shards, err
		}
		shards = append(shards, s)
		var ok bool
		if s.part, ok = sheet.ParsePart(s.Info.Shard); !ok {
			return shards, invalid("%s: run.json names the part %q, which is none: put back an undamaged copy of it", dir, text.Line(s.Info.Shard, 0))
		}
		if s.part.Of == 0 && len(dirs) > 1 {
			return shards, invalid("%s is a run of the whole sheet: only runs of its parts (--shard) are joined", dir)
		}
		switch s.replay, err = journal.Load(dir); {
		case errors.Is(err, fs.ErrNotExist), err == nil && s.replay.Last.SheetFile == "":
			return shards, invalid("%s: %w", dir, ErrNotBegun)
		case err != nil:
			return shards, err
		}
	}
	return shards, shards.areOne()
}

// Close gives the runs up.
func (all Shards) Close() (err error) {
	for _, s := range all {
		if s.replay != nil {
			err = cmp.Or(err, s.replay.Close())
		}
		err = cmp.Or(err, s.run.Close())
	}
	return err
}

// areOne makes sure that these are the runs of all parts of one sheet, each
// once, and puts them in the order of the parts.
func (all Shards) areOne() error {
	first := all[0]
	for _, s := range all[1:] {
		mine, its := first.replay.Last, s.replay.Last
		switch {
		case s.Info.DryRun != first.Info.DryRun:
			return invalid("one of %s and %s is a dry run: join those that sent alone", s.Dir, first.Dir)
		case its.Host != mine.Host:
			return invalid("%s is of %s, and %s of %s: only runs on one host are joined", s.Dir, its.Host, first.Dir, mine.Host)
		case s.part.Of != first.part.Of:
			return invalid("%s is %s, and %s %s: only the parts of one division are joined", s.Dir, s.part.Words(), first.Dir, first.part.Words())
		case its.SHA256 != mine.SHA256 || its.FileSHA256 != mine.FileSHA256:
			return invalid("%s sent last another sheet than %s, or another edition of it: go on with the run that has the older one, with the sheet as it is now (--resume --run-dir), and join them then", s.Dir, first.Dir)
		case rulesIn(its) != rulesIn(mine):
			return invalid("%s read the sheet by other rules than %s (%s; %s): go on with one of them by the rules of the other (--resume --run-dir), and join them then",
				s.Dir, first.Dir, cmp.Or(rulesIn(its), "no flags"), cmp.Or(rulesIn(mine), "no flags"))
		}
	}
	slices.SortStableFunc(all, func(a, b *Shard) int { return cmp.Compare(a.part.Number, b.part.Number) })
	for i, s := range all[1:] {
		if s.part == all[i].part {
			return invalid("%s and %s are both %s: name one of them", all[i].Dir, s.Dir, s.part.Words())
		}
	}
	var missing []string
	for n := 1; n <= first.part.Of; n++ {
		if !slices.ContainsFunc(all, func(s *Shard) bool { return s.part.Number == n }) {
			missing = append(missing, strconv.Itoa(n))
		}
	}
	if len(missing) > 0 {
		return invalid("of %d parts, these are missing: %s; name the directories of their runs too", first.part.Of, strings.Join(missing, ", "))
	}
	return nil
}

// rulesIn returns the flags that decided what rows meant. The tenant's attributes
// are left out: they may have changed between the beginnings of two parts.
func rulesIn(s journal.Start) string {
	flags, _, _ := strings.Cut(s.Rules, " attributes=")
	return flags
}

// Join writes the files of the runs into one directory, as if they were one run.
// An empty form is that of the first run.
func (all Shards) Join(ctx context.Context, dir string, form report.Form, asOf AsOf) (s report.Summary, err error) {
	first, info := all[0], all[0].Info
	info.Options = maps.Clone(info.Options)
	delete(info.Options, "shard") // of the sheet, every row is wanted
	of, err := asOf.kept(first.Dir, info.Options)
	if err != nil {
		return s, err
	}
	k := &keptRun{Options: reportOptions(dir, of, info), of: of}
	k.Joined, k.Results = true, cmp.Or(form, k.Results)
	var dirs []string
	for _, s := range all {
		k.Compare = k.Compare || compared(s.Info)
		k.Replays, dirs = append(k.Replays, s.replay), append(dirs, s.Dir)
	}
	if err := k.openSheet(ctx, dirs...); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	return report.Write(ctx, k.Options)
}

// Next returns what a person would do after the runs, by their summary, and with
// which of them: go on with those that are not at their end, then correct what
// failed, then look at what is unknown.
func (all Shards) Next(s report.Summary) (Next, Shards) {
	isFinished := func(s *Shard) bool { return s.Info.Finished }
	isKnown := func(s *Shard) bool { return s.replay.Counts()[journal.Unknown] == 0 }
	left := slices.DeleteFunc(slices.Clone(all), isFinished)
	switch o := s.Outcomes; {
	case s.DryRun:
		return Nothing, nil
	case len(left) > 0:
		return Resume, left
	case o.Failed+o.Invalid > 0:
		return FixFailed, all[:1] // the command is the same for each
	}
	return Resume, slices.DeleteFunc(slices.Clone(all), isKnown)
}
