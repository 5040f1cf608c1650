package journal

import (
	"errors"
	"fmt"
	"time"
)

// First is the session that began the run, Last the newest one; both are zero
// in a journal without any.
func (r *Replay) First() Start { return r.first }

// Last is the newest session.
func (r *Replay) Last() Start { return r.last }

// Sessions counts the starts and resumes.
func (r *Replay) Sessions() int { return r.sessions }

// End is how the newest session ended; false when it was killed or goes on.
func (r *Replay) End() (End, bool) {
	if !r.ended {
		return End{}, false
	}
	return r.lastEnd, true
}

// Knows reports whether anything is recorded of the row: an intent, an outcome or
// a plan.
func (r *Replay) Knows(row int) bool {
	return r.rows.rows.get(row).record != offset{} || r.rows.planned.get(row) != offset{}
}

// Status is the row's latest outcome, Pending when it has none. A row that has
// one may be in flight again all the same.
func (r *Replay) Status(row int) Status { return r.entry(row).Status() }

// InFlight reports whether the row's latest intent has no outcome after it, and
// whether any such intent runs the workflow.
func (r *Replay) InFlight(row int) (run, flying bool) { return r.entry(row).InFlight() }

// Counts is the number of rows by outcome; an outcome without rows is left out,
// and so are pending rows.
func (r *Replay) Counts() map[Status]int {
	counts := make(map[Status]int)
	for code, n := range r.rows.counts {
		if code > 0 && n > 0 {
			counts[statuses[code]] = n
		}
	}
	return counts
}

// Intent is the latest intent of a row in flight; false for any other row.
func (r *Replay) Intent(row int) (i Intent, ok bool, err error) {
	i, ok, err = r.IntentOf(r.entry(row))
	if ok {
		i.Row = row
	}
	return i, ok, err
}

// Outcome is the row's latest outcome; false when it has none.
func (r *Replay) Outcome(row int) (o Outcome, ok bool, err error) {
	o, ok, err = r.OutcomeOf(r.entry(row))
	if ok {
		o.Row = row
	}
	return o, ok, err
}

// Before is what the row's session held before the row overwrote it; false when
// that was not recorded. The caller owns it.
func (r *Replay) Before(row int) (Before, bool, error) { return r.BeforeOf(r.entry(row)) }

// Planned is the row's line of a dry run's plan; false when it has none. The
// caller owns it.
func (r *Replay) Planned(row int) (Planned, bool, error) {
	return lookup(r, r.rows.planned.get(row).get(), decodePlanned)
}

// lookup reads the record that begins at off; a negative one is none.
func lookup[R any](r *Replay, off int64, decode func([]byte) (R, error)) (rec R, ok bool, err error) {
	if off < 0 {
		return rec, false, nil
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	line, err := r.window.line(off)
	if err == nil && !intact(line) {
		err = errors.New("a record has changed since the journal was loaded")
	}
	if err == nil {
		rec, err = decode(line)
	}
	if err != nil {
		return rec, false, fmt.Errorf("%s at byte %d: %w", r.path, off, err)
	}
	return rec, true, nil
}

// LastActive is when the run last recorded something that has a time.
func (r *Replay) LastActive() time.Time {
	at, _, err := lookup(r, r.lastTimed, func(line []byte) (l struct{ At time.Time }, err error) { return decode(line, l) })
	if err != nil {
		return r.last.At
	}
	return at.At
}

// Ticks calls fn with every tick, in order, until fn fails; that error is
// returned.
func (r *Replay) Ticks(fn func(Tick) error) error {
	for _, off := range r.ticks {
		tick, _, err := lookup(r, off, decodeTick)
		if err == nil {
			err = fn(tick)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Totals sums all ticks: counts and latencies are added up, At and Ceiling are
// those of the last one. The caller owns it.
func (r *Replay) Totals() Tick {
	totals := Tick{Latency: map[int]int{}}
	totals.Add(r.totals)
	return totals
}

// Add adds what another tick counted, and takes its At and Ceiling.
func (t *Tick) Add(u Tick) {
	t.At, t.Ceiling = u.At, u.Ceiling
	t.Patch += u.Patch
	t.Get += u.Get
	t.Token += u.Token
	t.Throttled += u.Throttled
	t.Retried += u.Retried
	if t.Latency == nil {
		t.Latency = make(map[int]int)
	}
	for bound, n := range u.Latency {
		t.Latency[bound] += n
	}
}
