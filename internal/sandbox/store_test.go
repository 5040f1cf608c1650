package sandbox

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestAddRefusesWhatIsNoUUID(t *testing.T) {
	tenant := New(Options{})
	for _, id := range []string{"", "17", "{" + idA + "}", strings.ReplaceAll(idA, "-", ""), idA + "0", idA[:30] + "-" + idA[31:], strings.ReplaceAll(idA, "5", "g")} {
		if tenant.AddID(id) == nil {
			t.Errorf("%q was added", id)
		}
	}
	if len(tenant.ids) > 0 {
		t.Errorf("there is %v", tenant.ids)
	}
}

func TestSeededSessionsAreWholeAndTheSameEverywhere(t *testing.T) {
	one, other := New(Options{Seed: 1}), New(Options{Seed: 2})
	var ids []string
	for i := range 500 {
		ids = append(ids, fmt.Sprintf("00000000-0000-4000-8000-%012x", i))
	}
	add(t, one, ids...)
	slices.Reverse(ids)
	add(t, other, ids...)
	seen, batch := map[string]bool{}, 0
	for _, id := range ids {
		a, _ := one.Record(id)
		b, ok := other.Record(id)
		if !ok || !reflect.DeepEqual(a, b) {
			t.Fatalf("%s: %+v and %+v", id, a, b)
		}
		s := a.Session
		seen[s.Status] = true
		refs := append([]string{s.WorkflowID, s.RequesterID}, s.ProfileIDs...)
		if s.ProfileID != "" {
			refs = append(refs, s.ProfileID)
		}
		for _, ref := range refs {
			if u, ok := parseID(ref); !ok || u.String() != ref {
				t.Errorf("%s: %q is no UUID", id, ref)
			}
		}
		if (s.ProfileID == "") != (len(s.ProfileIDs) > 0) || len(s.Attributes) < 4 || !slices.Contains(requesterTypes, s.RequesterType) ||
			!slices.Contains(statuses, s.Status) || s.UpdatedAt.Before(s.CreatedAt) || s.UID == "" {
			t.Errorf("%s: %+v", id, s)
		}
		if len(s.ProfileIDs) > 0 {
			batch++
		}
		u, _ := parseID(id)
		for name, want := range map[string]string{
			fieldStatus: s.Status, fieldWorkflowID: s.WorkflowID, fieldRequesterID: s.RequesterID, fieldProfileID: s.ProfileID, fieldUID: s.UID,
		} {
			if got := one.value(u, name); got != want {
				t.Errorf("%s: %s is %q alone and %q in the session", id, name, got, want)
			}
		}
	}
	if len(seen) < 5 || batch == 0 || batch > 150 {
		t.Errorf("%d statuses, %d batch sessions of 500", len(seen), batch)
	}
}

func TestRecordIsTheCallersOwn(t *testing.T) {
	tenant := New(Options{})
	add(t, tenant, strings.ToUpper(idA))
	call(tenant.Handler(), newRequest(t, "PATCH", "http://localhost/api/workflow_sessions/"+idA, `{"workflow_session":{"profile_ids":["`+idB+`"],"attributes":{"b":"2"}}}`))
	add(t, tenant, idA) // is there: nothing happens
	record, ok := tenant.Record(idA)
	if s := record.Session; !ok || len(tenant.ids) != 1 || s.ID != idA || record.Patches != 1 ||
		s.Attributes["b"] != "2" || !slices.Equal(s.ProfileIDs, []string{idB}) {
		t.Errorf("%+v", record)
	}
	record.Session.Attributes["b"], record.Session.ProfileIDs[0] = "changed", idC
	if again, _ := tenant.Record(idA); again.Session.Attributes["b"] != "2" || again.Session.ProfileIDs[0] != idB {
		t.Error("a record shares its values with the tenant")
	}
}

// The sessions touched last are kept exactly, however long the tenant runs.
func TestNewestSessions(t *testing.T) {
	tenant := New(Options{})
	const n = 500
	for i := range n {
		add(t, tenant, fmt.Sprintf("00000000-0000-4000-8000-%012x", i))
	}
	var order []uuid.UUID // the model: every touch ever, newest last
	for i := range 20_000 {
		at := uint32(i*i+i/7) % n
		u := tenant.ids[at]
		tenant.read(u)
		order = append(order, u)
	}
	var want []uuid.UUID
	for _, at := range slices.Backward(order) {
		if !slices.Contains(want, at) {
			want = append(want, at)
		}
		if len(want) == recentSessions {
			break
		}
	}
	slices.Reverse(want)
	if got := tenant.recent; !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
