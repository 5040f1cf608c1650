package cli

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"nermbulk/internal/sandbox"
	"nermbulk/internal/sheet"
)

// serve listens on a new address until the test ends.
func serve(t *testing.T, h http.Handler) (baseURL string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/api"
}

// tenantOf is a simulated tenant with n sessions.
func tenantOf(t *testing.T, n int, o sandbox.Options) (tenant *sandbox.Tenant, baseURL string) {
	t.Helper()
	tenant = sandbox.New(o)
	for i := range n {
		if err := tenant.AddID(sessionID(i)); err != nil {
			t.Fatal(err)
		}
	}
	return tenant, serve(t, tenant.Handler())
}

func sessionID(i int) string { return fmt.Sprintf("33f072dd-13b4-41e1-8ea0-%012d", i) }

var withToken = map[string]string{"NERM_TOKEN": "a-token-of-a-test"}

// readSheet reads a CSV file that a spreadsheet could open.
func readSheet(t *testing.T, path string) (header map[string]int, rows [][]string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := bytes.CutPrefix(data, []byte("\ufeff"))
	if !ok || !bytes.HasSuffix(text, []byte("\r\n")) {
		t.Fatalf("%s does not begin with a byte order mark and end with CRLF", path)
	}
	rows, err = csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header = map[string]int{}
	for i, name := range rows[0] {
		header[name] = i
	}
	return header, rows[1:]
}

func TestExportRoundTrip(t *testing.T) {
	t.Chdir(t.TempDir())
	_, base := tenantOf(t, 250, sandbox.Options{Faults: sandbox.Faults{Names: true, Spaced: true}})
	export := func(file string) (map[string]int, [][]string) {
		call(t, withToken, "export", "--base-url", base, "--rate", "0", "-o", file).wantCode(t, ExitOK)
		return readSheet(t, file)
	}
	header, rows := export("first.csv")
	if len(rows) != 250 {
		t.Fatalf("%d sessions, want 250", len(rows))
	}
	if got := strings.Join(firstCells(header, 10), ","); got != "id,uid,status,workflow_id,requester_id,requester_type,profile_id,profile_ids,created_at,updated_at" {
		t.Errorf("the columns are %s", got)
	}
	if header["result.source"] != len(header)-1 || rows[0][len(header)-1] != strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/api") {
		t.Errorf("result.source is no last column that names the host: %v", rows[0])
	}

	call(t, nil, "check", "first.csv", "--strict").wantCode(t, ExitOK)
	again := call(t, withToken, "run", "first.csv", "--base-url", base, "--yes", "--rate", "0", "--compare")
	again.wantCode(t, ExitOK)
	wantText(t, again.err, "unchanged        250")

	edited := strings.ReplaceAll(strings.Join(rows[7], ","), rows[7][header["status"]], "closed")
	sheet := strings.Join(firstCells(header, len(header)), ",") + "\r\n" + edited + "\r\n"
	if err := os.WriteFile("edited.csv", []byte(sheet), 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, withToken, "run", "edited.csv", "--base-url", base, "--yes", "--rate", "0").wantCode(t, ExitOK)
	_, after := export("second.csv")
	for i := range rows {
		want := append([]string(nil), rows[i]...)
		if i == 7 {
			want[header["status"]] = "closed"
			want[header["updated_at"]] = after[i][header["updated_at"]]
			if want[header["updated_at"]] == rows[i][header["updated_at"]] {
				t.Error("updated_at was not read anew")
			}
		}
		if strings.Join(after[i], "|") != strings.Join(want, "|") {
			t.Errorf("row %d\nis   %v\nwant %v", i, after[i], want)
		}
	}
}

// firstCells gives the first n names of a header in their order.
func firstCells(header map[string]int, n int) []string {
	names := make([]string, len(header))
	for name, i := range header {
		names[i] = name
	}
	return names[:n]
}

// page answers every list request with these sessions, as the tenant wrote
// them, and every other request with the first.
func page(sessions ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "/workflow_sessions") {
			fmt.Fprintf(w, `{"workflow_session":%s}`, sessions[0])
			return
		}
		fmt.Fprintf(w, `{"workflow_sessions":[%s],"_metadata":{"limit":100,"offset":0,"total":%d,"next":null}}`,
			strings.Join(sessions, ","), len(sessions))
	}
}

// TestExportIsAccepted exports what a run would refuse or take for something
// else: the sheet must be accepted, and no run of it may change a session.
func TestExportIsAccepted(t *testing.T) {
	const id = `"id":"33f072dd-13b4-41e1-8ea0-16f2a59b57c8"`
	for _, test := range []struct {
		name    string
		session string
		column  string
		want    string   // the cell
		stderr  []string // on standard error
		flags   []string // that the run needs
	}{
		{"a formula", `{` + id + `,"attributes":{"x":"=1+1"}}`, "attributes.x", "'=1+1", nil, nil},
		{"a formula with an apostrophe of its own", `{` + id + `,"attributes":{"x":"'-1"}}`, "attributes.x", "''-1", nil, nil},
		{"several lines", `{` + id + `,"attributes":{"x":"a\nb \"c\", d"}}`, "attributes.x", "a\nb \"c\", d", nil, nil},
		{"an empty value changes nothing", `{` + id + `,"status":"new","attributes":{"x":""}}`, "attributes.x", "", nil, nil},
		{"the clear marker", `{` + id + `,"status":"new","attributes":{"x":" <CLEAR> "}}`, "attributes.x", "", []string{"attributes.x: left empty: a run would take it for the clear marker", id[6:42]}, nil},
		{"a spreadsheet's error", `{` + id + `,"status":"new","attributes":{"x":"#N/A"}}`, "attributes.x", "", []string{"attributes.x: left empty", `"#N/A"`}, nil},
		{"spaces around a value", `{` + id + `,"attributes":{"x":" a "}}`, "attributes.x", " a ", []string{"without the white space around it"}, nil},
		{"a NUL character", `{` + id + `,"status":"new","attributes":{"x":"a\u0000b"}}`, "attributes.x", "", []string{"NUL"}, nil},
		{"a name in place of an id", `{` + id + `,"status":"new","requester_id":"Ana Silva (ana@example.com)"}`, "requester_id", "", []string{"requester_id: left empty: it is not a UUID"}, nil},
		{"an unknown requester type", `{` + id + `,"status":"new","requester_type":"Robot"}`, "requester_type", "", []string{"requester_type: left empty"}, nil},
		{"profile ids in one string", `{` + id + `,"profile_ids":"33F072DD-13b4-41e1-8ea0-16f2a59b57c9, 33f072dd-13b4-41e1-8ea0-16f2a59b57c7"}`, "profile_ids", "33F072DD-13b4-41e1-8ea0-16f2a59b57c9,33f072dd-13b4-41e1-8ea0-16f2a59b57c7", nil, nil},
		{"a status with spaces", `{` + id + `,"status":"Pending Approval"}`, "status", "pending_approval", nil, nil},
		{"a status that is in no list", `{` + id + `,"status":"on hold"}`, "status", "on hold", []string{"--allow-unknown-status"}, []string{"--allow-unknown-status"}},
		{"null and a number", `{` + id + `,"profile_id":null,"attributes":{"x":12.50}}`, "attributes.x", "12.50", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			base := serve(t, page(test.session))
			exported := call(t, withToken, "export", "--base-url", base, "-o", "out.csv")
			exported.wantCode(t, ExitOK)
			wantText(t, exported.err, append(test.stderr, "out.csv: 1 session of ")...)
			header, rows := readSheet(t, "out.csv")
			if got := rows[0][header[test.column]]; got != test.want {
				t.Errorf("the cell is %q, want %q", got, test.want)
			}
			args := append([]string{"run", "out.csv", "--base-url", base, "--dry-run", "--compare", "--json"}, test.flags...)
			dry := call(t, withToken, args...)
			dry.wantCode(t, ExitOK)
			wantText(t, dry.out, `"unchanged": 1`)
		})
	}
}

func TestExportLeavesOut(t *testing.T) {
	t.Chdir(t.TempDir())
	base := serve(t, page(`{"id":"77","status":"new"}`, `{"id":"`+sessionID(1)+`","attributes":{"":"a"," b":"c"}}`,
		`{"id":"`+sessionID(2)+`","status":"new","attributes":{"d":"e"}}`))
	got := call(t, withToken, "export", "--base-url", base, "-o", "out.csv")
	got.wantCode(t, ExitOK)
	header, rows := readSheet(t, "out.csv")
	if len(rows) != 1 || rows[0][0] != sessionID(2) {
		t.Errorf("the rows are %v", rows)
	}
	if len(header) != 12 {
		t.Errorf("the columns are %v", header)
	}
	wantText(t, got.err, `left out: the id is not a UUID; 1 session, such as "77"`, "holds nothing that a row could send",
		`the attribute "": its name`, `the attribute " b": its name`)
	call(t, nil, "check", "out.csv").wantCode(t, ExitOK)
}

func TestExportWritesWholeOrNotAtAll(t *testing.T) {
	t.Run("an error on the second page keeps the old sheet", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "out.csv")
		if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		tenant, _ := tenantOf(t, 300, sandbox.Options{})
		base := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("offset") != "" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			tenant.Handler().ServeHTTP(w, r)
		}))
		got := call(t, withToken, "export", "--base-url", base, "-o", file)
		got.wantCode(t, ExitStopped)
		wantText(t, got.err, "read the list of sessions: ")
		if data, err := os.ReadFile(file); err != nil || string(data) != "old" {
			t.Errorf("the old sheet is %q, %v", data, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("left behind: %v", entries)
		}
	})
	t.Run("the file is the user's alone", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("there are no such modes")
		}
		dir := t.TempDir()
		_, base := tenantOf(t, 3, sandbox.Options{})
		file, link := filepath.Join(dir, "out.csv"), filepath.Join(dir, "link.csv")
		if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("out.csv", link); err != nil {
			t.Fatal(err)
		}
		call(t, withToken, "export", "--base-url", base, "-o", link).wantCode(t, ExitOK)
		info, err := os.Lstat(file)
		if err != nil || info.Mode() != 0o600 || info.Size() < 500 {
			t.Errorf("the sheet is %v, %v", info, err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link is %v, %v", info, err)
		}
	})
	t.Run("standard output", func(t *testing.T) {
		_, base := tenantOf(t, 3, sandbox.Options{})
		got := call(t, withToken, "export", "--base-url", base, "-o", "-", "--quiet")
		got.wantCode(t, ExitOK)
		if !strings.HasPrefix(got.out, "\ufeffid,uid,") || strings.Count(got.out, "\r\n") != 4 || got.err != "" {
			t.Errorf("standard output %q, standard error %q", got.out, got.err)
		}
	})
	t.Run("nothing fits", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "out.csv")
		_, base := tenantOf(t, 0, sandbox.Options{})
		got := call(t, withToken, "export", "--base-url", base, "-o", file)
		got.wantCode(t, ExitOK)
		if header, rows := readSheet(t, file); len(rows) != 0 || len(header) == 0 {
			t.Errorf("the sheet has %v and %v", header, rows)
		}
		wantText(t, got.err, "no session fits")
	})
}

// An export whose name ends in .xlsx is a workbook that says what the CSV says.
func TestExportAsWorkbook(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	session := func(i int, attributes string) string {
		return fmt.Sprintf(`{"id":%q,"uid":"007","status":"new","attributes":%s}`, sessionID(i), attributes)
	}
	base := serve(t, page(session(1, `{"a":"=1+1","b":"'x"}`), session(2, `{"a":" x ","b":"<clear>"}`), session(3, `{"a":"01/02/2027"}`)))
	export := func(file string) called {
		got := call(t, withToken, "export", "--base-url", base, "--rate", "0", "-o", file)
		got.wantCode(t, ExitOK)
		return got
	}
	export("s.csv")
	got := export("s.XLSX")
	for _, want := range []string{"s.XLSX: 3 sessions", "1 session, such as \"<clear>\"", "nermbulk run s.XLSX --compare"} {
		wantText(t, got.err, want)
	}
	f, err := excelize.OpenFile("s.XLSX")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("sessions")
	if err != nil {
		t.Fatal(err)
	}
	_, want := readSheet(t, "s.csv")
	for i, row := range want {
		for j := range row {
			row[j] = sheet.Unescape(row[j])
		}
		if !slices.Equal(rows[i+1], row) {
			t.Errorf("row %d is\n%q\nnot\n%q", i+2, rows[i+1], row)
		}
	}

	// What no workbook can hold becomes a CSV, over no other file.
	base = serve(t, page(session(1, `{"a":"`+strings.Repeat("long ", 7000)+`"}`)))
	got = export("long.xlsx")
	for _, want := range []string{"no workbook can hold the sessions", "more than 32,767 characters", "long.csv: 1 session", "nermbulk run long.csv --compare"} {
		wantText(t, got.err, want)
	}
	if _, rows := readSheet(t, "long.csv"); len(rows) != 1 {
		t.Errorf("long.csv has %d rows", len(rows))
	}
	again := call(t, withToken, "export", "--base-url", base, "--rate", "0", "-o", "long.xlsx")
	again.wantCode(t, ExitInternal)
	wantText(t, again.err, "long.csv is there already: name another CSV with -o")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("there are %v (%v)", entries, err)
	}
}
