package cli_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"nermbulk/internal/text"
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

// TestResumeOfAFile goes on without the file of the attributes that a run was
// checked by: what it did not hold is not read from the tenant.
func TestResumeOfAFile(t *testing.T) {
	t.Parallel()
	tenant, base := startVendorTenant(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "known.json"), `{"attributes":[{"id":"`+tenant.attributes[132].ID+`","uid":"contract_kind","label":"Contract Type","data_type":"drop-down","type":"DropDownAttribute"}]}`)
	write(t, filepath.Join(dir, "s.csv"), fmt.Sprintf("id,run,Contract Type\n%s,true,contractor\n%s,true,contractor\n", idOf(1), idOf(2)))
	for _, args := range [][]string{{"--attributes", "known.json", "--limit", "1"}, {"--resume"}} {
		before := len(tenant.sent())
		args = append([]string{"run", "s.csv", "--yes", "--rate", "0", "--workers", "1", "--base-url", base, "--run-dir", "r"}, args...)
		s := nermbulk(t, dir, []string{tokenOfTest}, args...)
		if sent := len(tenant.sent()); sent != before+1 || s.code == 2 {
			t.Errorf("%d sessions were sent, exit code %d; it printed:\n%s", sent-before, s.code, s.stderr)
		}
	}
	if asked := tenant.gets(); asked != nil {
		t.Errorf("the tenant was asked for %q", asked)
	}
}

// TestUndoOfLabels puts back dates, options in another case and check boxes, as
// the tenant wrote them: each session holds after all what it held before.
func TestUndoOfLabels(t *testing.T) {
	t.Parallel()
	tenant, base := startVendorTenant(t)
	before := map[string]map[string]string{
		idOf(1): {"contract_end_date": "01/31/2026", "start_on": "31-12-2025", "contract_kind": "Zürich, Switzerland", "areas": "Cold Store, North, Lab"},
		idOf(2): {"contract_kind": "Contractor", "areas": "Parking, Lab", "shift": ""},
		idOf(3): {"contract_end_date": "02/01/2026", "areas": ""},
	}
	tenant.held = map[string]map[string]string{}
	for id, attributes := range before {
		tenant.held[id] = maps.Clone(attributes)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s.csv"), strings.Join([]string{
		"id,End Date,Start,Contract Type,Access Areas,Shift",
		idOf(1) + `,2027-01-15,2026-12-31,CONTRACTOR,"parking,cold  store,north",`,
		idOf(2) + `,,,contractor,"lab,parking",shift 007`,
		idOf(3) + `,<clear>,,,Lab,`,
	}, "\n"))
	run := func(args ...string) map[string]any {
		t.Helper()
		tenant.forget()
		args = append([]string{"run"}, args...)
		s := nermbulk(t, dir, []string{tokenOfTest}, append(args, "--yes", "--rate", "0", "--base-url", base)...)
		if s.code != 0 {
			t.Fatalf("exit code %d; it printed:\n%s", s.code, s.stderr)
		}
		return tenant.sent()
	}
	sent := run("s.csv", "--compare", "--run-dir", "r")
	want := map[string]any{"attributes": map[string]any{"shift": "Shift 007"}}
	if got := sent[idOf(2)]; !reflect.DeepEqual(got, want) {
		t.Errorf("of a session that holds the same in the tenant's spelling, %v was sent", got)
	}
	run("r/undo.csv")
	for id, attributes := range before {
		held := tenant.holds(id)
		for uid, value := range held {
			if got, want := strings.ReplaceAll(value, ", ", ","), strings.ReplaceAll(attributes[uid], ", ", ","); got != want {
				t.Errorf("%s holds %q in %s, and held %q", id, value, uid, attributes[uid])
			}
		}
	}
	if sent := run("s.csv", "--compare", "--new"); len(sent) != len(before) {
		t.Errorf("after the undo, %v was sent", sent)
	}
}

// TestUndoOfWhatIsGone has a tenant remove an option and an attribute before a
// run is undone: what to do is said, and does it.
func TestUndoOfWhatIsGone(t *testing.T) {
	t.Parallel()
	tenant, base := startVendorTenant(t)
	tenant.held = map[string]map[string]string{idOf(1): {"contract_kind": "Contractor", "size_of_shoes": "41", "start_on": "1.2.2026"}}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s.csv"), fmt.Sprintf("id,Contract Type,Größe,Start\n%s,temporary worker,42,2027-01-15\n", idOf(1)))
	run := func(code int, says string, args ...string) {
		t.Helper()
		args = append([]string{"run"}, args...)
		s := nermbulk(t, dir, []string{tokenOfTest}, append(args, "--yes", "--rate", "0", "--base-url", base)...)
		if s.code != code || !strings.Contains(s.stderr, says) {
			t.Fatalf("exit code %d, not %d, or not %q; it printed:\n%s", s.code, code, says, s.stderr)
		}
	}
	run(0, "", "s.csv", "--compare", "--run-dir", "r")
	write(t, filepath.Join(dir, "export.csv"), fmt.Sprintf("id,attributes.contract_kind,result.source\n%s,Contractor,acme\n", idOf(1)))
	tenant.change("contract_kind", func(a *vendorAttribute) { a.options = a.options[1:] })
	const remedy = "if the session held it, empty the cell to leave the session as it is, or have the tenant decide with --attributes off"
	run(2, `"Contractor" is not an option of the attribute; use one of "Temporary Worker", "Zürich, Switzerland"; `+remedy, "r/undo.csv")
	run(2, `"1.2.2026" is not a date of the form dd-mm-yyyy`, "r/undo.csv")
	tenant.change("size_of_shoes", func(a *vendorAttribute) { a.UID = "shoe_size" })
	tenant.forget()
	run(2, `the tenant has no attribute "size_of_shoes" any more; leave the column out with --map `+text.ShellQuote("attributes.size_of_shoes=ignore")+`, or have the tenant decide with --attributes off`, "r/undo.csv")
	if sent := tenant.sent(); len(sent) > 0 {
		t.Fatalf("sent were %v", sent)
	}
	run(2, remedy, "r/undo.csv", "--map", "attributes.size_of_shoes=ignore")
	run(2, remedy, "export.csv", "--compare")
	run(0, "", "r/undo.csv", "--attributes", "off")
	want := map[string]any{"attributes": map[string]any{"contract_kind": "Contractor", "size_of_shoes": "41", "start_on": "1.2.2026"}}
	if got := tenant.sent()[idOf(1)]; !reflect.DeepEqual(got, want) {
		t.Errorf("%v was put back, not %v", got, want)
	}
}

// TestFailingCellsOfLabels has the cells that the tenant's errors name by uid be
// red under their labels, when the run ends and in a report of it.
func TestFailingCellsOfLabels(t *testing.T) {
	t.Parallel()
	tenant, base := startVendorTenant(t)
	tenant.wrong = map[string]any{idOf(2): map[string]any{"contract_end_date": []string{"is too late"}, "areas": "is closed"}}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s.csv"), fmt.Sprintf("id,End Date,Shift,access areas\n%s,2027-01-15,,\n%s,2027-01-16,shift 001,lab\n", idOf(1), idOf(2)))
	s := nermbulk(t, dir, []string{tokenOfTest}, "run", "s.csv", "--yes", "--rate", "0", "--base-url", base, "--results", "both", "--run-dir", "r")
	if s.code != 1 {
		t.Fatalf("exit code %d; it printed:\n%s", s.code, s.stderr)
	}
	for range 2 {
		f := openWorkbook(t, filepath.Join(dir, "r", "failed.xlsx"))
		for cell, want := range map[string]look{
			"B2": {"2027-01-16", redFill, "is too late"}, "C2": {"shift 001", "", ""}, "D2": {"lab", redFill, "is closed"},
		} {
			if got := lookOf(t, f, f.GetSheetName(0), cell); got != want {
				t.Errorf("%s looks like %q, not %q", cell, got, want)
			}
		}
		if s := nermbulk(t, dir, nil, "report", "r", "--results", "both"); s.code != 0 {
			t.Fatalf("exit code %d; it printed:\n%s", s.code, s.stderr)
		}
	}
}

// TestFilledTemplateOfLabels fills in a template of a tenant's attributes, and
// sends it by the same file of them.
func TestFilledTemplateOfLabels(t *testing.T) {
	t.Parallel()
	tenant, base := startVendorTenant(t)
	dir := t.TempDir()
	tool := func(args ...string) {
		t.Helper()
		if s := nermbulk(t, dir, []string{tokenOfTest}, args...); s.code != 0 {
			t.Fatalf("%q: exit code %d; it printed:\n%s", args, s.code, s.stderr)
		}
	}
	tool("attributes", "-o", "known.json", "--rate", "0", "--base-url", base)
	records := [][]string{
		{"id", "status", "End Date (contract_end_date)", "Start (start_on)", "Contract Type (contract_kind)", "Access Areas (areas)", "Größe (size_of_shoes)"},
		{idOf(1), "completed", "2027-01-15", "", "Zürich, Switzerland", "Lab,Cold Store, North", "0042"},
		{idOf(2), "", "<clear>", "", "", "parking", ""},
	}
	path := filepath.Join(dir, "t.xlsx")
	fillTemplate(t, func(path string) { tool("template", "-o", path, "--attributes", "known.json") }, path, records)
	f := openWorkbook(t, path)
	headers, err := f.GetRows("Sessions")
	if err != nil {
		t.Fatal(err)
	}
	start, err := excelize.CoordinatesToCellName(slices.Index(headers[0], records[0][3])+1, 2)
	if err = errors.Join(err, f.SetCellValue("Sessions", start, time.Date(2026, time.December, 3, 0, 0, 0, 0, time.UTC)), f.Save()); err != nil {
		t.Fatal(err)
	}
	tool("check", "t.xlsx", "--attributes", "known.json", "--strict")
	tool("run", "t.xlsx", "--sandbox", "--attributes", "known.json", "--rate", "0")
	tool("run", "t.xlsx", "--yes", "--rate", "0", "--base-url", base)
	type object = map[string]any
	want := map[string]any{
		idOf(1): object{"status": "completed", "attributes": object{
			"contract_end_date": "01/15/2027", "start_on": "03-12-2026", "contract_kind": "Zürich, Switzerland",
			"areas": "Lab,Cold Store, North", "size_of_shoes": "0042",
		}},
		idOf(2): object{"attributes": object{"contract_end_date": "", "areas": "Parking"}},
	}
	if sent := tenant.sent(); !reflect.DeepEqual(sent, want) {
		t.Errorf("sent were\n%v, not\n%v", sent, want)
	}
}
