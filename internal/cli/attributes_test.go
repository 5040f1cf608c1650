package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nermbulk/internal/api"
	"nermbulk/internal/sandbox"
)

// describedTenant lists attributes and options as the vendor describes it:
// limit and offset, 100 items a page, and a total if metadata is asked for.
type describedTenant struct {
	attributes []string            // JSON objects
	options    map[string][]string // JSON objects, by the attribute's id
	// instead answers a request itself where it does not return nil. The page
	// is 1 or more.
	instead func(list string, page int) http.HandlerFunc
}

func (d *describedTenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list := strings.TrimPrefix(r.URL.Path, "/api/")
	q := r.URL.Query()
	offset, _ := strconv.Atoi(q.Get("offset"))
	if d.instead != nil {
		if answer := d.instead(list, 1+(offset+1)/100); answer != nil {
			answer(w, r)
			return
		}
	}
	all := map[string][]string{"ne_attributes": d.attributes, "ne_attribute_options": d.options[q.Get("ne_attribute_id")]}[list]
	page := all[min(offset, len(all)):min(offset+100, len(all))]
	w.Header().Set("Content-Type", "application/json")
	if len(page) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"no %s found"}`, strings.ReplaceAll(list, "_", " "))
		return
	}
	fmt.Fprintf(w, `{%q:[%s],"_metadata":{"limit":100,"offset":%d,"total":%d}}`, list, strings.Join(page, ","), offset, len(all))
}

func attributeID(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-00000000a77a", n) }

// wideTenant has n attributes, of which the first is a drop-down of so many
// options.
func wideTenant(n, options int) *describedTenant {
	d := &describedTenant{options: map[string][]string{}}
	for i := range n {
		kind := `"data_type":"text field","type":"TextFieldAttribute"`
		if i == 0 {
			kind = `"data_type":"drop-down","type":"DropDownAttribute"`
		}
		d.attributes = append(d.attributes, fmt.Sprintf(`{"id":%q,"uid":"field_%d","label":"Field %d","crypt":false,"archived":false,%s}`, attributeID(i), i, i, kind))
	}
	for i := range options {
		d.options[attributeID(0)] = append(d.options[attributeID(0)], fmt.Sprintf(`{"id":%q,"uid":"o%d","ne_attribute_id":%q,"option":"Choice %d"}`, attributeID(1_000_000+i), i, attributeID(0), i))
	}
	return d
}

func TestAttributes(t *testing.T) {
	t.Chdir(t.TempDir())
	base := serve(t, &describedTenant{
		attributes: []string{
			`{"id":"1","uid":"end_date","label":"End Date","archived":false,"data_type":"date","date_format":"dd/mm/yyyy","type":"DateAttribute"}`,
			`{"id":"2","uid":"site","label":"=Site","archived":false,"allow_multiple_selections":true,"data_type":"check boxes","type":"CheckBoxesAttribute"}`,
			`{"id":"3","uid":"old","label":"A\u001b[31m label","archived":"true","date_format":null,"data_type":"text field","type":"TextFieldAttribute","new_key":[1]}`,
			`{"id":"4","label":"no uid"}`,
		},
		options: map[string][]string{"2": {
			`{"id":"a","ne_attribute_id":"2","option":"Paris, Nord"}`, `{"id":"b","ne_attribute_id":"2","option":"Łódź"}`, `{"id":"c","ne_attribute_id":"9","option":"of another"}`,
		}},
	})
	list := func(args ...string) called {
		t.Helper()
		got := call(t, withToken, append([]string{"attributes", "--base-url", base, "--rate", "0"}, args...)...)
		got.wantCode(t, ExitOK)
		return got
	}

	table := list()
	want := "UID       LABEL     TYPE                   DATE FORMAT  OPTIONS\n" +
		"site      =Site     check boxes                         Paris, Nord; Łódź\n" +
		"old       A label   text field (archived)               \n" +
		"end_date  End Date  date                   dd/mm/yyyy   \n"
	if table.out != want {
		t.Errorf("the table is\n%s", table.out)
	}
	wantText(t, table.err, "3 attributes of 127.0.0.1", "2 options")

	document := list("--json", "-o", "a.json", "--quiet")
	file, err := os.ReadFile("a.json")
	if err != nil || document.out != string(file) || document.err != "" {
		t.Errorf("the file and standard output differ (%v): %s", err, document.err)
	}
	read, err := api.ParseAttributesFile(file)
	if err != nil || read.Incomplete || !strings.HasPrefix(read.Host, "127.0.0.1") || !read.ReadAt.Equal(testNow) {
		t.Errorf("%v: %+v", err, read)
	}
	if a := read.Attributes[0]; a.UID != "site" || !a.Multiple || !slices.Equal(a.Options, []string{"Paris, Nord", "Łódź"}) {
		t.Errorf("site is %+v", a)
	}
	if a := read.Attributes[1]; !a.Archived || a.DateFormat != "" || a.Options != nil || read.Attributes[2].DateFormat != "dd/mm/yyyy" {
		t.Errorf("old is %+v", a)
	}

	list("-o", "a.csv")
	rows, err := csv.NewReader(open(t, "a.csv")).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][1] != "'=Site" || rows[1][6] != "Paris, Nord\nŁódź" || rows[3][3] != "dd/mm/yyyy" {
		t.Errorf("%v: %q", err, rows)
	}
}

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // only read
	return f
}

// TestAttributesEnds has a tenant that breaks off at each of the requests: it
// is said once, and no file is left.
func TestAttributesEnds(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			fmt.Fprint(w, strings.ReplaceAll(body, "TOKEN", r.Header.Get("Authorization")))
		}
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		code   ExitCode
		stderr string
	}{
		{"401", status(http.StatusUnauthorized, `{"error":"no TOKEN"}`), ExitStopped, "401"},
		{"403", status(http.StatusForbidden, `{"error":"TOKEN may not"}`), ExitStopped, "403"},
		{"404", status(http.StatusNotFound, `<html>TOKEN`), ExitUsage, "404"},
		{"429", status(http.StatusTooManyRequests, `{}`), ExitStopped, "grants nothing"},
		{"500", status(http.StatusInternalServerError, `{"error":"Sorry something went wrong"}`), ExitStopped, "Sorry something went wrong"},
		{"HTML", status(http.StatusOK, `<html><title>Sign in</title>`), ExitUsage, "an HTML page"},
		{"a hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ExitStopped, "no answer within"},
	} {
		for _, at := range []struct {
			list string
			page int
		}{{"ne_attributes", 1}, {"ne_attributes", 2}, {"ne_attribute_options", 1}, {"ne_attribute_options", 2}} {
			t.Run(fmt.Sprintf("%s at page %d of %s", test.name, at.page, at.list), func(t *testing.T) {
				t.Parallel()
				d := wideTenant(150, 150)
				d.instead = func(list string, page int) http.HandlerFunc {
					if list == at.list && page == at.page {
						return test.answer
					}
					return nil
				}
				dir := t.TempDir()
				got := call(t, withToken, "attributes", "--base-url", serve(t, d), "-o", filepath.Join(dir, "a.json"), "--rate", "0",
					"--max-attempts", "2", "--outage-wait", "200ms", "--timeout", "200ms")
				got.wantCode(t, test.code)
				wantText(t, got.err, test.stderr)
				if n := strings.Count(got.err, "read the list of"); n != 1 || strings.Contains(got.err, withToken["NERM_TOKEN"]) {
					t.Errorf("told %d times, or with the token:\n%s", n, got.err)
				}
				if entries, _ := os.ReadDir(dir); len(entries) != 0 {
					t.Errorf("left behind: %v", entries)
				}
			})
		}
	}
}

// TestAttributesInEitherForm has tenants that know one form of the paging, and
// none.
func TestAttributesInEitherForm(t *testing.T) {
	lists := func(base string, args ...string) (called, api.AttributesFile) {
		t.Helper()
		got := call(t, withToken, append([]string{"attributes", "--base-url", base, "--rate", "0", "--json"}, args...)...)
		file, err := api.ParseAttributesFile([]byte(got.out))
		if err != nil {
			t.Fatalf("%v: %s", err, got.err)
		}
		return got, file
	}
	_, plain := tenantOf(t, 0, sandbox.Options{})
	got, want := lists(plain)
	got.wantCode(t, ExitOK)
	tenant, nested := tenantOf(t, 250, sandbox.Options{NestedQuery: true})
	got, file := lists(nested)
	got.wantCode(t, ExitOK)
	for i, a := range want.Attributes {
		if len(want.Attributes) < 101 || !slices.Equal(a.Options, file.Attributes[i].Options) || a.UID != file.Attributes[i].UID {
			t.Errorf("%+v, and in the other form %+v", a, file.Attributes[i])
		}
	}
	out := filepath.Join(t.TempDir(), "out.csv")
	call(t, withToken, "export", "--base-url", nested, "-o", out, "--rate", "0").wantCode(t, ExitOK)
	if rows, err := csv.NewReader(open(t, out)).ReadAll(); err != nil || len(rows) != 251 {
		t.Errorf("%d rows of an export, %v", len(rows), err)
	}
	call(t, withToken, "run", out, "--base-url", nested, "--rate", "0", "--compare", "--yes", "--run-dir", filepath.Join(t.TempDir(), "r")).wantCode(t, ExitOK)
	if n := tenant.Totals(); n.Get != 0 || n.Patch != 0 {
		t.Errorf("%d GETs and %d PATCHes to compare what was exported", n.Get, n.Patch)
	}

	first := wideTenant(150, 150)
	first.instead = func(list string, page int) http.HandlerFunc {
		if page == 1 {
			return nil
		}
		return func(w http.ResponseWriter, r *http.Request) {
			r.URL.RawQuery = "ne_attribute_id=" + r.URL.Query().Get("ne_attribute_id")
			first.ServeHTTP(w, r)
		}
	}
	got, file = lists(serve(t, first))
	got.wantCode(t, ExitRowsFailed)
	wantText(t, got.err, "incomplete: the tenant has 50 more attributes than it gave: it gave attributes again",
		"incomplete: the options of field_0 are left out: the tenant has 50 more options")
	if !file.Incomplete || len(file.Attributes) != 100 || file.Attributes[0].Options != nil {
		t.Errorf("%d attributes, incomplete %t", len(file.Attributes), file.Incomplete)
	}
}

func TestManyAttributes(t *testing.T) {
	base := serve(t, wideTenant(5_000, 20_000))
	got := call(t, withToken, "attributes", "--base-url", base, "--rate", "0", "--json")
	got.wantCode(t, ExitOK)
	var file api.AttributesFile
	if err := json.Unmarshal([]byte(got.out), &file); err != nil || len(file.Attributes) != 5_000 || len(file.Attributes[0].Options) != 20_000 {
		t.Errorf("%v: %d attributes", err, len(file.Attributes))
	}
	wantText(t, got.err, "5,000 attributes", "20,000 options")
}

func TestAttributesRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		env    map[string]string
		args   []string
		stderr string
	}{
		{"no tenant", withToken, nil, "--tenant"},
		{"no token", nil, []string{"--tenant", "acme"}, "NERM_TOKEN"},
		{"a form that is none", withToken, []string{"--tenant", "acme", "-o", "a.xlsx"}, "name a .json or a .csv"},
		{"standard output", withToken, []string{"--tenant", "acme", "-o", "-"}, "--json writes to standard output"},
		{"a directory that is not there", withToken, []string{"--tenant", "acme", "-o", filepath.Join(t.TempDir(), "a", "b.csv")}, "no file can be written there"},
		{"an argument", withToken, []string{"end_date"}, "no arguments"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := call(t, test.env, append([]string{"attributes"}, test.args...)...)
			got.wantCode(t, ExitUsage)
			wantText(t, got.err, test.stderr)
		})
	}
}
