package sheet

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testFields are fields such as a session has.
var testFields = Fields{
	Sent:     []string{"id", "status", "workflow_id", "requester_id", "requester_type", "profile_id", "profile_ids", "run"},
	ReadOnly: []string{"uid", "created_at", "updated_at"},
}

// write puts the text into a file of its own.
func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sheet.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string, o Options) *Sheet {
	t.Helper()
	o.Fields, o.Scratch = testFields, testScratch(t)
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// testScratch makes files for workbooks.
func testScratch(t testing.TB) func() (*os.File, error) {
	return func() (*os.File, error) { return os.CreateTemp(t.TempDir(), "") }
}

// readAll makes one whole pass and keeps the rows.
func readAll(t testing.TB, s *Sheet) []Row {
	t.Helper()
	var rows []Row
	err := s.Each(context.Background(), func(r *Row) error {
		kept := *r
		kept.Cells = slices.Clone(r.Cells)
		rows = append(rows, kept)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func kinds(problems []Problem) []Kind {
	var found []Kind
	for _, p := range problems {
		found = append(found, p.Kind)
	}
	return found
}
