package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/sheet"
)

// description is the vendor's OpenAPI documents, to hold requests and answers
// against.
type description struct {
	routers []routers.Router
	options *openapi3filter.Options
}

var describe = sync.OnceValues(func() (*description, error) {
	d := &description{}
	for name, sharpen := range map[string]func(*openapi3.T){"workflow_sessions": sharpen, "attributes": sharpenAttributes} {
		doc, err := openapi3.NewLoader().LoadFromFile("testdata/nerm/" + name + ".openapi.json")
		if err != nil {
			return nil, err
		}
		sharpen(doc)
		// Examples are of other types: profile_ids is text where it is an array.
		router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation())
		if err != nil {
			return nil, err
		}
		d.routers = append(d.routers, router)
	}
	uuid := openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC9562)
	d.options = &openapi3filter.Options{
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.EnableFormatValidation(), openapi3.WithStringFormatValidator("uuid", uuid),
		},
		AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
			if bearer(in.RequestValidationInput.Request.Header.Get("Authorization")) == "" {
				return errors.New("no token")
			}
			return nil
		},
	}
	d.options.WithCustomSchemaErrorFunc(func(err *openapi3.SchemaError) string {
		return fmt.Sprintf("/%s: %s", strings.Join(err.JSONPointer(), "/"), err.Reason)
	})
	return d, nil
})

func described(t *testing.T) *description {
	t.Helper()
	d, err := describe()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sharpen makes the document say what it means: it requires nothing of an
// answer and allows any other key, so that a key that is misspelt would pass.
func sharpen(doc *openapi3.T) {
	doc.Servers = openapi3.Servers{{URL: "/api"}}
	schemas, answers := doc.Components.Schemas, doc.Components.Responses
	body := func(name string) *openapi3.Schema {
		return answers[name].Value.Content.Get("application/json").Schema.Value
	}
	// Nothing can pass a oneOf of two shapes that require nothing.
	refusal := body("400")
	refusal.OneOf, refusal.AnyOf = nil, refusal.OneOf
	// A session also has these, seen at tenants; and an answer may show every
	// requester type that a PATCH may write.
	session := schemas["WorkflowSession"].Value
	session.Properties["created_at"] = openapi3.NewDateTimeSchema().NewRef()
	session.Properties["updated_at"] = openapi3.NewDateTimeSchema().NewRef()
	session.Properties["requester_type"] = schemas["WorkflowSession-3"].Value.Properties["requester_type"]

	require := func(s *openapi3.Schema, optional ...string) {
		for name := range s.Properties {
			if !slices.Contains(optional, name) {
				s.Required = append(s.Required, name)
			}
		}
	}
	require(session, "profile_id")
	require(schemas["Metadata"].Value, "next", "previous")
	require(body("WorkflowSession"))
	require(body("WorkflowSessions_Meta"), "_metadata")
	closed := []*openapi3.Schema{body("WorkflowSession"), body("WorkflowSessions_Meta"), body("500")}
	for _, s := range schemas {
		closed = append(closed, s.Value)
	}
	for _, b := range doc.Components.RequestBodies {
		closed = append(closed, b.Value.Content.Get("application/json").Schema.Value)
	}
	for _, s := range closed {
		no := false
		s.AdditionalProperties.Has = &no
	}
	// Errors have no types; their examples are text, and an object.
	for _, s := range []*openapi3.Schema{body("500"), schemas["InvalidJson"].Value, schemas["ValidationErrors"].Value} {
		s.Required = []string{"error"}
		s.Properties["error"].Value.Type = &openapi3.Types{openapi3.TypeString}
		if s.Properties["errors"] != nil {
			s.Properties["errors"].Value.Type = &openapi3.Types{openapi3.TypeObject}
		}
	}
	// Statuses that are not described are errors of the 500's form.
	for _, path := range doc.Paths.Map() {
		for _, operation := range path.Operations() {
			operation.Responses.Set("default", answers["500"])
		}
	}
}

// sharpenAttributes does the same for the lists of attributes and options.
func sharpenAttributes(doc *openapi3.T) {
	doc.Servers = openapi3.Servers{{URL: "/api"}}
	no := false
	body := func(o *openapi3.Operation, status int) *openapi3.Schema {
		return o.Responses.Status(status).Value.Content.Get("application/json").Schema.Value
	}
	for _, path := range doc.Paths.Map() {
		list := body(path.Get, http.StatusOK)
		closed := []*openapi3.Schema{list, list.Properties["_metadata"].Value, body(path.Get, http.StatusInternalServerError)}
		for name, of := range list.Properties {
			if name != "_metadata" {
				list.Required = append(list.Required, name)
				item := of.Value.Items.Value
				item.Required = []string{"id", "uid"}
				for _, key := range []string{"label", "data_type", "type", "archived", "allow_multiple_selections", "ne_attribute_id", "option"} {
					if item.Properties[key] != nil {
						item.Required = append(item.Required, key)
					}
				}
				closed = append(closed, item)
			}
		}
		closed[1].Required = []string{"limit", "offset", "total"}
		failure := closed[2]
		failure.Required = []string{"error"}
		failure.Properties["error"].Value.Type = &openapi3.Types{openapi3.TypeString}
		// Nothing can pass a oneOf of two shapes that require nothing.
		path.Get.Responses.Set("400", path.Get.Responses.Status(http.StatusInternalServerError))
		path.Get.Responses.Set("default", path.Get.Responses.Status(http.StatusInternalServerError))
		for _, s := range closed {
			s.AdditionalProperties.Has = &no
		}
	}
}

// call is the described call that a request makes.
func (d *description) call(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	var route *routers.Route
	var params map[string]string
	var err error
	for _, router := range d.routers {
		if route, params, err = router.FindRoute(&http.Request{Method: r.Method, URL: &url.URL{Path: r.URL.Path}}); err == nil {
			break
		}
	}
	return &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: d.options}, err
}

// request returns what of a request is not as described. The body is read and
// put back.
func (d *description) request(r *http.Request) error {
	in, err := d.call(r)
	if err != nil {
		return err
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		return err
	}
	for name, values := range r.URL.Query() {
		if in.Route.Operation.Parameters.GetByInAndName("query", name) == nil || len(values) != 1 {
			return fmt.Errorf("the query has %s=%q", name, values)
		}
	}
	return nil
}

// answer returns what of an answer to r is not as described.
func (d *description) answer(r *http.Request, status int, header http.Header, body []byte) error {
	in, err := d.call(r)
	if err != nil { // no call that is described: an error as those of any call
		in, err = d.call(httptest.NewRequest(http.MethodGet, "/api/workflow_sessions", nil))
	}
	if err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Header: header, Options: d.options,
		Body: io.NopCloser(bytes.NewReader(body)),
	})
}

// fits checks an answer of the sandbox. A proxy's page is none of the API's.
func fits(t *testing.T, r *http.Request, status int, header http.Header, body string) {
	t.Helper()
	if !strings.HasPrefix(r.URL.Path, "/api") || strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		return
	}
	if err := described(t).answer(r, status, header, []byte(body)); err != nil {
		t.Errorf("%s %s: the answer %d %.300s is not as described: %v", r.Method, r.URL, status, body, err)
	}
}

// TestAnswersAreAsDescribed asks for each answer of the API: sessions with and
// without a profile, the list in every form, and every error.
func TestAnswersAreAsDescribed(t *testing.T) {
	ids := map[bool]string{} // by whether the session has a profile
	tenant := New(Options{Token: "secret"})
	for i := range 250 {
		id := listID(i)
		add(t, tenant, id)
		ids[seed(tenant.ids[i]).ProfileID != ""] = id
	}
	failing := New(Options{Faults: Faults{Fail: 1}})
	add(t, failing, listID(0))
	limited := New(Options{Faults: Faults{RateLimit: 1e-6}})
	add(t, limited, listID(0))
	call(limited.Handler(), newRequest(t, "GET", "http://localhost/api/workflow_sessions", "")) // takes all that is granted

	one := seed(tenant.ids[0])
	every := patchBody(t, map[string]any{
		"status": "rejected", "requester_type": "NeaccessRegistrant", "workflow_id": idA, "requester_id": idB,
		"profile_id": idC, "profile_ids": []string{idA, idB}, "attributes": map[string]string{"a": "", "b": "x"},
	})
	const list, session = "/api/workflow_sessions", "/api/workflow_sessions/"
	const attributes, options = "/api/ne_attributes", "/api/ne_attribute_options"
	tests := []struct {
		name, method, path, body string
		status                   int
		tenant                   *Tenant
		token                    string
	}{
		{name: "get, with a profile", path: session + ids[true], status: 200},
		{name: "get, without a profile", path: session + ids[false], status: 200},
		{name: "patch", method: "PATCH", path: session + ids[false], body: `{"workflow_session":{"status":"new"}}`, status: 200},
		{name: "patch and run", method: "PATCH", path: session + ids[true] + "?run=true", body: `{"workflow_session":{"attributes":{}}}`, status: 200},
		{name: "patch everything", method: "PATCH", path: session + listID(7), body: every, status: 200},

		{name: "list", path: list, status: 200},
		{name: "first page", path: list + "?metadata=true", status: 200},
		{name: "a page between", path: list + "?metadata=true&order=created_at&limit=7&offset=14", status: 200},
		{name: "last page", path: list + "?metadata=true&offset=200", status: 200},
		{name: "by status", path: list + "?metadata=true&status=pending+approval", status: 200},
		{name: "by workflow", path: list + "?metadata=true&workflow_id=" + one.WorkflowID, status: 200},
		{name: "by requester", path: list + "?metadata=true&requester_id=" + one.RequesterID, status: 200},
		{name: "by profile", path: list + "?metadata=true&profile_id=" + seed(parsed(t, ids[true])).ProfileID, status: 200},
		{name: "by uid", path: list + "?metadata=true&uid=" + one.UID, status: 200},

		{name: "attributes", path: attributes, status: 200},
		{name: "attributes, first page", path: attributes + "?metadata=true&order=created_at&limit=100", status: 200},
		{name: "attributes, last page", path: attributes + "?metadata=true&offset=100", status: 200},
		{name: "attributes of a type", path: attributes + "?metadata=true&data_type=drop-down", status: 200},
		{name: "options", path: options + "?metadata=true&limit=100", status: 200},
		{name: "options of an attribute", path: options + "?metadata=true&offset=1&ne_attribute_id=" + tenant.attribute("location").ID, status: 200},
		{name: "attributes, 400", path: attributes + "?limit=x", status: 400},
		{name: "attributes, nothing found", path: attributes + "?label=x", status: 400},
		{name: "attributes, 401", path: attributes, token: "other", status: 401},
		{name: "attributes, 403", path: attributes, status: 403, tenant: New(Options{NoAttributes: true})},
		{name: "options, 403", path: options, status: 403, tenant: New(Options{NoAttributes: true})},
		{name: "attributes, 429", path: attributes, status: 429, tenant: limited},
		{name: "options, 500", path: options, status: 500, tenant: failing},

		{name: "400, syntax", method: "PATCH", path: session + ids[true], body: `{`, status: 400},
		{name: "400, values", method: "PATCH", path: session + ids[true], body: `{"workflow_session":{"status":"x","attributes":{"a":1}}}`, status: 400},
		{name: "400, nothing found", path: list + "?offset=250", status: 400},
		{name: "400, query", path: list + "?limit=x", status: 400},
		{name: "401", path: session + ids[true], token: "other", status: 401},
		{name: "401, list", path: list, token: "other", status: 401},
		{name: "404", path: session + idX, status: 404},
		{name: "404, patch", method: "PATCH", path: session + idX, body: every, status: 404},
		{name: "404, of no call", path: "/api/profiles", status: 404},
		{name: "404, of no method", method: "DELETE", path: session + ids[true], status: 404},
		{name: "429", path: session + listID(0), status: 429, tenant: limited},
		{name: "429, list", path: list, status: 429, tenant: limited},
		{name: "429, patch", method: "PATCH", path: session + listID(0), body: every, status: 429, tenant: limited},
		{name: "500", path: session + listID(0), status: 500, tenant: failing},
		{name: "500, list", path: list, status: 500, tenant: failing},
		{name: "500, patch", method: "PATCH", path: session + listID(0), body: every, status: 500, tenant: failing},
		{name: "503", path: session + listID(0), status: 503, tenant: failing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := cmp.Or(tt.tenant, tenant).Handler()
			token := "Bearer " + cmp.Or(tt.token, "secret")
			for range 100 { // which 5xx comes is drawn
				r := newRequest(t, cmp.Or(tt.method, "GET"), "http://localhost"+tt.path, tt.body, "Authorization", token)
				a := call(h, r)
				if a.status != tt.status && tt.tenant == failing {
					continue
				}
				if a.status != tt.status {
					t.Fatalf("%d %s, want %d", a.status, a.body.String(), tt.status)
				}
				fits(t, r, a.status, a.header, a.body.String())
				return
			}
			t.Errorf("no answer was %d", tt.status)
		})
	}
	t.Run("a uid has 32 characters", func(t *testing.T) {
		seen := map[string]bool{}
		for _, id := range tenant.ids {
			uid := seed(id).UID
			if len(uid) != 32 || seen[uid] {
				t.Fatalf("uid %q has %d characters, or is there twice", uid, len(uid))
			}
			seen[uid] = true
		}
	})
}

// TestDescriptionIsHeld breaks a good answer in one place at a time: were one
// of these not noticed, the tests above and below would prove little.
func TestDescriptionIsHeld(t *testing.T) {
	tenant := listTenant(t)
	attributes := "!/api/ne_attributes"
	for _, tt := range []struct{ path, old, broken string }{
		{attributes, `"uid":"`, `"uid":7,"x":"`},
		{attributes, `"date_format":"mm/dd/yyyy"`, `"date_format":"mm/dd/yy"`},
		{attributes, `"type":"DateAttribute"`, `"type":"Date"`},
		{attributes, `"archived":false`, `"archived":"no"`},
		{attributes, `"label":"`, `"Label":"`},
		{attributes + "?metadata=true", `"total":`, `"count":`},
		{attributes + "?label=x", `{"error":"`, `{"errors":"no","error":"`},
		{"!/api/ne_attribute_options", `"option":"`, `"text":"`},
		{"?metadata=true", `"uid":"`, `"uid":7,"x":"`},
		{"/" + listID(5), `"uid":"`, `"Uid":"`},
		{"/" + listID(5), `"id":"` + listID(5), `"id":"17`},
		{"/" + listID(5), `"profile_id":"` + idX + `"`, `"profile_id":null`},
		{"/" + listID(5), `"profile_id":"` + idX + `"`, `"profile_id":""`},
		{"/" + listID(5), `"profile_ids":[`, `"profile_ids":["",`},
		{"/" + listID(5), `"profile_ids":[`, `"profile_ids":"","x":[`},
		{"/" + listID(5), `"status":"approved"`, `"status":"Approved"`},
		{"/" + listID(5), `"status":"approved",`, ``},
		{"/" + listID(5), `"job_title":"`, `"cost":12,"job_title":"`},
		{"/" + listID(5), `"created_at":"`, `"created_at":"on `},
		{"/" + listID(5), `"workflow_session":`, `"workflow_sessions":`},
		{"?metadata=true", `"total":250`, `"total":"250"`},
		{"?metadata=true", `"total":250`, `"count":250`},
		{"?metadata=true", `"next":"`, `"next":null,"previous":"`},
		{"?metadata=true", `"workflow_sessions":[`, `"workflow_sessions":[null,`},
		{"/" + idX, `"error":"`, `"error":404,"errors":"`},
		{"/" + idX, `"error":"`, `"message":"`},
		{"?offset=250", `"error":"`, `"error":["x"],"errors":"`},
		{"?offset=250", `{"error":"`, `{"errors":"no","error":"`},
	} {
		path, other := strings.CutPrefix(tt.path, "!")
		if !other {
			path = "/api/workflow_sessions" + path
		}
		r := newRequest(t, "GET", "http://localhost"+path, "")
		a := call(tenant.Handler(), r)
		body := a.body.String()
		fits(t, r, a.status, a.header, body)
		broken := strings.Replace(body, tt.old, tt.broken, 1)
		if err := described(t).answer(r, a.status, a.header, []byte(broken)); err == nil || broken == body {
			t.Errorf("%s: nobody minds %s for %s in %.300s", tt.path, tt.broken, tt.old, body)
		}
	}
	for _, body := range []string{
		`{"workflow_session":{"status":"pending approval"}}`, `{"workflow_session":{"profile_ids":"` + idA + `"}}`,
		`{"workflow_session":{"attributes":{"a":null}}}`, `{"workflow_session":{"uid":"x"}}`, `{"status":"new"}`,
		`{"workflow_session":{"profile_id":""}}`, `{"workflow_session":{"stauts":"new"}}`, ``,
	} {
		if err := described(t).request(newRequest(t, "PATCH", "/api/workflow_sessions/"+idA, body)); err == nil {
			t.Errorf("nobody minds the request %s", body)
		}
	}
	for _, path := range []string{
		"/17", "/" + idA + "?run=yes", "?offset=0", "?limit=x", "?status=pending_approval", "?metadata=1.5", "?page=2", "?workflow_id=x",
	} {
		method := "GET"
		if strings.Contains(path, "run") {
			method = "PATCH"
		}
		r := newRequest(t, method, "/api/workflow_sessions"+path, `{"workflow_session":{"status":"new"}}`)
		if err := described(t).request(r); err == nil {
			t.Errorf("nobody minds the request %s", path)
		}
	}
}

// witness passes requests on to a tenant, and checks them and their answers.
// It keeps what was asked: the method with each key of the query, and each key
// of a body.
type witness struct {
	t       *testing.T
	handler http.Handler
	mu      sync.Mutex
	asked   map[string]int
}

func (w *witness) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	if err := described(w.t).request(r); err != nil {
		w.t.Errorf("%s %s is not as described: %v", r.Method, r.URL, err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	w.asked[r.Method]++
	for name := range r.URL.Query() {
		w.asked[r.Method+" "+name]++
	}
	if len(body) > 0 {
		for name := range decode[map[string]map[string]any](w.t, string(body))["workflow_session"] {
			w.asked[name]++
		}
	}
	w.mu.Unlock()
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	answer := recorder.Result()
	fits(w.t, r, answer.StatusCode, answer.Header, recorder.Body.String())
	maps.Copy(to.Header(), answer.Header)
	to.WriteHeader(answer.StatusCode)
	_, _ = to.Write(recorder.Body.Bytes())
}

// TestRequestsAreAsDescribed lets the real client send the changes of a real
// sheet, read the sessions back and list them in every way it can.
func TestRequestsAreAsDescribed(t *testing.T) {
	tenant := listTenant(t)
	before := tenant.Applied()
	w := &witness{t: t, handler: tenant.Handler(), asked: map[string]int{}}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	key, err := api.StaticToken("any", "bearer")
	if err != nil {
		t.Fatal(err)
	}
	client, err := api.New(api.Options{BaseURL: server.URL + "/api", Auth: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ok := func(a api.Answer) {
		t.Helper()
		if a.Verdict != api.OK {
			t.Errorf("the answer is %+v", a)
		}
	}

	// Every field and every value of it that a sheet may hold.
	content := "id,status,workflow_id,requester_id,requester_type,profile_id,profile_ids,attributes.note,attr.end_date,run\n"
	rows := 0
	for _, status := range statuses {
		content += fmt.Sprintf("%s,%s,%s,%s,%s,%s,\"%s; %s\",\"a \"\"b\"\"\n<c> \u2028 é\",<clear>,%t\n", listID(rows), strings.ReplaceAll(status, "_", " "),
			idA, strings.ToUpper(idB), requesterTypes[rows%len(requesterTypes)], idC, idA, idB, rows%2 == 0)
		rows++
	}
	content += listID(rows) + ",,,,,,,,,true\n"
	for c := range planned(t, content) {
		ok(client.Patch(t.Context(), api.Request{ID: c.ID, Run: c.Run, Body: c.Body}))
		a := client.Get(t.Context(), c.ID)
		ok(a)
		if a.Session != nil && !strings.EqualFold(a.Session.ID, c.ID) {
			t.Errorf("session %s for %s", a.Session.ID, c.ID)
		}
	}

	for _, status := range statuses {
		if strings.HasPrefix(status, "AUTH-STATUS") {
			continue // the description's filter has none of these nine
		}
		_, a := client.List(t.Context(), api.Query{Status: status})
		ok(a)
	}
	for page, err := range api.Pages(t.Context(), client.List, api.Query{WorkflowID: idA, RequesterID: idB, Whole: true}) {
		if err != nil || len(page.Items) == 0 {
			t.Fatal(err, page)
		}
	}
	attributes, err := client.Attributes(t.Context())
	if err != nil || len(attributes) != len(tenant.attributes) {
		t.Errorf("%d attributes, %v", len(attributes), err)
	}
	for _, attribute := range attributes {
		if !attribute.HasOptions() {
			continue
		}
		options, err := client.AttributeOptions(t.Context(), attribute.ID)
		if want := tenant.attribute(attribute.UID).options; err != nil || !slices.Equal(options, want) {
			t.Errorf("options of %s: %q, %v", attribute.UID, options, err)
		}
	}
	page, a := client.List(t.Context(), api.Query{ProfileID: idC, Order: "created_at", Limit: 10})
	ok(a)
	_, a = client.List(t.Context(), api.Query{Next: page.Next})
	ok(a)

	for _, want := range []string{
		"PATCH", "PATCH run", "GET", "GET limit", "GET offset", "GET order", "GET status", "GET metadata", "GET workflow_id", "GET requester_id", "GET profile_id", "GET ne_attribute_id",
		"status", "workflow_id", "requester_id", "requester_type", "profile_id", "profile_ids", "attributes",
	} {
		if w.asked[want] == 0 {
			t.Errorf("%s was not sent", want)
		}
	}
	if n := tenant.Totals(); n.Applied-before != rows+1 || n.Runs != rows/2+2 {
		t.Errorf("%d updates and %d runs of %d rows", n.Applied-before, n.Runs, rows+1)
	}
}

// planned yields the changes of a sheet.
func planned(t *testing.T, content string) func(yield func(*change.Change) bool) {
	return func(yield func(*change.Change) bool) {
		path := filepath.Join(t.TempDir(), "sheet.csv")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sheet.Open(t.Context(), path, sheet.Options{Fields: change.SheetFields()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		planner := change.NewPlanner(s, change.Rules{ClearMarker: change.DefaultClearMarker})
		err = s.Each(t.Context(), func(row *sheet.Row) error {
			if problems := planner.Plan(row); len(problems) > 0 {
				t.Fatal(problems)
			}
			yield(&planner.Change)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func parsed(t *testing.T, id string) (u [16]byte) {
	t.Helper()
	u, ok := parseID(id)
	if !ok {
		t.Fatal(id)
	}
	return u
}
