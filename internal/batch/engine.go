package batch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Options of one session of a run.
type Options struct {
	Sheet    *sheet.Sheet // as it was checked
	Rules    Rules
	Overview *Overview // of the check
	Tenant   tenant
	Journal  recorder
	Earlier  earlier // what earlier sessions of the run did; nil for none

	Left    int    // rows that remain to be sent, for choosing how to compare
	Scratch string // directory for what is kept during the run only

	Workers     int
	Attempts    int           // at most, for one row
	Timeout     time.Duration // of one attempt
	Limit       int           // rows to send at most; 0 = all
	Canary      int           // rows to send first, one by one, each read back
	MaxFailures int           // failed and unknown rows after which to stop; 0 = never
	SkipInvalid bool
	RetryFailed bool
	Compare     bool
	DryRun      bool

	Now func() time.Time
	// Say is told what was decided on the way, in words for people; may be nil.
	Say func(string)
	// Replaced is told of each earlier outcome that a new one of the same row
	// takes the place of; may be nil.
	Replaced func(journal.Status)
}

// earlier is what the journal of earlier sessions says of a row.
type earlier interface {
	Status(row int) journal.Status
	InFlight(row int) (run, inFlight bool)
	Intent(row int) (journal.Intent, bool, error)
	Outcome(row int) (journal.Outcome, bool, error)
	Before(row int) (journal.Before, bool, error)
}

// Run sends a sheet's rows and returns why it stopped, if it did. It returns
// after every goroutine that it started. ctx ends it gently: nothing new is
// begun, what is in flight is finished and recorded. An error means that it
// could not go on: the sheet could not be read or the journal not be written.
func Run(ctx context.Context, o Options) (_ Stop, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := &engine{
		Options: o,
		guard:   &guard{maxFailures: o.MaxFailures, cancel: cancel},
		jobs:    make(chan *Change, 2*o.Workers),
	}
	if o.Rules.InOrder {
		e.lanes = newLanes()
		defer context.AfterFunc(ctx, e.lanes.close)()
	}
	if err := e.findOvertaken(ctx); err != nil {
		if ctx.Err() != nil {
			return Stop{StoppedByCaller, "interrupted"}, nil
		}
		return Stop{}, err
	}
	if err := e.list(ctx); err != nil {
		return Stop{}, err
	}
	defer func() { err = errors.Join(err, e.listed.close()) }()
	group := new(errgroup.Group)
	for range o.Workers {
		group.Go(func() error { return e.work(ctx) })
	}
	feedErr := e.feed(ctx)
	if e.lanes != nil {
		e.held.Wait()
	}
	close(e.jobs)
	if errors.Is(feedErr, context.Canceled) {
		feedErr = nil // the reason is the guard's or the caller's
	}
	err = errors.Join(group.Wait(), feedErr)
	e.tellHidden()
	stop := e.guard.stopped()
	if (stop.Kind == NotStopped || stop.Kind == StoppedByLimit) && ctx.Err() != nil {
		stop = Stop{StoppedByCaller, "interrupted"}
	}
	return stop, err
}

type engine struct {
	Options
	guard *guard
	jobs  chan *Change
	spare sync.Pool
	lanes *lanes
	// listed is the tenant's list of sessions, for a comparison of many rows.
	listed *snapshot
	held   sync.WaitGroup // changes that are in the lanes
	// overtaken are rows that are not sent again, and the later row of their id
	// that is why.
	overtaken map[int]int
	judge     *judge
	hidden    atomic.Int64 // rows that were left as they are though not all of them could be compared
	sent      int
	canaries  int // that were sent
}

func (e *engine) sender() sender {
	if e.DryRun {
		return e.drySender()
	}
	return e.liveSender()
}

func (e *engine) liveSender() *live {
	return &live{
		tenant: e.Tenant, journal: e.Journal, guard: e.guard,
		attempts: e.Attempts, timeout: e.Timeout, now: e.Now, pause: pause,
		compare: e.Compare, listed: e.listed, hidden: &e.hidden, inOrder: e.Rules.InOrder,
	}
}

// work is one worker: it sends changes until there are no more.
func (e *engine) work(ctx context.Context) error {
	s := e.sender()
	var broken error
	for c := range e.jobs {
		for c != nil {
			if broken == nil && ctx.Err() == nil {
				if broken = e.settle(ctx, s, c); broken != nil {
					e.guard.halt(StoppedByJournal, "%s", broken)
				}
			}
			c = e.next(c)
		}
	}
	return broken
}

// next gives a change back and returns the next one of its id, if one waits.
func (e *engine) next(c *Change) *Change {
	id := c.ID
	e.spare.Put(c)
	if e.lanes == nil {
		return nil
	}
	e.held.Done()
	return e.lanes.leave(id)
}

// settle sends one change and records its outcome.
func (e *engine) settle(ctx context.Context, s sender, c *Change) error {
	end, err := s.send(ctx, c)
	if err != nil || !end.settled {
		return err
	}
	if err := e.Journal.Append(end.outcome); err != nil {
		return err
	}
	e.took(c, end)
	return nil
}

// took counts an outcome that is on its way into the journal.
func (e *engine) took(c *Change, end ending) {
	if c.replaces != "" && e.Replaced != nil {
		e.Replaced(c.replaces)
	}
	e.guard.saw(isFailure(end.outcome.Status), end.server)
}

func isFailure(s journal.Status) bool {
	return s == journal.Failed || s == journal.Unknown
}

// dispatch hands a change to the workers. It returns false when the run stops.
func (e *engine) dispatch(ctx context.Context, c *Change) bool {
	if e.lanes != nil {
		e.held.Add(1)
		if !e.lanes.enter(c) {
			return ctx.Err() == nil
		}
	}
	select {
	case e.jobs <- c:
		return true
	case <-ctx.Done():
		for c != nil {
			c = e.next(c)
		}
		return false
	}
}

// pause waits; it returns false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
