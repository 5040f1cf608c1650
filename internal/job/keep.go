package job

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	ending := filepath.Ext(name)
	stem := RunName(filepath.Base(strings.ReplaceAll(name, `\`, "/")))
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
