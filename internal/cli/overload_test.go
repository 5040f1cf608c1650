package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/time/rate"

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

// TestResumeKnowsWhatWasGranted stops a run at a tenant that grants 20 requests a
// second, and answers the others with 503 or 429. A resume begins with that rate,
// though it is refused nothing.
func TestResumeKnowsWhatWasGranted(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		t.Run(fmt.Sprintf("HTTP %d", status), func(t *testing.T) {
			t.Parallel()
			tenant := sandbox.New(sandbox.Options{})
			var sheet strings.Builder
			sheet.WriteString("id,status\n")
			for i := range 80 {
				fmt.Fprintf(&sheet, "%s,closed\n", addSession(t, tenant, i, false))
			}
			limit := rate.NewLimiter(20, 10) // less than any machine sends
			var free atomic.Bool
			base := answering(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !free.Load() && !limit.Allow() {
					w.WriteHeader(status)
					return
				}
				tenant.Handler().ServeHTTP(w, r)
			}))
			dir := t.TempDir()
			write(t, filepath.Join(dir, "sheet.csv"), sheet.String())
			var learned []float64 // at the end of each session
			for _, session := range []struct {
				code  int
				limit string
			}{{3, "60"}, {0, "0"}} {
				s := nermbulk(t, dir, []string{tokenOfTest}, "run", "sheet.csv", "--yes", "--rate", "0", "--attributes", "off", "--base-url", base, "--run-dir", "r", "--resume", "--limit", session.limit)
				if s.code != session.code {
					t.Fatalf("exit code %d, not %d; it printed:\n%s", s.code, session.code, s.stderr)
				}
				journal := read(t, filepath.Join(dir, "r", "journal.jsonl"))
				last, _, _ := strings.Cut(journal[strings.LastIndex(journal, `{"t":"tick"`):], "\n")
				var tick struct{ Learned float64 }
				if err := json.Unmarshal([]byte(last), &tick); err != nil {
					t.Fatal(err)
				}
				learned = append(learned, tick.Learned)
				free.Store(true)
			}
			if learned[0] < 10 || learned[0] > 40 || learned[1] < learned[0] {
				t.Errorf("learned %g requests a second, and after a resume %g", learned[0], learned[1])
			}
		})
	}
}
