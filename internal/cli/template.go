package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// templateMaker runs the template command with its flags.
type templateMaker struct {
	attributeLister
	file   string // of the tenant's attributes
	chosen []string
}

func newTemplateCommand(s Streams) *cobra.Command {
	m := &templateMaker{attributeLister: attributeLister{tenantReader: tenantReader{Streams: s}}}
	c := &cobra.Command{
		Use:   "template -o FILE.xlsx",
		Short: "Write an empty workbook to fill in, with lists of what is allowed",
		Args:  exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			return m.logged(c.Flags(), func(ctx context.Context) error { return m.run(ctx, c.Flags()) })
		},
	}
	setFlags(c,
		group("Flags", func(flags *pflag.FlagSet) {
			flags.StringVarP(&m.output, "output", "o", "", "the workbook to write (.xlsx); never over another file")
			flags.StringArrayVar(&m.chosen, "attribute", nil, "a column for this attribute, by its UID; repeatable (default: all that the tenant has, but archived ones and attachments)")
			flags.StringVar(&m.file, "attributes", "", "the tenant's attributes: a file that nermbulk attributes -o FILE.json wrote")
		}),
		group("The tenant, whose attributes have a column (one that a variable names is not asked)", m.tenantFlags.register),
		group("How fast", func(flags *pflag.FlagSet) { m.registerPace(flags, "page") }),
		group("Output", m.logFlags.register),
	)
	return c
}

func (m *templateMaker) run(ctx context.Context, flags *pflag.FlagSet) error {
	err := newPlace(m.output)
	if err = cmp.Or(err, m.tenantFlags.validate()); err != nil {
		return err
	}
	next := []string{"nermbulk", "check", text.ShellWord(m.output)}
	var known *change.Attributes
	switch {
	case m.file != "":
		next = append(next, "--attributes", text.ShellWord(m.file))
		known, err = readAttributes(m.file)
	case namesTenant(flags):
		next = append(next, tenantWords(flags)...)
		known, err = m.ask(ctx)
	}
	if err != nil {
		return err
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
func (m *templateMaker) ask(ctx context.Context) (*change.Attributes, error) {
	m.wants = func(a *api.Attribute) bool {
		return slices.Contains(m.chosen, a.UID) || len(m.chosen) == 0 && !a.Archived
	}
	if err := m.connect(); err != nil {
		return nil, err
	}
	defer m.client.Close()
	if err := m.read(ctx); err != nil {
		return nil, unlisted(err)
	}
	m.summarize()
	return change.NewAttributes(m.list.Attributes), nil
}

func readAttributes(file string) (*change.Attributes, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("--attributes: %w", err)
	}
	read, err := api.ParseAttributesFile(content)
	if err != nil {
		return nil, usage("--attributes %s: %w", file, err)
	}
	return change.NewAttributes(read.Attributes), nil
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
