package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// exporter carries out one export command.
type exporter struct {
	Streams
	*exportFlags
	flags *pflag.FlagSet

	ctx    context.Context
	caught func() ExitCode
	says   *printer
	to     endpoint
	client *api.Client
	path   string // to write to, links followed; empty for standard output
}

func (e *exporter) run() (err error) {
	if err := e.validate(); err != nil {
		return err
	}
	e.says = newPrinter(e.Err, e.logFlags)
	var stop func()
	e.ctx, e.caught, stop = e.Signals()
	defer stop()
	query, err := e.query()
	if err != nil {
		return err
	}
	if err := e.aim(); err != nil {
		return err
	}
	defer e.client.Close()
	sessions, err := e.spool()
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, sessions.close()) }()
	uids, missing, err := e.read(query, sessions)
	if err != nil {
		return e.failed(err)
	}
	x := newExportSheet(uids, e.to.host)
	if err := e.write(func(w io.Writer) error { return x.write(w, sessions) }); err != nil {
		return &failure{ExitInternal, fmt.Errorf("write the sheet: %w", err)}
	}
	e.finished(x, missing)
	return nil
}

// aim finds out where to read from and as whom, and where to write to.
func (e *exporter) aim() (err error) {
	if e.to, err = e.endpoint(e.Env); err != nil {
		return err
	}
	auth, err := e.auth(e.Env)
	if err != nil {
		return err
	}
	roots, err := e.roots()
	if err != nil {
		return err
	}
	if e.path, err = target(e.output); err != nil {
		return usage("-o %s: %w", e.output, err)
	}
	e.client, err = api.New(api.Options{
		BaseURL: e.to.base, Auth: auth, Workers: 1, Timeout: e.timeout, MaxAttempts: e.maxAttempts,
		OutageWait: e.outageWait, Rate: e.rate, RootCAs: roots, UserAgent: "nermbulk/" + version(), Log: e.says.client(),
	})
	if err != nil {
		return &failure{ExitUsage, err}
	}
	return nil
}

// target is the file that is to be written, so that a link to a sheet stays
// one. It is empty for standard output.
func target(output string) (string, error) {
	if output == "-" {
		return "", nil
	}
	path, err := filepath.EvalSymlinks(output)
	if errors.Is(err, fs.ErrNotExist) {
		path, err = output, nil
	}
	if err != nil {
		return "", cause(err)
	}
	return path, writable(path)
}

// spool is where sessions wait until all are read: beside the sheet, where
// there is room for it if there is any.
func (e *exporter) spool() (*spool, error) {
	dir := os.TempDir()
	if e.path != "" {
		dir = filepath.Dir(e.path)
	}
	s, err := newSpool(dir)
	if err != nil {
		return nil, fmt.Errorf("keep the sessions on disk: %w", err)
	}
	return s, nil
}

// read reads the whole list into the spool. It returns the attributes that
// any session has, and how many sessions the tenant counted that never came.
func (e *exporter) read(query api.Query, sessions *spool) (uids map[string]struct{}, missing int, err error) {
	e.says.say(slog.LevelInfo, "reading the sessions of "+e.to.host, "reading", "host", e.to.host)
	uids = map[string]struct{}{}
	watch := newExportWatch(e)
	defer watch.stop()
	query.Whole = true
	var page api.Page
	read := 0
	for page, err = range api.Pages(e.ctx, e.client.List, query) {
		if err != nil {
			return uids, 0, err
		}
		for i := range page.Sessions {
			for uid := range page.Sessions[i].Attributes {
				uids[uid] = struct{}{}
			}
			if err := sessions.add(&page.Sessions[i]); err != nil {
				return uids, 0, err
			}
		}
		read += len(page.Sessions)
		watch.page(read, page.Total)
	}
	return uids, max(0, page.Total-read), nil
}

// write puts the sheet in its place, whole or not at all.
func (e *exporter) write(sheet func(io.Writer) error) error {
	if e.path == "" {
		return sheet(e.Out)
	}
	return journal.Replace(e.path, sheet)
}

// failed gives an error of reading the list its exit code.
func (e *exporter) failed(err error) error {
	list, ok := errors.AsType[*api.ListError](err)
	switch {
	case !ok:
		return &failure{ExitInternal, err}
	case e.ctx.Err() != nil:
		return silent(e.caught())
	case list.Answer.Verdict == api.Refused:
		return &failure{ExitUsage, err}
	}
	return &failure{ExitStopped, err}
}

// finished says what came of it.
func (e *exporter) finished(x *exportSheet, missing int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %s\n%s", e.output, count(x.rows, "session"), e.to.host, x.notes.text())
	level := slog.LevelInfo
	if missing > 0 {
		level = slog.LevelWarn
		fmt.Fprintf(&b, "the tenant counted %s more than it gave: the list changed while it was read; export again to be sure\n", count(missing, "session"))
	}
	if x.rows == 0 {
		b.WriteString("no session fits, so the sheet has no rows and there is nothing to run\n")
	} else if e.path != "" {
		words := []string{"nermbulk", "run", shellWord(e.output), "--compare"}
		for _, name := range []string{"base-url", "tenant", "token-file", "auth-scheme", "ca-file"} {
			if f := e.flags.Lookup(name); f.Changed {
				words = append(words, "--"+name, shellWord(f.Value.String()))
			}
		}
		if x.notes.unknownStatuses > 0 {
			words = append(words, "--allow-unknown-status")
		}
		fmt.Fprintf(&b, "\nnext, once it is edited:\n%s\n", strings.Join(words, " "))
	}
	e.says.say(level, b.String(), "exported", "sheet", e.output, "host", e.to.host, "sessions", x.rows,
		"missing", missing, "unknown_statuses", x.notes.unknownStatuses, "notes", x.notes.list)
}
