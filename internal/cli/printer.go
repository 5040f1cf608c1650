package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

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
		p.log = slog.New(slog.NewJSONHandler(p.out, options))
	}
	return p
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
