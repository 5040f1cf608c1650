package batch

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Matches returns which rows of an edited sheet are rows that the run knows.
type Matches struct {
	Removed journal.Removed
	Count   int
	known   []knownRow
}

// knownRow is a row that the run has tried, of whatever edition of its sheet.
type knownRow struct {
	hash, id  uint64 // of the change, and of its id
	row       uint32
	now       uint32 // its row in the new sheet; 0 = it has none
	edition   uint16
	written   uint16 // the edition that it was tried in last
	sent      bool
	unchanged bool
}

// Moves lists the rows that are known.
func (m *Matches) Moves() iter.Seq[journal.Moved] {
	return func(yield func(journal.Moved) bool) {
		for _, k := range m.known {
			if k.now > 0 && !yield(journal.Moved{Row: k.now, Was: k.row, Edition: uint32(k.edition)}) {
				return
			}
		}
	}
}

// Match looks up the rows of an edited, re-sorted or extended sheet by id and
// content in all that its run has recorded. Of several rows that are the same,
// the first one is the first one that the run knows, and so on. What was
// recorded does not hold where the session was sent another content since, for
// a later edition, that the new sheet has not: the row is then a new one.
//
// The sheet must have been checked; previous is the one before it, nil if it
// cannot be read any more.
func Match(ctx context.Context, s *sheet.Sheet, rules change.Rules, run *journal.Replay, previous *sheet.Sheet) (*Matches, error) {
	if run.Last.Edition > math.MaxUint16 {
		return nil, errors.New("the sheet was edited too often: begin a new run")
	}
	m := &Matches{}
	if err := m.load(run); err != nil {
		return nil, err
	}
	var ids []uint64 // of the new sheet
	err := eachChange(ctx, s, rules, func(c *change.Change, valid bool) {
		ids = append(ids, xxhash.Sum64String(c.ID))
		if valid {
			m.match(uint32(c.Row), c.Hash())
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	m.supersede()
	return m, m.countRemoved(ctx, ids, rules, run, previous)
}

// eachChange calls fn with the change of each row, which is whole only if the
// row is valid.
func eachChange(ctx context.Context, s *sheet.Sheet, rules change.Rules, fn func(c *change.Change, valid bool)) error {
	planner := change.NewPlanner(s, rules)
	return s.Each(ctx, func(row *sheet.Row) error {
		valid := change.FirstError(planner.Plan(row)) == nil
		if planner.Change.ID == "" {
			planner.Change.ID = strings.ToLower(sheet.Trim(row.ID))
		}
		fn(&planner.Change, valid)
		return nil
	})
}

// load lists what the run has tried, by content; what is the same has the order
// of the latest sheet that had it.
func (m *Matches) load(run *journal.Replay) error {
	for e := range run.Known() {
		o, ended, err := run.OutcomeOf(e)
		if err != nil {
			return err
		}
		if !ended {
			i, _, err := run.IntentOf(e)
			if err != nil {
				return err
			}
			o.ID, o.Hash = i.ID, i.Hash
		}
		_, inFlight := e.InFlight()
		m.known = append(m.known, knownRow{
			hash: o.Hash, id: xxhash.Sum64String(o.ID), row: uint32(e.Row()), edition: uint16(e.Edition()), written: uint16(run.EditionOf(e)),
			sent: change.MayHaveWritten(string(o.Status), inFlight, o.Attempts, o.HTTPStatus), unchanged: e.Status() == journal.Unchanged,
		})
	}
	slices.SortFunc(m.known, func(a, b knownRow) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(b.edition, a.edition), cmp.Compare(a.row, b.row))
	})
	return nil
}

// match gives a row of the new sheet the first row of its content that has none.
func (m *Matches) match(row uint32, hash uint64) {
	for at := m.find(hash); at < len(m.known) && m.known[at].hash == hash; at++ {
		if k := &m.known[at]; k.now == 0 {
			k.now = row
			m.Count++
			return
		}
	}
}

func (m *Matches) find(hash uint64) int {
	at, _ := slices.BinarySearchFunc(m.known, hash, func(k knownRow, hash uint64) int { return cmp.Compare(k.hash, hash) })
	return at
}

// supersede takes back what was matched and does not hold: its session was sent
// another content for a later edition, and the new sheet has not that content.
func (m *Matches) supersede() {
	type write struct {
		id      uint64
		edition uint16
	}
	var gone []write
	for _, k := range m.known {
		if k.sent && m.known[m.find(k.hash)].now == 0 {
			gone = append(gone, write{k.id, k.written})
		}
	}
	byID := func(a, b write) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b.edition, a.edition)) }
	slices.SortFunc(gone, byID)
	for i := range m.known {
		k := &m.known[i]
		at, _ := slices.BinarySearchFunc(gone, k.id, func(w write, id uint64) int { return cmp.Compare(w.id, id) })
		if k.now > 0 && at < len(gone) && gone[at].id == k.id && gone[at].edition > k.written {
			k.now = 0
			m.Count--
		}
	}
}

// countRemoved counts the sessions that were in a sheet of the run before and are
// not in the new one, whose ids are sorted.
func (m *Matches) countRemoved(ctx context.Context, ids []uint64, rules change.Rules, run *journal.Replay, previous *sheet.Sheet) error {
	var removed []uint64
	for _, k := range m.known {
		if _, stays := slices.BinarySearch(ids, k.id); !stays && !k.unchanged {
			removed = append(removed, k.id)
		}
	}
	m.Removed.Sent = countDistinct(removed)
	if previous == nil {
		return nil
	}
	removed = removed[:0]
	err := eachChange(ctx, previous, rules, func(c *change.Change, _ bool) {
		known := run.Entry(c.Row)
		_, inFlight := known.InFlight()
		id := xxhash.Sum64String(c.ID)
		if _, stays := slices.BinarySearch(ids, id); !stays && !inFlight && known.Status() == journal.Pending {
			removed = append(removed, id)
		}
	})
	m.Removed.NotSent = countDistinct(removed)
	return err
}

func countDistinct(list []uint64) int {
	slices.Sort(list)
	return len(slices.Compact(list))
}
