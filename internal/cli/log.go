package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/report"
)

const (
	logText = "text"
	logJSON = "json"
)

// These flags are looked up by name when an error comes before the flags are
// parsed.
const (
	logFormatFlag = "log-format"
	jsonFlag      = "json"
)

// logFlags are what is written to standard error, and in which form.
type logFlags struct {
	logFormat      string
	quiet, verbose bool
}

func (f *logFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.logFormat, logFormatFlag, logText, "text, or json: one JSON object a line, on standard error")
	flags.BoolVar(&f.quiet, "quiet", false, "print errors only")
	flags.BoolVar(&f.verbose, "verbose", false, "log every request")
}

func (f *logFlags) validate() error {
	switch {
	case f.logFormat != logText && f.logFormat != logJSON:
		return usage("--%s %q: use %s or %s", logFormatFlag, f.logFormat, logText, logJSON)
	case f.quiet && f.verbose:
		return usage("--quiet and --verbose contradict each other")
	}
	return nil
}

// level is the lowest level that is printed.
func (f *logFlags) level() slog.Level {
	switch {
	case f.quiet:
		return slog.LevelError
	case f.verbose:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// wanted returns how to print an error, even that of a command line that could
// not be parsed as far as its --log-format and --json.
func wanted(c *cobra.Command, args []string, env func(string) string) (asJSON bool, f logFlags) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {} // the error is reported already
	if c.Flags().Lookup(logFormatFlag) != nil {
		flags.StringVar(&f.logFormat, logFormatFlag, "", "")
	}
	if c.Flags().Lookup(jsonFlag) != nil {
		flags.BoolVar(&asJSON, jsonFlag, false, "")
	}
	if c.Flags().Lookup(configFlag) != nil {
		registerSettings(flags)
	}
	for { // as far as it can be understood
		if err := flags.Parse(args); err == nil || len(args) == 0 {
			break
		}
		args = args[1:]
	}
	_ = fillAll(flags, env)
	return asJSON, f
}

// A printer is what a command says on standard error: text for people, or one
// JSON object a line for machines, with the same keys each time. It leaves out
// what is below its level. Safe for concurrent use.
type printer struct {
	out   *outlet
	level slog.Level
	json  bool
	log   *slog.Logger // of what is at least of the level
}

func newPrinter(w io.Writer, f logFlags) *printer {
	p := &printer{out: &outlet{w: w}, level: f.level(), json: f.logFormat == logJSON}
	options := &slog.HandlerOptions{Level: p.level}
	p.log = slog.New(slog.NewTextHandler(p.out, options))
	if p.json {
		options.ReplaceAttr = inMilliseconds
		p.log = slog.New(slog.NewJSONHandler(p.out, options))
	}
	return p
}

// inMilliseconds makes a number of milliseconds of each duration, and says so in
// its key: a collector cannot know the unit otherwise.
func inMilliseconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	return slog.Int64(a.Key+"_ms", a.Value.Duration().Milliseconds())
}

// say writes one thing: the text for people, with a line break; what and its
// attributes for machines.
func (p *printer) say(level slog.Level, text, what string, attrs ...any) {
	if level >= p.level {
		p.always(level, text, what, attrs...)
	}
}

// always is say for what somebody has asked for, or is asked about.
func (p *printer) always(level slog.Level, text, what string, attrs ...any) {
	if p.json {
		record := slog.NewRecord(time.Now(), level, what, 0)
		record.Add(attrs...)
		_ = p.log.Handler().Handle(context.Background(), record)
		return
	}
	fmt.Fprintln(p.out, strings.TrimRight(text, "\n"))
}

// ask puts a question to the person at the terminal, at any level.
func (p *printer) ask(question string) {
	if p.json {
		p.always(slog.LevelInfo, "", "question", "question", strings.TrimSpace(question))
		return
	}
	fmt.Fprint(p.out, question)
}

// client is the log of the API's client: nil for people who did not ask for
// it, since the progress has what matters.
func (p *printer) client() *slog.Logger {
	if p.json || p.level <= slog.LevelDebug {
		return p.log
	}
	return nil
}

// outlet is where a printer writes. It can be turned to a writer that shares
// the terminal with a bar.
type outlet struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *outlet) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(text)
}

func (o *outlet) turn(w io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w = w
}

// newProgress shows how far total rows have come, as the printer says things.
// Whatever the printer says meanwhile is written above the bar.
func newProgress(s Streams, out *printer, total int) *report.Progress {
	o := report.ProgressOptions{
		Out: s.Err, Terminal: s.ErrTerminal && s.Env("TERM") != "dumb" && !out.json, Width: s.Width,
		Quiet: out.level > slog.LevelInfo, Total: total, Now: s.Now,
		NoColor: s.Env("NO_COLOR") != "", // https://no-color.org
	}
	if out.json {
		o.Line = func(s report.State, _ string) {
			attrs := []any{
				"done", s.Done, "total", total, "left", s.Left, "failed", s.Failed, "unknown", s.Unknown,
				"rate", s.Rate, "request_rate", s.Requests, "ceiling", s.Ceiling, "throttling", s.Throttling, "outage", s.Outage,
				"unanswered_ms", s.Unanswered.Milliseconds(),
			}
			if !s.PausedUntil.IsZero() {
				attrs = append(attrs, "paused_until", s.PausedUntil.UTC())
			}
			out.always(slog.LevelInfo, "", "progress", attrs...) // a line comes only where it is wanted
		}
		return report.NewProgress(o)
	}
	p := report.NewProgress(o)
	out.out.turn(p.Writer())
	return p
}
