package cli

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

// tenantReader is a command that reads the tenant's lists and writes a file.
type tenantReader struct {
	Streams
	tenantFlags
	logFlags
	output string // as it was typed

	flags  *pflag.FlagSet
	out    *printer
	to     job.Tenant
	client *api.Client // while it is connected
	path   string      // of the file, links followed; empty for standard output
}

// logged does what a command does, with its log open. What is wrong goes into it
// too.
func (r *tenantReader) logged(flags *pflag.FlagSet, do func(context.Context) error) (err error) {
	r.flags = flags
	if r.out, err = openPrinter(r.Err, r.logFlags); err != nil {
		return err
	}
	return r.out.close(withOrigin(flags, r.interruptible(do)))
}

// connected checks that the file can be written, and reads with a client. A list
// that could not be read has an exit code of its own.
func (r *tenantReader) connected(ctx context.Context, read func(context.Context) error) (err error) {
	if r.to, err = r.resolveTenant(r.Env, false); err != nil {
		return err
	}
	r.out.known.set("host", r.to.Host)
	r.warn(r.out)
	if r.path, err = exportPath(r.output); err != nil {
		return usage("-o %s: %w", r.output, err)
	}
	r.to.Client.Workers, r.to.Client.Log = 1, r.out.client()
	r.client, err = api.New(r.to.Client)
	if err != nil {
		return &failure{ExitUsage, err}
	}
	defer r.client.Close()
	err = read(ctx)
	switch list, ok := errors.AsType[*api.ListError](err); {
	case !ok:
		return err
	case list.Answer.Verdict == api.Refused:
		return &failure{ExitUsage, err}
	}
	return &failure{ExitStopped, err}
}

// linesEvery is the time between two lines of progress where there is no bar.
const linesEvery = 10 * time.Second

// progress returns what shows with each tick how many of the noun have been
// read. There is a bar once the total is known; a tenant need not say it.
func (r *tenantReader) progress(total, read *atomic.Int64, noun string) (update func(last bool)) {
	var bar *report.Progress
	length, printed := 0, r.Now() // of the bar, and when the last line was
	rate := job.NewRate(r.Now())
	return func(last bool) {
		done, now := int(read.Load()), r.Now()
		if bar == nil {
			if length = int(total.Load()); length > 0 {
				bar = newProgress(r.Streams, r.out, length)
			} else if done > 0 && now.Sub(printed) >= linesEvery {
				printed = now
				r.out.say(slog.LevelInfo, text.Count(done, noun)+" read", "progress", "done", done)
			}
		}
		if bar == nil {
			return
		}
		limits := r.client.Limits()
		_, outage := r.client.Outage()
		bar.Update(report.State{
			Done: min(done, length), Left: max(0, length-done), Rate: rate.Update(now, done),
			PausedUntil: limits.PausedUntil, Throttling: limits.Throttling, Outage: outage, Unanswered: r.client.Unanswered(),
		})
		if last {
			bar.Stop()
		}
	}
}
