package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// mostKeptAlike bounds the names that are tried for a file.
const mostKeptAlike = 1000

// KeepSheet makes a file of what a sheet's reader gives, in the working
// directory, and returns its path. It has the name's last part, with a number
// where there is such a file: it is never over another, and not there before it
// is whole.
func KeepSheet(name string, from io.Reader) (path string, err error) {
	stem, ending := nameOfKept(name)
	if path, err = claimName(stem, ending, mostKeptAlike); err != nil {
		return "", fmt.Errorf("keep the sheet as a file here: %w", err)
	}
	err = journal.Replace(path, func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
	if err != nil {
		_ = os.Remove(path)
		return "", fmt.Errorf("keep the sheet as %s: %w", path, err)
	}
	return path, nil
}

// claimName makes an empty file, which keeps the name until the content takes its
// place: that of stem and ending, with a number up to most where there is one.
func claimName(stem, ending string, most int) (path string, err error) {
	for n := 1; ; n++ {
		if path = stem + ending; n > 1 {
			path = fmt.Sprintf("%s-%d%s", stem, n, ending)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		switch {
		case err == nil:
			return path, f.Close()
		case n == most || !errors.Is(err, fs.ErrExist):
			return "", err
		}
	}
}

// nameOfKept is the last part of a name, as any system takes it and as it is
// read: a colon, a device's name and a character that nobody sees are not in it.
func nameOfKept(name string) (stem, ending string) {
	name = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, name)
	stem, ending = RunName(filepath.Base(strings.ReplaceAll(name, `\`, "/"))), filepath.Ext(name)
	if !plainEnding.MatchString(ending) {
		ending = ""
	}
	if !filepath.IsLocal(stem + ending) {
		stem = "sheet-" + stem
	}
	return stem, ending
}

var plainEnding = regexp.MustCompile(`^\.[A-Za-z0-9]{1,10}$`)

// Correct writes the sheet with other texts in some cells to a file, whole or
// not at all, and returns its path. It may be the sheet's own; where to is empty
// it is one next to the sheet, under a name that nothing has, such as
// sessions-corrected.csv. What was checked is another sheet then: this one is
// closed, and the corrected one is to be checked again. After an error of the
// edits (*sheet.EditError, *sheet.NotEditableError) nothing has changed.
func (c *CheckedSheet) Correct(ctx context.Context, edits []sheet.Edit, to string) (path string, err error) {
	if path = to; to == "" {
		own := c.Sheet.Name()
		ending := filepath.Ext(own)
		if strings.EqualFold(ending, ".gz") {
			ending = filepath.Ext(strings.TrimSuffix(own, ending)) + ending
		}
		if path, err = claimName(strings.TrimSuffix(own, ending)+"-corrected", ending, math.MaxInt); err != nil {
			return "", fmt.Errorf("the corrected sheet cannot be written: %w", err)
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
