package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/journal"
)

// replays returns the journals that are reported on.
func (o Options) replays() []*journal.Replay {
	if o.Shards != nil {
		return o.Shards
	}
	return []*journal.Replay{o.Replay}
}

// replayOf returns the journal that has recorded a row, and any one where none
// has. A uid whose session appeared between the looks of two parts can be known
// to both: then it counts what was sent.
func (o Options) replayOf(row int) *journal.Replay {
	if o.Shards == nil {
		return o.Replay
	}
	found := o.Shards[0]
	for _, r := range o.Shards[1:] {
		if r.Knows(row) && (!found.Knows(row) || found.Status(row) == journal.Invalid) {
			found = r
		}
	}
	return found
}

// totals sums what was sent.
func (o Options) totals() (totals journal.Tick) {
	for _, r := range o.replays() {
		totals.Add(r.Totals())
	}
	return totals
}

// operator returns who sent last: of several parts all users, and all machines.
func (o Options) operator() journal.Operator {
	var users, machines []string
	for _, r := range o.replays() {
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
	for i, r := range o.replays() {
		end, ok := r.End()
		if !ok {
			return journal.End{}, false
		}
		if end.ExitCode > all.ExitCode {
			if all.ExitCode, all.Reason = end.ExitCode, end.Reason; o.Shards != nil && end.Reason != "" {
				all.Reason = fmt.Sprintf("part %d of %d: %s", i+1, len(o.Shards), end.Reason)
			}
		}
		if end.At.After(all.At) {
			all.At = end.At
		}
	}
	return all, true
}

// ticks calls fn with all ticks in the order of time. The ceiling of one is that
// of all parts that were sending then, together.
func (o Options) ticks(fn func(journal.Tick) error) error {
	if o.Shards == nil {
		return o.Replay.Ticks(fn)
	}
	type shardTick struct {
		journal.Tick
		shard int
	}
	var all []shardTick
	for i, r := range o.Shards {
		err := r.Ticks(func(t journal.Tick) error {
			all = append(all, shardTick{t, i})
			return nil
		})
		if err != nil {
			return fmt.Errorf("part %d of %d: %w", i+1, len(o.Shards), err)
		}
	}
	slices.SortStableFunc(all, func(a, b shardTick) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.shard, b.shard)) })
	latest := make([]journal.Tick, len(o.Shards))
	for _, t := range all {
		latest[t.shard] = t.Tick
		t.Ceiling = ceilingOf(latest, t.At)
		if err := fn(t.Tick); err != nil {
			return err
		}
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
