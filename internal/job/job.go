// Package job carries out one run, from the sheet to the files that a person
// reads: it opens and checks the sheet, finds the run to go on with or begins
// one, sends, and finishes. It reports what happens as events, so that a
// command and a page can drive the same job. It never reads a flag, the
// environment or a terminal, and decides nothing about a row.
package job

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
)

// Options says what a job does, and for whom.
type Options struct {
	Sheet  Sheet
	Tenant Tenant
	Pace   Pace
	Guards Guards

	DryRun      bool // everything short of a PATCH
	Compare     bool // read each session first, and send only what differs
	SkipInvalid bool // send the valid rows of a sheet that has invalid ones

	Dir         string // the run directory; empty for a new one under RunsRoot
	Resume      bool   // go on with the run in Dir, or else with the newest one of this sheet
	RetryFailed bool   // send the failed rows of that run again too

	Settings map[string]string // kept in run.json and shown on the page: never a secret
	Version  string            // of nermbulk
	Log      *slog.Logger      // of the requests; nil for none
	Now      func() time.Time
	Observer Observer
}

// Sheet is a sheet and how it is read.
type Sheet struct {
	Name    string // for people and for the run directory
	Path    string // the file that is read
	Unnamed bool   // Path is no file of the user's, such as a copy of standard input
	Options sheet.Options
	Rules   change.Rules
}

// Tenant is where a job sends to, and as whom.
type Tenant struct {
	BaseURL string // the API's root; empty for the sandbox and for a dry run without a tenant
	Host    string // the only host that is sent to, for people and for resuming
	Name    string // what a person types to confirm
	Sandbox bool   // a simulated tenant in this process, which the job starts
	Auth    api.Auth
	Roots   *x509.CertPool // root certificates next to the system's; nil for none
}

// Pace says how fast and how patiently requests are sent.
type Pace struct {
	Workers     int           // requests in flight
	Rate        float64       // requests per second; 0 = no ceiling
	Timeout     time.Duration // of one attempt
	MaxAttempts int           // for one row
	OutageWait  time.Duration // for a tenant that cannot be reached
}

// Guards say when a job stops before the end of the sheet.
type Guards struct {
	Limit       int // rows to send at most; 0 = all
	Canary      int // rows to send first, one by one, each read back
	MaxFailures FailureLimit
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
	Dir      string // the run directory; empty where there is none
	Begun    bool   // the journal was opened: Outcomes and Requests count
	Code     ExitCode
	Outcomes report.Outcomes
	Requests report.Requests // of earlier sessions of the run too
	Summary  *report.Summary // nil unless the files were written
	Next     Next
}

// job is one run of a sheet in the making.
type job struct {
	Options
	closers  []func() error // in the order of opening
	sheet    *sheet.Sheet   // what rows are read from: the run's own copy once there is one
	overview *batch.Overview
	hash     string // of the sheet, SHA-256

	earlier *journal.Replay // of the run that goes on; nil for a new one
	same    bool            // it goes on with the very sheet, read in the same way, that its row numbers refer to
	dir     *journal.Run
	info    journal.Info
	journal *journal.Writer
	tally   batch.Tally
	due     int // rows that were left to send or to read back when this session began
	total   int // those of them that it may send

	client      *api.Client
	outageSince time.Time       // of the outage that was reported last
	sent        report.Requests // in this session
	result      Result
}

// Run carries out a job. It returns after everything that it started has
// ended. ctx ends it gently: requests in flight are finished and recorded, and
// the files are written. Of a context that a signal ends, the cause is to be an
// Interrupt. See Error and ErrRefused for the errors that callers explain.
func Run(ctx context.Context, o Options) (Result, error) {
	j := &job{Options: o}
	err := j.run(ctx)
	err = cmp.Or(err, j.close())
	if j.dir != nil {
		j.result.Dir = j.dir.Dir()
	}
	if j.journal != nil {
		j.result.Begun, j.result.Outcomes, j.result.Requests = true, j.outcomes(), j.requests()
	}
	return j.result, err
}

func (j *job) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{j.open, j.findRun, j.check, j.confirm, j.connect, j.prepareRunDir} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	stop, err := j.send(ctx)
	return j.finish(ctx, stop, err)
}

// onClose has something closed at the end, the last first.
func (j *job) onClose(closer func() error) { j.closers = append(j.closers, closer) }

func (j *job) close() error {
	var errs []error
	for i := len(j.closers) - 1; i >= 0; i-- {
		errs = append(errs, j.closers[i]())
	}
	return errors.Join(errs...)
}

// offline reports whether no request is sent at all.
func (o *Options) offline() bool { return o.DryRun && !o.Compare }

func (j *job) open(context.Context) (err error) {
	if j.sheet, err = j.Sheet.Open(j.Sheet.Path); err != nil {
		return err
	}
	j.onClose(func() error { return j.sheet.Close() })
	return nil
}

// Open opens a file as the sheet is read, such as the run's copy of it, and
// makes sure that the rules fit it.
func (s Sheet) Open(path string) (*sheet.Sheet, error) {
	sh, err := sheet.Open(path, s.Options)
	if err != nil {
		return nil, &Error{Kind: Invalid, Err: err}
	}
	if columns := sh.Columns(); len(sh.Problems()) == 0 {
		if missing := s.Rules.MissingDates(columns); len(missing) > 0 {
			return nil, errors.Join(&Error{Kind: MissingDate, Err: fmt.Errorf("%s: the sheet has no such column", missing[0])}, sh.Close())
		}
	}
	return sh, nil
}

// check checks the whole sheet. A resume with the very sheet that was checked
// before needs no second check, unless it must know which rows to leave out.
func (j *job) check(ctx context.Context) (err error) {
	if j.same && !j.SkipInvalid {
		start := j.earlier.Last()
		j.overview = &batch.Overview{Rows: start.Rows, Valid: start.Rows, Clears: j.info.Clears, Runs: j.info.Runs}
		return nil
	}
	pass := func(report func(sheet.Problem)) error {
		j.overview, err = batch.Check(ctx, j.sheet, j.Sheet.Rules, j.SkipInvalid, report)
		return err
	}
	if err := pass(func(p sheet.Problem) { j.Observer.Event(p) }); err != nil {
		return j.Sheet.Unreadable(ctx, err)
	}
	refused := !j.overview.Sendable(j.SkipInvalid)
	j.Observer.Event(Checked{Overview: j.overview, Refused: refused, Again: pass})
	if refused {
		return ErrRefused
	}
	if j.hash == "" {
		j.hash = j.sheet.SHA256()
	}
	return nil
}

// Unreadable is the error of a check that could not be carried to its end.
func (s Sheet) Unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return invalid("the sheet %s cannot be read: %w", s.Name, err)
}

// confirm announces what is about to be sent, and asks.
func (j *job) confirm(ctx context.Context) error {
	a := Announcement{Overview: j.overview, Rows: j.overview.Valid, Edited: j.earlier != nil && !j.same}
	if j.dir != nil {
		a.Resumed = j.dir.Dir()
	}
	if j.same {
		for status, n := range j.earlier.Counts() {
			again := status == journal.Unknown || status == journal.Failed && j.RetryFailed
			if !again && status != journal.Invalid {
				a.Rows -= n
			}
		}
	}
	if j.Guards.Limit > 0 {
		a.Rows = min(a.Rows, j.Guards.Limit)
	}
	a.Rows = max(a.Rows, 0)
	return j.Observer.Confirm(ctx, a)
}
