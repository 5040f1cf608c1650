package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const tokenOfTest = "NERM_TOKEN=s3cret.T0ken"

// labelled is a sheet as people keep them: labels in an order of its own, one of
// them in another Unicode form, dates of ISO 8601 and options as typed.
var labelled = strings.Join([]string{
	"access areas,END DATE,Gro\u0308\u00dfe,id,Contract Type (contract_kind),Status,attributes.start_on,Shift",
	"\" parking , cold store, north\",2027-01-15,42," + idOf(1) + ",temporary  worker,Completed,31-12-2026,SHIFT 007",
	"Lab,01/31/2027,,," + ",,,",
	",<clear>,,,\"zürich, switzerland\",,2026-12-01,",
}, "\n")

func TestSheetOfLabels(t *testing.T) {
	t.Parallel()
	sheet := strings.Replace(strings.Replace(labelled, "2027,,,", "2027,,"+idOf(2)+",", 1), "<clear>,,,", "<clear>,,"+idOf(3)+",", 1)
	tenant, base := startVendorTenant(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s.csv"), sheet)
	s := nermbulk(t, dir, []string{tokenOfTest}, "run", "s.csv", "--yes", "--rate", "0", "--base-url", base, "--run-dir", "r")
	if s.code != 0 {
		t.Fatalf("exit code %d; it printed:\n%s", s.code, s.stderr)
	}
	type object = map[string]any
	want := map[string]any{
		idOf(1): object{"status": "completed", "attributes": object{
			"areas": "Parking,Cold Store, North", "contract_end_date": "01/15/2027", "size_of_shoes": "42",
			"contract_kind": "Temporary Worker", "start_on": "31-12-2026", "shift": "Shift 007",
		}},
		idOf(2): object{"attributes": object{"areas": "Lab", "contract_end_date": "01/31/2027"}},
		idOf(3): object{"attributes": object{"contract_end_date": "", "contract_kind": "Zürich, Switzerland", "start_on": "01-12-2026"}},
	}
	for id, body := range want {
		if got := tenant.sent()[id]; !reflect.DeepEqual(got, body) {
			t.Errorf("%s was sent\n%v, not\n%v", id, got, body)
		}
	}
	asked := tenant.gets()
	if want := []string{
		"ne_attributes", "ne_attributes", "ne_attribute_options areas", "ne_attribute_options contract_kind",
		"ne_attribute_options shift", "ne_attribute_options shift",
	}; !reflect.DeepEqual(asked, want) {
		t.Errorf("the tenant was asked for %q, not %q", asked, want)
	}
	var summary struct{ Requests struct{ Get, Patch int } }
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "r", "summary.json"))), &summary); err != nil {
		t.Fatal(err)
	}
	if r := summary.Requests; r.Get != len(asked) || r.Patch != 3 {
		t.Errorf("the summary counts %+v, not %d GETs and 3 PATCHes", r, len(asked))
	}
	if header := parsed(t, filepath.Join(dir, "r", "results.csv")).header; header[1] != "END DATE" {
		t.Errorf("the results have the header %q, not the sheet's own", header)
	}
	kept, err := os.Stat(filepath.Join(dir, "r", "attributes.json"))
	if err != nil || runtime.GOOS != "windows" && kept.Mode().Perm() != 0o600 {
		t.Errorf("attributes.json is %v (%v)", kept, err)
	}
	again := nermbulk(t, dir, nil, "report", "r")
	if again.code != 0 {
		t.Errorf("report: exit code %d; it printed:\n%s", again.code, again.stderr)
	}
}

func parsed(t *testing.T, path string) table {
	t.Helper()
	results, err := parseTable(read(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// problemList has the problems of a check or of a run, as its JSON has them.
type problemList struct {
	Problems []struct {
		Row                                     int
		Column, Header, Kind, Severity, Message string
	}
}

func problemsIn(t *testing.T, s output) (problems problemList) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.stdout), &problems); err != nil {
		t.Fatalf("%s in:\n%s%s", err, s.stdout, s.stderr)
	}
	return problems
}

// attributeProblems is a sheet for each kind of problem that the tenant's
// attributes make, and what its one problem says.
var attributeProblems = []struct {
	name, header, cell string
	place, kind        string
	says               []string
}{
	{"an unknown uid", "attributes.contract_end_dat", "2027-01-15", "1 B", "unknown-attribute", []string{"contract_end_date"}},
	{"an unknown label", "Padding 3000", "x", "1 B", "unknown-column", []string{"Padding 3000"}},
	{"the label of two", "Manager", "x", "1 B", "ambiguous-column", []string{"manager_a", "manager_b"}},
	{"an attachment", "Contract", "x.pdf", "1 B", "attachment-attribute", nil},
	{"no option", "Contract Type", "Contactor", "2 B", "bad-option", []string{"Contractor", "Temporary Worker"}},
	{"one of several options", "Access Areas", "Lab, Kitchen", "2 B", "bad-option", []string{"Kitchen"}},
	{"an option of many", "Shift", "Shift 0O7", "2 B", "bad-option", []string{"Shift 0"}},
	{"another form of date", "End Date", "31.12.2026", "2 B", "bad-date", []string{"mm/dd/yyyy"}},
	{"no day", "Start", "2026-02-30", "2 B", "bad-date", []string{"dd-mm-yyyy"}},
	{"an archived one", "Old Badge", "x", "1 B", "archived-attribute", nil},
}

func TestAttributeProblems(t *testing.T) {
	t.Parallel()
	tenant, base := startVendorTenant(t)
	dir := t.TempDir()
	known := filepath.Join(dir, "known.json")
	if s := nermbulk(t, dir, []string{tokenOfTest}, "attributes", "-o", known, "--rate", "0", "--base-url", base); s.code != 0 {
		t.Fatalf("attributes: exit code %d; it printed:\n%s", s.code, s.stderr)
	}
	tenant.forget()
	online := []string{"--strict", "--json", "--rate", "0", "--base-url", base}
	for _, test := range attributeProblems {
		t.Run(test.name, func(t *testing.T) {
			write(t, filepath.Join(dir, "s.csv"), fmt.Sprintf("id,%s\n%s,%q\n", test.header, idOf(1), test.cell))
			env := []string{tokenOfTest}
			ran := nermbulk(t, dir, env, append([]string{"run", "s.csv", "--yes", "--run-dir", "r"}, online...)...)
			if ran.code != 2 {
				t.Errorf("run: exit code %d; it printed:\n%s", ran.code, ran.stderr)
			}
			problems := problemsIn(t, ran).Problems
			if len(problems) == 0 {
				t.Fatalf("no problem; it printed:\n%s", ran.stderr)
			}
			p := problems[0]
			if place := fmt.Sprint(p.Row, " ", p.Column); len(problems) != 1 || place != test.place || p.Kind != test.kind || p.Header != test.header {
				t.Errorf("not one %s at %s, but %+v", test.kind, test.place, problems)
			}
			for _, text := range test.says {
				if !strings.Contains(p.Message, text) {
					t.Errorf("%q does not say %q", p.Message, text)
				}
			}
			with := nermbulk(t, dir, env, append([]string{"check", "s.csv"}, online...)...)
			without := nermbulk(t, dir, nil, "check", "s.csv", "--strict", "--json", "--attributes", known)
			if with.code != 2 || with != without {
				t.Errorf("a check with the tenant says\n%+v, one with its file\n%+v", with, without)
			}
		})
	}
	if sent := tenant.sent(); len(sent) > 0 {
		t.Errorf("sent were %v", sent)
	}
	if _, err := os.Stat(filepath.Join(dir, "r")); err == nil {
		t.Error("a run directory was made")
	}
}

// unavailable are the ways in which a tenant does not give its attributes.
var unavailable = []struct {
	name   string
	answer http.HandlerFunc
	says   string
}{
	{"429", answers(http.StatusTooManyRequests, `{"error":"slow down"}`), "429"},
	{"500", answers(http.StatusInternalServerError, `{"error":"Sorry something went wrong"}`), "500"},
	{"403", answers(http.StatusForbidden, `{"error":"forbidden"}`), "403"},
	{"404", answers(http.StatusNotFound, `{"error":"not found"}`), "404"},
	{"HTML", answers(http.StatusOK, "<html><h1>Sign in</h1></html>"), "HTML"},
	{"a hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer"},
	{"a broken connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "connection"},
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // whoever asked may be gone
	}
}

// from has a tenant answer so from a page of its attributes on.
func from(page int, path string, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, r *http.Request, before int) bool {
		if r.URL.Path != "/api/"+path || before+1 < page {
			return false
		}
		answer(w, r)
		return true
	}
}

// TestAttributesUnavailable has a tenant not give its attributes, or no options:
// that is reported once, and the rows are sent.
func TestAttributesUnavailable(t *testing.T) {
	t.Parallel()
	const wait = 1200 * time.Millisecond
	for _, test := range unavailable {
		for where, refuse := range map[string]func(http.ResponseWriter, *http.Request, int) bool{
			"at once":        from(1, "ne_attributes", test.answer),
			"at page 2":      from(2, "ne_attributes", test.answer),
			"at the options": from(1, "ne_attribute_options", test.answer),
		} {
			t.Run(test.name+" "+where, func(t *testing.T) {
				t.Parallel()
				tenant, base := startVendorTenant(t)
				tenant.refuse = refuse
				dir := t.TempDir()
				write(t, filepath.Join(dir, "s.csv"), fmt.Sprintf("id,attributes.contract_kind,attributes.shift\n%s,whatever,x\n", idOf(1)))
				begun := time.Now()
				s := nermbulk(t, dir, []string{tokenOfTest}, "run", "s.csv", "--yes", "--rate", "0", "--base-url", base, "--outage-wait", wait.String())
				if took := time.Since(begun); took > 4*wait {
					t.Errorf("it took %v", took)
				}
				if s.code != 0 || len(tenant.sent()) != 1 {
					t.Fatalf("exit code %d, sent %v; it printed:\n%s", s.code, tenant.sent(), s.stderr)
				}
				if strings.Count(s.stderr, "warning: ") != 1 || !strings.Contains(s.stderr, "checked against") || !strings.Contains(s.stderr, test.says) {
					t.Errorf("it is not said once why (%s):\n%s", test.says, s.stderr)
				}
			})
		}
	}
}

// TestAttributesDenied has a tenant not accept the token when it is asked for its
// attributes: no row is sent then, and the run goes on later.
func TestAttributesDenied(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, path, header string
		page, pending      int
	}{
		{"at once", "ne_attributes", "attributes.shift", 1, 1},
		{"at page 2", "ne_attributes", "attributes.shift", 2, 1},
		{"at the options", "ne_attribute_options", "Shift", 1, 1},
		{"before the labels are known", "ne_attributes", "Shift", 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tenant, base := startVendorTenant(t)
			tenant.refuse = from(test.page, test.path, answers(http.StatusUnauthorized, `{"error":"HTTP Token: Access denied."}`))
			dir := t.TempDir()
			write(t, filepath.Join(dir, "s.csv"), fmt.Sprintf("id,%s\n%s,x\n", test.header, idOf(1)))
			args := []string{"s.csv", "--rate", "0", "--base-url", base, "--json"}
			checked := nermbulk(t, dir, []string{tokenOfTest}, append([]string{"check"}, args...)...)
			s := nermbulk(t, dir, []string{tokenOfTest}, append([]string{"run", "--yes", "--run-dir", "r"}, args...)...)
			for _, s := range []output{checked, s} {
				if s.code != 3 || !strings.Contains(s.stderr, "401") || len(tenant.sent()) != 0 {
					t.Errorf("exit code %d, sent %v; it printed:\n%s%s", s.code, tenant.sent(), s.stdout, s.stderr)
				}
			}
			var ending struct {
				ExitCode int `json:"exit_code"`
				Outcomes struct{ Pending int }
			}
			if err := json.Unmarshal([]byte(s.stdout), &ending); err != nil || ending.ExitCode != 3 || ending.Outcomes.Pending != test.pending {
				t.Errorf("%v (%v) in:\n%s", ending, err, s.stdout)
			}
		})
	}
}

// TestWhoIsAsked runs checks and dry runs: which of them ask the tenant, with
// which credentials, and which go without it at once.
func TestWhoIsAsked(t *testing.T) {
	t.Parallel()
	closed := "http://127.0.0.1:1/api"
	for _, test := range []struct {
		name string
		env  []string // @ is the tenant's address
		file string   // of settings
		args string
		code int
		asks bool
		says string
	}{
		{name: "check by variables", env: []string{tokenOfTest, "NERM_BASE_URL=@", "NERMBULK_BASE_URL=@"}, args: "check s.csv"},
		{name: "check that names it", env: []string{tokenOfTest}, args: "check s.csv --base-url @", code: 2, asks: true, says: "bad-option"},
		{name: "check of a profile's tenant", env: []string{tokenOfTest}, file: "profiles: {acme: {base-url: '@'}}", args: "check s.csv --profile acme", code: 2, asks: true, says: "bad-option"},
		{name: "check of a file's tenant", env: []string{tokenOfTest}, file: "base-url: '@'", args: "check s.csv"},
		{name: "check without the attributes", env: []string{tokenOfTest}, args: "check s.csv --base-url @ --attributes off"},
		{name: "check without a token", args: "check s.csv --base-url @", code: 2, says: "no token"},
		{name: "check of a tenant that is away", env: []string{tokenOfTest}, args: "check s.csv --base-url " + closed + " --timeout 300ms", says: "could not be reached"},
		{name: "dry run", env: []string{tokenOfTest}, args: "run s.csv --dry-run --base-url @", code: 2, asks: true, says: "bad-option"},
		{name: "dry run by variables", env: []string{tokenOfTest, "NERM_BASE_URL=@"}, args: "run s.csv --dry-run", code: 2, asks: true, says: "bad-option"},
		{name: "dry run without a token", args: "run s.csv --dry-run --base-url @", says: "no token"},
		{name: "dry run without a tenant", env: []string{tokenOfTest}, args: "run s.csv --dry-run"},
		{name: "dry run of a tenant that is away", env: []string{tokenOfTest}, args: "run s.csv --dry-run --base-url " + closed, says: "checked against"},
		{name: "run without the attributes", env: []string{tokenOfTest}, args: "run s.csv --yes --base-url @ --attributes off"},
		{name: "no such file", args: "check s.csv --attributes missing.json", code: 2, says: "missing.json"},
		{name: "another file", args: "check s.csv --attributes s.csv", code: 2, says: "s.csv"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tenant, base := startVendorTenant(t)
			dir := t.TempDir()
			write(t, filepath.Join(dir, "s.csv"), fmt.Sprintf("id,attributes.contract_kind\n%s,Contactor\n", idOf(1)))
			fill := strings.NewReplacer("@", base)
			var env []string
			for _, variable := range test.env {
				env = append(env, fill.Replace(variable))
			}
			if test.file != "" {
				write(t, filepath.Join(dir, "nermbulk.yaml"), fill.Replace(test.file))
			}
			begun := time.Now()
			s := nermbulk(t, dir, env, strings.Fields(fill.Replace(test.args))...)
			if s.code != test.code || !strings.Contains(s.stderr, test.says) || time.Since(begun) > 5*time.Second {
				t.Errorf("exit code %d after %v; it printed:\n%s", s.code, time.Since(begun), s.stderr)
			}
			want := []string{"ne_attributes", "ne_attributes", "ne_attribute_options contract_kind"}
			if !test.asks {
				want = nil
			}
			if got := tenant.gets(); !slices.Equal(got, want) {
				t.Errorf("the tenant was asked for %q, not %q", got, want)
			}
			for _, auth := range tenant.auth {
				if auth != "Bearer s3cret.T0ken" {
					t.Errorf("signed in by %q", auth)
				}
			}
		})
	}
}

// TestResumeKeepsItsAttributes goes on with a run of an edited sheet: the tenant
// is asked for nothing but the options of the new column.
func TestResumeKeepsItsAttributes(t *testing.T) {
	t.Parallel()
	tenant, base := startVendorTenant(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "s.csv")
	write(t, path, fmt.Sprintf("id,End Date,Shift\n%s,2027-01-15,shift 001\n%s,2027-01-16,shift 002\n%s,2027-01-17,\n", idOf(1), idOf(2), idOf(3)))
	run := func(code int, args ...string) {
		t.Helper()
		s := nermbulk(t, dir, []string{tokenOfTest}, append([]string{"run", "s.csv", "--yes", "--rate", "0", "--workers", "1", "--base-url", base, "--run-dir", "r"}, args...)...)
		if s.code != code {
			t.Fatalf("exit code %d, not %d; it printed:\n%s", s.code, code, s.stderr)
		}
	}
	run(3, "--limit", "1")
	tenant.forget()
	run(3, "--resume", "--limit", "1")
	if asked := tenant.gets(); asked != nil {
		t.Errorf("of the same sheet, the tenant was asked for %q", asked)
	}
	tenant.forget()
	write(t, path, fmt.Sprintf("id,End Date,Shift,Contract Type\n%s,2027-01-15,shift 001,\n%s,2027-01-16,shift 002,\n%s,2027-01-17,shift 003,contractor\n", idOf(1), idOf(2), idOf(3)))
	run(0, "--resume")
	if asked := tenant.gets(); !slices.Equal(asked, []string{"ne_attribute_options contract_kind"}) {
		t.Errorf("of the edited sheet, the tenant was asked for %q", asked)
	}
	want := map[string]any{idOf(3): map[string]any{"attributes": map[string]any{
		"contract_end_date": "01/17/2027", "shift": "Shift 003", "contract_kind": "Contractor",
	}}}
	if sent := tenant.sent(); !reflect.DeepEqual(sent, want) {
		t.Errorf("sent were %v, not %v", sent, want)
	}
}

// TestKilledWhileAttributesAreRead kills a run while it waits for a page, then a
// resume with an edited sheet: nothing is left of the first, nothing is sent, and
// what comes after goes on.
func TestKilledWhileAttributesAreRead(t *testing.T) {
	t.Parallel()
	tenant, base := startVendorTenant(t)
	asked, calm := make(chan struct{}), atomic.Bool{}
	hang := func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}
	page2, options := from(2, "ne_attributes", hang), from(2, "ne_attribute_options", hang)
	tenant.refuse = func(w http.ResponseWriter, r *http.Request, before int) bool {
		return !calm.Load() && (page2(w, r, before) || options(w, r, before))
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "s.csv")
	args := []string{"run", "s.csv", "--yes", "--rate", "0", "--workers", "1", "--base-url", base, "--resume"}
	killed := func() {
		t.Helper()
		run := exec.Command("nermbulk", args...)
		run.Dir, run.Env = dir, []string{"PATH=" + os.Getenv("PATH"), tokenOfTest}
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		<-asked
		if err := errors.Join(run.Process.Kill(), ignoreExit(run.Wait())); err != nil {
			t.Fatal(err)
		}
		if sent := tenant.sent(); len(sent) > 0 {
			t.Errorf("sent were %v", sent)
		}
	}
	write(t, path, fmt.Sprintf("id,End Date\n%s,2027-01-15\n%s,2027-01-16\n", idOf(1), idOf(2)))
	killed()
	if runs, _ := filepath.Glob(filepath.Join(dir, "runs", "[^.]*")); len(runs) > 0 {
		t.Errorf("left behind: %q", runs)
	}
	calm.Store(true)
	if s := nermbulk(t, dir, []string{tokenOfTest}, append(args, "--limit", "1")...); s.code != 3 {
		t.Fatalf("exit code %d; it printed:\n%s", s.code, s.stderr)
	}
	calm.Store(false)
	tenant.forget()
	write(t, path, fmt.Sprintf("id,End Date,Contract Type,Shift\n%s,2027-01-15,,\n%s,2027-01-16,contractor,SHIFT 001\n", idOf(1), idOf(2)))
	killed()
	calm.Store(true)
	if s := nermbulk(t, dir, []string{tokenOfTest}, args...); s.code != 0 {
		t.Fatalf("exit code %d; it printed:\n%s", s.code, s.stderr)
	}
	want := map[string]any{idOf(2): map[string]any{"attributes": map[string]any{
		"contract_end_date": "01/16/2027", "contract_kind": "Contractor", "shift": "Shift 001",
	}}}
	if sent := tenant.sent(); !reflect.DeepEqual(sent, want) {
		t.Errorf("sent were %v, not %v", sent, want)
	}
}

// ignoreExit leaves out that a process was killed.
func ignoreExit(err error) error {
	if _, killed := errors.AsType[*exec.ExitError](err); killed {
		return nil
	}
	return err
}
