package batch

import (
	"fmt"
	"sync"

	"nermbulk/internal/journal"
)

// StopKind is why a run ended before every row was tried.
type StopKind int

// The reasons. NotStopped is a run that tried every row.
const (
	NotStopped StopKind = iota
	StoppedByLimit
	StoppedByTime
	StoppedByFailures
	StoppedByCanary
	StoppedByDenial       // 401 or 403
	StoppedByOutage       // the tenant could not be reached
	StoppedByServerErrors // many rows in a row ended in 5xx
	StoppedByCaller       // the context ended: a signal
	StoppedByUser         // whoever drives the run ended it
	StoppedByJournal      // the journal could not be written
)

// Stop is why a run ended, in words for people.
type Stop struct {
	Kind   StopKind
	Reason string
}

// FailuresReason is how the reason of a run begins that --max-failures stopped:
// what failed counts until it is sent again.
const FailuresReason = "--max-failures"

// maxServerErrors is how many rows may end in a 5xx one after another
// before the tenant is taken to be broken.
const maxServerErrors = 20

// guard watches the outcomes and stops the run when they say so. The first
// reason wins, but over the limit's, which lets go on what was begun.
type guard struct {
	limit       int // rows that may be sent; 0 = all
	maxFailures int // 0 = never
	before      int // failures of earlier sessions that are not sent again
	retry       bool
	cancel      func()

	mu           sync.Mutex
	stop         Stop
	sent         int // rows
	failures     int // of the run
	serverErrors int // in a row
}

// halt stops the run: no new row is begun. At the limit, what was begun goes
// on, and can still be stopped.
func (g *guard) halt(kind StopKind, format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stop.Kind == NotStopped || g.stop.Kind == StoppedByLimit && kind != StoppedByLimit {
		g.stop = Stop{kind, fmt.Sprintf(format, args...)}
		if kind != StoppedByLimit {
			g.cancel()
		}
	}
}

// atLimit reports whether no more rows may be sent, and stops the run then: it
// is asked when there is another one.
func (g *guard) atLimit() bool { return !g.within(0) }

// takeRow counts a row that is about to be sent, if it may be.
func (g *guard) takeRow() bool { return g.within(1) }

func (g *guard) within(rows int) bool {
	g.mu.Lock()
	ok := g.limit <= 0 || g.sent < g.limit
	if ok {
		g.sent += rows
	}
	g.mu.Unlock()
	if !ok {
		g.halt(StoppedByLimit, "--limit %d is reached", g.limit)
	}
	return ok
}

// record counts one row's end. again: it was one of the failures before.
// serverError: the last answer was a 5xx.
func (g *guard) record(failed, again, serverError bool) {
	g.mu.Lock()
	if again {
		g.failures--
	}
	if failed {
		g.failures++
	}
	if g.serverErrors++; !failed || !serverError {
		g.serverErrors = 0
	}
	serverErrors := g.serverErrors
	g.mu.Unlock()
	switch {
	case serverErrors >= maxServerErrors:
		g.halt(StoppedByServerErrors, "%d rows in a row ended in a server error (5xx): the tenant seems to be broken", serverErrors)
	case failed:
		g.tooMany()
	}
}

// tooMany stops the run if as many rows failed as --max-failures allows, and
// reports whether they did.
func (g *guard) tooMany() bool {
	g.mu.Lock()
	reached := g.maxFailures > 0 && g.failures >= g.maxFailures
	g.mu.Unlock()
	if reached {
		g.halt(StoppedByFailures, "") // stopped says how many
	}
	return reached
}

// stopped returns why the run was stopped, once every row that was begun has
// ended.
func (g *guard) stopped() Stop {
	g.mu.Lock()
	defer g.mu.Unlock()
	stop := g.stop
	if stop.Kind == StoppedByFailures {
		session := ""
		if g.retry {
			session = " in this session"
		}
		stop.Reason = fmt.Sprintf("%s %d is reached: rows that failed or are unknown%s: %d", FailuresReason, g.maxFailures, session, g.failures)
		switch {
		case g.before >= g.maxFailures:
			stop.Reason += ", all of them before this resume; nothing was sent: send them again with --retry-failed, or allow more"
		case g.before > 0:
			stop.Reason += fmt.Sprintf(", of them before this resume: %d", g.before)
		}
	}
	return stop
}

// Tally counts outcomes once they are in the journal, and not before. It is
// safe for concurrent use; the zero value is ready.
type Tally struct {
	mu      sync.Mutex
	counts  map[journal.Status]int
	session int // rows that ended since this process has them
}

// planned counts the rows that a dry run planned: they have no outcome.
const planned journal.Status = "planned"

// Written counts a record that was written to the journal. Only outcomes
// count, and the rows that a dry run planned.
func (t *Tally) Written(r journal.Record) {
	switch r := r.(type) {
	case journal.Outcome:
		t.add(r.Status, 1, 1)
	case journal.Planned:
		if r.Action != actionInvalid { // which has an outcome too
			t.add(planned, 1, 1)
		}
	}
}

// Replaced takes back an outcome that a new one is about to replace.
func (t *Tally) Replaced(s journal.Status) { t.add(s, -1, 0) }

// Seed begins with the outcomes of earlier sessions of the run.
func (t *Tally) Seed(counts map[journal.Status]int) {
	for status, n := range counts {
		t.add(status, n, 0)
	}
}

func (t *Tally) add(s journal.Status, n, session int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[journal.Status]int{}
	}
	t.counts[s] += n
	t.session += session
}

// Count returns how many rows have an outcome.
func (t *Tally) Count(s journal.Status) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[s]
}

// Done returns how many rows have any outcome, or were planned in a dry run.
func (t *Tally) Done() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := -t.counts[journal.Pending]
	for _, n := range t.counts {
		done += n
	}
	return done
}

// Session returns how many rows came to an end in this session of the run,
// those that had another end before included.
func (t *Tally) Session() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session
}
