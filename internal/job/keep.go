package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"nermbulk/internal/journal"
)

// sheetFile is the run's own copy of the sheet: what was checked is what is
// sent and reported on, whatever happens to the original meanwhile.
const sheetFile = "sheet.csv"

// keepSheet copies the sheet into the run directory, if it is not there yet,
// and opens the copy in the original's place. It returns the copy's name.
func (j *job) keepSheet() (string, error) {
	name := sheetFile
	if j.earlier != nil {
		if name = j.earlier.Last().SheetFile; j.earlier.Last().SHA256 != j.hash {
			name = fmt.Sprintf("sheet-%d.csv", j.earlier.Sessions()+1)
		}
	}
	path := filepath.Join(j.dir.Dir(), filepath.Base(name))
	if kept, err := hashFile(path); err != nil || kept != j.hash {
		if err := copySheet(j.Sheet.Path, path, j.hash); err != nil {
			return "", err
		}
	}
	kept, err := j.Sheet.Open(path)
	if err != nil {
		return "", err
	}
	original := j.sheet
	j.sheet = kept
	return name, original.Close()
}

// copySheet copies a sheet that must still be as it was checked.
func copySheet(from, to, hash string) error {
	in, err := os.Open(from)
	if err != nil {
		return invalid("the sheet cannot be read again: %w", err)
	}
	defer in.Close()
	sum := sha256.New()
	return journal.Replace(to, func(w io.Writer) error {
		if _, err := io.Copy(io.MultiWriter(w, sum), in); err != nil {
			return err
		}
		if hex.EncodeToString(sum.Sum(nil)) != hash {
			return invalid("the sheet was changed while it was checked: save it, and run again")
		}
		return nil
	})
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
