package cli

import (
	"fmt"
	"log/slog"

	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
)

// What a run says, as text for people and in JSON. The keys are for log
// collectors to rely on.

// Event implements job.Observer.
func (r *runner) Event(event any) {
	switch e := event.(type) {
	case sheet.Problem:
		r.problems.add(e)
	case job.Checked:
		r.checked(e)
	case job.Sending:
		r.collectLess()
		r.show = newProgress(r.Streams, r.out, e.Total)
	case job.Progress:
		r.show.Update(e.State)
		select {
		case <-r.asked:
			r.show.Print()
		default:
		}
	case job.Sent:
		r.show.Stop()
	case job.Note:
		r.out.say(slog.LevelInfo, e.Text, "decided", "text", e.Text)
	case job.Outage:
		if r.out.client() == nil { // whose log says the same
			text := fmt.Sprintf("%s cannot be reached: %s; waiting for it, at most %s (--outage-wait)", r.tenant.Host, e.Cause, e.Wait)
			r.out.say(slog.LevelWarn, text, "outage", "error", text)
		}
	case job.Draining:
		text := fmt.Sprintf("stopping: requests in flight are waited for, at most %s; press Ctrl-C once more to end at once", e.Wait)
		r.out.say(slog.LevelWarn, text, "stopping", "timeout", e.Wait.String())
	}
}

// checked says what is wrong with the sheet.
func (r *runner) checked(e job.Checked) {
	r.problems.settle(e.Overview)
	if e.Refused && r.asJSON {
		if r.jsonErr = r.problems.writeJSON(r.Out, r.sheet.Name, e.Overview, e.Again, nil); r.jsonErr != nil {
			return
		}
	} else {
		r.problems.log(r.out, e.Overview)
	}
	if e.Refused {
		remedy := "nothing was sent: correct the sheet, or send its valid rows alone with --skip-invalid"
		if len(e.Overview.Whole) > 0 {
			remedy = "nothing was sent: correct the sheet"
		}
		r.out.say(slog.LevelError, remedy, "refused", "error", remedy, "exit_code", int(ExitUsage))
	}
}

// newProgress shows how far total rows have come, as the printer says things.
// Whatever the printer says meanwhile is written above the bar.
func newProgress(s Streams, out *printer, total int) *report.Progress {
	o := report.ProgressOptions{
		Out: s.Err, Terminal: s.ErrTerminal && !out.json, Width: s.Width,
		Quiet: out.level > slog.LevelInfo, Total: total, NoColor: s.noColor(), Now: s.Now,
	}
	if out.json {
		o.Line = func(state report.State, _ string) { out.progress(state, total) }
	}
	p := report.NewProgress(o)
	if !out.json {
		out.out.turn(p.Writer())
	}
	return p
}

// progress logs how far rows have come. Who shows progress has decided that it
// is wanted, so that no level keeps it back.
func (p *printer) progress(s report.State, total int) {
	attrs := []any{
		"done", s.Done, "total", total, "left", s.Left, "failed", s.Failed, "unknown", s.Unknown,
		"rate", s.Rate, "request_rate", s.Requests, "ceiling", s.Ceiling, "throttling", s.Throttling, "outage", s.Outage,
		"unanswered_ms", s.Unanswered.Milliseconds(),
	}
	if !s.PausedUntil.IsZero() {
		attrs = append(attrs, "paused_until", s.PausedUntil.UTC())
	}
	p.always(slog.LevelInfo, "", "progress", attrs...)
}
