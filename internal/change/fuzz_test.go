package change

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// FuzzPlan plans rows of arbitrary cells: it must never panic, every body must
// be JSON that says what the row says, and a change must have one hash however
// its columns stand and whatever a copy corrects.
func FuzzPlan(f *testing.F) {
	f.Add(idA, "Pending Approval", "neprofileuser", idB+";"+idC, "yes", "x", "01/15/2026", uint8(0))
	f.Add("{"+idA+"}", "complete", "", ",", "WAHR", "<clear>", "31.12.2026", uint8(1))
	f.Add(strings.ToUpper(idA), "<clear>", "Usr", "x", "", "#N/A", "1/1/26", uint8(2))
	f.Add(idA, "", "", "", "true", "1.23E+15", "", uint8(3))
	f.Add(idA, "\u00a0closed\ufeff", "User", "", "0", "Ã©\x00\x1f\u2028\"\\", "\r\n", uint8(7))
	f.Add(idA, "", "", "", "", "a, B,b c ,,x", "2027-01-15", uint8(8))
	f.Add(idA, "", "", "", "", "A,a", "1/15/2027", uint8(8))
	tenant := NewAttributes([]api.Attribute{
		{UID: "a", DataType: "check boxes", Options: []string{"A", "b", "B C", "a,b", " x", "a"}},
		{UID: "b", DataType: "date", DateFormat: "dd/mm/yyyy"},
	})
	dates := dateRules(f, "attributes.b=mm/dd/yyyy:yyyy-mm-dd")
	f.Fuzz(func(t *testing.T, id, status, kind, profiles, run, a, b string, flags uint8) {
		rules := defaultRules()
		rules.RunSessions, rules.AllowUnknownStatus = flags&1 > 0, flags&2 > 0
		if flags&4 > 0 {
			rules.Dates = dates
		}
		if flags&8 > 0 {
			rules.Attributes = tenant
		}
		cells := []string{id, status, kind, profiles, run, a, b}
		names := []string{"id", "status", "requester_type", "profile_ids", "run", "attributes.a", "attributes.b"}
		change, problems := planCells(t, names, cells, rules)
		for _, p := range problems {
			if p.Message == "" || p.Row != 7 || !utf8.ValidString(p.Message) || strings.ContainsAny(p.String(), "\n\r\x1b") {
				t.Fatalf("problem %+v", p)
			}
		}
		body := checkBody(t, &change)
		backwards := func(list []string) []string {
			turned := make([]string, len(list))
			for i, s := range list {
				turned[len(list)-1-i] = s
			}
			return turned
		}
		if again, _ := planCells(t, backwards(names), backwards(cells), rules); again.Hash() != change.Hash() {
			t.Fatalf("two hashes: %s %s, %s %s", change.ID, change.Body, again.ID, again.Body)
		}
		if FirstError(problems) != nil {
			return
		}
		if len(body) == 0 || change.ID == "" {
			t.Fatalf("a row without problems changes nothing: %s", change.Body)
		}
		for i, name := range names {
			field, uid, _ := SheetFields().Parse(name)
			cells[i] = rules.fix(sheet.Column{Field: field, UID: uid})(cells[i])
		}
		if corrected, problems := planCells(t, names, cells, rules); corrected.Hash() != change.Hash() || FirstError(problems) != nil {
			t.Fatalf("the corrected row asks for %s, the row for %s (%v)", corrected.Body, change.Body, problems)
		}
	})
}

// planCells plans one row of a sheet with these columns.
func planCells(t *testing.T, names, cells []string, rules Rules) (Change, []sheet.Problem) {
	t.Helper()
	columns := make([]sheet.Column, len(names))
	for i, name := range names {
		field, uid, ok := SheetFields().Parse(name)
		if !ok {
			t.Fatalf("%s is no field", name)
		}
		columns[i] = sheet.Column{Index: i, Name: name, Field: field, UID: uid}
	}
	p := newPlanner(columns, rules)
	problems := p.Plan(&sheet.Row{Number: 7, Cells: cells})
	return p.Change, problems
}

// checkBody returns the session's fields in a body, which must be valid JSON
// with as many fields and clears as the change counts.
func checkBody(t *testing.T, c *Change) map[string]any {
	t.Helper()
	var body struct {
		Session map[string]any `json:"workflow_session"`
	}
	if !utf8.Valid(c.Body) || json.Unmarshal(c.Body, &body) != nil {
		t.Fatalf("the body is not JSON: %q", c.Body)
	}
	fields, clears := len(body.Session), 0
	if attributes, ok := body.Session["attributes"].(map[string]any); ok {
		fields += len(attributes) - 1
		for _, value := range attributes {
			if value == "" {
				clears++
			}
		}
		if len(attributes) == 0 {
			fields = 0
		}
	}
	if fields != len(c.values) || clears != c.Clears {
		t.Fatalf("%s has %d fields and %d clears, the change says %d and %d", c.Body, fields, clears, len(c.values), c.Clears)
	}
	if status, _ := body.Session["status"].(string); utf8.ValidString(c.Status) && status != strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(c.Status) {
		t.Fatalf("%s does not send %q", c.Body, c.Status)
	}
	return body.Session
}
