package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

func newTemplateCommand(s Streams) *cobra.Command {
	var output, attributes string
	var chosen []string
	c := &cobra.Command{
		Use:   "template -o FILE.xlsx",
		Short: "Write an empty workbook to fill in, with lists of what is allowed",
		Args:  exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if err := newPlace(output); err != nil {
				return err
			}
			columns, err := templateColumns(attributes, chosen)
			if err != nil {
				return err
			}
			err = journal.Replace(output, func(w io.Writer) error { return sheet.WriteTemplate(w, columns) })
			if err != nil {
				return fmt.Errorf("the template cannot be written: %w", err)
			}
			_, err = fmt.Fprintf(s.Err, "%s: fill in a row for each session, then: nermbulk check %[1]s\n", output)
			return err
		},
	}
	setFlags(c, group("Flags", func(flags *pflag.FlagSet) {
		flags.StringVarP(&output, "output", "o", "", "the workbook to write (.xlsx); never over another file")
		flags.StringArrayVar(&chosen, "attribute", nil, "a column for this attribute, by its UID; repeatable (default: all that the tenant has, but archived ones and attachments)")
		flags.StringVar(&attributes, "attributes", "", "the tenant's attributes: a file that nermbulk attributes -o FILE.json wrote")
	}))
	return c
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

// templateColumns returns a column for each field that is sent, and for the
// attributes that are chosen: all that a sheet can set, if they are known and
// none is.
func templateColumns(file string, chosen []string) ([]sheet.TemplateColumn, error) {
	var known *change.Attributes
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, usage("--attributes: %w", err)
		}
		read, err := api.ParseAttributesFile(content)
		if err != nil {
			return nil, usage("--attributes %s: %w", file, err)
		}
		known = change.NewAttributes(read.Attributes)
	}
	if len(chosen) == 0 {
		chosen = known.Fillable()
	}
	columns, err := known.TemplateColumns(chosen)
	if err != nil {
		return nil, usage("--attribute %w", err)
	}
	return columns, nil
}
