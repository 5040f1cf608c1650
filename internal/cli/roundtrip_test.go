package cli_test

import (
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

const (
	anaID, bobID     = "0a000000-0000-4000-8000-000000000001", "0b000000-0000-4000-8000-000000000002"
	flowID, profID   = "0c000000-0000-4000-8000-000000000003", "0d000000-0000-4000-8000-000000000004"
	otherID, thirdID = "0e000000-0000-4000-8000-000000000005", "0f000000-0000-4000-8000-000000000006"
)

// csvOf writes records as a sheet.
func csvOf(t *testing.T, records [][]string) string {
	t.Helper()
	var b strings.Builder
	if err := csv.NewWriter(&b).WriteAll(records); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// trip is a directory in which a tenant is worked on.
type trip struct {
	t    *testing.T
	dir  string
	base string
}

func newTrip(t *testing.T, h *quirkyTenant) *trip {
	return &trip{t, t.TempDir(), answering(t, h)}
}

// run runs a sheet into a run directory, and wants that exit code.
func (tr *trip) run(code int, sheet, run string, args ...string) output {
	tr.t.Helper()
	s := tr.runs(sheet, run, args...)
	if s.code != code {
		tr.t.Fatalf("exit code %d, not %d; it printed:\n%s", s.code, code, s.stderr)
	}
	return s
}

func (tr *trip) table(name string) table {
	tr.t.Helper()
	got, err := parseTable(read(tr.t, filepath.Join(tr.dir, name)))
	if err != nil {
		tr.t.Fatal(err)
	}
	return got
}

// odd is a case of a session and of the row that changes it.
type odd struct {
	name          string
	fields, attrs map[string]string
	row           map[string]string // by column
	outcome       string            // of the first run
	lost          string            // what the summary names
	different     bool              // the session cannot come back whole
}

func oddSessions() []odd {
	type m = map[string]string
	return []odd{
		{name: "as it is, in other words", fields: m{"status": "Pending Approval", "workflow_id": flowID},
			attrs: m{"owner": anaID, "notes": "one\ntwo", "many": "a, b"},
			row:   m{"status": "pending_approval", "workflow_id": strings.ToUpper(flowID), "attributes.owner": anaID, "attributes.notes": "one\ntwo", "attributes.many": "a,b"}, outcome: "unchanged"},
		{name: "another owner cannot be told", fields: m{"status": "new"}, attrs: m{"owner": anaID},
			row: m{"attributes.owner": bobID}, outcome: "unchanged"},
		{name: "owner beside a true difference", fields: m{"status": "new"}, attrs: m{"owner": anaID, "notes": "old"},
			row: m{"attributes.owner": anaID, "attributes.notes": "new"}, outcome: "updated", lost: "attributes.owner reads back as a name"},
		{name: "a formula overwritten", fields: m{"status": "new"}, attrs: m{"notes": "=1+1", "many": "'=2"},
			row: m{"attributes.notes": "x", "attributes.many": "-5"}, outcome: "updated"},
		{name: "quotes and separators", fields: m{"status": "new"}, attrs: m{"notes": "say \"hi\"; a,b|c\td"},
			row: m{"attributes.notes": "l1\nl2"}, outcome: "updated"},
		{name: "line breaks", fields: m{"status": "new"}, attrs: m{"notes": "l1\nl2"}, row: m{"attributes.notes": "plain"}, outcome: "updated", lost: "plain line breaks"},
		{name: "empty before", fields: m{"status": "new"}, attrs: m{"notes": ""}, row: m{"attributes.notes": "set", "attributes.many": "too"}, outcome: "updated"},
		{name: "cleared", fields: m{"status": "new"}, attrs: m{"notes": "gone", "many": "kept"}, row: m{"attributes.notes": "<clear>"}, outcome: "updated"},
		{name: "clear of what is empty", fields: m{"status": "new"}, attrs: m{"many": "1"}, row: m{"attributes.notes": "<clear>"}, outcome: "unchanged"},
		{name: "a status that nobody knows", fields: m{"status": "on hold"}, attrs: m{}, row: m{"status": "completed"}, outcome: "updated"},
		{name: "fields", fields: m{"status": "new", "workflow_id": flowID, "requester_id": anaID, "requester_type": "User", "profile_id": profID, "profile_ids": profID + ", " + otherID},
			attrs: m{}, row: m{"workflow_id": otherID, "requester_id": bobID, "requester_type": "neprofileuser", "profile_id": otherID, "profile_ids": thirdID}, outcome: "updated"},
		{name: "the same profiles in another order", fields: m{"profile_ids": profID + ", " + otherID}, attrs: m{}, row: m{"profile_ids": otherID + ";" + profID}, outcome: "unchanged"},
		{name: "a field that was empty", fields: m{"status": "new"}, attrs: m{}, row: m{"profile_id": otherID}, outcome: "updated", lost: "profile_id was empty before", different: true},
		{name: "what a sheet may not hold", fields: m{"status": "new"}, attrs: m{"notes": "#N/A", "many": "<clear>"},
			row: m{"attributes.notes": "x", "attributes.many": "y"}, outcome: "updated", lost: "attributes.notes held a value that a sheet may not hold", different: true},
		{name: "spaces around", fields: m{"status": "new"}, attrs: m{"notes": " padded "}, row: m{"attributes.notes": "x"}, outcome: "updated", lost: "without the spaces around it", different: true},
		{name: "spaces that a sheet cannot send", fields: m{"status": "new"}, attrs: m{"notes": " padded "}, row: m{"attributes.notes": "padded"}, outcome: "unchanged"},
		{name: "text where an id is sent", fields: m{"status": "new"}, attrs: m{"notes": otherID}, row: m{"attributes.notes": "no id"}, outcome: "updated"},
	}
}

// TestThereAndBack compares, sends, sends again and undoes, with a tenant that
// shows what it holds in its own way.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	h := newQuirkyTenant()
	h.names[anaID], h.names[bobID] = "Ana Sousa (ana@example.com)", "Bob Li (bob@example.com)"
	header := []string{"id", "status", "workflow_id", "requester_id", "requester_type", "profile_id", "profile_ids", "attributes.owner", "attributes.notes", "attributes.many"}
	records, odds, changed := [][]string{header}, oddSessions(), 0
	for i, o := range odds {
		h.add(idOf(i+1), o.fields, o.attrs)
		record := []string{idOf(i + 1)}
		for _, name := range header[1:] {
			record = append(record, o.row[name])
		}
		records = append(records, record)
		if o.outcome == "updated" {
			changed++
		}
	}
	tr := newTrip(t, h)
	write(t, filepath.Join(tr.dir, "sheet.csv"), csvOf(t, records))
	before := h.state()

	tr.run(0, "sheet.csv", "plan", "--compare", "--dry-run")
	if h.newRequests("patch") != 0 {
		t.Error("a dry run wrote")
	}
	plan := tr.table("plan/plan.csv")
	first := tr.run(0, "sheet.csv", "first", "--compare")
	if n := h.newRequests("patch"); n != changed {
		t.Errorf("%d PATCHes, not %d", n, changed)
	}
	results := tr.table("first/results.csv")
	for i, o := range odds {
		row, action := results.rows[i], map[string]string{"updated": "patch", "unchanged": "unchanged"}[o.outcome]
		if row["result.status"] != o.outcome || plan.rows[i]["action"] != action {
			t.Errorf("%s: %s, planned as %s (%s)", o.name, row["result.status"], plan.rows[i]["action"], plan.rows[i]["changes"])
		}
		if o.lost != "" && !strings.Contains(first.stderr, o.lost) {
			t.Errorf("%s: the summary does not say %q", o.name, o.lost)
		}
	}
	for _, row := range results.rows[:2] {
		if !strings.Contains(row["result.note"], "cannot be compared") || !strings.Contains(row["result.note"], "attributes.owner") {
			t.Errorf("the note is %q", row["result.note"])
		}
	}
	want := "attributes.owner: Ana Sousa (ana@example.com) → " + bobID + " (cannot be compared"
	if changes := plan.rows[1]["changes"]; !strings.Contains(changes, want) {
		t.Errorf("the plan says %q", changes)
	}
	if !strings.Contains(first.stderr, "could not be compared whole, and are as the tenant has them otherwise: 2") {
		t.Errorf("it does not say what was not compared:\n%s", first.stderr)
	}

	after := h.state()
	tr.run(0, "sheet.csv", "second", "--compare")
	if n := h.newRequests("patch"); n != 0 {
		t.Errorf("%d PATCHes in a second night", n)
	}
	sameState(t, h.state(), after)

	if !strings.Contains(first.stderr, "--allow-unknown-status") {
		t.Errorf("the flag that undo.csv needs is not named:\n%s", first.stderr)
	}
	tr.run(0, "first/undo.csv", "undo", "--allow-unknown-status")
	undone := h.state()
	for i, o := range odds {
		if id := idOf(i + 1); o.different {
			if undone[id] == before[id] {
				t.Errorf("%s: it came back whole, though it is reported as lost", o.name)
			}
			delete(before, id)
		}
	}
	sameState(t, undone, before)
}

// TestExportThereAndBack edits an export, runs it, undoes the run, and exports
// again.
func TestExportThereAndBack(t *testing.T) {
	t.Parallel()
	h := newQuirkyTenant()
	h.names[anaID] = "Ana Sousa (ana@example.com)"
	for i := range 250 {
		h.add(idOf(i), map[string]string{"status": "pending approval", "requester_type": "User", "requester_id": bobID, "profile_ids": profID + ", " + otherID},
			map[string]string{"owner": anaID, "notes": fmt.Sprintf("=%d", i), "text": "l1\nl2, \"q\"", "empty": ""})
	}
	tr := newTrip(t, h)
	before := h.state()
	export := func(name string) table {
		s := nermbulk(t, tr.dir, []string{"NERM_TOKEN=x"}, "export", "--rate", "0", "--base-url", tr.base, "-o", name)
		if s.code != 0 {
			t.Fatal(s.stderr)
		}
		return tr.table(name)
	}
	first := export("first.csv")
	h.newRequests("get")
	h.newRequests("list")
	tr.run(0, "first.csv", "same", "--compare")
	if n := h.newRequests("patch"); n != 0 {
		t.Errorf("%d PATCHes for an export that was not edited", n)
	}
	if lists, gets := h.newRequests("list"), h.newRequests("get"); lists != 3 || gets != 0 {
		t.Errorf("%d lists and %d GETs", lists, gets)
	}
	records := [][]string{first.header}
	for i, row := range first.rows {
		if i%5 == 0 {
			row["status"], row["attributes.notes"], row["attributes.text"], row["attributes.empty"] = "completed", "-9", "<clear>", "filled"
		}
		var record []string
		for _, name := range first.header {
			record = append(record, row[name])
		}
		records = append(records, record)
	}
	write(t, filepath.Join(tr.dir, "edited.csv"), csvOf(t, records))
	tr.run(0, "edited.csv", "edited", "--compare")
	if n := h.newRequests("patch"); n != 50 {
		t.Errorf("%d PATCHes for 50 edited rows", n)
	}
	tr.run(0, "edited/undo.csv", "undo", "--compare")
	sameState(t, h.state(), before)
	again := export("again.csv")
	want := tr.table("first.csv")
	for i, row := range again.rows {
		for _, name := range want.header {
			if name != "updated_at" && row[name] != want.rows[i][name] {
				t.Errorf("row %d, %s: %q, not %q", i+2, name, row[name], want.rows[i][name])
			}
		}
	}
}
