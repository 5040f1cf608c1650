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

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

func newTemplateCommand(s Streams) *cobra.Command {
	var output string
	var attributes []string
	c := &cobra.Command{
		Use:   "template -o FILE.xlsx",
		Short: "Write an empty workbook to fill in, with lists of what is allowed",
		Args:  exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if err := newPlace(output); err != nil {
				return err
			}
			columns, err := templateColumns(attributes)
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
		flags.StringArrayVar(&attributes, "attribute", nil, "a column for this attribute, by its UID; repeatable")
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

// templateColumns returns a column for each field that is sent, and for each of
// the attributes.
func templateColumns(attributes []string) (columns []sheet.TemplateColumn, err error) {
	for _, f := range change.Fields() {
		if f.Help == "" {
			continue
		}
		columns = append(columns, sheet.TemplateColumn{Header: f.Name, Note: f.Help, Rule: sheet.Rule{
			Choices: f.Choices, Help: "Choose one of the list, or leave the cell empty to change nothing.",
		}})
	}
	seen := map[string]bool{}
	for _, uid := range attributes {
		header := change.Label(sheet.Attribute, uid)
		switch field, read, ok := change.SheetFields().Parse(header); {
		case !ok || field != sheet.Attribute || read != uid:
			return nil, usage("--attribute %q: no column can have that name; use the attribute's UID, such as end_date", uid)
		case seen[uid]:
			return nil, usage("--attribute %s is named twice", uid)
		}
		seen[uid] = true
		columns = append(columns, sheet.TemplateColumn{Header: header, Note: "text; " + change.DefaultClearMarker + " empties the attribute"})
	}
	return columns, nil
}
