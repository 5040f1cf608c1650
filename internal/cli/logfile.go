package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
)

// logMode is of a file that the log makes: an error can quote a cell.
const logMode = 0o600

// logFile is the log's file. Its Close returns the first error of writing too.
type logFile struct {
	*os.File
	err error // of the writes, which a handler makes one at a time
}

func openLog(path string) (io.WriteCloser, error) {
	if err := regular(path); err != nil { // opening a pipe would wait for its reader
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, logMode)
	if err != nil {
		return nil, fmt.Errorf("it cannot be written: %w", cause(err))
	}
	return &logFile{File: f}, nil
}

func (f *logFile) Write(line []byte) (int, error) {
	n, err := f.File.Write(line)
	if err != nil && f.err == nil {
		f.err = err
	}
	return n, err
}

func (f *logFile) Close() error {
	err := f.File.Close()
	if f.err != nil {
		return f.err
	}
	return err
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
	k.attrs = slices.DeleteFunc(slices.Clone(k.attrs), func(a slog.Attr) bool { return a.Key == key })
	if value != "" {
		k.attrs = append(k.attrs, slog.String(key, value))
	}
}

func (k *known) added(h slog.Handler) slog.Handler { return knowing{h, k} }

// knowing adds what is known to the lines of a handler. What a line says of its
// own beats it.
type knowing struct {
	slog.Handler
	known *known
}

func (h knowing) Handle(ctx context.Context, record slog.Record) error {
	h.known.mu.Lock()
	attrs := h.known.attrs
	h.known.mu.Unlock()
	record = record.Clone()
	own := map[string]bool{}
	record.Attrs(func(a slog.Attr) bool {
		own[a.Key] = true
		return true
	})
	for _, a := range attrs {
		if !own[a.Key] {
			record.AddAttrs(a)
		}
	}
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
