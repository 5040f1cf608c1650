package cli_test

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// drifted makes a tenant with n sessions, and a sheet of its first rows of
// them, of which every kth differs.
func drifted(t *testing.T, n, rows, every int) (h *quirkyTenant, sheet string) {
	t.Helper()
	h = newQuirkyTenant()
	records := [][]string{{"id", "status", "attributes.notes", "attributes.gone"}}
	for i := range n {
		status, gone := "completed", ""
		if i%every == every/2 {
			status, gone = "new", "there"
		}
		h.add(idOf(i), map[string]string{"status": status}, map[string]string{"notes": fmt.Sprint("n", i), "gone": gone})
		if i < rows {
			records = append(records, []string{idOf(i), "completed", fmt.Sprint("n", i), "<clear>"})
		}
	}
	return h, csvOf(t, records)
}

// A nightly run makes at most a twentieth of the requests of a blind one.
func TestLittleDriftCostsLittle(t *testing.T) {
	t.Parallel()
	const rows = 10_000
	h, sheet := drifted(t, rows, rows, 100)
	tr := newTrip(t, h)
	write(t, filepath.Join(tr.dir, "sheet.csv"), sheet)
	s := tr.run(0, "sheet.csv", "r", "--compare", "--workers", "4")
	patches, gets, lists := h.newRequests("patch"), h.newRequests("get"), h.newRequests("list")
	if patches != rows/100 || lists != rows/100 || gets != 0 {
		t.Errorf("%d PATCHes, %d GETs, %d lists", patches, gets, lists)
	}
	if !strings.Contains(s.stderr, "compared by the tenant's list (10,000 sessions, 100 requests), instead of one GET for each of 10,000 rows") {
		t.Errorf("the choice is not printed:\n%s", s.stderr)
	}
}

// A small sheet is not worth listing a large tenant for.
func TestSmallSheetOfALargeTenant(t *testing.T) {
	t.Parallel()
	h, sheet := drifted(t, 5000, 20, 10)
	tr := newTrip(t, h)
	write(t, filepath.Join(tr.dir, "sheet.csv"), sheet)
	s := tr.run(0, "sheet.csv", "r", "--compare")
	if patches, gets, lists := h.newRequests("patch"), h.newRequests("get"), h.newRequests("list"); patches != 2 || gets != 20 || lists != 1 {
		t.Errorf("%d PATCHes, %d GETs, %d lists", patches, gets, lists)
	}
	if !strings.Contains(s.stderr, "20 GETs for the rows cost no more than listing the tenant's 5,000 sessions") {
		t.Errorf("the choice is not printed:\n%s", s.stderr)
	}
}

// TestBadLists compares by lists that are wrong in every way that a list can
// be: in the end each session is as the sheet asks, whatever the list was.
func TestBadLists(t *testing.T) {
	t.Parallel()
	type listing = func(h *quirkyTenant, offset int, page []string) (int, []string, any)
	var calls int
	for _, test := range []struct {
		name  string
		list  listing
		shown func(session map[string]any)
		want  string
		lists int // at most; 0 is not looked at
	}{
		{name: "as it should be", want: "compared by the tenant's list (300 sessions, 3 requests)", lists: 3},
		{name: "none at all", want: "the list could not be had", lists: 1,
			list: func(*quirkyTenant, int, []string) (int, []string, any) { return http.StatusNotFound, nil, 0 }},
		{name: "fails midway", want: "the list ended after 2 pages", lists: 3,
			list: func(_ *quirkyTenant, offset int, page []string) (int, []string, any) {
				if offset >= 200 {
					return http.StatusUnprocessableEntity, nil, 0
				}
				return http.StatusOK, page, 300
			}},
		{name: "without a total", want: "(300 sessions", lists: 4,
			list: func(_ *quirkyTenant, _ int, page []string) (int, []string, any) { return http.StatusOK, page, nil }},
		{name: "an empty tenant, it says", lists: 1,
			list: func(*quirkyTenant, int, []string) (int, []string, any) { return http.StatusOK, nil, 0 }},
		{name: "one page for ever", want: "it gave sessions again in place of the next page", lists: 4,
			list: func(h *quirkyTenant, _ int, _ []string) (int, []string, any) {
				return http.StatusOK, h.order[:100], 300
			}},
		{name: "no end", want: "did not come to an end", lists: 18,
			list: func(h *quirkyTenant, offset int, _ []string) (int, []string, any) {
				at := offset % 200
				return http.StatusOK, h.order[at : at+100], offset + 200
			}},
		{name: "pages that overlap", want: "5 requests", lists: 5,
			list: func(h *quirkyTenant, offset int, _ []string) (int, []string, any) {
				at := max(0, min(offset-50, 300))
				return http.StatusOK, h.order[at:min(at+60, 300)], 300
			}},
		{name: "a session leaves while it is listed", lists: 4,
			list: func(h *quirkyTenant, offset int, _ []string) (int, []string, any) {
				at := min(offset+offset/100, 300)
				return http.StatusOK, h.order[at:min(at+100, 300)], 299
			}},
		{name: "more than was asked for", want: "(300 sessions, 2 requests)", lists: 2,
			list: func(h *quirkyTenant, offset int, _ []string) (int, []string, any) {
				return http.StatusOK, h.order[min(offset, 300):min(offset+250, 300)], 300
			}},
		{name: "smaller pages", want: "(300 sessions, 10 requests)", lists: 10,
			list: func(h *quirkyTenant, offset int, _ []string) (int, []string, any) {
				return http.StatusOK, h.order[min(offset, 300):min(offset+30, 300)], 300
			}},
		{name: "without attributes", lists: 3, shown: func(s map[string]any) { s["attributes"] = map[string]any{} }},
		{name: "attributes are null", lists: 3, shown: func(s map[string]any) { s["attributes"] = nil }},
		{name: "without most fields", lists: 3, shown: func(s map[string]any) {
			maps.DeleteFunc(s, func(name string, _ any) bool { return name != "id" && name != "status" })
		}},
		{name: "twice, and not the same", lists: 6,
			list: func(h *quirkyTenant, _ int, page []string) (int, []string, any) { return http.StatusOK, page, 600 },
			shown: func(s map[string]any) { // the first time as the sheet asks, the second as it is
				if calls++; calls <= 300 {
					s["status"], s["attributes"] = "completed", map[string]any{"notes": strings.Replace(fmt.Sprint(s["uid"]), "u-", "", 1)}
				}
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, sheet := drifted(t, 300, 300, 50)
			h.list, h.shown, calls = test.list, test.shown, 0
			if test.name == "twice, and not the same" {
				h.order = slices.Concat(h.order, h.order)
			}
			tr := newTrip(t, h)
			write(t, filepath.Join(tr.dir, "sheet.csv"), sheet)
			s := tr.run(0, "sheet.csv", "r", "--compare")
			for id, session := range h.sessions {
				if session.Fields["status"] != "completed" || session.Attributes["gone"] != "" {
					t.Errorf("%s is %v", id, session)
				}
			}
			if n := h.newRequests("patch"); n != 6 {
				t.Errorf("%d PATCHes, not 6", n)
			}
			if n := h.newRequests("list"); n > test.lists {
				t.Errorf("%d lists, not %d", n, test.lists)
			}
			if test.list == nil && test.shown == nil {
				tr.run(0, "sheet.csv", "second", "--compare")
				if patches, gets := h.newRequests("patch"), h.newRequests("get"); patches != 0 || gets != 0 {
					t.Errorf("a second night: %d PATCHes, and %d GETs in both", patches, gets)
				}
			}
			if !strings.Contains(s.stderr, test.want) {
				t.Errorf("it does not print %q:\n%s", test.want, s.stderr)
			}
		})
	}
}

// A canary is a row that is sent: those that need no request do not count.
func TestCanaryAmongRowsThatMatch(t *testing.T) {
	t.Parallel()
	h, sheet := drifted(t, 60, 60, 10)
	tr := newTrip(t, h)
	write(t, filepath.Join(tr.dir, "sheet.csv"), sheet)
	plan := tr.run(0, "sheet.csv", "plan", "--dry-run", "--compare", "--canary", "2")
	if n := len(tr.table("plan/plan.csv").rows); n != 60 || h.newRequests("patch") != 0 {
		t.Errorf("%d rows in the plan:\n%s", n, plan.stderr)
	}
	h.newRequests("get")
	tr.run(0, "sheet.csv", "r", "--compare", "--canary", "2")
	if patches, gets := h.newRequests("patch"), h.newRequests("get"); patches != 6 || gets != 2 {
		t.Errorf("%d PATCHes, %d GETs", patches, gets)
	}
}

// --limit counts rows that are sent: a comparison finds any number of others
// unchanged on the way.
func TestLimitAmongRowsThatMatch(t *testing.T) {
	t.Parallel()
	h, sheet := drifted(t, 60, 60, 10)
	tr := newTrip(t, h)
	write(t, filepath.Join(tr.dir, "sheet.csv"), sheet)
	tr.run(0, "sheet.csv", "plan", "--dry-run", "--compare", "--limit", "2")
	plan := tr.table("plan/plan.csv")
	if n := len(slices.DeleteFunc(plan.rows, func(row map[string]string) bool { return row["action"] != "patch" })); n != 2 {
		t.Errorf("%d rows would be sent", n)
	}
	for _, want := range []struct{ code, patches int }{{3, 2}, {3, 2}, {0, 2}} {
		s := tr.run(want.code, "sheet.csv", "r", "--compare", "--limit", "2", "--resume")
		if n := h.newRequests("patch"); n != want.patches {
			t.Errorf("%d PATCHes, not %d:\n%s", n, want.patches, s.stderr)
		}
	}
}

// Without a comparison a dry run needs neither a token nor the network.
func TestDryRunOffline(t *testing.T) {
	t.Parallel()
	_, sheet := drifted(t, 5, 5, 2)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sheet.csv"), sheet)
	s := nermbulk(t, dir, nil, "run", "sheet.csv", "--dry-run", "--canary", "1", "--tenant", "nobody", "--run-dir", "r")
	plan, err := parseTable(read(t, filepath.Join(dir, "r", "plan.csv")))
	if s.code != 0 || err != nil || len(plan.rows) != 5 || slices.Contains(plan.header, "changes") {
		t.Fatalf("exit code %d, %v, %v:\n%s", s.code, err, plan, s.stderr)
	}
	if row := plan.rows[0]; row["action"] != "patch" || row["path"] != "/workflow_sessions/"+idOf(0) ||
		row["body"] != `{"workflow_session":{"status":"completed","attributes":{"gone":"","notes":"n0"}}}` {
		t.Errorf("the plan says %v", row)
	}
}
