package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

type exporter struct {
	tenantReader
	status string
	query  api.Query

	incomplete *api.IncompleteError // nil: the tenant gave all that it has
}

func newExportCommand(s Streams) *cobra.Command {
	e := &exporter{tenantReader: tenantReader{Streams: s}, query: api.Query{Whole: true}}
	return withFlags(&cobra.Command{
		Use:   "export -o FILE",
		Short: "Write the tenant's sessions as a sheet that run accepts",
		Args:  exactly(0, "no arguments"),
		RunE:  func(c *cobra.Command, _ []string) error { return e.logged(c.Flags(), e.run) },
	},
		group("Which sessions (all of them must hold)", func(flags *pflag.FlagSet) {
			flags.StringVar(&e.status, "status", "", "those of this status")
			flags.StringVar(&e.query.WorkflowID, "workflow-id", "", "those of this workflow")
			flags.StringVar(&e.query.RequesterID, "requester-id", "", "those of this requester")
			flags.StringVar(&e.query.ProfileID, "profile-id", "", "those of this profile")
		}),
		group("The tenant", e.tenantFlags.register),
		group("How fast", func(flags *pflag.FlagSet) { e.registerPace(flags, "page") }),
		group("Output", func(flags *pflag.FlagSet) {
			flags.StringVarP(&e.output, "output", "o", "", "the sheet to write; - for standard output")
			e.logFlags.register(flags)
		}),
	)
}

// validate refuses values that make no sense. A misspelt status would only
// find nothing, so it is an error too.
func (e *exporter) validate() error {
	if e.output == "" {
		return usage("no file is named: use -o FILE, or -o - for standard output")
	}
	if err := e.tenantFlags.validate(); err != nil {
		return err
	}
	if e.status != "" {
		var ok bool
		if e.query.Status, ok = change.KnownStatus(e.status); !ok {
			hint := "; `nermbulk help sheet` lists them"
			if near, ok := sheet.Nearest(e.status, change.Statuses()); ok {
				hint = "; did you mean " + near + "?"
			}
			return usage("--status %q is not a status%s", e.status, hint)
		}
	}
	for _, flag := range []string{"workflow-id", "requester-id", "profile-id"} {
		id := e.flags.Lookup(flag).Value
		value := sheet.Trim(id.String())
		if value != "" && (len(value) != 36 || uuid.Validate(value) != nil) {
			return usage("--%s %q is not a UUID; one looks like 33f072dd-13b4-41e1-8ea0-16f2a59b57c8", flag, id)
		}
		_ = id.Set(strings.ToLower(value)) // any text will do
	}
	return nil
}

func (e *exporter) run(ctx context.Context) error {
	if err := e.validate(); err != nil {
		return err
	}
	return e.connected(ctx, e.export)
}

func (e *exporter) export(ctx context.Context) (err error) {
	dir := os.TempDir()
	if e.path != "" {
		dir = filepath.Dir(e.path) // where the sheet has room, so have the sessions
	}
	sessions, err := journal.Scratch(dir) // they are personal data
	if err != nil {
		return fmt.Errorf("keep the sessions on disk: %w", err)
	}
	defer func() { err = cmp.Or(err, sessions.Close()) }()
	uids, err := e.read(ctx, sessions)
	if err != nil {
		return err
	}
	x := change.NewExporter(slices.Sorted(maps.Keys(uids)), e.to.Host)
	if err := e.write(x, sessions); err != nil {
		return fmt.Errorf("write the sheet: %w", err)
	}
	e.summarize(&x.Exported)
	if e.incomplete != nil {
		return said(ExitRowsFailed, "the sheet is incomplete")
	}
	return nil
}

// write writes the sheet, as a workbook if that is what its name ends in. What
// no workbook can hold becomes a CSV of that name: to read the list again may
// take an hour.
func (e *exporter) write(x *change.Exporter, sessions io.ReadSeeker) error {
	asCSV := func(to io.Writer) error {
		w := sheet.NewWriter(to, ',')
		err := eachRow(x, sessions, w.Write)
		w.Flush()
		return cmp.Or(err, w.Error())
	}
	ending := filepath.Ext(e.output)
	switch {
	case e.path == "":
		return asCSV(e.Out)
	case !strings.EqualFold(ending, ".xlsx"):
		return journal.Replace(e.path, asCSV)
	}
	err := journal.Replace(e.path, func(w io.Writer) error {
		return sheet.WriteWorkbook(w, "sessions", func(visit func([]string, ...sheet.Mark) error) error {
			return eachRow(x, sessions, func(cells []string) error { return visit(cells) })
		})
	})
	unfit, ok := errors.AsType[*sheet.UnfitError](err)
	if !ok {
		return err
	}
	path := strings.TrimSuffix(e.output, ending) + ".csv"
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("no workbook can hold the sessions (%w), and %s is there already: name another CSV with -o", unfit, path)
	}
	e.out.say(slog.LevelWarn, fmt.Sprintf("no workbook can hold the sessions, so they are written as a CSV: %v", unfit),
		"no workbook", "sheet", path, "error", unfit.Error())
	e.output, e.path = path, path
	return journal.Replace(path, asCSV)
}

// eachRow calls visit with the header and with a row for each session, of which
// each line of the file has one.
func eachRow(x *change.Exporter, sessions io.ReadSeeker, visit func(cells []string) error) error {
	if err := visit(x.Begin()); err != nil {
		return err
	}
	_, err := sessions.Seek(0, io.SeekStart)
	lines := json.NewDecoder(bufio.NewReader(sessions))
	for err == nil {
		var s api.Session
		if err = lines.Decode(&s); err != nil {
			break
		}
		if row := x.Row(&s); row != nil {
			if err := visit(row); err != nil {
				return err
			}
		}
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the sessions back: %w", err)
	}
	return nil
}

// read reads the whole list and writes it to the file, a session a line. It
// returns the attributes that any session has.
func (e *exporter) read(ctx context.Context, sessions io.Writer) (uids map[string]struct{}, err error) {
	e.out.say(slog.LevelInfo, "reading the sessions of "+e.to.Host, "reading")
	uids = map[string]struct{}{}
	file := json.NewEncoder(sessions)
	var total, read atomic.Int64
	defer job.StartClock(e.progress(&total, &read, "session"))()
	for page, err := range api.Pages(ctx, e.client.List, e.query) {
		if incomplete, ok := errors.AsType[*api.IncompleteError](err); ok {
			e.incomplete = incomplete
			break
		}
		if err != nil {
			return nil, err
		}
		for _, s := range page.Items {
			for uid := range s.Attributes {
				uids[uid] = struct{}{}
			}
			s.Raw = nil // the text that it came in
			if err := file.Encode(&s); err != nil {
				return nil, fmt.Errorf("keep the sessions on disk: %w", err)
			}
		}
		total.Store(int64(page.Total))
		read.Add(int64(len(page.Items)))
	}
	return uids, nil
}

func (e *exporter) summarize(x *change.Exported) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %s\n%s", e.output, text.Count(x.Rows, "session"), e.to.Host, x.Summary(mostPrinted))
	level := slog.LevelInfo
	missing := 0
	if e.incomplete != nil {
		level, missing = slog.LevelWarn, e.incomplete.Missing
		remedy := "; export again"
		if e.incomplete.Repeated {
			remedy = ", so export them in parts, with --status or --workflow-id"
		}
		fmt.Fprintf(&b, "incomplete: %v%s\n", e.incomplete, remedy)
	}
	if x.Rows == 0 {
		b.WriteString("no session fits, so the sheet has no rows and there is nothing to run\n")
	} else if e.path != "" {
		words := append([]string{"nermbulk", "run", text.ShellPath(e.output), "--compare"}, tenantWords(e.flags)...)
		if x.UnknownStatuses > 0 {
			words = append(words, "--allow-unknown-status")
		}
		fmt.Fprintf(&b, "\nnext, once it is edited:\n%s\n", strings.Join(words, " "))
	}
	e.out.say(level, b.String(), "exported", "sheet", e.output, "host", e.to.Host, "sessions", x.Rows,
		"missing", missing, "unknown_statuses", x.UnknownStatuses, "notes", x.Notes)
}
