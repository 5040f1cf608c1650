package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// exportFlags are the flags of export.
type exportFlags struct {
	tenantFlags
	logFlags
	status, workflowID, requesterID, profileID, output string
}

func newExportCommand(s Streams) *cobra.Command {
	f := &exportFlags{}
	c := &cobra.Command{
		Use:   "export -o FILE",
		Short: "Write the tenant's sessions as a sheet that run accepts",
		Long: `Export reads the tenant's list of sessions and writes it as a sheet that run accepts:
edit cells, remove the rows that are not to change, and send it back. A cell that is
left as it is sends the value that the session has already; with --compare such rows
are not sent at all. What a run would refuse or take for something else is left
empty, and told.

FILE is replaced once the whole list has been read, never half; - is standard output.`,
		Example: `  nermbulk export --tenant acme --status pending_approval -o pending.csv
  nermbulk run pending.csv --tenant acme --compare`,
		Args: exactly(0, "no arguments"),
	}
	setFlags(c,
		group("Which sessions (all of them must hold)", func(flags *pflag.FlagSet) {
			flags.StringVar(&f.status, "status", "", "those of this status")
			flags.StringVar(&f.workflowID, "workflow-id", "", "those of this workflow")
			flags.StringVar(&f.requesterID, "requester-id", "", "those of this requester")
			flags.StringVar(&f.profileID, "profile-id", "", "those of this profile")
		}),
		group("The tenant", f.tenantFlags.register),
		group("How fast", func(flags *pflag.FlagSet) { f.registerPace(flags, "page") }),
		group("Output", func(flags *pflag.FlagSet) {
			flags.StringVarP(&f.output, "output", "o", "", "the sheet to write; - for standard output")
			f.logFlags.register(flags)
		}),
	)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := f.validate(); err != nil {
			return err
		}
		e := &exporter{Streams: s, exportFlags: f, flags: c.Flags(), out: newPrinter(s.Err, f.logFlags)}
		return e.run()
	}
	return c
}

func (f *exportFlags) validate() error {
	if f.output == "" {
		return usage("no file is named: use -o FILE, or -o - for standard output")
	}
	return cmp.Or(f.tenantFlags.validate(), f.validatePace(), f.logFlags.validate())
}

// query returns the filters. A misspelt status would only find nothing, so it
// is an error.
func (f *exportFlags) query() (api.Query, error) {
	q := api.Query{Whole: true}
	if f.status != "" {
		known, ok := change.KnownStatus(f.status)
		if !ok {
			hint := "; `nermbulk help sheet` lists them"
			if near, ok := sheet.Nearest(f.status, change.Statuses()); ok {
				hint = "; did you mean " + near + "?"
			}
			return q, usage("--status %q is not a status%s", f.status, hint)
		}
		q.Status = known
	}
	for _, id := range []struct {
		flag, value string
		to          *string
	}{
		{"workflow-id", f.workflowID, &q.WorkflowID},
		{"requester-id", f.requesterID, &q.RequesterID},
		{"profile-id", f.profileID, &q.ProfileID},
	} {
		value := sheet.Trim(id.value)
		if value != "" && (len(value) != 36 || uuid.Validate(value) != nil) {
			return q, usage("--%s %q is not a UUID; one looks like 33f072dd-13b4-41e1-8ea0-16f2a59b57c8", id.flag, id.value)
		}
		*id.to = strings.ToLower(value)
	}
	return q, nil
}

// exporter runs one export command.
type exporter struct {
	Streams
	*exportFlags
	flags  *pflag.FlagSet
	out    *printer
	to     job.Tenant
	client *api.Client
	path   string // of the sheet, links followed; empty for standard output
}

func (e *exporter) run() (err error) {
	ctx, caught, stop := e.Signals()
	defer stop()
	query, err := e.query()
	if err != nil {
		return err
	}
	if err := e.connect(); err != nil {
		return err
	}
	defer e.client.Close()
	dir := os.TempDir()
	if e.path != "" {
		dir = filepath.Dir(e.path) // where the sheet has room, so have the sessions
	}
	sessions, err := newSpool(dir)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, sessions.close()) }()
	uids, missing, err := e.read(ctx, query, sessions)
	if err != nil {
		list, unlisted := errors.AsType[*api.ListError](err)
		switch {
		case !unlisted:
			return err
		case ctx.Err() != nil:
			return silent(caught())
		case list.Answer.Verdict == api.Refused:
			return &failure{ExitUsage, err}
		}
		return &failure{ExitStopped, err}
	}
	x := newExportSheet(uids, e.to.Host)
	write := func(w io.Writer) error { return x.write(w, sessions) }
	if e.path == "" {
		err = write(e.Out)
	} else {
		err = journal.Replace(e.path, write)
	}
	if err != nil {
		return fmt.Errorf("write the sheet: %w", err)
	}
	e.summarize(x, missing)
	return nil
}

// connect makes the client, and checks that the sheet can be written.
func (e *exporter) connect() (err error) {
	if e.to, err = e.resolveTenant(e.Env, false); err != nil {
		return err
	}
	if e.path, err = exportPath(e.output); err != nil {
		return usage("-o %s: %w", e.output, err)
	}
	e.to.Client.Workers, e.to.Client.Log = 1, e.out.client()
	e.client, err = api.New(e.to.Client)
	if err != nil {
		return &failure{ExitUsage, err}
	}
	return nil
}

// exportPath returns the file to write, so that a link to a sheet stays a link.
func exportPath(output string) (string, error) {
	if output == "-" {
		return "", nil
	}
	path, err := filepath.EvalSymlinks(output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		path = output
	case err != nil:
		return "", cause(err)
	}
	return path, writable(path)
}

// read reads the whole list into the spool. It returns the attributes that
// any session has, and how many more sessions the tenant counted than came.
func (e *exporter) read(ctx context.Context, query api.Query, sessions *spool) (uids map[string]struct{}, missing int, err error) {
	e.out.say(slog.LevelInfo, "reading the sessions of "+e.to.Host, "reading", "host", e.to.Host)
	uids = map[string]struct{}{}
	progress := &listProgress{exporter: e, rate: job.NewRate(e.Now()), printed: e.Now()}
	defer job.StartClock(progress.update)()
	total, read := 0, 0
	for page, err := range api.Pages(ctx, e.client.List, query) {
		if err != nil {
			return nil, 0, err
		}
		for _, s := range page.Sessions {
			for uid := range s.Attributes {
				uids[uid] = struct{}{}
			}
			if err := sessions.add(s); err != nil {
				return nil, 0, err
			}
		}
		total, read = page.Total, read+len(page.Sessions)
		progress.total.Store(int64(total))
		progress.read.Store(int64(read))
	}
	return uids, max(0, total-read), nil
}

// linesEvery is the time between two lines of progress where there is no bar.
const linesEvery = 10 * time.Second

// listProgress shows how much of the list has been read.
type listProgress struct {
	*exporter
	total, read atomic.Int64 // sessions; the tenant need not say the total
	rate        *job.Rate
	printed     time.Time        // when the last line was, while there is no bar
	bar         *report.Progress // nil until there is a total
	length      int              // of the bar: the first total
}

// update shows the progress, for the last time or not.
func (p *listProgress) update(last bool) {
	read, total, now := int(p.read.Load()), int(p.total.Load()), p.Now()
	if p.bar == nil && total == 0 {
		if read > 0 && now.Sub(p.printed) >= linesEvery {
			p.printed = now
			p.out.say(slog.LevelInfo, text.Count(read, "session")+" read", "progress", "done", read)
		}
		return
	}
	if p.bar == nil {
		p.length = total
		p.bar = newProgress(p.Streams, p.out, total)
	}
	limits := p.client.Limits()
	_, outage := p.client.Outage()
	p.bar.Update(report.State{
		Done: min(read, p.length), Left: max(0, p.length-read), Rate: p.rate.Update(now, read),
		PausedUntil: limits.PausedUntil, Throttling: limits.Throttling, Outage: outage, Unanswered: p.client.Unanswered(),
	})
	if last {
		p.bar.Stop()
	}
}

// summarize says what was written, what was left out and how to send it back.
func (e *exporter) summarize(x *exportSheet, missing int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %s\n%s", e.output, text.Count(x.rows, "session"), e.to.Host, x.notes())
	level := slog.LevelInfo
	if missing > 0 {
		level = slog.LevelWarn
		fmt.Fprintf(&b, "the tenant counted %s more than it gave: the list changed while it was read; export again to be sure\n", text.Count(missing, "session"))
	}
	if x.rows == 0 {
		b.WriteString("no session fits, so the sheet has no rows and there is nothing to run\n")
	} else if e.path != "" {
		words := append([]string{"nermbulk", "run", text.ShellWord(e.output), "--compare"}, flagWords(e.flags, func(f *pflag.Flag) bool {
			return f.Changed && slices.Contains([]string{"base-url", "tenant", "token-file", "auth-scheme", "ca-file"}, f.Name)
		})...)
		if x.unknownStatuses > 0 {
			words = append(words, "--allow-unknown-status")
		}
		fmt.Fprintf(&b, "\nnext, once it is edited:\n%s\n", strings.Join(words, " "))
	}
	e.out.say(level, b.String(), "exported", "sheet", e.output, "host", e.to.Host, "sessions", x.rows,
		"missing", missing, "unknown_statuses", x.unknownStatuses, "notes", x.left)
}
