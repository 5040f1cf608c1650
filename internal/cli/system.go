// Package cli is the command line of nermbulk: commands, flags, the prompt and
// exit codes. It wires the other packages and is the only one that knows
// cobra, the environment and the terminal. It decides nothing about rows.
package cli

import (
	"context"
	"io"
	"log"
	"maps"
	"os"
	"os/signal"
	"os/user"
	"runtime/debug"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// Streams is what the commands see of the system.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(name string) string // "" for a variable that is not set
	Environ  func() []string          // all variables, as name=value; nil for none
	Now      func() time.Time
	// InTerminal and ErrTerminal report whether a person is there.
	InTerminal, ErrTerminal bool
	// Width is the width of the terminal on standard error, in columns; 0 or
	// less where it is not known.
	Width func() int
	// Signals returns a context that ends at the first SIGINT, SIGTERM or
	// SIGHUP, and the exit code of that, 0 before; a second one ends the
	// process at once.
	Signals func() (ctx context.Context, caught func() ExitCode, stop func())
	// StateAsked returns a channel that gets a value whenever somebody asks
	// how far a run has come (SIGUSR1), until stop; it is nil where nobody can.
	StateAsked func() (asked <-chan os.Signal, stop func())
}

// System is the process's own streams, environment and signals. It also sees
// to it that no library writes to standard error by itself.
func System() Streams {
	log.SetOutput(io.Discard)
	cobra.MousetrapHelpText = "" // a double click opens the page
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Env: os.Getenv, Environ: os.Environ, Now: time.Now,
		InTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Width: func() int {
			width, _, _ := term.GetSize(int(os.Stderr.Fd()))
			return width
		},
		Signals:    watchSignals,
		StateAsked: watchStateAsked,
	}
}

// signalCodes are the exit codes of the signals that end a run in order. A
// SIGHUP that was ignored when the process began, as under nohup, stays so.
func signalCodes() map[os.Signal]ExitCode {
	codes := map[os.Signal]ExitCode{os.Interrupt: ExitInterrupted, syscall.SIGTERM: ExitTerminated}
	if !signal.Ignored(syscall.SIGHUP) {
		codes[syscall.SIGHUP] = ExitHungUp
	}
	return codes
}

// watchSignals gives the signals back to the system after the first, so that a
// second one ends the process whatever it is doing.
func watchSignals() (ctx context.Context, caught func() ExitCode, stop func()) {
	// A log's reader that goes away must not end a run in the middle: what is
	// said then fails, and the run goes on.
	signal.Ignore(syscall.SIGPIPE)
	codes := signalCodes()
	signals := slices.Collect(maps.Keys(codes))
	first := make(chan os.Signal, 1)
	signal.Notify(first, signals...)
	var code atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case s := <-first:
			code.Store(int64(codes[s]))
			signal.Reset(signals...)
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() ExitCode { return ExitCode(code.Load()) }, func() {
		signal.Stop(first)
		cancel()
	}
}

// interruptible calls do with a context that a signal ends. What was
// interrupted has nothing left to say.
func (s Streams) interruptible(do func(context.Context) error) error {
	ctx, caught, stop := s.Signals()
	defer stop()
	err := do(ctx)
	if err != nil && ctx.Err() != nil {
		return said(caught(), "interrupted")
	}
	return err
}

// memoryAtMost is what the process aims for in memory when a sheet is so large
// that the ids and results of its rows need much of it.
const memoryAtMost = 224 << 20

// limitMemory has garbage collected more often when the process comes near
// what it should need at most. Whoever sets GOMEMLIMIT knows better.
func (s Streams) limitMemory() {
	if s.Env("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryAtMost)
	}
}

// sendingGC is how far the heap may grow over what is in use before it is
// collected, in percent, while rows are sent and reported: little is in use
// then, and collecting at the usual 100 % costs speed.
const sendingGC = 150

func (s Streams) collectLess() {
	if s.Env("GOGC") == "" {
		debug.SetGCPercent(sendingGC)
	}
}

// operator returns who runs this process. A user without a name, as in a
// container, has a number.
func operator() journal.Operator {
	o := journal.Operator{User: "user " + strconv.Itoa(os.Getuid())}
	if u, err := user.Current(); err == nil {
		o.User = text.Line(u.Username, 0)
	}
	if machine, err := os.Hostname(); err == nil {
		o.Machine = text.Line(machine, 0)
	}
	return o
}
