package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestAnswers walks every route and every error over HTTP.
func TestAnswers(t *testing.T) {
	tenant := New(Options{Token: "secret"})
	add(t, tenant, idA)
	base, client := serve(t, tenant)
	const (
		session = "/api/workflow_sessions/" + idA
		unknown = `{"error":"The requested Workflow Session was not found"}`
		missing = `{"error":"param is missing or the value is empty: workflow_session"}`
		syntax  = `{"error":"Invalid JSON syntax. Please check your syntax and try again."}`
	)
	problem := func(field, text string) string {
		return fmt.Sprintf(`{"error":"The workflow session failed to create/update","errors":{%q:[%q]}}`, field, text)
	}
	wrap := func(inner string) string { return `{"workflow_session":` + inner + `}` }
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		want                     string // the whole body; "" = not looked at
	}{
		{name: "get", method: "GET", path: session, status: 200},
		{name: "id in capitals", method: "GET", path: "/api/workflow_sessions/" + strings.ToUpper(idA), status: 200},
		{name: "patch", method: "PATCH", path: session, body: wrap(`{"status":"approved"}`), status: 200},
		{name: "legacy token", method: "GET", path: session, header: []string{"Authorization", "Token token=secret"}, status: 200},
		{name: "legacy token quoted", method: "GET", path: session, header: []string{"Authorization", `Token token="secret"`}, status: 200},
		{name: "charset", method: "PATCH", path: session, body: wrap(`{"status":"approved"}`), header: []string{"Content-Type", "application/json; charset=utf-8"}, status: 200},
		{name: "empty attributes", method: "PATCH", path: session + "?run=true", body: wrap(`{"attributes":{}}`), status: 200},
		{name: "unknown key", method: "PATCH", path: session, body: wrap(`{"colour":1}`), status: 200},
		{name: "read-only uid", method: "PATCH", path: session, body: wrap(`{"uid":"mine","created_at":3}`), status: 200},

		{name: "unknown id, get", method: "GET", path: "/api/workflow_sessions/" + idX, status: 404, want: unknown},
		{name: "unknown id, patch", method: "PATCH", path: "/api/workflow_sessions/" + idX, body: wrap(`{"status":"new"}`), status: 404, want: unknown},
		{name: "no uuid", method: "GET", path: "/api/workflow_sessions/17", status: 404, want: unknown},
		{name: "forgotten api", method: "GET", path: "/workflow_sessions/" + idA, status: 404},
		{name: "other path of the api", method: "GET", path: "/api/profiles", status: 404, want: `{"error":"The requested resource was not found"}`},
		{name: "below a session", method: "GET", path: session + "/runs", status: 404, want: `{"error":"The requested resource was not found"}`},
		{name: "delete", method: "DELETE", path: session, status: 404, want: `{"error":"The requested resource was not found"}`},

		{name: "no token", method: "GET", path: session, header: []string{"Authorization", ""}, status: 401, want: `{"error":"Unauthorized: no token was sent"}`},
		{name: "empty bearer", method: "GET", path: session, header: []string{"Authorization", "Bearer "}, status: 401, want: `{"error":"Unauthorized: no token was sent"}`},
		{name: "basic", method: "GET", path: session, header: []string{"Authorization", "Basic c2VjcmV0"}, status: 401, want: `{"error":"Unauthorized: no token was sent"}`},
		{name: "wrong token", method: "GET", path: session, header: []string{"Authorization", "Bearer other"}, status: 401, want: `{"error":"Unauthorized: the token is not known"}`},
		{name: "forged access token", method: "GET", path: session, header: []string{"Authorization", "Bearer sandbox-zzzzzzzz-00"}, status: 401, want: `{"error":"Unauthorized: the token is not known"}`},

		{name: "wrong content type", method: "PATCH", path: session, body: wrap(`{"status":"new"}`), header: []string{"Content-Type", "text/csv"}, status: 400, want: `{"error":"Content-Type must be application/json"}`},
		{name: "no content type", method: "PATCH", path: session, body: wrap(`{"status":"new"}`), header: []string{"Content-Type", ""}, status: 400, want: `{"error":"Content-Type must be application/json"}`},
		{name: "empty body", method: "PATCH", path: session, status: 400, want: syntax},
		{name: "bad json", method: "PATCH", path: session, body: `{"workflow_session":`, status: 400, want: syntax},
		{name: "two documents", method: "PATCH", path: session, body: `{}{}`, status: 400, want: syntax},
		{name: "not utf-8", method: "PATCH", path: session, body: wrap("{\"attributes\":{\"a\":\"\xff\"}}"), status: 400, want: syntax},
		{name: "no wrapper", method: "PATCH", path: session, body: `{"status":"new"}`, status: 400, want: missing},
		{name: "wrapper of another case", method: "PATCH", path: session, body: `{"Workflow_Session":{"status":"new"}}`, status: 400, want: missing},
		{name: "empty wrapper", method: "PATCH", path: session, body: wrap(`{}`), status: 400, want: missing},
		{name: "null wrapper", method: "PATCH", path: session, body: wrap(`null`), status: 400, want: missing},
		{name: "wrapper is text", method: "PATCH", path: session, body: wrap(`"new"`), status: 400, want: missing},
		{name: "an array", method: "PATCH", path: session, body: `[]`, status: 400, want: missing},

		{name: "bad status", method: "PATCH", path: session, body: wrap(`{"status":"complete"}`), status: 400, want: problem("status", "is not included in the list")},
		{name: "spaced status", method: "PATCH", path: session, body: wrap(`{"status":"pending approval"}`), status: 400, want: problem("status", "is not included in the list")},
		{name: "null status", method: "PATCH", path: session, body: wrap(`{"status":null}`), status: 400, want: problem("status", "is not included in the list")},
		{name: "bad type", method: "PATCH", path: session, body: wrap(`{"requester_type":"user"}`), status: 400, want: problem("requester_type", "is not included in the list")},
		{name: "bad uuid", method: "PATCH", path: session, body: wrap(`{"workflow_id":"17"}`), status: 400, want: problem("workflow_id", "is not a valid UUID")},
		{name: "null uuid", method: "PATCH", path: session, body: wrap(`{"profile_id":null}`), status: 400, want: problem("profile_id", "is not a valid UUID")},
		{name: "uuid with a sign", method: "PATCH", path: session, body: wrap(`{"requester_id":"+1111111-2222-4333-8444-555555555501"}`), status: 400, want: problem("requester_id", "is not a valid UUID")},
		{name: "profile_ids a string", method: "PATCH", path: session, body: wrap(`{"profile_ids":"` + idA + `"}`), status: 400, want: problem("profile_ids", "must be an array")},
		{name: "profile_ids null", method: "PATCH", path: session, body: wrap(`{"profile_ids":null}`), status: 400, want: problem("profile_ids", "must be an array")},
		{name: "profile_ids with text", method: "PATCH", path: session, body: wrap(`{"profile_ids":["x"]}`), status: 400, want: problem("profile_ids", "must hold valid UUIDs")},
		{name: "attributes an array", method: "PATCH", path: session, body: wrap(`{"attributes":[]}`), status: 400, want: problem("attributes", "must be an object")},
		{name: "attribute a number", method: "PATCH", path: session, body: wrap(`{"attributes":{"cost":12}}`), status: 400, want: problem("cost", "must be a string")},
		{name: "attribute null", method: "PATCH", path: session, body: wrap(`{"attributes":{"cost":null}}`), status: 400, want: problem("cost", "can't be null")},
		{name: "attribute without uid", method: "PATCH", path: session, body: wrap(`{"attributes":{"":"x"}}`), status: 400, want: problem("attributes", "must not have an empty uid")},
		{name: "two problems", method: "PATCH", path: session, body: wrap(`{"status":"x","attributes":{"a":1}}`), status: 400,
			want: `{"error":"The workflow session failed to create/update","errors":{"a":["must be a string"],"status":["is not included in the list"]}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := base + tt.path
			header := append([]string{"Authorization", "Bearer secret"}, tt.header...)
			before := tenant.Applied()
			status, body, got := do(t, client, newRequest(t, tt.method, url, tt.body, header...))
			if status != tt.status || (tt.want != "" && body != tt.want) {
				t.Errorf("got %d %s, want %d %s", status, body, tt.status, tt.want)
			}
			outside := !strings.HasPrefix(tt.path, "/api")
			if html := strings.HasPrefix(got.Get("Content-Type"), "text/html"); html != outside {
				t.Errorf("content type %q", got.Get("Content-Type"))
			}
			applied := tenant.Applied() - before
			if want := tt.method == "PATCH" && tt.status == 200; (applied == 1) != want || applied > 1 {
				t.Errorf("%d updates applied", applied)
			}
			if (status == 401) != (got.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate %q with %d", got.Get("WWW-Authenticate"), status)
			}
		})
	}
}

func TestPatchWritesWhatWasSent(t *testing.T) {
	tenant := New(Options{})
	add(t, tenant, idA)
	base, client := serve(t, tenant)
	url := base + "/api/workflow_sessions/" + idA
	start := time.Now().Add(-time.Second)
	_, body, _ := do(t, client, newRequest(t, "GET", url, ""))
	before := oneSession(t, body)

	long := strings.Repeat("é\n", 100_000)
	status, body, _ := do(t, client, newRequest(t, "PATCH", url+"?run=true", patchBody(t, map[string]any{
		"uid": "not mine to change", "status": "rejected", "requester_type": "NeaccessRegistrant",
		"workflow_id": strings.ToUpper(idB), "requester_id": idB, "profile_id": idC, "profile_ids": []string{idB, idC},
		"attributes": map[string]string{"end_date": "", "note": "a \"b\" <c> \\ \u2028", "long": long},
	})))
	if status != 200 {
		t.Fatal(status, body)
	}
	want := before
	want.Status, want.RequesterType, want.WorkflowID, want.RequesterID = "rejected", "NeaccessRegistrant", idB, idB
	profile := idC
	want.ProfileID, want.ProfileIDs = &profile, []string{idB, idC}
	want.Attributes = maps.Clone(before.Attributes)
	want.Attributes["end_date"], want.Attributes["note"], want.Attributes["long"] = "", "a \"b\" <c> \\ \u2028", long
	got := oneSession(t, body)
	if got.UpdatedAt.Before(start) || got.CreatedAt != before.CreatedAt {
		t.Errorf("created %v, updated %v", got.CreatedAt, got.UpdatedAt)
	}
	want.UpdatedAt = got.UpdatedAt
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %.600v\nwant %.600v", got, want)
	}
	if _, again, _ := do(t, client, newRequest(t, "GET", url, "")); again != body {
		t.Errorf("read back %.300s, want %.300s", again, body)
	}

	// A second one changes only what it names; no run is asked for.
	_, body, _ = do(t, client, newRequest(t, "PATCH", url+"?run=false", patchBody(t, map[string]any{
		"profile_ids": []string{}, "attributes": map[string]string{"note": "n"},
	})))
	want.ProfileIDs, want.Attributes["note"] = []string{}, "n"
	got = oneSession(t, body)
	want.UpdatedAt = got.UpdatedAt
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %.600v\nwant %.600v", got, want)
	}
	record, _ := tenant.Record(strings.ToUpper(idA))
	if record.Patches != 2 || record.Runs != 1 || record.Session.Status != "rejected" || record.Session.Attributes["note"] != "n" {
		t.Errorf("record %d patches, %d runs, %q", record.Patches, record.Runs, record.Session.Status)
	}
	if _, ok := tenant.Record(idX); ok {
		t.Error("there is a record of an unknown session")
	}
}

func TestNamesAndSpacesAreReadBackOnly(t *testing.T) {
	tenant := New(Options{Faults: Faults{Names: true, Spaced: true}})
	add(t, tenant, idA)
	h := tenant.Handler()
	url := "http://localhost/api/workflow_sessions/" + idA
	body := patchBody(t, map[string]any{
		"status":     "pending_approval",
		"attributes": map[string]string{"owner": idB, "owners": idB + ", " + strings.ToUpper(idC), "text": "x" + idB},
	})
	got := oneSession(t, call(h, newRequest(t, "PATCH", url, body)).body.String())
	if got.Status != "pending approval" {
		t.Errorf("status %q", got.Status)
	}
	owner, owners := got.Attributes["owner"], got.Attributes["owners"]
	if !strings.HasSuffix(owner, "@example.com)") || !strings.HasPrefix(owners, owner+", ") || strings.Contains(owners, idC) {
		t.Errorf("owner %q, owners %q", owner, owners)
	}
	if got.Attributes["text"] != "x"+idB {
		t.Errorf("a text became %q", got.Attributes["text"])
	}
	record, _ := tenant.Record(idA)
	if record.Session.Status != "pending_approval" || record.Session.Attributes["owner"] != idB {
		t.Errorf("stored as %q, %q", record.Session.Status, record.Session.Attributes["owner"])
	}
	// Written back as it was read, it reads the same.
	body = patchBody(t, map[string]any{"attributes": map[string]string{"owners": owners}})
	if again := oneSession(t, call(h, newRequest(t, "PATCH", url, body)).body.String()); again.Attributes["owners"] != owners {
		t.Errorf("%q became %q", owners, again.Attributes["owners"])
	}
}

func TestTooLargeABody(t *testing.T) {
	tenant := New(Options{})
	add(t, tenant, idA)
	r := newRequest(t, "PATCH", "http://localhost/api/workflow_sessions/"+idA, "")
	r.Body = endless{}
	if a := call(tenant.Handler(), r); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", a.status)
	}
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }
