package job

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nermbulk/internal/change"
	"nermbulk/internal/sheet"
)

// TestWrittenRows looks rows up in the order of a file that comes back: as it
// was, in part, several times over, sorted again.
func TestWrittenRows(t *testing.T) {
	const rows = 500
	var text strings.Builder
	text.WriteString("id,attributes.n\n")
	for n := 2; n <= rows+1; n++ {
		if n%7 == 0 {
			text.WriteString("\n") // a blank row is none
			continue
		}
		fmt.Fprintf(&text, "x%d,%d\n", n, n)
	}
	path := filepath.Join(t.TempDir(), "sheet.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var order []int
	for range 3 {
		for n := range rows + 10 {
			order = append(order, n)
		}
	}
	for n := rows; n > 0; n -= 3 {
		order = append(order, n)
	}
	for range 5 * rows {
		order = append(order, rand.IntN(rows+10))
	}
	sh, err := sheet.Open(t.Context(), path, sheet.Options{Fields: change.SheetFields()})
	if err != nil {
		t.Fatal(err)
	}
	w := &writtenRows{sheet: sh, key: -1}
	for _, n := range order {
		got := w.at(n)
		if want := n > 1 && n <= rows+1 && n%7 != 0; want != (got != nil) || want && (len(got) != 2 || got[1] != fmt.Sprint(n)) {
			t.Fatalf("row %d is %q", n, got)
		}
	}
	if w.passes != mostPasses+1 {
		t.Errorf("it was read %d times", w.passes)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}
