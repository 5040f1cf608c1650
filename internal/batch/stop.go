package batch

import (
	"fmt"
	"sync"
)

// StopKind is why a run ended before every row was tried.
type StopKind int

// The reasons. NotStopped is a run that tried every row.
const (
	NotStopped StopKind = iota
	StoppedByLimit
	StoppedByFailures
	StoppedByCanary
	StoppedByDenial       // 401 or 403
	StoppedByOutage       // the tenant could not be reached
	StoppedByServerErrors // many rows in a row ended in 5xx
	StoppedByCaller       // the context ended: a signal
	StoppedByJournal      // the journal could not be written
)

// Stop is why a run ended, in words for people.
type Stop struct {
	Kind   StopKind
	Reason string
}

// serverErrorsInARow is how many rows may end in a 5xx one after another
// before the tenant is taken to be broken.
const serverErrorsInARow = 20

// guard watches the outcomes and stops the run when they say so. The first
// reason wins, but over the limit's, which lets go on what was begun.
type guard struct {
	maxFailures int // 0 = never
	cancel      func()

	mu           sync.Mutex
	stop         Stop
	failures     int
	serverErrors int // in a row
}

// halt stops the run: no new row is begun.
func (g *guard) halt(kind StopKind, format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.haltLocked(kind, format, args...)
}

// finish notes why no more rows are begun; what was begun goes on.
func (g *guard) finish(kind StopKind, format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stop.Kind == NotStopped {
		g.stop = Stop{kind, fmt.Sprintf(format, args...)}
	}
}

func (g *guard) haltLocked(kind StopKind, format string, args ...any) {
	// What was begun before the limit was reached is still to be stopped.
	if g.stop.Kind == NotStopped || g.stop.Kind == StoppedByLimit {
		g.stop = Stop{kind, fmt.Sprintf(format, args...)}
		g.cancel()
	}
}

// record counts one row's end. serverError: the last answer was a 5xx.
func (g *guard) record(failed, serverError bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !failed {
		g.serverErrors = 0
		return
	}
	g.failures++
	if serverError {
		g.serverErrors++
	} else {
		g.serverErrors = 0
	}
	switch {
	case g.serverErrors >= serverErrorsInARow:
		g.haltLocked(StoppedByServerErrors, "%d rows in a row ended in a server error (5xx): the tenant seems to be broken", g.serverErrors)
	case g.maxFailures > 0 && g.failures >= g.maxFailures:
		g.haltLocked(StoppedByFailures, "rows that failed or are unknown: %d, as many as --max-failures allows", g.failures)
	}
}

func (g *guard) stopped() Stop {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stop
}
