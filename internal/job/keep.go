package job

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"nermbulk/internal/journal"
)

// Runs lists the runs here, the newest first.
func Runs() ([]RunDir, error) { return journal.Runs(RunsRoot) }

// mostKeptAlike bounds the names that are tried for a file.
const mostKeptAlike = 1000

// KeepSheet makes a file of what a sheet's reader gives, in the working
// directory, and returns its path. It has the name's last part, with a number
// where there is such a file: it is never over another, and not there before it
// is whole.
func KeepSheet(name string, from io.Reader) (path string, err error) {
	stem, ending := nameOfKept(name)
	for n := 1; ; n++ {
		if path = stem + ending; n > 1 {
			path = fmt.Sprintf("%s-%d%s", stem, n, ending)
		}
		// An empty file keeps the name until the content takes its place.
		place, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) && n < mostKeptAlike {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("keep the sheet as a file here: %w", err)
		}
		place.Close()
		break
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
