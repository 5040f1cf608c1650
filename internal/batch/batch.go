// Package batch carries a sheet's rows to their outcomes: it checks the whole
// sheet before anything is sent, sends the changes with a pool of workers,
// finds out what is in doubt and stops when a guard says so. A row that fails
// is data here; an error means that the run cannot go on. It never prints,
// never asks and never reads a flag.
package batch

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Options of one session of a run.
type Options struct {
	Sheet    *sheet.Sheet // as it was checked
	Rules    change.Rules
	Overview *Overview // of the check
	Tenant   tenant
	Journal  recorder
	Earlier  *journal.Replay // what earlier sessions of the run did; nil for none
	Later    *Later          // what other runs did since; nil for nothing

	Left int // rows that remain to be sent or compared, for choosing how to compare

	Workers     int
	Attempts    int           // at most, for one row
	Timeout     time.Duration // of one attempt
	Limit       int           // rows to send at most; 0 = all
	Canary      int           // rows to send first, one by one, each read back
	MaxDuration time.Duration // after which to stop; 0 = never
	MaxFailures int           // failed and unknown rows of the run after which to stop; 0 = never
	Failures    int           // such rows of earlier sessions that are not sent again
	SkipInvalid bool
	RetryFailed bool
	Compare     bool
	DryRun      bool
	// IfUnchanged holds, with Compare, what this run has changed itself: a row is
	// sent only where its session is as old as the row's updated_at, or one of
	// these. Nil is every row.
	IfUnchanged *OwnWrites

	Now func() time.Time
	// Say is called with what was decided on the way, in words for people; may
	// be nil.
	Say func(string)
	// Passed is called when all canaries are right; may be nil.
	Passed func()
	// Replaced is called for each earlier outcome that a new one of the same
	// row takes the place of; may be nil.
	Replaced func(journal.Status)
}

// tenant is what the engine sends to.
type tenant interface {
	Patch(ctx context.Context, r api.Request) api.Answer
	Get(ctx context.Context, id string) api.Answer
	lister
}

// recorder is where intents and outcomes go.
type recorder interface {
	Append(journal.Record) error // returns at once
	Write(journal.Record) error  // returns when the record survives a kill
	Commit(journal.Record) error // returns when it survives a power cut
}

// task is a change on its way to the tenant, with what earlier sessions of the
// run know about its row.
type task struct {
	change.Change
	history
	shown   *shown // by the list, for a comparison; may be nil
	left    bool   // a request left for it in this session
	counted bool   // as one of the rows that --limit allows
	tries   int    // to patch
}

// Run sends a sheet's rows and returns why it stopped, if it did. It returns
// after every goroutine that it started. ctx ends it gently: nothing new is
// begun, what is in flight is finished and recorded. An error means that it
// could not go on: the sheet could not be read or the journal not be written.
func Run(ctx context.Context, o Options) (_ Stop, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := &engine{Options: o, guard: &guard{limit: o.Limit, maxFailures: o.MaxFailures, failures: o.Failures, before: o.Failures, retry: o.RetryFailed, cancel: cancel}}
	e.spare.New = func() any { return new(task) }
	ctx = api.WithWaiting(ctx, e.waiting)
	if e.guard.tooMany() {
		return e.guard.stopped(), nil
	}
	if o.MaxDuration > 0 {
		late := time.AfterFunc(o.MaxDuration, func() { e.guard.halt(StoppedByTime, "--max-duration %s is reached", o.MaxDuration) })
		defer late.Stop()
	}
	switch err := e.findSuperseded(ctx); {
	case err != nil && ctx.Err() != nil:
		return Stop{StoppedByCaller, "interrupted"}, nil
	case err != nil:
		return Stop{}, err
	}
	e.sayUndated()
	e.sender = e.newSender(ctx)
	e.makeQueues()
	group := new(errgroup.Group)
	for i := range o.Workers {
		group.Go(func() error {
			return e.protect(func() error { return e.work(ctx, e.queues[i%len(e.queues)]) })
		})
	}
	feedErr := e.protect(func() error { return e.feed(ctx) })
	for _, queue := range e.queues {
		close(queue)
	}
	if errors.Is(feedErr, context.Canceled) {
		feedErr = nil // the reason is the guard's or the caller's
	}
	err = errors.Join(group.Wait(), feedErr)
	e.sayCompared()
	stop := e.guard.stopped()
	if (stop.Kind == NotStopped || stop.Kind == StoppedByLimit) && ctx.Err() != nil {
		stop = Stop{StoppedByCaller, "interrupted"}
	}
	return stop, err
}

type engine struct {
	Options
	guard *guard
	// queues is one queue for all workers or, where rows of one id are sent in
	// the sheet's order, one for each worker.
	queues  []chan *task
	seed    maphash.Seed // chooses a queue by the id
	spare   sync.Pool    // of *task
	listing listing
	sender  sender
	between atomic.Int64 // rows that are being sent while others wait: see sendAnother
	// readAlone counts the rows whose session was read for a comparison, hidden
	// those that were left as they are though not all of them could be compared.
	readAlone, hidden atomic.Int64
	// superseded are rows that are not sent again, and the later row of their
	// id that is why.
	superseded map[int]int
	planner    *change.Planner
	problems   []sheet.Problem // of the row that is read
	canaries   int             // that were sent
}

// maxQueued bounds the changes that wait for an earlier one of their queue
// where rows are sent in order.
const maxQueued = 1024

func (e *engine) makeQueues() {
	count, size := 1, 2*e.Workers
	if e.Rules.InOrder {
		count, size = e.Workers, max(1, maxQueued/e.Workers)
	}
	e.seed = maphash.MakeSeed()
	for range count {
		e.queues = append(e.queues, make(chan *task, size))
	}
}

// dispatch hands a change to the workers. It returns errStopped when the run stops.
func (e *engine) dispatch(ctx context.Context, t *task) error {
	queue := e.queues[0]
	if len(e.queues) > 1 {
		queue = e.queues[maphash.String(e.seed, t.ID)%uint64(len(e.queues))]
	}
	select {
	case queue <- t:
		return nil
	case <-ctx.Done():
		return errStopped
	}
}

// waiting reports whether rows wait for a worker.
func (e *engine) waiting() bool {
	return slices.ContainsFunc(e.queues, func(queue chan *task) bool { return len(queue) > 0 })
}

// protect stops the run at a panic of what f does beyond a single row, whose
// panics end that row alone.
func (e *engine) protect(f func() error) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("nermbulk failed inside: %v\n%s", broken, stack())
			e.guard.halt(StoppedByJournal, "nermbulk failed inside: %v", broken)
		}
	}()
	return f()
}

// work is one worker: it sends changes until there are no more.
func (e *engine) work(ctx context.Context, queue <-chan *task) error {
	var broken error
	for t := range queue {
		if broken == nil {
			broken = e.take(ctx, t)
		}
	}
	return broken
}

// take sends a change that waited for a worker, unless the run stops.
func (e *engine) take(ctx context.Context, t *task) error {
	defer e.spare.Put(t)
	if ctx.Err() != nil || e.guard.atLimit() {
		return nil
	}
	err := e.sendAndRecord(ctx, t)
	if err != nil {
		e.guard.halt(StoppedByJournal, "%s", err)
	}
	return err
}

// sendAndRecord sends one change and records its outcome.
func (e *engine) sendAndRecord(ctx context.Context, t *task) error {
	r, err := e.sender.send(ctx, t)
	if err != nil || !r.final {
		return err
	}
	return e.record(t, r)
}

// sendAnother sends a row that waits while one that is answered with nothing but
// overload, as all others are, has no end: what comes of it shows whether that is
// the row's own error. It reports whether there is one. Where rows are sent in the
// sheet's order it sends none.
func (e *engine) sendAnother(ctx context.Context) bool {
	if e.Rules.InOrder {
		return false
	}
	defer e.between.Add(-1)
	if e.between.Add(1) > maxServerErrors {
		return true
	}
	select {
	case t, ok := <-e.queues[0]:
		if ok {
			_ = e.take(ctx, t) // what breaks the journal breaks it for the other row too
		}
		return ok
	default:
		return false
	}
}

// record writes an outcome to the journal and counts it.
func (e *engine) record(t *task, r result) error {
	if err := e.appendOutcome(r.outcome, t.replaces); err != nil {
		return err
	}
	e.guard.record(isFailure(r.outcome.Status), isFailure(t.replaces) && !e.RetryFailed, r.serverError)
	return nil
}

// appendOutcome writes an outcome to the journal, in the place of an earlier one if the
// row has that.
func (e *engine) appendOutcome(o journal.Outcome, replaces journal.Status) error {
	if err := e.Journal.Append(o); err != nil {
		return err
	}
	if replaces != "" && e.Replaced != nil {
		e.Replaced(replaces)
	}
	return nil
}

// say says what was decided on the way.
func (e *engine) say(format string, args ...any) {
	if e.Say != nil {
		e.Say(fmt.Sprintf(format, args...))
	}
}

func isFailure(s journal.Status) bool {
	return s == journal.Failed || s == journal.Unknown
}
