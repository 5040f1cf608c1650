package cli_test

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"

	"nermbulk/internal/sandbox"
)

// TestRowsThatGetNothingBut503 sends rows whose PATCH a tenant answers with 503
// whenever it comes, while it answers everything else. They fail, also where no
// other row is left or none can be sent; where it is so for each row that there
// is, the tenant is in maintenance, and no row fails for that.
func TestRowsThatGetNothingBut503(t *testing.T) {
	for _, test := range []struct {
		name     string
		rows     int
		from, to int // the rows that get it
		code     int
		failed   int
		updated  int
		args     []string
	}{
		{"one row and nothing else", 1, 0, 0, 1, 1, 0, nil},
		{"a few rows and nothing else", 5, 0, 4, 1, 5, 0, nil},
		{"the last rows", 60, 57, 59, 1, 3, 57, nil},
		{"more rows than there are workers", 60, 20, 26, 1, 7, 53, nil},
		{"in the sheet's order", 20, 18, 19, 1, 2, 18, []string{"--duplicates", "in-order"}},
		{"every row", 60, 0, 59, 3, 0, 0, []string{"--outage-wait", "3s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tenant := sandbox.New(sandbox.Options{})
			broken := map[string]bool{}
			var sheet strings.Builder
			sheet.WriteString("id,status\n")
			for i := range test.rows {
				id := addSession(t, tenant, i, false)
				broken[id] = i >= test.from && i <= test.to
				fmt.Fprintf(&sheet, "%s,closed\n", id)
			}
			base := answering(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch && broken[path.Base(r.URL.Path)] {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				tenant.Handler().ServeHTTP(w, r)
			}))
			args := append([]string{"--workers", "3", "--max-attempts", "3", "--outage-wait", "8s"}, test.args...)
			results, s := runSheet(t, test.code, base, sheet.String(), []string{"NERM_TOKEN=a-token-of-a-test"}, args...)
			count := map[string]int{}
			for _, row := range results.rows {
				count[row["result.status"]]++
			}
			if count["failed"] != test.failed || count["updated"] != test.updated || count["pending"] != test.rows-test.failed-test.updated {
				t.Errorf("%v, want %d failed and %d updated; it printed:\n%s", count, test.failed, test.updated, s.stderr)
			}
		})
	}
}
