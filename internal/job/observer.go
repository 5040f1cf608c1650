package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
)

// Observer is who drives a job: a command or a page.
type Observer interface {
	// Confirm is called once, after the check and before anything is made or
	// sent. An error ends the job, which returns it.
	Confirm(context.Context, Announcement) error
	// GoOn is called before the check when the newest run of the sheet is
	// unfinished and nothing says what to do about it. It decides whether that
	// run goes on or a new one begins; an error ends the job.
	GoOn(ctx context.Context, unfinished RunDir) (bool, error)
	// Event takes what happens, one of the types below or a sheet.Problem of
	// the check. It is called from several goroutines, and they wait for it.
	Event(event any)
}

// RunDir is a directory that holds a run.
type RunDir = journal.RunDir

// LockedError says that another process has a run.
type LockedError = journal.LockedError

// Checked follows the problems of a check.
type Checked struct {
	Overview *batch.Overview
	Refused  bool // nothing will be sent
	// Again repeats the check, for an observer that does not keep the problems
	// of a large sheet. It may be called until Event returns.
	Again func(report func(sheet.Problem)) error
}

// InDir reports the run directory, once it is known.
type InDir struct{ Dir string }

// Sending is the beginning of the requests, for so many rows at most.
type Sending struct{ Total int }

// Progress comes several times a second while rows are sent.
type Progress struct {
	report.State
	Outcomes report.Outcomes  // of the run's rows
	Requests report.Requests  // of the run, up to a second ago
	Failures []report.Failure // of this session, by cause; not to be changed
}

// Sent is the end of the requests.
type Sent struct{}

// Note is a decision on the way, in words for people.
type Note struct{ Text string }

// Warning is what went wrong on the way and does not end the job, in words for
// people.
type Warning struct{ Text string }

// Outage reports once why the tenant cannot be reached, and how long that is
// waited for.
type Outage struct {
	Cause string
	Wait  time.Duration
}

// Draining reports that the job was interrupted, and how long at most it waits
// for the requests in flight.
type Draining struct{ Wait time.Duration }

// Next is what a person would do after a job.
type Next int

// The next steps.
const (
	Nothing     Next = iota
	SendNow          // what was a dry run
	Resume           // go on with this run
	RetryFailed      // go on with this run, and send what failed again
	FixFailed        // correct the run's failed rows and send them
	Rehearse         // against a tenant, after the sandbox
	Report           // write the run's files again
)

// ErrRefused is the error of a sheet whose problems keep it from being sent.
var ErrRefused = errors.New("the sheet has problems")

// ErrorKind is what a caller can advise on.
type ErrorKind int

// The kinds of errors. Nothing was sent where one of the first five is met.
const (
	Invalid     ErrorKind = iota // what was given to the job is to be corrected
	OtherTenant                  // the run to go on with is of another tenant
	NoDirectory                  // the run directory cannot be made
	NoAnswer                     // the tenant did not give what a run needs before it begins; nothing was sent
	NoFiles                      // the journal holds every result, but the files could not be written
)

// Error is an error for which the caller has a remedy.
type Error struct {
	Kind ErrorKind
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func invalid(format string, args ...any) error { return &Error{Invalid, fmt.Errorf(format, args...)} }

// Control steers one job while it sends. Whoever drives the job makes one and
// puts it into its Options. The zero value is ready. Its methods may be called
// from any goroutine and at any time: before the job sends they hold for when it
// does, and after it they do nothing.
type Control struct {
	stopped, paused atomic.Bool
	rate            atomic.Pointer[float64] // nil while it is the job's own

	mu     sync.Mutex  // is held by what changes any of it
	sender *api.Client // nil unless rows are being sent
	stop   context.CancelFunc
}

// Pause holds requests back until Continue. Those in flight finish. It is no
// outage and says nothing about what the tenant grants.
func (c *Control) Pause() {
	c.change(func() { c.paused.Store(true) })
}

// Continue ends a pause. What was not sent meanwhile is not made up for.
func (c *Control) Continue() {
	c.change(func() { c.paused.Store(false) })
}

// SetRate permits so many requests per second from now on, in the place of the
// job's own rate; 0 is no ceiling. What the tenant grants is kept to as before.
func (c *Control) SetRate(perSecond float64) {
	perSecond = max(0, perSecond)
	c.change(func() { c.rate.Store(&perSecond) })
}

// steer has the Control steer a sender, nil for none any more.
func (c *Control) steer(s *api.Client) {
	c.change(func() { c.sender = s })
}

// change changes what is in force, and passes it on.
func (c *Control) change(what func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what()
	if c.sender == nil {
		return
	}
	if rate := c.rate.Load(); rate != nil {
		c.sender.SetRate(*rate)
	}
	if c.Paused() {
		c.sender.Pause()
	} else {
		c.sender.Continue()
	}
}

// Stop ends the job as an interrupt does: requests in flight finish, the files
// are written, and it can be resumed. Its exit code is ExitStopped. Before rows
// are sent, Run returns context.Canceled.
func (c *Control) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped.Store(true)
	if c.stop != nil {
		c.stop()
	}
}

// bound returns a context that ends with ctx, and when the job is asked to stop.
func (c *Control) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, c.stop = context.WithCancel(ctx)
	if c.Stopped() {
		c.stop()
	}
	return ctx, c.stop
}

// Stopped reports whether the job was asked to stop.
func (c *Control) Stopped() bool { return c.stopped.Load() }

// Paused reports whether requests are held back.
func (c *Control) Paused() bool { return c.paused.Load() }

// Rate returns the requests per second that are permitted: own, unless another
// rate was set.
func (c *Control) Rate(own float64) float64 { return *cmp.Or(c.rate.Load(), &own) }
