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
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/batch"
	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

func newCheckCommand(s Streams) *cobra.Command {
	f := &checkFlags{}
	f.client.MaxAttempts = attemptsOfCheck
	c := &cobra.Command{
		Use:               "check SHEET",
		Short:             "Check a sheet: offline, or against a tenant's attributes too",
		Args:              exactly(1, "one sheet"),
		ValidArgsFunction: oneArgument(completeSheet),
		RunE: func(c *cobra.Command, args []string) error {
			if f.fix == "" && c.Flags().Changed("fix") {
				return usage("--fix is empty: name the file for the corrected copy")
			}
			if f.mark == "" && c.Flags().Changed("mark") {
				return usage("--mark is empty: name the workbook for the marked sheet")
			}
			tenant, err := f.tenantToAsk(c.Flags(), s)
			if err != nil {
				return err
			}
			return s.interruptible(func(ctx context.Context) error {
				return f.withSheet(ctx, s, args[0], func(source job.Sheet) error { return f.check(ctx, s, source, tenant) })
			})
		},
	}
	setFlags(c,
		group("The sheet", f.sheetFlags.register),
		group("The tenant, whose attributes the sheet is checked against too (one that a variable names is not asked)", func(flags *pflag.FlagSet) {
			f.tenantFlags.register(flags)
			flags.BoolVar(&f.sandbox, "sandbox", false, "check against a simulated tenant in this process")
			f.registerRate(flags, "how long to wait for the tenant")
		}),
		group("Output", func(flags *pflag.FlagSet) {
			flags.StringVar(&f.fix, "fix", "", "write a copy to this file, corrected where the correction is certain")
			flags.StringVar(&f.mark, "mark", "", "write the sheet to this workbook (.xlsx), with each wrong cell colored and its message as a note")
			flags.BoolVar(&f.asJSON, "json", false, "the problems as one JSON document on standard output")
			flags.BoolVar(&f.quiet, "quiet", false, "print problems only")
		}),
	)
	return c
}

// checkFlags are the flags of check.
type checkFlags struct {
	sheetFlags
	tenantFlags
	fix           string // where the corrected copy goes; empty for none
	mark          string // likewise the marked workbook
	asJSON, quiet bool
}

// attemptsOfCheck are the requests for one page of what a check asks for.
const attemptsOfCheck = 5

// tenantToAsk returns the tenant whose attributes the sheet is checked against,
// if one is named.
func (f *checkFlags) tenantToAsk(flags *pflag.FlagSet, s Streams) (t job.Tenant, err error) {
	if err := f.validate(); err != nil || !namesTenant(flags) {
		return t, err
	}
	f.client.OutageWait = f.client.Timeout
	if t, err = f.resolveTenant(s.Env, false); err != nil {
		return t, err
	}
	for _, warning := range f.warnings {
		f.remark(s, "warning: "+warning)
	}
	return t, nil
}

func (f *checkFlags) check(ctx context.Context, s Streams, source job.Sheet, tenant job.Tenant) (err error) {
	if f.mark == "" { // a workbook that is to be marked has to be in memory
		s.limitMemory()
	}
	found, marks := newProblems(f.asJSON), &sheet.Marks{}
	checked, err := job.Check(ctx, job.CheckOptions{
		Sheet:  source,
		Tenant: tenant,
		Opened: func(sh *sheet.Sheet) error { return f.copyable(s, source, sh) },
		Event: func(event any) {
			switch e := event.(type) {
			case sheet.Problem:
				found.add(e)
				if f.mark != "" {
					marks.Add(e)
				}
			case job.Warning:
				fmt.Fprintln(s.Err, "warning: "+e.Text)
			case job.Note:
				f.remark(s, e.Text)
			case job.Outage:
				f.remark(s, outageText(tenant.Host, e, "--timeout"))
			}
		},
	})
	if err != nil {
		return explain(err, "")
	}
	defer func() { err = cmp.Or(err, checked.Close()) }()
	sh, o := checked.Sheet, checked.Overview
	found.settle(o)
	if !f.asJSON {
		if err := found.print(s.Err); err != nil {
			return err
		}
	}
	var fixes func(func(change.Fix)) error
	switch {
	case f.fix == "":
	case len(o.Whole) > 0:
		fmt.Fprintf(s.Err, "no copy was written to %s: the problem is the whole sheet's, correct that first\n", f.fix)
	default:
		if err := f.writeFixed(ctx, s.Err, sh, checked.Rules); err != nil {
			return err
		}
		fixes = func(report func(change.Fix)) error {
			return eachFixed(ctx, sh, checked.Rules, report, func([]string) error { return nil })
		}
	}
	if f.mark != "" {
		if err := f.writeMarked(ctx, s.Err, sh, o, marks); err != nil {
			return err
		}
	}
	if f.asJSON {
		err = found.writeJSON(s.Out, "", source.Name, checked.Again, fixes)
	}
	switch {
	case err != nil:
		return err
	case found.Errors > 0:
		return said(ExitUsage, "the sheet has problems")
	case f.asJSON || f.quiet:
		return nil
	}
	_, err = fmt.Fprintf(s.Err, "%s: %s, all of them can be sent\n%s", source.Name, text.Count(o.Rows, "row"), job.OverviewLines(o))
	return err
}

// remark writes what is no problem of the sheet.
func (f *checkFlags) remark(s Streams, text string) {
	if !f.quiet {
		fmt.Fprintln(s.Err, text)
	}
}

// copyable refuses places for the copies of the sheet that would do harm.
func (f *checkFlags) copyable(s Streams, source job.Sheet, sh *sheet.Sheet) error {
	if err := apart(s, source, "--fix", f.fix); err != nil {
		return err
	}
	if isWorkbookName(f.fix) {
		return usage("--fix %s: the copy is a CSV, of a workbook too: name a .csv", f.fix)
	}
	if err := apart(s, source, "--mark", f.mark); err != nil {
		return err
	}
	switch ending := strings.ToLower(filepath.Ext(f.mark)); {
	case f.mark == "":
	case sh.HasMacros() && ending != ".xlsm":
		return usage("--mark %s: the workbook has macros: name a .xlsm", f.mark)
	case !sh.HasMacros() && ending != ".xlsx":
		return usage("--mark %s: the copy is a workbook: name a .xlsx", f.mark)
	}
	return nil
}

// isWorkbookName reports whether a file has the name of a workbook.
func isWorkbookName(path string) bool {
	ending := strings.ToLower(filepath.Ext(path))
	return ending == ".xlsx" || ending == ".xlsm"
}

// apart refuses a place for a copy of the sheet that would do harm: above all
// the sheet itself, by whatever name. An empty path is no copy.
func apart(s Streams, source job.Sheet, flag, path string) error {
	switch path {
	case "":
		return nil
	case "-":
		return usage("%s -: name a file; standard output is for --json", flag)
	}
	if err := writable(path); err != nil {
		return usage("%s %s: %w", flag, path, err)
	}
	there, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usage("%s %s: %w", flag, path, err)
	case !there.Mode().IsRegular():
		return usage("%s %s is not a regular file: name one", flag, path)
	}
	stat := func() (fs.FileInfo, error) { return os.Stat(source.Path) }
	if file, ok := s.In.(*os.File); ok && source.File != nil {
		stat = file.Stat
	} else if source.File != nil {
		return nil
	}
	given, err := stat()
	if err == nil && os.SameFile(given, there) {
		return usage("%s %s is the sheet itself: name another file, so that the sheet stays as it was", flag, path)
	}
	return err
}

// eachFixed corrects the sheet record by record, in constant memory.
func eachFixed(ctx context.Context, sh *sheet.Sheet, rules change.Rules, report func(change.Fix), write func(cells []string) error) error {
	fixer, header := change.NewFixer(sh, rules), sh.HeaderRow()
	return sh.EachRecord(ctx, func(row int, cells []string) error {
		if row > header {
			fixer.Fix(row, cells, report)
		}
		return write(cells)
	})
}

// writeFixed writes the corrected copy and lists each change on w.
func (f *checkFlags) writeFixed(ctx context.Context, w io.Writer, sh *sheet.Sheet, rules change.Rules) error {
	list := bufio.NewWriterSize(w, 64<<10)
	fixed := 0
	err := journal.Replace(f.fix, func(file io.Writer) error {
		out := sh.NewCopy(file)
		report := func(fix change.Fix) {
			fixed++
			fmt.Fprintf(list, "corrected: %s\n", fix)
		}
		if err := eachFixed(ctx, sh, rules, report, out.Write); err != nil {
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
		if sh.IsWorkbook() {
			fmt.Fprintln(list, "the copy is a CSV, not a workbook")
		} else if f.encoding != "" {
			fmt.Fprintln(list, "the copy is UTF-8: leave --encoding out when you use it")
		}
	}
	return list.Flush()
}

// writeMarked writes the marked workbook, or says on w why there is none.
func (f *checkFlags) writeMarked(ctx context.Context, w io.Writer, sh *sheet.Sheet, o *batch.Overview, marks *sheet.Marks) error {
	if len(o.Whole) > 0 { // then they are the only ones
		marks = &sheet.Marks{}
		for _, p := range o.Whole {
			marks.Add(p)
		}
	}
	var list, remark string
	err := journal.Replace(f.mark, func(file io.Writer) (err error) {
		list, remark, err = sh.WriteMarked(ctx, file, o.Rows, marks)
		return err
	})
	_, unfit := errors.AsType[*sheet.UnfitError](err)
	_, unreadable := errors.AsType[*sheet.NotMarkableError](err)
	switch {
	case unfit:
		_, err = fmt.Fprintf(w, "no workbook was written to %s: no workbook can hold the sheet, %v\n", f.mark, err)
		return err
	case unreadable:
		_, err = fmt.Fprintf(w, "no workbook was written to %s: the sheet cannot be read to its end, correct that first\n", f.mark)
		return err
	case err != nil:
		return fmt.Errorf("the marked workbook cannot be written: %w", err)
	}
	if remark != "" {
		fmt.Fprintf(w, "warning: %s: %s\n", f.mark, remark)
	}
	if !f.quiet {
		fmt.Fprintf(w, "%s marked in %s, and listed on its worksheet %q\n", text.Count(marks.Len(), "problem"), f.mark, list)
	}
	return nil
}
