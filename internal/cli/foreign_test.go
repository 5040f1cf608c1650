package cli_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// patch is one request as a tenant received it.
type patch struct {
	query  string
	header http.Header
	body   any
}

// foreignTenant is a tenant that shares no code with the simulated one. It
// keeps what it received by id.
type foreignTenant struct {
	mu      sync.Mutex
	patches map[string][]patch
	other   []string // requests that are no PATCH of a session
}

const foreignPath = "/v2/api/workflow_sessions/"

func (f *foreignTenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, ok := strings.CutPrefix(r.URL.Path, foreignPath)
	var body any
	data, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(data, &body)
	}
	if !ok || r.Method != http.MethodPatch || err != nil {
		f.other = append(f.other, r.Method+" "+r.URL.String()+" "+string(data))
		http.Error(w, "?", http.StatusTeapot)
		return
	}
	f.patches[id] = append(f.patches[id], patch{r.URL.RawQuery, r.Header.Clone(), body})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	fmt.Fprintf(w, `{"workflow_session":{"id":%q,"uid":"foreign","attributes":null,"unheard_of":[1,{"a":2}]}}`, id)
}

// foreignHeader has every kind of column, in no order, some of them spelled as
// people do, and some that are never sent.
var foreignHeader = []string{
	"Status", "attributes.full_name", "ID", "requester type", "RequesterID", "attr.badge", "Workflow-ID",
	"uid", "profile_ids", "Profile ID", "attributes.Notes", "created_at", "RUN", "attributes.end_date", "updated_at",
}

// foreignRow makes the cells of one row. Every kind of cell comes up with every
// other over 400 rows.
func foreignRow(n int) []string {
	pick := func(every int, cells ...string) string { return cells[n/every%len(cells)] }
	profile := idOf(90_000 + n)
	return []string{
		pick(1, "completed", "Pending Approval", "ASSIGNED", "", " rejected ", "pending-approval", "auth status 1"),
		pick(1, "Ana Sousa", "", "Zoë \"Zed\" O'Brien, jr.", "\u00a0Li Wei\u200b", "=HYPERLINK(1)", "'=quoted", "日本 🙂", "<script>&amp;"),
		pick(3, idOf(n), strings.ToUpper(idOf(n)), " "+idOf(n)+" "),
		pick(5, "User", "neprofileuser", "", "NEACCESSUSER", "NeaccessRegistrant"),
		pick(2, idOf(70_000+n), "", strings.ToUpper(idOf(70_001+n))),
		pick(1, "0012", "+49 123", "-", "@home", "<clear>", "", "1,5"),
		pick(4, "", idOf(60_000)),
		fmt.Sprintf("%d", n),
		pick(3, "", profile+";"+idOf(5)+", "+profile, idOf(6)+"\n"+idOf(7)+"|", "; ,"),
		pick(7, "", profile),
		pick(2, "", "line one\nline two", "tab\tinside", "<CLEAR>", strings.Repeat("long ", 200)+"end"),
		"2026-01-15T10:00:00Z",
		pick(2, "", "true", "no", "YES", "0", "WAHR", "1"),
		"12/31/2026",
		"",
	}
}

// wanted is what the request of a row must be, from its cells alone.
func wanted(cells []string) (id string, run bool, body any) {
	trim := func(s string) string { return strings.Trim(s, " \t\r\n\u00a0\u200b") }
	session, attributes := map[string]any{}, map[string]any{}
	types := map[string]string{
		"user": "User", "neprofileuser": "NeprofileUser", "neaccessuser": "NeaccessUser", "neaccessregistrant": "NeaccessRegistrant",
	}
	for i, name := range foreignHeader {
		cell := trim(cells[i])
		switch name {
		case "ID":
			id = strings.ToLower(cell)
			continue
		case "RUN":
			run = slices.Contains([]string{"true", "yes", "wahr", "1"}, strings.ToLower(cell))
			continue
		case "uid", "created_at", "updated_at":
			continue
		}
		if cell == "" {
			continue
		}
		uid, isAttribute := strings.CutPrefix(strings.Replace(name, "attributes.", "attr.", 1), "attr.")
		switch {
		case isAttribute && strings.EqualFold(cell, "<clear>"):
			attributes[uid] = ""
		case isAttribute:
			attributes[uid] = cell
		case name == "Status":
			session["status"] = strings.NewReplacer(" ", "_", "-", "_", "auth status 1", "AUTH-STATUS1").Replace(strings.ToLower(cell))
		case name == "requester type":
			session["requester_type"] = types[strings.ToLower(cell)]
		case name == "profile_ids":
			var ids []any
			for part := range strings.FieldsFuncSeq(cell, func(r rune) bool { return strings.ContainsRune(",;|\n ", r) }) {
				if part = strings.ToLower(part); !slices.Contains(ids, any(part)) {
					ids = append(ids, part)
				}
			}
			if ids != nil {
				session["profile_ids"] = ids
			}
		default:
			key := map[string]string{"RequesterID": "requester_id", "Workflow-ID": "workflow_id", "Profile ID": "profile_id"}[name]
			session[key] = strings.ToLower(cell)
		}
	}
	if len(attributes) > 0 {
		session["attributes"] = attributes
	}
	return id, run, map[string]any{"workflow_session": session}
}

// TestForeignTenant sends 400 rows with every kind of column to an HTTP server
// that is none of ours, and holds each request against the row's cells.
func TestForeignTenant(t *testing.T) {
	t.Parallel()
	const rows = 400
	records := [][]string{foreignHeader}
	for n := range rows {
		records = append(records, foreignRow(n+1))
	}
	for _, test := range []struct {
		name          string
		delimiter     rune
		crlf          bool
		prefix        string
		args          []string
		authorization string
	}{
		{name: "comma", delimiter: ',', authorization: "Bearer s3cret.T0ken"},
		{name: "semicolon, CRLF, byte order mark, legacy token", delimiter: ';', crlf: true, prefix: bom,
			args: []string{"--auth-scheme", "token", "--workers", "32"}, authorization: "Token token=s3cret.T0ken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tenant := &foreignTenant{patches: map[string][]patch{}}
			server := httptest.NewServer(tenant)
			defer server.Close()
			var b strings.Builder
			b.WriteString(test.prefix)
			w := csv.NewWriter(&b)
			w.Comma, w.UseCRLF = test.delimiter, test.crlf
			if err := w.WriteAll(records); err != nil {
				t.Fatal(err)
			}
			results, _ := runSheet(t, 0, server.URL+"/v2/api", b.String(), []string{"NERM_TOKEN=s3cret.T0ken"}, test.args...)
			tenant.received(t, records[1:], test.authorization)
			checkResults(t, results, records)
		})
	}
}

// received holds what a tenant received against the sheet's rows.
func (f *foreignTenant) received(t *testing.T, rows [][]string, authorization string) {
	t.Helper()
	for _, request := range f.other {
		t.Errorf("an unexpected request: %s", request)
	}
	if len(f.patches) != len(rows) {
		t.Errorf("%d sessions were patched, not %d", len(f.patches), len(rows))
	}
	for i, cells := range rows {
		id, run, body := wanted(cells)
		got := f.patches[id]
		if len(got) != 1 {
			t.Fatalf("row %d: %d requests, not one", i+2, len(got))
		}
		p := got[0]
		if !reflect.DeepEqual(p.body, body) {
			t.Errorf("row %d:\nsent   %v\nwanted %v", i+2, p.body, body)
		}
		query := ""
		if run {
			query = "run=true"
		}
		if p.query != query {
			t.Errorf("row %d: the query is %q, not %q", i+2, p.query, query)
		}
		for key, want := range map[string]string{
			"Authorization": authorization, "Content-Type": "application/json", "Accept": "application/json",
		} {
			if h := p.header.Values(key); len(h) != 1 || h[0] != want {
				t.Errorf("row %d: %s is %q, not %q", i+2, key, h, want)
			}
		}
		if agent := p.header.Get("User-Agent"); !strings.HasPrefix(agent, "nermbulk/") {
			t.Errorf("row %d: the user agent is %q", i+2, agent)
		}
	}
}

// checkResults holds results.csv against the sheet: every row in order, the
// sheet's own cells as they were but for the escape of what a spreadsheet
// would run.
func checkResults(t *testing.T, results table, records [][]string) {
	t.Helper()
	if own := results.header[:len(foreignHeader)]; !slices.Equal(own, foreignHeader) {
		t.Fatalf("the sheet's own columns are %q in the results", own)
	}
	if len(results.rows) != len(records)-1 {
		t.Fatalf("%d rows in the results, not %d", len(results.rows), len(records)-1)
	}
	for i, row := range results.rows {
		if row["result.status"] != "updated" || row["result.row"] != fmt.Sprint(i+2) || row["result.attempts"] != "1" {
			t.Errorf("row %d: status %s, row %s, %s attempts", i+2, row["result.status"], row["result.row"], row["result.attempts"])
		}
		for c, name := range foreignHeader {
			want := records[i+1][c]
			if first := strings.TrimLeft(want, "'"); first != "" && strings.ContainsRune("=+-@\t\r", rune(first[0])) {
				want = "'" + want
			}
			if row[name] != want {
				t.Errorf("row %d, %s: %q in the results, %q in the sheet", i+2, name, row[name], want)
			}
		}
	}
}
