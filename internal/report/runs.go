package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// ErrNotBegun says that a run's journal has no start: there is nothing to
// report on.
var ErrNotBegun = errors.New("the run was stopped before it sent anything")

// Opener opens the copy of the sheet at path with the options that the run had.
type Opener func(ctx context.Context, path string) (*sheet.Sheet, error)

// FromDir is Write for a run of which only the directory is at hand.
func FromDir(ctx context.Context, open Opener, o Options) (s Summary, err error) {
	closeRun, err := o.Open(ctx, open)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeRun()) }()
	return Write(ctx, o)
}

// FromDirs is Write for the runs of all parts of a sheet, of which the journals, in
// o, and the directories are at hand, in the order of the parts.
func FromDirs(ctx context.Context, open Opener, dirs []string, o Options) (s Summary, err error) {
	o.joined = true
	if err := o.openSheet(ctx, open, dirs...); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, o.Sheet.Close()) }()
	return Write(ctx, o)
}

// Open adds the journal of the run in Dir, and its copy of the sheet.
func (o *Options) Open(ctx context.Context, open Opener) (closeRun func() error, err error) {
	replay, err := journal.Load(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotBegun
	}
	if err != nil {
		return nil, err
	}
	o.Replays = []*journal.Replay{replay}
	if err := o.openSheet(ctx, open, o.Dir); err != nil {
		return nil, errors.Join(err, replay.Close())
	}
	return func() error { return errors.Join(o.Sheet.Close(), replay.Close()) }, nil
}

// openSheet adds the sheet that the runs in dirs have a copy of.
func (o *Options) openSheet(ctx context.Context, open Opener, dirs ...string) (err error) {
	var copies []string
	for i, r := range o.Replays {
		file := r.Last().SheetFile
		if file == "" {
			return ErrNotBegun
		}
		// Only a name: a journal from elsewhere must not make us read outside
		// its directory.
		copies = append(copies, filepath.Join(dirs[i], filepath.Base(file)))
	}
	o.Sheet, err = openKept(ctx, open, copies...)
	return err
}

// openKept opens the first of the copies of a sheet, with the ids that were looked
// up for all of them.
func openKept(ctx context.Context, open Opener, copies ...string) (*sheet.Sheet, error) {
	s, err := open(ctx, copies[0])
	if err != nil {
		return nil, fmt.Errorf("open the run's copy of the sheet: %w", err)
	}
	if err := useKeptIDs(ctx, s, copies); err != nil {
		return nil, errors.Join(fmt.Errorf("read the ids of the run's sessions: %w", err), s.Close())
	}
	return s, nil
}

// IDsFile returns where the ids are kept that were found for the uids of a run's
// copy of a sheet: sheet-2.csv has uids-2.csv.
func IDsFile(copied string) string {
	dir, name := filepath.Split(copied)
	return filepath.Join(dir, "uids"+strings.TrimPrefix(name, "sheet"))
}

// useKeptIDs gives a sheet of uids the ids that were found for copies of it. A dry run without a tenant has found none.
func useKeptIDs(ctx context.Context, s *sheet.Sheet, copies []string) error {
	if !s.ByUID() {
		return nil
	}
	var ids *sheet.IDs
	for _, copied := range copies {
		found := cmp.Or(ids, &sheet.IDs{})
		switch err := sheet.ReadIDs(ctx, IDsFile(copied), found); {
		case err == nil:
			ids = found
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if ids != nil {
		ids.Seal()
		s.SetIDs(ids)
	}
	return nil
}

// replayOf returns the journal that has recorded a row, and any one where none
// has. A uid whose session appeared between the looks of two parts can be known
// to both: then it counts what was sent.
func (o Options) replayOf(row int) *journal.Replay {
	found := o.Replays[0]
	for _, r := range o.Replays[1:] {
		if r.Knows(row) && (!found.Knows(row) || found.Entry(row).Status() == journal.Invalid) {
			found = r
		}
	}
	return found
}

// totals sums what was sent.
func (o Options) totals() (totals journal.Tick) {
	for _, r := range o.Replays {
		totals.Add(r.Totals())
	}
	return totals
}

// operator returns who sent last: of several parts all users, and all machines.
func (o Options) operator() journal.Operator {
	var users, machines []string
	for _, r := range o.Replays {
		by := r.Last().Operator
		if !slices.Contains(users, by.User) {
			users = append(users, by.User)
		}
		if !slices.Contains(machines, by.Machine) {
			machines = append(machines, by.Machine)
		}
	}
	return journal.Operator{User: strings.Join(users, ", "), Machine: strings.Join(machines, ", ")}
}

// end returns how the run ended; of several parts when the last one did, and
// with the exit code and reason of the one that ended worst. It is false where
// one was killed or goes on.
func (o Options) end() (all journal.End, ended bool) {
	for i, r := range o.Replays {
		end, ok := r.End()
		if !ok {
			return journal.End{}, false
		}
		if end.ExitCode > all.ExitCode {
			if all.ExitCode, all.Reason = end.ExitCode, end.Reason; o.joined && end.Reason != "" {
				all.Reason = fmt.Sprintf("part %d of %d: %s", i+1, len(o.Replays), end.Reason)
			}
		}
		if end.At.After(all.At) {
			all.At = end.At
		}
	}
	return all, true
}

// ticks calls take with all ticks in the order of time. The ceiling of one is that
// of all parts that were sending then, together.
func (o Options) ticks(take func(journal.Tick)) error {
	if !o.joined {
		return o.Replays[0].Ticks(take)
	}
	type shardTick struct {
		journal.Tick
		shard int
	}
	var all []shardTick
	for i, r := range o.Replays {
		if err := r.Ticks(func(t journal.Tick) { all = append(all, shardTick{t, i}) }); err != nil {
			return fmt.Errorf("part %d of %d: %w", i+1, len(o.Replays), err)
		}
	}
	slices.SortStableFunc(all, func(a, b shardTick) int { return a.At.Compare(b.At) })
	latest := make([]journal.Tick, len(o.Replays))
	for _, t := range all {
		latest[t.shard] = t.Tick
		t.Ceiling = ceilingOf(latest, t.At)
		take(t.Tick)
	}
	return nil
}

// ceilingOf sums the ceilings of the parts that are sending at a time; 0 where
// one of them has none.
func ceilingOf(latest []journal.Tick, at time.Time) (sum float64) {
	for _, t := range latest {
		if t.At.IsZero() || at.Sub(t.At) > longestTick {
			continue
		}
		if t.Ceiling == 0 {
			return 0
		}
		sum += t.Ceiling
	}
	return sum
}
