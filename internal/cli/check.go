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

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

type checker struct {
	Streams
	sheetFlags
	tenantFlags
	fix           string // where the corrected copy goes; empty for none
	mark          string // likewise the marked workbook
	asJSON, quiet bool

	source job.Sheet
	tenant job.Tenant // whose attributes the sheet is checked against; without a host, none
	found  *problems
	marks  *sheet.Marks // of the found ones
	*job.CheckedSheet
}

func newCheckCommand(s Streams) *cobra.Command {
	k := &checker{Streams: s, marks: &sheet.Marks{}}
	k.client.MaxAttempts = attemptsOfCheck
	return withFlags(&cobra.Command{
		Use:               "check SHEET",
		Short:             "Check a sheet: offline, or against a tenant's attributes too",
		Args:              exactly(1, "one sheet"),
		ValidArgsFunction: oneArgument(completeSheet),
		RunE: func(c *cobra.Command, args []string) error {
			if k.fix == "" && c.Flags().Changed("fix") {
				return usage("--fix is empty: name the file for the corrected copy")
			}
			if k.mark == "" && c.Flags().Changed("mark") {
				return usage("--mark is empty: name the workbook for the marked sheet")
			}
			if err := k.findTenant(c.Flags()); err != nil {
				return err
			}
			return s.interruptible(func(ctx context.Context) error {
				return k.withSheet(ctx, s, args[0], func(source job.Sheet) error { return k.check(ctx, source) })
			})
		},
	},
		group("The sheet", k.sheetFlags.register),
		group("The tenant, whose attributes the sheet is checked against too (one that a variable names is not asked)", func(flags *pflag.FlagSet) {
			k.tenantFlags.register(flags)
			flags.BoolVar(&k.sandbox, "sandbox", false, "check against a simulated tenant in this process")
			k.registerRate(flags, "how long to wait for the tenant")
		}),
		group("Output", func(flags *pflag.FlagSet) {
			flags.StringVar(&k.fix, "fix", "", "write a copy to this file, corrected where the correction is certain")
			flags.StringVar(&k.mark, "mark", "", "write the sheet to this workbook (.xlsx), with each wrong cell colored and its message as a note")
			flags.BoolVar(&k.asJSON, "json", false, "the problems as one JSON document on standard output")
			flags.BoolVar(&k.quiet, "quiet", false, "print problems only")
		}),
	)
}

// attemptsOfCheck are the requests for one page of what a check asks for.
const attemptsOfCheck = 5

func (k *checker) findTenant(flags *pflag.FlagSet) (err error) {
	if err := k.validate(); err != nil || !namesTenant(flags) {
		return err
	}
	k.client.OutageWait = k.client.Timeout
	if k.tenant, err = k.resolveTenant(k.Env, false); err != nil {
		return err
	}
	for _, warning := range k.warnings {
		k.remark("warning: " + warning)
	}
	return nil
}

func (k *checker) check(ctx context.Context, source job.Sheet) (err error) {
	if k.mark == "" { // a workbook that is to be marked has to be in memory
		k.limitMemory()
	}
	k.source, k.found = source, newProblems(k.asJSON)
	k.CheckedSheet, err = job.Check(ctx, source, k.tenant, k.event, k.copyable)
	if err != nil {
		return explain(err, "")
	}
	defer func() { err = cmp.Or(err, k.Close()) }()
	if k.found.settle(k.Overview); !k.asJSON {
		if _, err := io.WriteString(k.Err, k.found.String()); err != nil {
			return err
		}
	}
	if err := k.writeFixed(ctx); err != nil {
		return err
	}
	if err := k.writeMarked(ctx); err != nil {
		return err
	}
	if k.asJSON {
		if err := k.found.writeJSON(k.Out, "", source.Name, k.Again, k.fixes(ctx)); err != nil {
			return err
		}
	}
	switch {
	case k.found.Errors > 0:
		return said(ExitUsage, "the sheet has problems")
	case k.asJSON || k.quiet:
		return nil
	}
	_, err = fmt.Fprintf(k.Err, "%s: %s, all of them can be sent\n%s", source.Name, text.Count(k.Overview.Rows, "row"), job.OverviewLines(k.Overview))
	return err
}

func (k *checker) event(event any) {
	switch e := event.(type) {
	case sheet.Problem:
		if k.found.add(e); k.mark != "" {
			k.marks.Add(e)
		}
	case job.Warning:
		fmt.Fprintln(k.Err, "warning: "+e.Text)
	case job.Note:
		k.remark(e.Text)
	case job.Outage:
		k.remark(outageText(k.tenant.Host, e, "--timeout"))
	}
}

// remark writes what is no problem of the sheet.
func (k *checker) remark(text string) {
	if !k.quiet {
		fmt.Fprintln(k.Err, text)
	}
}

// copyable refuses places for the copies of the sheet that would do harm.
func (k *checker) copyable(sh *sheet.Sheet) error {
	err := cmp.Or(k.apart("--fix", k.fix), k.apart("--mark", k.mark))
	fix, mark := strings.ToLower(filepath.Ext(k.fix)), strings.ToLower(filepath.Ext(k.mark))
	switch {
	case err != nil:
		return err
	case fix == ".xlsx" || fix == ".xlsm":
		return usage("--fix %s: the copy is a CSV, of a workbook too: name a .csv", k.fix)
	case k.mark == "":
	case sh.HasMacros() && mark != ".xlsm":
		return usage("--mark %s: the workbook has macros: name a .xlsm", k.mark)
	case !sh.HasMacros() && mark != ".xlsx":
		return usage("--mark %s: the copy is a workbook: name a .xlsx", k.mark)
	}
	return nil
}

// apart refuses a place for a copy of the sheet that would do harm: above all
// the sheet itself, by whatever name. An empty path is no copy.
func (k *checker) apart(flag, path string) error {
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
	var given fs.FileInfo // nil for what is no file
	if input, ok := k.In.(*os.File); k.source.File == nil {
		given, err = os.Stat(k.source.Path)
	} else if ok {
		given, err = input.Stat()
	}
	if err == nil && os.SameFile(given, there) {
		return usage("%s %s is the sheet itself: name another file, so that the sheet stays as it was", flag, path)
	}
	return err
}

// fixes lists the corrections of the copy; nil where there is none.
func (k *checker) fixes(ctx context.Context) func(func(change.Fix)) error {
	if k.fix == "" || len(k.Overview.Whole) > 0 {
		return nil
	}
	return func(report func(change.Fix)) error {
		return k.eachFixed(ctx, report, func([]string) error { return nil })
	}
}

// eachFixed corrects the sheet record by record, in constant memory.
func (k *checker) eachFixed(ctx context.Context, report func(change.Fix), write func(cells []string) error) error {
	fixer, header := change.NewFixer(k.Sheet, k.Rules), k.Sheet.HeaderRow()
	return k.Sheet.EachRecord(ctx, func(row int, cells []string) error {
		if row > header {
			fixer.Fix(row, cells, report)
		}
		return write(cells)
	})
}

// writeFixed writes the corrected copy and lists each change, or says why there
// is none.
func (k *checker) writeFixed(ctx context.Context) error {
	switch {
	case k.fix == "":
		return nil
	case len(k.Overview.Whole) > 0:
		fmt.Fprintf(k.Err, "no copy was written to %s: the problem is the whole sheet's, correct that first\n", k.fix)
		return nil
	}
	list := bufio.NewWriterSize(k.Err, 64<<10)
	fixed := 0
	err := journal.Replace(k.fix, func(file io.Writer) error {
		out := k.Sheet.NewCopy(file)
		report := func(fix change.Fix) {
			fixed++
			fmt.Fprintf(list, "corrected: %s\n", fix)
		}
		if err := k.eachFixed(ctx, report, out.Write); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
	if err != nil {
		return fmt.Errorf("the corrected copy cannot be written: %w", err)
	}
	if !k.quiet {
		fmt.Fprintf(list, "%s corrected in %s\n", text.Count(fixed, "cell"), k.fix)
		if k.Sheet.IsWorkbook() {
			fmt.Fprintln(list, "the copy is a CSV, not a workbook")
		} else if k.as.Options.Encoding != "" {
			fmt.Fprintln(list, "the copy is UTF-8: leave --encoding out when you use it")
		}
	}
	return list.Flush()
}

// writeMarked writes the marked workbook, or says why there is none.
func (k *checker) writeMarked(ctx context.Context) error {
	if k.mark == "" {
		return nil
	}
	if len(k.Overview.Whole) > 0 { // then they are the only ones
		k.marks = &sheet.Marks{}
		for _, p := range k.Overview.Whole {
			k.marks.Add(p)
		}
	}
	var list, warning string
	err := journal.Replace(k.mark, func(file io.Writer) (err error) {
		list, warning, err = k.Sheet.WriteMarked(ctx, file, k.Overview.Rows, k.marks)
		return err
	})
	_, unfit := errors.AsType[*sheet.UnfitError](err)
	_, unreadable := errors.AsType[*sheet.NotMarkableError](err)
	switch {
	case unfit:
		_, err = fmt.Fprintf(k.Err, "no workbook was written to %s: no workbook can hold the sheet, %v\n", k.mark, err)
		return err
	case unreadable:
		_, err = fmt.Fprintf(k.Err, "no workbook was written to %s: the sheet cannot be read to its end, correct that first\n", k.mark)
		return err
	case err != nil:
		return fmt.Errorf("the marked workbook cannot be written: %w", err)
	}
	if warning != "" {
		fmt.Fprintf(k.Err, "warning: %s: %s\n", k.mark, warning)
	}
	k.remark(fmt.Sprintf("%s marked in %s, and listed on its worksheet %q", text.Count(k.marks.Len(), "problem"), k.mark, list))
	return nil
}
