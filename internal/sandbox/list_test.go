package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// listed is a page of the list as it comes over the wire.
type listed struct {
	Sessions []wire `json:"workflow_sessions"`
	Metadata *struct {
		Limit, Offset, Total int
		Next                 *string
	} `json:"_metadata"`
	Error string `json:"error"`
}

func (l listed) ids() []string {
	var ids []string
	for _, s := range l.Sessions {
		ids = append(ids, s.ID)
	}
	return ids
}

func listID(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", i) }

// listTenant holds 250 sessions of which every fifth is approved.
func listTenant(t *testing.T) *Tenant {
	t.Helper()
	tenant := New(Options{})
	for i := range 250 {
		add(t, tenant, listID(i))
		fields := []field{{fieldStatus, "pending_approval"}, {fieldWorkflowID, idA}, {fieldRequesterID, idB}}
		if i%5 == 0 {
			fields = []field{{fieldStatus, "approved"}, {fieldWorkflowID, idC}, {fieldRequesterID, idB}, {fieldProfileID, idX}}
		}
		tenant.apply(tenant.ids[i], fields, false)
	}
	return tenant
}

// inOrder lists the sessions of a status by created_at, as the tenant should.
func inOrder(tenant *Tenant, status string) []string {
	var sessions []Session
	for _, id := range tenant.ids {
		if s := tenant.session(id); s.Status == status || status == "" {
			sessions = append(sessions, s)
		}
	}
	slices.SortStableFunc(sessions, func(a, b Session) int { return a.CreatedAt.Compare(b.CreatedAt) })
	var ids []string
	for _, s := range sessions {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestListFilters(t *testing.T) {
	tenant := listTenant(t)
	h := tenant.Handler()
	tests := []struct {
		name, query string
		status      int
		total       int
		first       string // id
	}{
		{"all", "", 200, 250, listID(0)},
		{"status with spaces", "status=pending+approval", 200, 200, listID(1)},
		{"status with underscores", "status=pending_approval", 200, 200, listID(1)},
		{"status in capitals", "status=Approved", 200, 50, listID(0)},
		{"workflow", "workflow_id=" + idC, 200, 50, listID(0)},
		{"requester in capitals", "requester_id=" + strings.ToUpper(idB), 200, 250, listID(0)},
		{"profile", "profile_id=" + idX, 200, 50, listID(0)},
		{"uid", "uid=" + seed(tenant.ids[17]).UID, 200, 1, listID(17)},
		{"two filters", "status=approved&workflow_id=" + idA, 400, 0, ""},
		{"by created_at", "order=created_at", 200, 250, inOrder(tenant, "")[0]},
		{"by created_at, filtered", "order=created_at&status=approved", 200, 50, inOrder(tenant, "approved")[0]},
		{"offset", "offset=200", 200, 250, listID(200)},
		{"offset beyond", "offset=250", 400, 0, ""},
		{"offset far beyond", "offset=9223372036854775807", 400, 0, ""},
		{"nobody's status", "status=closing", 400, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := call(h, newRequest(t, "GET", "http://localhost/api/workflow_sessions?metadata=true&"+tt.query, ""))
			got := decode[listed](t, a.body.String())
			if a.status != tt.status {
				t.Fatalf("%d %.200s", a.status, a.body.String())
			}
			if a.status == 400 {
				if got.Error != "no workflow sessions found" {
					t.Errorf("error %q", got.Error)
				}
				return
			}
			if got.Metadata.Total != tt.total || got.Sessions[0].ID != tt.first {
				t.Errorf("total %d, first %s", got.Metadata.Total, got.Sessions[0].ID)
			}
		})
	}
}

func TestListRefusesWhatItCannotRead(t *testing.T) {
	h := listTenant(t).Handler()
	for query, want := range map[string]string{
		"limit=0": "limit is invalid", "limit=x": "limit is invalid", "offset=-1": "offset is invalid", "offset=x&limit=0": "limit is invalid",
		"order=updated_at": "order is invalid: this tenant knows created_at",
	} {
		a := call(h, newRequest(t, "GET", "http://localhost/api/workflow_sessions?"+query, ""))
		if got := decode[listed](t, a.body.String()); a.status != 400 || got.Error != want {
			t.Errorf("%s: %d %q", query, a.status, got.Error)
		}
	}
	if a := call(New(Options{}).Handler(), newRequest(t, "GET", "http://localhost/api/workflow_sessions", "")); a.status != 400 {
		t.Errorf("an empty tenant lists with %d", a.status)
	}
}

func TestListPages(t *testing.T) {
	for _, limit := range []struct {
		query string
		size  int
	}{{"", 100}, {"limit=1000&", 100}, {"limit=99&", 99}} {
		t.Run(limit.query, func(t *testing.T) {
			tenant := listTenant(t)
			h := tenant.Handler()
			var ids []string
			next := "/workflow_sessions?" + limit.query + "order=created_at&status=pending+approval&metadata=true"
			for next != "" {
				if len(ids) > 250 {
					t.Fatal("the pages do not end")
				}
				a := call(h, newRequest(t, "GET", "http://localhost/api"+next, ""))
				page := decode[listed](t, a.body.String())
				if page.Metadata.Offset != len(ids) || page.Metadata.Limit != limit.size || len(page.Sessions) > limit.size {
					t.Fatalf("%s: %d sessions, %+v", next, len(page.Sessions), page.Metadata)
				}
				ids = append(ids, page.ids()...)
				next = ""
				if page.Metadata.Next != nil {
					next = *page.Metadata.Next
				}
			}
			want := inOrder(tenant, "pending_approval")
			if !slices.Equal(ids, want) {
				t.Errorf("%d ids, not the %d wanted in their order", len(ids), len(want))
			}
		})
	}
	a := call(listTenant(t).Handler(), newRequest(t, "GET", "http://localhost/api/workflow_sessions", ""))
	if page := decode[listed](t, a.body.String()); page.Metadata != nil || len(page.Sessions) != 100 {
		t.Errorf("%d sessions, metadata %v", len(page.Sessions), page.Metadata)
	}
}

func TestListFollowsUpdates(t *testing.T) {
	tenant := listTenant(t)
	add(t, tenant, idA)
	h := tenant.Handler()
	total := func(query url.Values) int {
		query.Set("metadata", "true")
		a := call(h, newRequest(t, "GET", "http://localhost/api/workflow_sessions?"+query.Encode(), ""))
		if a.status != 200 {
			return 0
		}
		return decode[listed](t, a.body.String()).Metadata.Total
	}
	rejected := url.Values{"status": {"rejected"}}
	if n := total(rejected); n != 0 {
		t.Fatalf("%d rejected at first", n)
	}
	for _, id := range []string{listID(3), idA} {
		call(h, newRequest(t, "PATCH", "http://localhost/api/workflow_sessions/"+id, `{"workflow_session":{"status":"rejected"}}`))
	}
	if n := total(rejected); n != 2 {
		t.Errorf("%d rejected after two updates", n)
	}
	seeded := seed(tenant.ids[250])
	if n := total(url.Values{"uid": {seeded.UID}}); n != 1 {
		t.Errorf("%d found by a seeded uid", n)
	}
	if n := total(url.Values{"workflow_id": {seeded.WorkflowID}, "order": {"created_at"}}); n != 1 {
		t.Errorf("%d found by a seeded workflow", n)
	}
}

// TestNulls looks at what a session or a last page does not have.
func TestNulls(t *testing.T) {
	for _, nulls := range []bool{false, true} {
		tenant := New(Options{Faults: Faults{Nulls: nulls}})
		for i := range 250 {
			add(t, tenant, listID(i))
		}
		h := tenant.Handler()
		list := call(h, newRequest(t, "GET", "http://localhost/api/workflow_sessions?metadata=true&offset=200", "")).body.String()
		if has := strings.Contains(list, `"next":null`); has != nulls || strings.Contains(list, `"next"`) != nulls {
			t.Errorf("nulls %t: the last page is %.100s", nulls, list)
		}
		for _, id := range tenant.ids {
			session := seed(id)
			one := call(h, newRequest(t, "GET", "http://localhost/api/workflow_sessions/"+session.ID, "")).body.String()
			want, has := `"profile_id":"`+session.ProfileID+`"`, true
			if session.ProfileID == "" {
				want, has = `"profile_id":null`, nulls
			}
			if strings.Contains(one, want) != has || strings.Count(one, `"profile_id"`) > 1 {
				t.Fatalf("nulls %t: %s", nulls, one)
			}
		}
	}
}
