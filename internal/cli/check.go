package cli

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/batch"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

func newCheckCommand(s Streams) *cobra.Command {
	f := &checkFlags{}
	c := &cobra.Command{
		Use:   "check SHEET",
		Short: "Check a sheet offline: no tenant, no token, no network",
		Long: `Check reads the whole sheet and tells what is wrong with it, cell by cell, with the
remedy. It needs no tenant, no token and no network. SHEET is a path, or - for
standard input.

With --fix it also writes a copy in which cells are corrected where that is certain:
the spelling of statuses and requester types, white space around cells, and UUIDs in
capitals, in braces or without hyphens. The exit code is that of the sheet as it was.`,
		Example: `  nermbulk check sessions.csv
  nermbulk check sessions.csv --map 'Contract End=attributes.end_date'
  nermbulk check sessions.csv --fix corrected.csv
  nermbulk check sessions.csv --json | jq '.problems[].kind'`,
		Args:              exactly(1, "one sheet"),
		ValidArgsFunction: oneArgument(completeSheet),
		RunE: func(c *cobra.Command, args []string) error {
			if f.fix == "" && c.Flags().Changed("fix") {
				return usage("--fix is empty: name the file for the corrected copy")
			}
			return check(s, args[0], f)
		},
	}
	setFlags(c,
		group("The sheet", f.register),
		group("Output", func(flags *pflag.FlagSet) {
			flags.StringVar(&f.fix, "fix", "", "write a copy to this file, corrected where the correction is certain")
			flags.BoolVar(&f.asJSON, "json", false, "the problems as one JSON document on standard output")
			flags.BoolVar(&f.quiet, "quiet", false, "print problems only")
		}),
	)
	return c
}

// checkFlags are the flags of check.
type checkFlags struct {
	sheetFlags
	fix           string // where the corrected copy goes; empty for none
	asJSON, quiet bool
}

func check(s Streams, path string, f *checkFlags) (err error) {
	ctx, caught, stop := s.Signals()
	defer stop()
	input, err := openInput(ctx, s, path)
	if err != nil {
		if ctx.Err() != nil {
			return silent(caught())
		}
		return err
	}
	defer func() { err = cmp.Or(err, input.close()) }()
	source, err := f.sheet(input)
	if err != nil {
		return err
	}
	sh, err := source.Open(input.path)
	if err != nil {
		return explain(err, "")
	}
	defer limitMemory(s, input.path)()
	sh.SkipHash()
	defer func() { err = cmp.Or(err, sh.Close()) }()
	if f.fix != "" {
		if err := fixable(s, input, f.fix); err != nil {
			return err
		}
	}

	told := newProblems(f.asJSON)
	o, err := batch.Check(ctx, sh, source.Rules, false, told.add)
	if err != nil {
		if ctx.Err() != nil {
			return silent(caught())
		}
		return source.Unreadable(ctx, err)
	}
	told.settle(o)
	var c *correction
	if f.fix != "" && len(o.Whole) == 0 {
		c = &correction{sheet: sh, path: f.fix}
	}
	if !f.asJSON {
		err = told.print(s.Err, o)
	}
	if err == nil && f.fix != "" {
		err = c.write(ctx, s.Err, f)
	}
	if err == nil && f.asJSON {
		again := func(tell func(sheet.Problem)) error {
			_, err := batch.Check(ctx, sh, source.Rules, false, tell)
			return err
		}
		err = told.writeDocument(s.Out, input.name, o, again, c.each(ctx))
	}
	if err != nil {
		if ctx.Err() != nil {
			return silent(caught())
		}
		return err
	}
	if o.Errors > 0 {
		return silent(ExitUsage)
	}
	if !f.asJSON && !f.quiet {
		return printOverview(s.Err, input.name, o)
	}
	return nil
}

// printOverview says what a sheet would do.
func printOverview(w io.Writer, name string, o *batch.Overview) error {
	_, err := fmt.Fprintf(w, "%s: %s, all of them can be sent\n%s", name, text.Count(o.Rows, "row"), overviewLines(o))
	return err
}
