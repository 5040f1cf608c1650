package cli_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestResumeKnowsNoMoreThanItsRun has a tenant give its attributes, or options,
// to a resume alone. What was sent is not sent again in another spelling, and no
// session runs twice.
func TestResumeKnowsNoMoreThanItsRun(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"ne_attributes", "ne_attribute_options"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			tenant, base := startVendorTenant(t)
			var away sync.Once
			refused := from(1, path, answers(http.StatusNotFound, `{"error":"not found"}`))
			tenant.refuse = func(w http.ResponseWriter, r *http.Request, before int) (did bool) {
				if !strings.HasSuffix(r.URL.Path, "/"+path) {
					return false
				}
				away.Do(func() { did = refused(w, r, before) })
				return did
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "s.csv"), fmt.Sprintf("id,run,attributes.contract_kind,attributes.areas\n%s,true,contractor,\n%s,true,,lab\n", idOf(1), idOf(2)))
			run := func(code int, args ...string) {
				t.Helper()
				s := nermbulk(t, dir, []string{tokenOfTest}, append([]string{"run", "s.csv", "--yes", "--rate", "0", "--workers", "1", "--base-url", base, "--run-dir", "r"}, args...)...)
				if s.code != code {
					t.Fatalf("exit code %d, not %d; it printed:\n%s", s.code, code, s.stderr)
				}
			}
			run(3, "--limit", "1")
			before := tenant.sent()
			if len(before) != 1 {
				t.Fatalf("sent were %v", before)
			}
			tenant.forget()
			run(0, "--resume")
			for id := range tenant.sent() {
				if _, twice := before[id]; twice {
					t.Errorf("%s was sent again", id)
				}
			}
			if asked := tenant.gets(); slices.Contains(asked, "ne_attributes") {
				t.Errorf("the tenant was asked for %q", asked)
			}
		})
	}
}
