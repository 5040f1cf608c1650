package journal

import (
	"errors"
	"fmt"
	"io"
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

// Status is the row's latest outcome, Pending when it has none. A row that has
// one may be in flight again all the same.
func (r *Replay) Status(row int) Status {
	return statuses[r.live.rows.state(row)&codeMask]
}

// InFlight tells whether the row's latest intent has no outcome after it, and
// whether any such intent runs the workflow.
func (r *Replay) InFlight(row int) (run, flying bool) {
	state := r.live.rows.state(row)
	return state&(inFlight|runsFlag) == inFlight|runsFlag, state&inFlight != 0
}

// Counts is the number of rows by outcome; an outcome without rows is left out,
// and so are pending rows.
func (r *Replay) Counts() map[Status]int {
	counts := make(map[Status]int)
	for code, n := range r.live.rows.counts {
		if code > 0 && n > 0 {
			counts[statuses[code]] = n
		}
	}
	return counts
}

// Hash is that of the row's intent in flight or else of its outcome; false when
// there is neither.
func (r *Replay) Hash(row int) (uint64, bool, error) {
	if intent, ok, err := r.Intent(row); ok || err != nil {
		return intent.Hash, ok, err
	}
	outcome, ok, err := r.Outcome(row)
	return outcome.Hash, ok, err
}

// Intent is the latest intent of a row in flight; false for any other row.
func (r *Replay) Intent(row int) (Intent, bool, error) {
	return lookup(r, r.live.rows.intentAt(row), decodeIntent)
}

// Outcome is the row's latest outcome; false when it has none.
func (r *Replay) Outcome(row int) (Outcome, bool, error) {
	return lookup(r, r.live.rows.outcomeAt(row), decodeOutcome)
}

// Before is what the row's session held before the run first overwrote it;
// false when that was not recorded. The caller owns it.
func (r *Replay) Before(row int) (Before, bool, error) {
	return lookup(r, r.live.before.get(row), decodeBefore)
}

// Planned is the row's line of a dry run's plan; false when it has none. The
// caller owns it.
func (r *Replay) Planned(row int) (Planned, bool, error) {
	return lookup(r, r.live.planned.get(row), decodePlanned)
}

// lookup reads the record that begins at off; a negative one is none.
func lookup[R any](r *Replay, off int64, decode func([]byte) (R, error)) (rec R, ok bool, err error) {
	if off < 0 {
		return rec, false, nil
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	line, err := r.blocks.line(off)
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

// Outcomes calls fn with the latest outcome of each row, in the order of the
// file, until fn fails; that error is returned.
func (r *Replay) Outcomes(fn func(Outcome) error) error {
	in := newLineReader(io.NewSectionReader(r.f, 0, r.end))
	for {
		line, off, _, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		outcome, ok, err := r.latest(line, off)
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", r.path, in.number, err)
		}
		if !ok {
			continue
		}
		if err := fn(outcome); err != nil {
			return err
		}
	}
}

// latest decodes line if it is the latest outcome of its row.
func (r *Replay) latest(line []byte, off int64) (Outcome, bool, error) {
	h, ok := parseHead(line)
	if !ok {
		var err error
		if h, err = decodeHead(line); err != nil {
			return Outcome{}, false, err
		}
	}
	if h.kind != "outcome" || r.live.rows.outcomeAt(h.row) != off {
		return Outcome{}, false, nil
	}
	outcome, err := decodeOutcome(line)
	return outcome, err == nil, err
}

// Intents calls fn with the intent of each row in flight, in rising order of
// rows, until fn fails; that error is returned.
func (r *Replay) Intents(fn func(Intent) error) error {
	for n, p := range r.live.rows.pages {
		if p == nil {
			continue
		}
		for i, state := range p.state {
			if state&inFlight == 0 {
				continue
			}
			intent, _, err := r.Intent(n<<pageBits + i)
			if err == nil {
				err = fn(intent)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Ticks calls fn with every tick, in order, until fn fails; that error is
// returned.
func (r *Replay) Ticks(fn func(Tick) error) error {
	for _, off := range r.ticks {
		tick, _, err := lookup(r, off, decode[Tick])
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
	totals.add(r.totals)
	return totals
}

func (t *Tick) add(u Tick) {
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
