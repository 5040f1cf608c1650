package pace

import "time"

const (
	// doubtFor is how long answers that are a sign of overload can be withdrawn, and
	// doubtSoon the time in which more than one must come once some were.
	doubtFor  = time.Minute
	doubtSoon = 2 * time.Second
	doubtMost = 8 // that must come in that time, at the most
)

// doubt remembers what answers that are a sign of overload did: they may be errors of
// the rows themselves. When each of them turns out to be one, what they did is
// undone, and more than one is asked for from then on.
type doubt struct {
	before    estimator // as it was before the first of them
	slots     slots
	since     time.Time // of the first; zero: none
	raised    int       // how many there were
	withdrawn int       // how many of them were errors of the rows
	wrong     int       // how often all were
	soon      int       // how many came in the time that began with the first of these
	soonSince time.Time
}

// believe reports whether an answer that is a sign of overload is taken for a limit,
// and keeps the pacer's state if it is the first.
func (d *doubt) believe(p *pacer, at time.Time) bool {
	if at.Sub(d.soonSince) > doubtSoon {
		d.soonSince, d.soon = at, 0
	}
	if d.soon++; d.soon <= min(d.wrong, doubtMost-1) {
		return false
	}
	if d.since.IsZero() || at.Sub(d.since) > doubtFor {
		d.before, d.slots, d.since = *p.estimator, p.slots, at
		d.raised, d.withdrawn = 0, 0
	}
	d.raised++
	return true
}

// withdraw undoes what so many answers did, once nothing is left of them.
func (d *doubt) withdraw(p *pacer, n int) {
	if d.since.IsZero() {
		return
	}
	if d.withdrawn += n; d.withdrawn < d.raised {
		return
	}
	d.wrong++
	e := d.before
	e.history, e.granted, e.latency = p.estimator.history, p.estimator.granted, p.estimator.latency
	*p.estimator, p.slots = e, d.slots
	d.since = time.Time{}
}
