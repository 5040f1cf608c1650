package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
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
	logFileFlag   = "log-file"
	jsonFlag      = "json"
)

// logFlags are what is written to standard error, and in which form, and the
// file of the whole log.
type logFlags struct {
	logFormat, logFile string
	quiet, verbose     bool
}

func (f *logFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.logFormat, logFormatFlag, logText, "text, or json: one JSON object a line, on standard error")
	flags.StringVar(&f.logFile, logFileFlag, "", "append the log to this file as JSON, whatever standard error gets")
	flags.BoolVar(&f.quiet, "quiet", false, "print errors only")
	flags.BoolVar(&f.verbose, "verbose", false, "log every request")
}

func (f *logFlags) validate() error {
	if err := oneOf(logFormatFlag, f.logFormat, logText, logJSON); err != nil {
		return err
	}
	if f.quiet && f.verbose {
		return usage("--quiet and --verbose contradict each other")
	}
	return nil
}

// wanted returns how to print an error, even that of a command line that could
// not be parsed as far as its --log-format and --json.
func wanted(c *cobra.Command, args []string, env func(string) string) (asJSON bool, f logFlags) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {} // the error is reported already
	for _, name := range []string{logFormatFlag, logFileFlag, jsonFlag, configFlag, profileFlag} {
		if known := c.Flags().Lookup(name); known != nil {
			flags.AddFlag(known)
		}
	}
	for len(args) > 0 && flags.Parse(args) != nil { // as far as it can be understood
		args = args[1:]
	}
	_ = fillAll(flags, env)
	asJSON, _ = flags.GetBool(jsonFlag) // of a command without it, false
	f.logFormat, _ = flags.GetString(logFormatFlag)
	f.logFile, _ = flags.GetString(logFileFlag)
	return asJSON, f
}

// A printer is what a command says on standard error: text for people, or one
// JSON object a line for machines, with the same keys each time. It leaves out
// what is below its level. A file, where there is one, gets the JSON of all but
// requests, and of those too if they are wanted. Safe for concurrent use.
type printer struct {
	out   *outlet
	level slog.Level
	json  bool
	log   slog.Handler // of standard error
	file  slog.Handler // nil for none
	known *known

	closeFile func() error // nil for none
}

// newPrinter opens the log's file too. The caller closes the printer.
func newPrinter(w io.Writer, f logFlags) (*printer, error) {
	p := &printer{out: &outlet{w: w}, level: slog.LevelInfo, json: f.logFormat == logJSON, known: &known{}}
	switch {
	case f.quiet:
		p.level = slog.LevelError
	case f.verbose:
		p.level = slog.LevelDebug
	}
	options := &slog.HandlerOptions{Level: p.level}
	p.log = slog.NewTextHandler(p.out, options)
	if p.json {
		options.ReplaceAttr = inMilliseconds
		p.log = knowing{slog.NewJSONHandler(p.out, options), p.known}
	}
	if f.logFile == "" {
		return p, nil
	}
	file, err := openLog(f.logFile)
	if err != nil {
		return p, usage("--%s %s: %w", logFileFlag, f.logFile, err)
	}
	to := &outlet{w: file}
	p.file = knowing{slog.NewJSONHandler(to, &slog.HandlerOptions{Level: min(p.level, slog.LevelInfo), ReplaceAttr: inMilliseconds}), p.known}
	p.closeFile = func() error {
		to.mu.Lock()
		defer to.mu.Unlock()
		return cmp.Or(to.err, file.Close())
	}
	return p, nil
}

// openPrinter is newPrinter for a command whose flags are parsed.
func openPrinter(w io.Writer, f logFlags) (*printer, error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	return newPrinter(w, f)
}

// openLog opens the log's file. One that it makes is nobody else's to read: an
// error can quote a cell.
func openLog(path string) (*os.File, error) {
	if err := regular(path); err != nil { // opening a pipe would wait for its reader
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, logMode)
	if err != nil {
		return nil, fmt.Errorf("it cannot be written: %w", cause(err))
	}
	return f, nil
}

const logMode = 0o600

// close ends the log with err, the command's own error, unless that was said,
// and returns it as one that was.
func (p *printer) close(err error) error {
	if _, ok := errors.AsType[alreadySaid](err); err != nil && !ok {
		text := strings.TrimSpace(err.Error())
		p.say(slog.LevelError, "nermbulk: "+text, "error", "error", text, "exit_code", int(exitCodeOf(err)))
		err = alreadySaid{err}
	}
	if p.closeFile == nil {
		return err
	}
	if closeErr := p.closeFile(); closeErr != nil {
		closeErr = fmt.Errorf("the log could not be written to the end: %w", closeErr)
		p.people(slog.LevelError, "nermbulk: "+closeErr.Error())
		return cmp.Or(err, said(ExitInternal, closeErr.Error()))
	}
	return err
}

// say writes one thing: the text, if any, for people, with a line break; what and
// its attributes for machines.
func (p *printer) say(level slog.Level, text, what string, attrs ...any) {
	if level >= p.level {
		p.show(level, text, what, attrs...)
	}
	p.keep(level, text, what, attrs...)
}

// always is say for what somebody has asked for, or is asked about.
func (p *printer) always(level slog.Level, text, what string, attrs ...any) {
	p.show(level, text, what, attrs...)
	p.keep(level, text, what, attrs...)
}

// people is say without machines.
func (p *printer) people(level slog.Level, text string) {
	if level >= p.level && !p.json && text != "" {
		fmt.Fprintln(p.out, strings.TrimRight(text, "\n"))
	}
}

// show is always without the file.
func (p *printer) show(level slog.Level, text, what string, attrs ...any) {
	if p.json {
		handle(p.log, level, what, attrs)
		return
	}
	p.people(max(level, p.level), text)
}

// keep is always for the file alone.
func (p *printer) keep(level slog.Level, _, what string, attrs ...any) {
	if p.file != nil {
		handle(p.file, level, what, attrs)
	}
}

func handle(h slog.Handler, level slog.Level, what string, attrs []any) {
	record := slog.NewRecord(time.Now(), level, what, 0)
	record.Add(attrs...)
	_ = h.Handle(context.Background(), record) // closing the file says what could not be written
}

// ask puts a question to the person at the terminal, at any level.
func (p *printer) ask(question string) {
	if p.json {
		p.always(slog.LevelInfo, "", "question", "question", strings.TrimSpace(question))
		return
	}
	fmt.Fprint(p.out, question)
}

// showsClient reports whether people are shown the log of the API's client. Those
// who did not ask for it are not, since the progress has what matters.
func (p *printer) showsClient() bool { return p.json || p.level <= slog.LevelDebug }

// client is the log of the API's client: nil where nobody reads it.
func (p *printer) client() *slog.Logger {
	var read []slog.Handler
	if p.showsClient() {
		read = append(read, p.log)
	}
	if p.file != nil {
		read = append(read, p.file)
	}
	if len(read) == 0 {
		return nil
	}
	return slog.New(slog.NewMultiHandler(read...))
}

// outlet is where a printer writes. It can be turned to a writer that shares
// the terminal with a bar.
type outlet struct {
	mu  sync.Mutex
	w   io.Writer
	err error // the first one of writing
}

func (o *outlet) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.w.Write(text)
	o.err = cmp.Or(o.err, err)
	return n, err
}

func (o *outlet) turn(w io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w = w
}

// known is what is known by now of what a log is about. Each line has it, so that
// a collector of many jobs can keep them apart. Safe for concurrent use.
type known struct {
	mu    sync.Mutex
	attrs []slog.Attr
}

// set adds an attribute to the lines that follow. An empty value is not known.
func (k *known) set(key, value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.attrs = without(k.attrs, key); value != "" {
		k.attrs = append(k.attrs, slog.String(key, value))
	}
}

func without(attrs []slog.Attr, key string) []slog.Attr {
	return slices.DeleteFunc(attrs, func(a slog.Attr) bool { return a.Key == key })
}

// knowing adds what is known to the lines of a handler. What a line says of its
// own beats it.
type knowing struct {
	slog.Handler
	known *known
}

func (h knowing) Handle(ctx context.Context, record slog.Record) error {
	h.known.mu.Lock()
	attrs := slices.Clone(h.known.attrs)
	h.known.mu.Unlock()
	record.Attrs(func(own slog.Attr) bool {
		attrs = without(attrs, own.Key)
		return true
	})
	record = record.Clone()
	record.AddAttrs(attrs...)
	return h.Handler.Handle(ctx, record)
}

// inMilliseconds makes a number of milliseconds of each duration, and says so in
// its key: a collector cannot know the unit otherwise.
func inMilliseconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	return slog.Int64(a.Key+"_ms", a.Value.Duration().Milliseconds())
}

// newProgress shows how far total rows have come, as the printer says things, and
// keeps it in the log's file. Whatever the printer says meanwhile is written above
// the bar.
func newProgress(s Streams, out *printer, total int) *report.Progress {
	lines := func(write func(level slog.Level, text, what string, attrs ...any)) func(report.State) {
		return func(s report.State) { write(slog.LevelInfo, "", "progress", progressAttrs(s, total)...) }
	}
	o := report.ProgressOptions{
		Out: s.Err, Terminal: s.ErrTerminal && s.Env("TERM") != "dumb" && !out.json, Width: s.Width,
		Quiet: out.level > slog.LevelInfo, Total: total, Now: s.Now, Keep: lines(out.keep),
	}
	o.NoColor = s.Env("NO_COLOR") != "" || o.Terminal && !showColors() // https://no-color.org
	if out.json {
		o.Line = lines(out.show)
		return report.NewProgress(o)
	}
	p := report.NewProgress(o)
	out.out.turn(p)
	return p
}

func progressAttrs(s report.State, total int) []any {
	attrs := []any{
		"done", s.Done, "total", total, "left", s.Left, "failed", s.Failed, "unknown", s.Unknown,
		"rate", s.Rate, "request_rate", s.Requests, "ceiling", s.Ceiling, "throttling", s.Throttling, "outage", s.Outage,
		"unanswered", s.Unanswered,
	}
	if !s.PausedUntil.IsZero() {
		attrs = append(attrs, "paused_until", s.PausedUntil.UTC())
	}
	return attrs
}
