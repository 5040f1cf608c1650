package cli

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
)

// send sends the sheet, with the progress shown meanwhile.
func (r *runner) send() (batch.Stop, error) {
	if _, chosen := r.Env("GOGC"); !chosen {
		debug.SetGCPercent(sendingGC)
	}
	r.due = r.rowsLeft()
	r.total = r.due
	if r.limit > 0 {
		r.total = min(r.total, r.limit)
	}
	r.show = newProgress(r.Streams, r.says, r.total)
	watch := r.watch()
	stop, err := batch.Run(r.ctx, r.options())
	err = firstOf(err, r.journal.Flush())
	watch()
	if r.journal.Err() != nil {
		err = r.journal.Err()
	}
	r.show.Stop()
	return stop, err
}

func (r *runner) options() batch.Options {
	o := batch.Options{
		Sheet: r.sheet, Rules: r.rules, Overview: r.overview, Journal: r.journal,
		Workers: r.workers, Attempts: r.maxAttempts, Timeout: r.timeout, Limit: r.limit, Canary: r.canary,
		MaxFailures: r.failureCeiling(r.overview.Rows), SkipInvalid: r.skipInvalid,
		RetryFailed: r.retryFailed, Compare: r.compare, DryRun: r.dryRun, Now: r.Now,
		Left: r.total, Scratch: r.dir.Dir(), Say: r.say, Replaced: r.tally.Replaced,
	}
	if r.client != nil {
		o.Tenant = r.client
	}
	if r.earlier != nil {
		o.Earlier = r.earlier
	}
	return o
}

// say tells people what was decided on the way.
func (r *runner) say(what string) {
	r.says.say(slog.LevelInfo, what, "decided", "text", what)
}

// connect makes the client, and the simulated tenant first if that is what is
// sent to. It does not send anything yet.
func (r *runner) connect() error {
	if r.offline() {
		return nil
	}
	base := r.to.base
	if r.sandbox {
		url, stop, err := startSandbox(r.ctx, r.sheet)
		if err != nil {
			return err
		}
		base = url
		r.later(stop)
	}
	var err error
	r.client, err = api.New(api.Options{
		BaseURL: base, Auth: r.auth, Workers: r.workers, Timeout: r.timeout,
		MaxAttempts: r.maxAttempts, OutageWait: r.outageWait, Rate: r.rate, Learned: r.learned(),
		RootCAs: r.trusted, UserAgent: "nermbulk/" + version(), Log: r.says.client(),
	})
	if err != nil {
		return &failure{ExitUsage, err}
	}
	r.later(func() error { r.client.Close(); return nil })
	return nil
}

// learned is the rate that an earlier session of the run found to be granted.
func (r *runner) learned() float64 {
	if r.earlier == nil {
		return 0
	}
	totals := r.earlier.Totals()
	if totals.Throttled == 0 {
		return 0 // the ceiling was the user's own
	}
	return totals.Ceiling
}

// rowsLeft is how many rows of the sheet are to be sent or read back, before
// any was.
func (r *runner) rowsLeft() int {
	left := r.overview.Rows - r.tally.Done() + r.tally.Count(journal.Unknown)
	if r.retryFailed {
		left += r.tally.Count(journal.Failed)
	}
	return left
}

const (
	showEvery = 200 * time.Millisecond
	tickEvery = time.Second
)

// watch shows the progress and notes the figures of each second in the
// journal, until the function that it returns is called.
func (r *runner) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		t := time.NewTicker(showEvery)
		defer t.Stop()
		pace := pace{start: r.Now()}
		last := pace.start
		draining := false
		for {
			select {
			case <-ctx.Done():
				r.show.Update(r.state(&pace))
				r.tick()
				return
			case <-r.asked:
				r.show.Update(r.state(&pace))
				r.show.Print()
			case <-t.C:
				draining = draining || r.tellDraining()
				r.show.Update(r.state(&pace))
				if now := r.Now(); now.Sub(last) >= tickEvery {
					last = now
					r.tick()
				}
			}
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

// tick notes what was sent since the last one. A journal that cannot be
// written stops the run by itself.
func (r *runner) tick() {
	if r.client == nil {
		return
	}
	c, limits := r.client.Counters(), r.client.Limits()
	r.sent.Patch += c.Patch
	r.sent.Get += c.Get
	r.sent.Token += c.Token
	r.sent.Throttled += c.Throttled
	r.sent.Retried += c.Retried
	_ = r.journal.Append(journal.Tick{
		At: r.Now(), Patch: c.Patch, Get: c.Get, Token: c.Token, Throttled: c.Throttled,
		Retried: c.Retried, Ceiling: limits.Limit, Latency: c.Latency,
	})
}

// state is how far the run has come, for the progress.
func (r *runner) state(p *pace) report.State {
	done := r.tally.Session()
	s := report.State{
		Done: done, Left: max(0, r.total-done),
		Failed: r.tally.Count(journal.Failed), Unknown: r.tally.Count(journal.Unknown),
		Rate: p.rate(r.Now(), done),
	}
	if r.client != nil {
		limits := r.client.Limits()
		s.Ceiling, s.PausedUntil, s.Throttling = limits.Limit, limits.PausedUntil, limits.Throttling
		var since time.Time
		since, s.Outage = r.client.Outage()
		r.tellOutage(since)
	}
	return s
}

// tellOutage says why the tenant cannot be reached, once for each time since
// when it cannot: what is to be mended there does not wait for the end of the
// run. The client's own log says the same.
func (r *runner) tellOutage(since time.Time) {
	if since.IsZero() || since.Equal(r.away) || r.says.client() != nil {
		return
	}
	r.away = since
	text := fmt.Sprintf("%s cannot be reached: %s; waiting for it, at most %s (--outage-wait)", r.to.host, r.client.OutageCause(), r.outageWait)
	r.says.say(slog.LevelWarn, text, "outage", "error", text)
}

// tellDraining says after an interrupt what is waited for, unless that takes
// only a moment.
func (r *runner) tellDraining() bool {
	if r.ctx.Err() == nil {
		return false
	}
	text := fmt.Sprintf("stopping: requests in flight are waited for, at most %s; press Ctrl-C once more to end at once", r.timeout)
	r.says.say(slog.LevelWarn, text, "stopping", "timeout", r.timeout.String())
	return true
}

// pace measures rows per second over the last few seconds.
type pace struct {
	start time.Time
	marks [16]mark
	n     int
}

type mark struct {
	at   time.Time
	done int
}

func (p *pace) rate(now time.Time, done int) float64 {
	oldest := mark{at: p.start}
	if p.n >= len(p.marks) {
		oldest = p.marks[p.n%len(p.marks)]
	}
	p.marks[p.n%len(p.marks)] = mark{now, done}
	p.n++
	if span := now.Sub(oldest.at).Seconds(); span > 0 {
		return float64(done-oldest.done) / span
	}
	return 0
}
