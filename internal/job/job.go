// Package job carries out one run, from the sheet to the files that a person
// reads: it opens and checks the sheet, finds the run to go on with or begins
// one, sends, and finishes. It reports what happens as events, so that a
// command and a page can drive the same job. It never reads a flag, the
// environment or a terminal, and decides nothing about a row.
package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sandbox"
	"nermbulk/internal/sheet"
)

// Options says what a job does.
type Options struct {
	Sheet  Sheet
	Tenant Tenant
	// Send holds Limit, Canary, SkipInvalid, RetryFailed, Compare and DryRun.
	// The job fills in the rest.
	Send        batch.Options
	IfUnchanged bool // with Compare: only rows whose sessions are as old as the sheet says
	MaxFailures FailureLimit

	Results  report.Form       // of results, failed and undo; empty for the sheet's own
	Dir      string            // the run directory; empty for a new one under RunsRoot
	Resume   bool              // go on with the run in Dir, or else with the newest one of this sheet
	New      bool              // begin a new run though an unfinished one of this sheet exists
	Settings map[string]string // kept in run.json and shown on the page: never a secret
	Sources  map[string]string // where each setting came from, likewise
	Profile  string            // of the settings, for the announcement; may be empty
	Version  string            // of nermbulk
	Operator journal.Operator  // who sends
	SHA256   string            // that the sheet's content must have, since it was looked at; empty for any
	Undoes   *journal.Undone   // the run whose changes the sheet puts back; nil for any other sheet
	Now      func() time.Time
	Caught   func() ExitCode // of the signal that ended the context
	Observer Observer
	Control  *Control // steers the job while it sends; nil for nobody
}

// Tenant is where a job sends to, with which credentials and how fast.
type Tenant struct {
	Host    string // the only host that is sent to, for people and for resuming; may be empty offline
	Name    string // what a person types to confirm
	Sandbox bool   // a simulated tenant in this process, which the job starts
	// NoSignIn is why there are no credentials, of a dry run that does without;
	// the Client is not used then.
	NoSignIn error
	// Kept is that tenant where it is to be the same for several jobs, and
	// remember what they sent.
	Kept   *sandbox.Tenant
	Client api.Options
}

// FailureLimit is after how many failed and unknown rows a job stops. The zero
// value is never.
type FailureLimit struct {
	Rows  int
	Share float64 // of the sheet's rows, from 0 to 1; beats Rows unless it is 0
}

// of returns the limit for a sheet of that many rows; 0 = never.
func (f FailureLimit) of(rows int) int {
	if f.Share > 0 {
		return max(1, int(math.Ceil(f.Share*float64(rows))))
	}
	return f.Rows
}

// Result is what came of a job. It holds what is known even next to an error.
type Result struct {
	Dir     string // the run directory; empty where there is none
	Begun   bool   // rows may have been sent: the summary counts
	Code    ExitCode
	Summary report.Summary // next to an error, its Outcomes and Requests alone
	Next    Next
	// Settings are those of the options that held, as the run directory keeps
	// them.
	Settings map[string]string
}

// job is one run of a sheet in the making.
type job struct {
	Options
	closers
	sheet    *sheet.Sheet // what rows are read from: the run's own copy once there is one
	ids      *sheet.IDs   // of a sheet of uids; nil where they are not known
	overview *batch.Overview
	hash     string // of the sheet, SHA-256; not before the check in a dry run

	earlier  *journal.Replay // of the run that goes on; nil for a new one
	same     bool            // it goes on with the very sheet, read in the same way, that its row numbers refer to
	matches  *batch.Matches  // of an edited sheet, which earlier has been given; else nil
	later    *batch.Later    // what other runs did since
	again    int             // rows that are sent again for it
	noted    int             // rows that get a note for it
	dir      *journal.Run
	info     journal.Info
	journal  *journal.Writer
	tally    batch.Tally
	failures *report.Causes // of this session
	due      int            // rows that were left to send or to read back when this session began
	total    int            // those of them that it may send

	client      *api.Client         // nil where nothing is asked of a tenant
	attributes  *api.AttributesFile // of the tenant; nil where they are not known
	denied      string              // why the tenant does not accept the sign-in, where it did not for them
	slow        bool                // that they are still being read was reported
	requests    journal.Tick        // of all sessions
	sentBefore  int                 // requests before the rows: of attributes and uids
	outageSince time.Time           // of the outage that was reported last
	steered     steering            // that was reported last
	result      Result
}

// Run carries out a job. It returns after everything that it started has
// ended. ctx ends it gently: requests in flight are finished and recorded, and
// the files are written. See Error and ErrRefused for the errors that callers
// explain.
func Run(ctx context.Context, o Options) (Result, error) {
	j := &job{Options: o, failures: report.NewCauses()}
	j.Control = cmp.Or(o.Control, new(Control))
	ctx, release := j.Control.bound(ctx)
	defer release()
	err := j.run(ctx)
	err = cmp.Or(err, j.close())
	if j.dir != nil {
		j.result.Dir = j.dir.Dir()
	}
	return j.result, err
}

func (j *job) run(ctx context.Context) (err error) {
	defer func() { err = cmp.Or(panicked(recover()), err) }()
	// What can refuse the run comes before the question: nobody is to agree to
	// what is not sent then.
	for _, step := range []func(context.Context) error{
		j.claimPath, j.open, j.claimContent, j.findRun, j.connect, j.learnAttributes, j.lookUp, j.check,
		j.match, j.loadLater, j.confirm, j.prepareRunDir,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	j.result.Begun = true
	stop, err := j.send(ctx)
	return j.finish(ctx, stop, err)
}

// panicked makes an error of what recover returned, nil of nothing.
func panicked(with any) error {
	if with == nil {
		return nil
	}
	return fmt.Errorf("nermbulk failed inside: %v\n%s", with, debug.Stack())
}

// closers close what was opened, the last first.
type closers []func() error

func (c *closers) onClose(closer func() error) { *c = append(*c, closer) }

func (c *closers) close() error {
	var errs []error
	for _, closer := range slices.Backward(*c) {
		errs = append(errs, closer())
	}
	*c = nil
	return errors.Join(errs...)
}

func (o *Options) offline() bool { return o.Send.DryRun && !o.Send.Compare }

// confirm announces what is about to be sent, and asks.
func (j *job) confirm(ctx context.Context) error {
	if j.denied != "" { // nothing will be sent
		return nil
	}
	a := Announcement{Overview: j.overview, Rows: j.overview.Valid, Again: j.again, options: &j.Options}
	if j.dir != nil {
		a.Resumed = j.dir.Dir()
	}
	if j.matches != nil {
		a.Edited, a.Removed = true, j.matches.Removed
	}
	if j.earlier != nil {
		a.Active = j.earlier.LastActive()
		if j.same {
			j.sheet.SkipHash() // it is known
		}
		left, err := batch.Remaining(ctx, j.batchOptions())
		if err != nil {
			return j.Sheet.unreadable(ctx, err)
		}
		a.Overview, a.Rows = left, left.Valid
	}
	if j.Send.Limit > 0 {
		a.Rows = min(a.Rows, j.Send.Limit)
	}
	return j.Observer.Confirm(ctx, a)
}
