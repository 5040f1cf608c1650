package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// fixable refuses a place for the corrected copy that would do harm: above all
// the sheet itself, by whatever name.
func fixable(s Streams, in *input, path string) error {
	if path == "-" {
		return usage("--fix -: name a file; standard output is for --json")
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil {
		return usage("--fix %s: %w", path, err)
	} else if !info.IsDir() {
		return usage("--fix %s: %s is not a directory", path, dir)
	}
	there, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usage("--fix %s: %w", path, err)
	case there.IsDir():
		return usage("--fix %s is a directory: name a file in it", path)
	case !there.Mode().IsRegular():
		return usage("--fix %s is not a regular file", path)
	}
	given := []func() (fs.FileInfo, error){func() (fs.FileInfo, error) { return os.Stat(in.path) }}
	if file, ok := s.In.(*os.File); ok && in.stdin {
		given = append(given, file.Stat)
	}
	for _, stat := range given {
		sheet, err := stat()
		if err != nil {
			return err
		}
		if os.SameFile(sheet, there) {
			return usage("--fix %s is the sheet itself: name another file, so that the sheet stays as it was", path)
		}
	}
	return nil
}

// correction writes the corrected copy of a sheet.
type correction struct {
	sheet *sheet.Sheet
	path  string
}

// each gives what tells all corrections, one pass over the sheet; nil when no
// copy is written.
func (c *correction) each(ctx context.Context) func(tell func(change.Fix)) error {
	if c == nil {
		return nil
	}
	return func(tell func(change.Fix)) error {
		return c.pass(ctx, tell, func([]string) error { return nil })
	}
}

// pass corrects the sheet record by record, in constant memory.
func (c *correction) pass(ctx context.Context, tell func(change.Fix), write func(cells []string) error) error {
	fixer, header := change.NewFixer(c.sheet), c.sheet.HeaderRow()
	return c.sheet.EachRecord(ctx, func(row int, cells []string) error {
		if row > header {
			fixer.Fix(row, cells, tell)
		}
		return write(cells)
	})
}

// write writes the copy and lists each change on w. Of a sheet that has a
// problem as a whole (c is nil) there is none.
func (c *correction) write(ctx context.Context, w io.Writer, f *checkFlags) error {
	if c == nil {
		_, err := fmt.Fprintf(w, "no copy was written to %s: the problem is the whole sheet's, correct that first\n", f.fix)
		return err
	}
	list := bufio.NewWriterSize(w, 64<<10)
	fixed := 0
	err := journal.Replace(c.path, func(file io.Writer) error {
		out := c.sheet.NewCopy(file)
		tell := func(fix change.Fix) {
			fixed++
			fmt.Fprintf(list, "corrected: %s\n", fix)
		}
		if err := c.pass(ctx, tell, out.Write); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
	if err != nil {
		return fmt.Errorf("the corrected copy cannot be written: %w", err)
	}
	if !f.quiet {
		fmt.Fprintf(list, "%s corrected in %s\n", text.Count(fixed, "cell"), c.path)
		if f.encoding != "" {
			fmt.Fprintln(list, "the copy is UTF-8: leave --encoding out when you use it")
		}
	}
	return list.Flush()
}
