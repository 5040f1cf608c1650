package job

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sandbox"
	"nermbulk/internal/sheet"
)

// connect makes the client, and the simulated tenant first if that is what is
// sent to. It does not send anything yet.
func (j *job) connect(ctx context.Context) (err error) {
	if j.Tenant.Host == "" || j.Tenant.NoSignIn != nil || j.offline() && !j.Sheet.asksTenant() {
		return nil
	}
	if j.offline() {
		j.Tenant.Client.OutageWait, j.Tenant.Client.Workers = 0, 1 // it can go without what it asks for
	} else if err := j.fitWorkers(openFiles()); err != nil {
		return err
	}
	o := j.Tenant.Client
	o.PageWait = cmp.Or(o.OutageWait, o.Timeout)
	if j.Tenant.Sandbox {
		if o.BaseURL, err = j.startSandbox(ctx); err != nil {
			return err
		}
	}
	if j.earlier != nil {
		o.Learned = j.earlier.Totals().Learned
	}
	if j.client, err = api.New(o); err != nil {
		return &Error{Invalid, err}
	}
	j.onClose(func() error { j.client.Close(); return nil })
	return nil
}

// ownFiles is how many open files a run needs next to its connections: sheet,
// journal, the files at the end, and some for looking up and dialing.
const ownFiles = 24

// fitWorkers has no more workers than may have a connection each where so many
// files may be open.
func (j *job) fitWorkers(files int) error {
	each := 1
	if j.Tenant.Sandbox { // which has the other end
		each = 2
	}
	asked, most := cmp.Or(j.Tenant.Client.Workers, 8), (files-ownFiles)/each
	switch {
	case most < 1:
		return invalid("this process may have only %d files open at a time, too few to send anything: raise the limit, as with ulimit -n 256 (systemd: LimitNOFILE=, docker: --ulimit nofile=)", files)
	case most < asked:
		j.Tenant.Client.Workers = most
		j.Observer.Event(Note{fmt.Sprintf("%d workers instead of %d: this process may have only %d files open at a time (ulimit -n)", most, asked, files)})
	}
	return nil
}

// startSandbox starts a simulated tenant that knows the sheet's ids, and
// returns its base URL.
func (j *job) startSandbox(ctx context.Context) (base string, err error) {
	t := cmp.Or(j.Tenant.Kept, sandbox.New(sandbox.Options{}))
	if err := seed(ctx, t, j.sheet); err != nil {
		return "", err
	}
	l, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- t.Serve(ctx, l) }()
	j.onClose(func() error {
		cancel()
		return <-served
	})
	return "http://" + l.Addr().String() + "/api", nil
}

// SeedSandbox adds the sessions of a sheet's ids, or uids, to a simulated tenant,
// and the attributes that it does not have, as text. What is no id is left out:
// the check reports it.
func SeedSandbox(ctx context.Context, t *sandbox.Tenant, sh *sheet.Sheet) error {
	err := seed(ctx, t, sh)
	for _, p := range sh.Problems() {
		switch p.Kind {
		case sheet.BadEncoding, sheet.NoRows, sheet.MissingID, sheet.BadQuote: // ids are missing, or could be
			err = cmp.Or(err, invalid("the sheet %s cannot be simulated: %s", sh.Name(), p))
		}
	}
	return err
}

func seed(ctx context.Context, t *sandbox.Tenant, sh *sheet.Sheet) error {
	for _, c := range sh.Columns() {
		// What is a uid only for --unknown-columns may be a label, as in any tenant.
		if isLabel := c.UID == sheet.Trim(c.Name) && t.HasLabel(c.UID); c.Field == sheet.Attribute && !isLabel {
			t.AddAttribute(c.UID)
		}
	}
	if sh.ByUID() {
		return sh.EachUID(ctx, func(uid string) error {
			_ = t.AddUID(uid)
			return nil
		})
	}
	return sh.Each(ctx, func(row *sheet.Row) error {
		_ = t.AddID(strings.ToLower(sheet.Trim(row.ID)))
		return nil
	})
}

func (j *job) send(ctx context.Context) (batch.Stop, error) {
	j.due = j.rowsDue()
	j.total = j.due
	// How many rows are passed on the way, unchanged or invalid, is not known.
	if j.Send.Limit > 0 && !j.Send.Compare && j.overview.Invalid == 0 {
		j.total = min(j.due-j.noted, j.Send.Limit) + j.noted
	}
	j.Observer.Event(Sending{j.total})
	stopWatch := j.watch(ctx)
	j.Control.steer(j.client)
	stop, err := batch.Stop{Kind: batch.StoppedByDenial, Reason: j.denied}, error(nil)
	if j.denied == "" {
		stop, err = batch.Run(ctx, j.batchOptions())
	}
	j.Control.steer(nil)
	if j.client != nil {
		j.client.SetRate(j.Tenant.Client.Rate) // what a resume learns of the tenant is not what somebody chose for an hour
	}
	if stop.Kind == batch.StoppedByCaller && j.Control.Stopped() {
		stop = batch.Stop{Kind: batch.StoppedByUser, Reason: "stopped by the user"}
	}
	err = cmp.Or(err, j.journal.Flush())
	stopWatch(&err)
	if j.journal.Err() != nil {
		err = j.journal.Err()
	}
	j.Observer.Event(Sent{})
	return stop, err
}

// rowsDue is how many rows of the sheet are to be sent or read back, before
// any was.
func (j *job) rowsDue() int {
	due := j.overview.Rows - j.tally.Done() + j.tally.Count(journal.Unknown) + j.again + j.noted
	if j.Send.RetryFailed {
		due += j.tally.Count(journal.Failed)
	}
	return due
}

func (j *job) batchOptions() batch.Options {
	o, c := j.Send, j.Tenant.Client
	o.Sheet, o.Rules, o.Overview, o.Journal = j.sheet, j.Sheet.Rules, j.overview, j.journal
	o.Workers, o.Attempts, o.Timeout, o.MaxFailures = c.Workers, c.MaxAttempts, c.Timeout, j.MaxFailures.of(j.overview.Rows)
	o.Left, o.Now, o.Replaced = j.total, j.Now, j.tally.Replaced
	o.Say = func(text string) { j.Observer.Event(Note{text}) }
	o.Passed = func() {
		j.info.Canary = 0
		if err := j.dir.Save(j.info); err != nil { // the next session begins with a canary again
			o.Say("could not note that the first rows were right: " + err.Error())
		}
	}
	if !o.RetryFailed {
		o.Failures = j.tally.Count(journal.Failed) + j.tally.Count(journal.Unknown)
	}
	if j.client != nil && !j.offline() {
		o.Tenant = j.client
	}
	if j.earlier != nil {
		o.Earlier, o.Later = j.earlier, j.later
	}
	return o
}

// watch reports the progress with each tick and notes the figures of each
// second in the journal, until the function that it returns is called: see
// startClock.
func (j *job) watch(ctx context.Context) (stop func(*error)) {
	if j.earlier != nil {
		j.requests = j.earlier.Totals()
	}
	if j.client != nil {
		j.sentBefore = j.client.Sent()
	}
	rows, requests := NewRate(j.Now()), NewRate(j.Now())
	j.steered = steering{rate: j.Tenant.Client.Rate}
	ticks := 0
	j.reportProgress(rows, requests)
	return j.startClock(ctx, func(last bool) {
		j.reportProgress(rows, requests)
		if ticks++; last || ticks%ticksPerNote == 0 {
			j.noteFigures()
		}
	})
}

// startClock is StartClock for a time in which requests leave. It reports what an
// interrupt waits for. A panic on the way ends the updates, not the requests: it is
// the error once the clock is stopped.
func (j *job) startClock(ctx context.Context, update func(last bool)) (stop func(*error)) {
	var broken error
	interrupted := false
	stopClock := StartClock(func(last bool) {
		if broken != nil {
			return
		}
		defer func() { broken = panicked(recover()) }()
		if !last && !interrupted && ctx.Err() != nil {
			interrupted = true
			j.Observer.Event(Draining{j.Tenant.Client.Timeout})
		}
		update(last)
	})
	return func(err *error) {
		stopClock()
		*err = cmp.Or(broken, *err)
	}
}

// written counts what was written to the journal.
func (j *job) written(r journal.Record) {
	j.tally.Written(r)
	if out, ok := r.(journal.Outcome); ok && (out.Status == journal.Failed || out.Status == journal.Unknown) {
		j.failures.Add(out, nil)
	}
}

// noteFigures notes what was sent since it was called last. A journal that
// cannot be written stops the run by itself.
func (j *job) noteFigures() {
	if j.client == nil {
		return
	}
	c, limits := j.client.Counters(), j.client.Limits()
	tick := journal.Tick{
		At: j.Now(), Patch: c.Patch, Get: c.Get, Token: c.Token, Throttled: c.Throttled,
		Retried: c.Retried, Ceiling: limits.Limit, Learned: limits.Learned, Latency: c.Latency,
	}
	j.requests.Add(tick)
	_ = j.journal.Append(tick)
}

// steering is what a Control has in force.
type steering struct {
	paused bool
	rate   float64 // requests per second; 0 = no ceiling
}

// reportSteering says what whoever drives the job has changed.
func (j *job) reportSteering() {
	now := steering{j.Control.Paused(), j.Control.Rate(j.Tenant.Client.Rate)}
	before := j.steered
	j.steered = now
	switch {
	case now.paused && !before.paused:
		j.Observer.Event(Note{"paused: what is in flight finishes, and nothing more is sent"})
	case !now.paused && before.paused:
		j.Observer.Event(Note{"going on after the pause"})
	}
	switch now.rate {
	case before.rate:
	case 0:
		j.Observer.Event(Note{"the rate has no ceiling now"})
	default:
		j.Observer.Event(Note{fmt.Sprintf("the rate is at most %g requests per second now", now.rate)})
	}
}

// reportProgress reports how far the run has come, and an outage when it
// begins.
func (j *job) reportProgress(rows, requests *Rate) {
	done := j.tally.Session()
	s := report.State{
		Done: done, Left: max(0, j.total-done),
		Failed: j.tally.Count(journal.Failed), Unknown: j.tally.Count(journal.Unknown),
		Rate: rows.Update(j.Now(), done),
	}
	if j.client != nil && !j.offline() {
		j.reportSteering()
		s.Paused = j.steered.paused
		limits := j.client.Limits()
		s.Requests, s.Unanswered = requests.Update(j.Now(), j.client.Sent()-j.sentBefore), j.client.Unanswered()
		s.Ceiling, s.PausedUntil, s.Throttling = limits.Limit, limits.PausedUntil, limits.Throttling
		s.Outage = j.noteOutage()
	}
	j.Observer.Event(Progress{s, j.outcomes(), report.RequestsOf(j.requests), j.failures.List()})
}

// noteOutage reports an outage when it begins, and whether there is one.
func (j *job) noteOutage() bool {
	since, out := j.client.Outage()
	if !since.IsZero() && !since.Equal(j.outageSince) {
		j.outageSince = since
		j.Observer.Event(Outage{j.client.OutageCause(), j.Tenant.Client.OutageWait})
	}
	return out
}

const (
	tick         = 200 * time.Millisecond
	ticksPerNote = 5 // of figures in the journal

	// rateMemory is how many updates ago a Rate begins to measure.
	rateMemory = 16
)

// StartClock calls update five times a second, and a last time when the
// function that it returns is called, which waits for that. One clock ticks a
// run, for its progress, its journal and its page.
func StartClock(update func(last bool)) (stop func()) {
	done := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				update(true)
				return
			case <-ticker.C:
				update(false)
			}
		}
	})
	return func() {
		close(done)
		ticking.Wait()
	}
}

// Rate measures rows or requests per second over the last few seconds.
type Rate struct{ marks []mark }

type mark struct {
	at   time.Time
	done int
}

// NewRate begins to measure at start, when nothing is done.
func NewRate(start time.Time) *Rate { return &Rate{marks: []mark{{at: start}}} }

// Update returns the rate now that so much is done.
func (r *Rate) Update(now time.Time, done int) float64 {
	oldest := r.marks[0]
	if len(r.marks) >= rateMemory {
		r.marks = append(r.marks[:0], r.marks[1:]...)
	}
	r.marks = append(r.marks, mark{now, done})
	if span := now.Sub(oldest.at).Seconds(); span > 0 {
		return float64(done-oldest.done) / span
	}
	return 0
}
