package sandbox

import (
	"iter"
	"sync/atomic"

	"github.com/google/uuid"
)

// Record is what the tenant itself knows of one session: the measure of what
// a client claims.
type Record struct {
	Session Session // as stored: statuses with underscores, UUIDs and not names
	Patches int     // PATCHes applied, dropped answers included
	Runs    int     // those of them with run=true
}

// Record gives the tenant's own record of a session; false for an unknown id.
func (t *Tenant) Record(id string) (Record, bool) {
	u, ok := parseID(id)
	if !ok {
		return Record{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.entries[u]; !ok {
		return Record{}, false
	}
	return t.record(u), true
}

// record makes a Record; the caller holds mu.
func (t *Tenant) record(id uuid.UUID) Record {
	r := Record{Session: t.session(id)}
	if e := t.entries[id]; e != nil {
		r.Patches, r.Runs = int(e.patches), int(e.runs)
	}
	return r
}

// Records walks all sessions in the order they were added, untouched ones too.
// The tenant may serve meanwhile: each Record is whole, all together are no
// snapshot.
func (t *Tenant) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for i := 0; ; i++ {
			t.mu.Lock()
			if i >= len(t.ids) {
				t.mu.Unlock()
				return
			}
			r := t.record(t.ids[i])
			t.mu.Unlock()
			if !yield(r) {
				return
			}
		}
	}
}

// Applied is how many PATCHes were applied, dropped answers included.
func (t *Tenant) Applied() int { return int(t.counts.applied.Load()) }

// Totals counts requests since the tenant was made. Every request is in exactly
// one of Patch, Get, List, Token and Other; the rest says what became of them.
type Totals struct {
	Patch int `json:"patch"`
	Get   int `json:"get"`
	List  int `json:"list"`
	Token int `json:"token"`
	Other int `json:"other"` // unknown paths; the page's own are not counted

	Applied   int `json:"applied"`   // PATCHes
	Runs      int `json:"runs"`      // PATCHes applied with run=true
	Refused   int `json:"refused"`   // 4xx other than 429
	Throttled int `json:"throttled"` // 429
	Failed    int `json:"failed"`    // 5xx made by Faults.Fail; not applied
	Dropped   int `json:"dropped"`   // answers kept back: Faults.Drop, or the client left
}

// Totals gives the counts now.
func (t *Tenant) Totals() Totals {
	c := &t.counts
	n := func(v *atomic.Int64) int { return int(v.Load()) }
	return Totals{
		Patch: n(&c.kinds[kindPatch]), Get: n(&c.kinds[kindGet]), List: n(&c.kinds[kindList]),
		Token: n(&c.kinds[kindToken]), Other: n(&c.kinds[kindOther]),
		Applied: n(&c.applied), Runs: n(&c.runs), Refused: n(&c.refused),
		Throttled: n(&c.throttled), Failed: n(&c.failed), Dropped: n(&c.dropped),
	}
}

// counters are the Totals while they grow.
type counters struct {
	kinds                                              [kinds]atomic.Int64
	applied, runs, refused, throttled, failed, dropped atomic.Int64
}

// kind is what a request asks for.
type kind int

const (
	kindOther kind = iota
	kindPatch
	kindGet
	kindList
	kindToken
	kinds // how many there are
)
