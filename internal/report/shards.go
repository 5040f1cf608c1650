package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/journal"
)

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
		by := r.Last.Operator
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
		end := r.End
		if end == nil {
			return journal.End{}, false
		}
		if end.ExitCode > all.ExitCode {
			if all.ExitCode, all.Reason = end.ExitCode, end.Reason; o.Joined && end.Reason != "" {
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
	if !o.Joined {
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
