package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/journal"
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
			return s.interruptible(func(ctx context.Context) error { return check(ctx, s, args[0], f) })
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

func check(ctx context.Context, s Streams, path string, f *checkFlags) (err error) {
	in, err := openInput(ctx, s, path)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, in.close()) }()
	source, err := f.sheet(in)
	if err != nil {
		return err
	}
	sh, err := source.Open(in.path)
	if err != nil {
		return explain(err, "")
	}
	defer func() { err = cmp.Or(err, sh.Close()) }()
	s.limitMemory()
	sh.SkipHash()
	if f.fix != "" {
		if err := fixable(s, in, f.fix); err != nil {
			return err
		}
	}
	found := newProblems(f.asJSON)
	o, err := batch.Check(ctx, sh, source.Rules, false, found.add)
	if err != nil {
		return source.Unreadable(ctx, err)
	}
	found.settle(o)
	if !f.asJSON {
		if err := found.print(s.Err, o); err != nil {
			return err
		}
	}
	var fixes func(func(change.Fix)) error
	if f.fix != "" && len(o.Whole) > 0 {
		fmt.Fprintf(s.Err, "no copy was written to %s: the problem is the whole sheet's, correct that first\n", f.fix)
	} else if f.fix != "" {
		if err := writeFixed(ctx, s.Err, sh, f); err != nil {
			return err
		}
		fixes = func(report func(change.Fix)) error {
			return eachFixed(ctx, sh, report, func([]string) error { return nil })
		}
	}
	if f.asJSON {
		again := func(report func(sheet.Problem)) error {
			_, err := batch.Check(ctx, sh, source.Rules, false, report)
			return err
		}
		if err := found.writeJSON(s.Out, in.name, o, again, fixes); err != nil {
			return err
		}
	}
	switch {
	case o.Errors > 0:
		return silent(ExitUsage)
	case f.asJSON || f.quiet:
		return nil
	}
	_, err = fmt.Fprintf(s.Err, "%s: %s, all of them can be sent\n%s", in.name, text.Count(o.Rows, "row"), overviewLines(o))
	return err
}

// fixable refuses a place for the corrected copy that would do harm: above all
// the sheet itself, by whatever name.
func fixable(s Streams, in *input, path string) error {
	if path == "-" {
		return usage("--fix -: name a file; standard output is for --json")
	}
	if err := writable(path); err != nil {
		return usage("--fix %s: %w", path, err)
	}
	there, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usage("--fix %s: %w", path, err)
	case !there.Mode().IsRegular():
		return usage("--fix %s is not a regular file: name one", path)
	}
	stat := func() (fs.FileInfo, error) { return os.Stat(in.path) }
	if file, ok := s.In.(*os.File); ok && in.stdin {
		stat = file.Stat
	}
	given, err := stat()
	if err == nil && os.SameFile(given, there) {
		return usage("--fix %s is the sheet itself: name another file, so that the sheet stays as it was", path)
	}
	return err
}

// eachFixed corrects the sheet record by record, in constant memory.
func eachFixed(ctx context.Context, sh *sheet.Sheet, report func(change.Fix), write func(cells []string) error) error {
	fixer, header := change.NewFixer(sh), sh.HeaderRow()
	return sh.EachRecord(ctx, func(row int, cells []string) error {
		if row > header {
			fixer.Fix(row, cells, report)
		}
		return write(cells)
	})
}

// writeFixed writes the corrected copy and lists each change on w.
func writeFixed(ctx context.Context, w io.Writer, sh *sheet.Sheet, f *checkFlags) error {
	list := bufio.NewWriterSize(w, 64<<10)
	fixed := 0
	err := journal.Replace(f.fix, func(file io.Writer) error {
		out := sh.NewCopy(file)
		report := func(fix change.Fix) {
			fixed++
			fmt.Fprintf(list, "corrected: %s\n", fix)
		}
		if err := eachFixed(ctx, sh, report, out.Write); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
	if err != nil {
		return fmt.Errorf("the corrected copy cannot be written: %w", err)
	}
	if !f.quiet {
		fmt.Fprintf(list, "%s corrected in %s\n", text.Count(fixed, "cell"), f.fix)
		if f.encoding != "" {
			fmt.Fprintln(list, "the copy is UTF-8: leave --encoding out when you use it")
		}
	}
	return list.Flush()
}
