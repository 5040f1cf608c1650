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
	"strconv"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

type attributeLister struct {
	tenantReader
	json  bool
	wants func(*api.Attribute) bool // whether its options are read; nil for all

	list api.AttributesFile
	gaps []string // what the tenant did not give to its end
}

func newAttributesCommand(s Streams) *cobra.Command {
	l := &attributeLister{tenantReader: tenantReader{Streams: s}}
	c := withFlags(&cobra.Command{
		Use:   "attributes",
		Short: "List the tenant's attributes: uid, label, type, date format, options",
		Args:  exactly(0, "no arguments"),
		RunE:  func(c *cobra.Command, _ []string) error { return l.logged(c.Flags(), l.run) },
	},
		group("The tenant", l.tenantFlags.register),
		group("How fast", func(flags *pflag.FlagSet) { l.registerPace(flags, "page") }),
		group("Output", func(flags *pflag.FlagSet) {
			flags.StringVarP(&l.output, "output", "o", "", "write them to this file instead: .json, which --attributes of run and check reads, or .csv")
			flags.BoolVar(&l.json, jsonFlag, false, "one JSON document on standard output")
			l.logFlags.register(flags)
		}),
	)
	_ = c.RegisterFlagCompletionFunc("output", completeFiles("json", "csv")) // there is such a flag
	return c
}

// write returns what writes the file, in the form that its name ends in.
func (l *attributeLister) write() (func(io.Writer) error, error) {
	switch ending := strings.ToLower(filepath.Ext(l.output)); {
	case l.output == "":
		return nil, nil
	case ending == ".json":
		return func(w io.Writer) error { return l.list.Write(w) }, nil
	case ending == ".csv":
		return l.writeCSV, nil
	}
	return nil, usage("-o %s: name a .json or a .csv; --json writes to standard output", l.output)
}

func (l *attributeLister) run(ctx context.Context) error {
	write, err := l.write()
	if err = cmp.Or(err, l.tenantFlags.validate()); err != nil {
		return err
	}
	if err := l.connected(ctx, l.read); err != nil {
		return err
	}
	if write != nil {
		if err := journal.Replace(l.path, write); err != nil {
			return fmt.Errorf("write the attributes: %w", err)
		}
	}
	switch {
	case l.json:
		err = l.list.Write(l.Out)
	case write == nil:
		err = l.writeTable(l.Out)
	}
	if err != nil {
		return err
	}
	l.summarize()
	if len(l.gaps) > 0 {
		return said(ExitRowsFailed, "the list of attributes is incomplete")
	}
	return nil
}

func (l *attributeLister) read(ctx context.Context) (err error) {
	l.out.say(slog.LevelInfo, "reading the attributes of "+l.to.Host, "reading")
	l.list.Host, l.list.ReadAt = l.to.Host, l.Now().UTC().Truncate(time.Second)
	l.list.Attributes, err = l.client.Attributes(ctx)
	if l.list.Incomplete, err = l.gap("", err); err != nil {
		return err
	}
	var none, read atomic.Int64
	defer job.StartClock(l.progress(&none, &read, "option list"))()
	for i := range l.list.Attributes {
		a := &l.list.Attributes[i]
		if !a.HasOptions() || l.wants != nil && !l.wants(a) {
			continue
		}
		a.Options, err = l.client.AttributeOptions(ctx, a.ID)
		incomplete, err := l.gap("the options of "+a.UID+" are left out: ", err)
		if err != nil {
			return fmt.Errorf("attribute %s: %w", a.UID, err)
		}
		if incomplete {
			a.Options = nil // a check would refuse those that are missing
		}
		read.Add(1)
	}
	return nil
}

// gap notes a list that the tenant did not give to its end, and returns any
// other error.
func (l *attributeLister) gap(what string, err error) (bool, error) {
	incomplete, ok := errors.AsType[*api.IncompleteError](err)
	if !ok {
		return false, err
	}
	l.gaps = append(l.gaps, what+incomplete.Error())
	return true, nil
}

func (l *attributeLister) summarize() {
	var b strings.Builder
	options := 0
	for _, a := range l.list.Attributes {
		options += len(a.Options)
	}
	if l.output != "" {
		b.WriteString(l.output + ": ")
	}
	fmt.Fprintf(&b, "%s of %s, %s\n", text.Count(len(l.list.Attributes), "attribute"), l.to.Host, text.Count(options, "option"))
	level := slog.LevelInfo
	for _, gap := range l.gaps {
		level = slog.LevelWarn
		b.WriteString("incomplete: " + gap + "\n")
	}
	l.out.say(level, b.String(), "attributes", "file", l.output, "host", l.to.Host,
		"attributes", len(l.list.Attributes), "options", options, "incomplete", l.gaps)
}

// writeCSV writes a row for each attribute, its options a line each.
func (l *attributeLister) writeCSV(to io.Writer) error {
	w := sheet.NewWriter(to, ',')
	err := w.Write([]string{"uid", "label", "type", "date_format", "multiple", "archived", "options"})
	for _, a := range l.list.Attributes {
		err = cmp.Or(err, w.Write([]string{
			a.UID, a.Label, a.DataType, a.DateFormat,
			strconv.FormatBool(a.Multiple), strconv.FormatBool(a.Archived), strings.Join(a.Options, "\n"),
		}))
	}
	w.Flush()
	return cmp.Or(err, w.Error())
}

// shownOptions is how much of its options the table shows, in bytes.
const shownOptions = 60

func (l *attributeLister) writeTable(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "UID\tLABEL\tTYPE\tDATE FORMAT\tOPTIONS")
	for _, a := range l.list.Attributes {
		kind, options := a.DataType, strings.Join(a.Options, "; ")
		if a.Archived {
			kind += " (archived)"
		}
		if len(options) > shownOptions {
			options = fmt.Sprintf("%d: %s", len(a.Options), options)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", text.Line(a.UID, 0), text.Line(a.Label, 0), text.Line(kind, 0),
			text.Line(a.DateFormat, 0), text.Line(options, shownOptions))
	}
	return w.Flush() // which returns the errors of the writes
}

type templateMaker struct {
	attributeLister
	file   string // of the tenant's attributes
	chosen []string
}

func newTemplateCommand(s Streams) *cobra.Command {
	m := &templateMaker{attributeLister: attributeLister{tenantReader: tenantReader{Streams: s}}}
	return withFlags(&cobra.Command{
		Use:   "template -o FILE.xlsx",
		Short: "Write an empty workbook to fill in, with lists of what is allowed",
		Args:  exactly(0, "no arguments"),
		RunE:  func(c *cobra.Command, _ []string) error { return m.logged(c.Flags(), m.run) },
	},
		group("Flags", func(flags *pflag.FlagSet) {
			flags.StringVarP(&m.output, "output", "o", "", "the workbook to write (.xlsx); never over another file")
			flags.StringArrayVar(&m.chosen, "attribute", nil, "a column for this attribute, by its UID; repeatable (default: all that the tenant has, but archived ones and attachments)")
			flags.StringVar(&m.file, "attributes", "", "the tenant's attributes: a file that nermbulk attributes -o FILE.json wrote; off: none, of a tenant neither")
		}),
		group("The tenant, whose attributes have a column (one that a variable names is not asked)", m.tenantFlags.register),
		group("How fast", func(flags *pflag.FlagSet) { m.registerPace(flags, "page") }),
		group("Output", m.logFlags.register),
	)
}

func (m *templateMaker) run(ctx context.Context) error {
	err := newPlace(m.output)
	if err = cmp.Or(err, m.tenantFlags.validate()); err != nil {
		return err
	}
	next := []string{"nermbulk", "check", text.ShellPath(m.output)}
	var list *api.AttributesFile
	switch {
	case m.file == job.AttributesOff:
	case m.file != "" && m.file != job.AttributesAuto:
		next = append(next, "--attributes", text.ShellWord(m.file))
		list, err = job.ReadAttributesFile(m.file)
	case namesTenant(m.flags):
		next = append(next, tenantWords(m.flags)...)
		list, err = m.ask(ctx)
	}
	if err != nil {
		return err
	}
	var known *change.Attributes
	if list != nil {
		known = change.NewAttributes(list.Attributes)
	}
	chosen := m.chosen
	if len(chosen) == 0 {
		chosen = known.Fillable()
	}
	columns, err := known.TemplateColumns(chosen)
	if err != nil {
		return usage("--attribute %w", err)
	}
	err = journal.Replace(m.output, func(w io.Writer) error { return sheet.WriteTemplate(w, columns) })
	if err != nil {
		return fmt.Errorf("the template cannot be written: %w", err)
	}
	_, err = fmt.Fprintf(m.Err, "%s: fill in a row for each session, then: %s\n", m.output, strings.Join(next, " "))
	return err
}

// ask reads the tenant's attributes, and the options of those that get a column.
func (m *templateMaker) ask(ctx context.Context) (*api.AttributesFile, error) {
	m.wants = func(a *api.Attribute) bool {
		return slices.Contains(m.chosen, a.UID) || len(m.chosen) == 0 && !a.Archived
	}
	if err := m.connected(ctx, m.read); err != nil {
		return nil, err
	}
	m.summarize()
	return &m.list, nil
}

// newPlace refuses a file that is there: it may have been filled in.
func newPlace(path string) error {
	switch {
	case path == "":
		return usage("no file is named: use -o FILE.xlsx")
	case !strings.EqualFold(filepath.Ext(path), ".xlsx"):
		return usage("-o %s: the template is a workbook: name a .xlsx", path)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return usage("-o %s: there is such a file already, which may be filled in: name another", path)
	}
	if err := writable(path); err != nil {
		return usage("-o %s: %w", path, err)
	}
	return nil
}
