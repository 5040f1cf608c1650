package report

import (
	"cmp"
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

// UseKeptIDs gives a sheet of uids the ids that were found for a run's copy of it,
// or for those of several runs. A dry run without a tenant has found none.
func UseKeptIDs(ctx context.Context, s *sheet.Sheet, copies ...string) error {
	if !s.ByUID() {
		return nil
	}
	var ids *sheet.IDs
	for _, copied := range copies {
		found := cmp.Or(ids, &sheet.IDs{})
		switch err := sheet.ReadIDs(ctx, IDsFile(copied), found); {
		case err == nil:
			ids = found
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if ids != nil {
		ids.Seal()
		s.SetIDs(ids)
	}
	return nil
}
