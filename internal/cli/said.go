package cli

import (
	"log/slog"

	"nermbulk/internal/batch"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
)

// What a run says in JSON. The keys are for log collectors to rely on.

// announced is what is about to happen.
func (r *runner) announced(rows int) []any {
	o := r.overview
	attrs := []any{
		"sheet", r.input.name, "host", r.to.host, "rows", rows, "rate", r.rate, "dry_run", r.dryRun,
		"clears", o.Clears, "runs", o.Runs, "invalid", o.Invalid,
	}
	if o.Statuses != nil {
		attrs = append(attrs, "statuses", o.Statuses)
	}
	return attrs
}

// summed is what came of the run.
func (r *runner) summed(s report.Summary, code ExitCode) []any {
	files := map[string]string{}
	for _, f := range s.Files {
		files[f.Name] = f.Path
	}
	attrs := []any{
		"exit_code", int(code), "sheet", s.Sheet, "host", s.Host, "run_dir", r.dir.Dir(), "rows", s.Rows, "dry_run", s.DryRun,
		"outcomes", s.Outcomes, "requests", s.Requests, "latency_ms", s.Latency, "failures", s.Failures,
		"files", files, "next", r.nextCommand(code),
	}
	if s.Reason != "" {
		attrs = append(attrs, "reason", s.Reason)
	}
	return attrs
}

// newProgress shows how far total rows have come, as the printer says things.
// Whatever the printer says meanwhile stands above the bar.
func newProgress(s Streams, says *printer, total int) *report.Progress {
	o := report.ProgressOptions{
		Out: s.Err, Terminal: s.ErrTerminal && !says.json, Width: s.Width,
		Quiet: says.level > slog.LevelInfo, Total: total, NoColor: s.noColor(), Now: s.Now,
	}
	if says.json {
		o.Line = func(state report.State, _ string) { says.progress(state, total) }
	}
	p := report.NewProgress(o)
	if !says.json {
		says.out.turn(p.Writer())
	}
	return p
}

// progress tells how far rows have come. Who shows progress has decided that
// it is wanted, so that no level keeps it back.
func (p *printer) progress(s report.State, total int) {
	attrs := []any{
		"done", s.Done, "total", total, "left", s.Left, "failed", s.Failed, "unknown", s.Unknown,
		"rate", s.Rate, "ceiling", s.Ceiling, "throttling", s.Throttling, "outage", s.Outage,
	}
	if !s.PausedUntil.IsZero() {
		attrs = append(attrs, "paused_until", s.PausedUntil.UTC())
	}
	p.always(slog.LevelInfo, "", "progress", attrs...)
}

// say tells the problems of a sheet: those that people would be shown, and
// the counts. Warnings alone are left out of what is to hold errors only.
func (p *problems) say(says *printer, o *batch.Overview) error {
	if !says.json {
		if o.Errors == 0 && says.level > slog.LevelWarn {
			return nil
		}
		return p.print(says.out, o)
	}
	for _, list := range [][]sheet.Problem{p.errors, p.warnings} {
		for _, told := range list {
			level := slog.LevelError
			if told.Severity == sheet.Warning {
				level = slog.LevelWarn
			}
			says.say(level, "", "problem", "row", told.Row, "column", told.Column, "header", told.Header,
				"kind", told.Kind, "severity", told.Severity, "message", told.Message)
		}
	}
	if o.Errors+o.Warnings > 0 {
		level := slog.LevelWarn
		if o.Errors > 0 {
			level = slog.LevelError
		}
		says.say(level, "", "problems", "rows", o.Rows, "errors", o.Errors, "warnings", o.Warnings, "kinds", o.Kinds)
	}
	return nil
}
