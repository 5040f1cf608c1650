package report

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"nermbulk/internal/sheet"
)

// IDsFile returns where the ids are kept that were found for the uids of a run's
// copy of a sheet: sheet-2.csv has uids-2.csv.
func IDsFile(copied string) string {
	dir, name := filepath.Split(copied)
	return filepath.Join(dir, "uids"+strings.TrimPrefix(name, "sheet"))
}

// UseKeptIDs gives a run's copy of a sheet of uids the ids that were found. A dry
// run without a tenant has found none.
func UseKeptIDs(ctx context.Context, copied string, s *sheet.Sheet) error {
	if !s.ByUID() {
		return nil
	}
	ids := &sheet.IDs{}
	err := sheet.ReadIDs(ctx, IDsFile(copied), ids)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	ids.Seal()
	s.SetIDs(ids)
	return err
}
