package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
)

// Correct writes the sheet with other texts in some cells to a file, whole or
// not at all, and returns its path. It may be the sheet's own; where to is empty
// it is one next to the sheet, under a name that nothing has, such as
// sessions-corrected.csv. What was checked is another sheet then: this one is
// closed, and the corrected one is to be checked again. After an error of the
// edits (*sheet.EditError, *sheet.NotEditableError) nothing has changed.
func (c *CheckedSheet) Correct(ctx context.Context, edits []sheet.Edit, to string) (path string, err error) {
	if path = to; to == "" {
		if path, err = claimBeside(c.Sheet.Name()); err != nil {
			return "", err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, removeFile(path))
			}
		}()
	}
	err = journal.Replace(path, func(w io.Writer) error {
		if err := c.Sheet.WriteEdited(ctx, w, edits); err != nil {
			return err
		}
		return c.Close() // an open file cannot be replaced on every system
	})
	_, cell := errors.AsType[*sheet.EditError](err)
	_, whole := errors.AsType[*sheet.NotEditableError](err)
	switch {
	case cell, whole, err == nil, ctx.Err() != nil:
		return path, err
	}
	return path, fmt.Errorf("the corrected sheet cannot be written: %w", err)
}

// claimBeside makes an empty file next to the one at path, under a name of its
// own.
func claimBeside(path string) (string, error) {
	dir, name := filepath.Split(path)
	ending := filepath.Ext(name)
	if strings.EqualFold(ending, ".gz") {
		ending = filepath.Ext(strings.TrimSuffix(name, ending)) + ending
	}
	base := filepath.Join(dir, strings.TrimSuffix(name, ending)+"-corrected")
	for n := 1; ; n++ {
		path := base + ending
		if n > 1 {
			path = fmt.Sprintf("%s-%d%s", base, n, ending)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		switch {
		case err == nil:
			return path, f.Close()
		case !errors.Is(err, fs.ErrExist):
			return "", fmt.Errorf("the corrected sheet cannot be written: %w", err)
		}
	}
}

// Failed returns the sheet of the rows that a run of this one has not done, to
// be corrected and sent again. ok is false where there are none.
func (s Sheet) Failed(of report.Summary) (failed Sheet, ok bool) {
	// It is read as it was written: what read the sheet does not read it.
	s.Options.Encoding, s.Options.Delimiter, s.Options.Worksheet, s.Options.HiddenRows = "", 0, "", sheet.HiddenRefused
	return s.at(of.FileToEdit("failed"))
}

// Undo returns the sheet that puts back what a run has overwritten. ok is false
// where there is nothing to put back.
func (s Sheet) Undo(of report.Summary) (undo Sheet, ok bool) {
	s.Options = sheet.Options{Fields: s.Options.Fields}
	s.Rules = change.Rules{
		ClearMarker: change.DefaultClearMarker, Attributes: s.Rules.Attributes,
		AllowUnknownStatus: slices.Contains(of.Undo.Flags, change.AllowUnknownStatusFlag),
	}
	return s.at(of.FileToEdit("undo"))
}

func (s Sheet) at(path string) (Sheet, bool) {
	s.Name, s.Path, s.File = path, path, nil
	return s, path != ""
}
