package change

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nermbulk/internal/sheet"
)

const (
	idA = "33f072dd-13b4-41e1-8ea0-16f2a59b57c8"
	idB = "59ed1cb6-9977-4965-9bfe-f2bcc242523e"
	idC = "89ed1cb6-9977-4965-9bfe-f2bcc242523e"
)

// openSheet writes a sheet and opens it.
func openSheet(t testing.TB, content string, o sheet.Options) *sheet.Sheet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sheet.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Fields = SheetFields()
	s, err := sheet.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func defaultRules() Rules { return Rules{ClearMarker: DefaultClearMarker} }

// planned is what one row of a sheet becomes.
type planned struct {
	change   Change
	problems []sheet.Problem
}

func planAll(t testing.TB, content string, rules Rules) []planned {
	t.Helper()
	s := openSheet(t, content, sheet.Options{})
	if whole := s.Problems(); len(whole) > 0 {
		t.Fatalf("the header has problems: %v", whole)
	}
	p := NewPlanner(s, rules)
	var all []planned
	err := s.Each(context.Background(), func(row *sheet.Row) error {
		problems := append([]sheet.Problem(nil), p.Plan(row)...)
		all = append(all, planned{p.Change, problems})
		p.Change = Change{}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBodies(t *testing.T) {
	tests := map[string]struct {
		sheet string
		rules func(*Rules)
		run   bool
		body  string // of workflow_session
	}{
		"every field": {
			sheet: "ID,Status,Workflow ID,requester-id,RequesterType,profile_id,Profile IDs,attributes.end_date,attr.Dept\n" +
				strings.Join([]string{idA, "Pending Approval", strings.ToUpper(idB), idB, "neprofileuser", idC, `"` + idB + "; " + strings.ToUpper(idB) + "|" + idC + `,"`, "01/15/2026", "Sales"}, ","),
			body: `{"status":"pending_approval","workflow_id":"` + idB + `","requester_id":"` + idB + `","requester_type":"NeprofileUser","profile_id":"` + idC + `","profile_ids":["` + idB + `","` + idC + `"],"attributes":{"Dept":"Sales","end_date":"01/15/2026"}}`,
		},
		"empty cells are left out":          {sheet: "id,status,attributes.a,attributes.b\n" + idA + ",,, x ", body: `{"attributes":{"b":"x"}}`},
		"no-break and zero-width spaces":    {sheet: "id,attributes.a,attributes.b\n" + idA + ",\u00a0\u200b,\u00a0y\ufeff", body: `{"attributes":{"b":"y"}}`},
		"clear marker without case":         {sheet: "id,attributes.a\n" + idA + ",<CLEAR>", body: `{"attributes":{"a":""}}`},
		"another clear marker":              {sheet: "id,attributes.a,attributes.b\n" + idA + ",-,<clear>", rules: func(r *Rules) { r.ClearMarker = "-" }, body: `{"attributes":{"a":"","b":"<clear>"}}`},
		"run alone":                         {sheet: "id,status,run\n" + idA + ",,WAHR", run: true, body: `{"attributes":{}}`},
		"run beside a status":               {sheet: "id,status,run\n" + idA + ",closed,vrai", run: true, body: `{"status":"closed"}`},
		"run says no":                       {sheet: "id,status,run\n" + idA + ",closed,FALSO", body: `{"status":"closed"}`},
		"run by flag":                       {sheet: "id,status,run\n" + idA + ",closed,", rules: func(r *Rules) { r.RunSessions = true }, run: true, body: `{"status":"closed"}`},
		"run by flag without a column":      {sheet: "id,status\n" + idA + ",", rules: func(r *Rules) { r.RunSessions = true }, run: true, body: `{"attributes":{}}`},
		"a cell's no beats the flag":        {sheet: "id,status,run\n" + idA + ",closed,no", rules: func(r *Rules) { r.RunSessions = true }, body: `{"status":"closed"}`},
		"line breaks become LF":             {sheet: "id,attributes.a\n" + idA + ",\"one\r\ntwo\rthree\nfour\"", body: `{"attributes":{"a":"one\ntwo\nthree\nfour"}}`},
		"characters that JSON escapes":      {sheet: "id,attributes.a\n" + idA + ",\"a\"\"b\\c\td\"", body: `{"attributes":{"a":"a\"b\\c\td"}}`},
		"text beyond ASCII":                 {sheet: "id,attributes.a\n" + idA + ",Zoë 日本 🎉", body: `{"attributes":{"a":"Zoë 日本 🎉"}}`},
		"an id in capitals":                 {sheet: "id,status\n" + strings.ToUpper(idA) + ",closed", body: `{"status":"closed"}`},
		"status as a number of its name":    {sheet: "id,status\n" + idA + ",auth status1", body: `{"status":"AUTH-STATUS1"}`},
		"an unknown status by flag":         {sheet: "id,status\n" + idA + ",Half Done", rules: func(r *Rules) { r.AllowUnknownStatus = true }, body: `{"status":"Half Done"}`},
		"a known status under the flag":     {sheet: "id,status\n" + idA + ",un assigned", rules: func(r *Rules) { r.AllowUnknownStatus = true }, body: `{"status":"un_assigned"}`},
		"a list of nothing is an empty one": {sheet: "id,status,profile_ids\n" + idA + ",closed,\" ; , \"", body: `{"status":"closed"}`},
		"columns that are not sent":         {sheet: "id,status,uid,created_at,result.note\n" + idA + ",closed,#N/A,#REF!,#N/A", body: `{"status":"closed"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rules := defaultRules()
			if tt.rules != nil {
				tt.rules(&rules)
			}
			got := planAll(t, tt.sheet, rules)
			if len(got) != 1 || len(got[0].problems) > 0 {
				t.Fatalf("want one row without problems, got %+v", got)
			}
			c := got[0].change
			if c.ID != idA || c.Run != tt.run {
				t.Errorf("id %q, run %v", c.ID, c.Run)
			}
			var body, want map[string]any
			if err := json.Unmarshal(c.Body, &body); err != nil {
				t.Fatalf("%s: %v", c.Body, err)
			}
			if err := json.Unmarshal([]byte(`{"workflow_session":`+tt.body+`}`), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(body, want) {
				t.Errorf("body\n %s\nwant the fields of\n %s", c.Body, tt.body)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	row := func(cells ...string) string {
		return "id,status,workflow_id,requester_type,profile_ids,run,attributes.a,attributes.b\n" + strings.Join(cells, ",")
	}
	tests := map[string]struct {
		sheet string
		rules func(*Rules)
		want  []string // place, kind, and a part of the message
	}{
		"bad id":             {sheet: row("12", "closed", "", "", "", "", "", ""), want: []string{`A bad-id "12" is not an id`}},
		"empty id":           {sheet: row("", "closed", "", "", "", "", "", ""), want: []string{`A bad-id the id is empty`}},
		"id in braces":       {sheet: row("{"+idA+"}", "closed", "", "", "", "", "", ""), want: []string{`A bad-id without braces: ` + idA}},
		"id without hyphens": {sheet: row(strings.ReplaceAll(idA, "-", ""), "closed", "", "", "", "", "", ""), want: []string{`A bad-id with hyphens`}},
		"misspelt status":    {sheet: row(idA, "complete", "", "", "", "", "", ""), want: []string{`B bad-status did you mean "completed"?`}},
		"far from a status":  {sheet: row(idA, "xyzzy-plugh", "", "", "", "", "", ""), want: []string{`B bad-status help sheet`}},
		"bad uuid":           {sheet: row(idA, "", "123", "", "", "", "x", ""), want: []string{`C bad-uuid "123" is not a UUID`}},
		"bad type":           {sheet: row(idA, "", "", "Usr", "", "", "x", ""), want: []string{`D bad-type did you mean "User"?`}},
		"one bad of many":    {sheet: row(idA, "", "", "", idB+";nope", "", "", ""), want: []string{`E bad-uuid "nope"`}},
		"bad boolean":        {sheet: row(idA, "closed", "", "", "", "perhaps", "", ""), want: []string{`F bad-boolean "perhaps"`}},
		"clear for an id":    {sheet: row("<CLEAR>", "closed", "", "", "", "", "x", ""), want: []string{`A clear-not-allowed needs the id`}},
		"stray hyphens":      {sheet: row(idA[:30]+"-"+idA[31:], "closed", idB[:35]+"-", "", "", "", "", ""), want: []string{`A bad-id is not an id`, `C bad-uuid is not a UUID`}},
		"clear elsewhere":    {sheet: row(idA, "<clear>", "", "", "", "<Clear>", "x", ""), want: []string{`B clear-not-allowed`, `F clear-not-allowed`}},
		"spreadsheet errors": {sheet: row(idA, "#N/A", "#wert!", "", "", "", "Err:502", "#####"), want: []string{`B excel-error`, `C excel-error`, `G excel-error`, `H excel-error`}},
		"nothing to change":  {sheet: row(idA, "", "", "", "", "", "", ""), want: []string{` no-change changes nothing`}},
		"run no is nothing":  {sheet: row(idA, "", "", "", "", "no", "", ""), want: []string{` no-change "run"`}},
		"scientific":         {sheet: row(idA, "", "", "", "", "", "1.23E+15", `"6,1E+12"`), want: []string{`G scientific`, `H scientific`}},
		"mojibake":           {sheet: row(idA, "", "", "", "", "", "ChloÃ©", "SÃO PAULO"), want: []string{`G mojibake`}},
		"bad date":           {sheet: row(idA, "", "", "", "", "", "31/02/2026", ""), rules: func(r *Rules) { r.Dates = dateRules(t, "attributes.a=dd/mm/yyyy:yyyy-mm-dd") }, want: []string{`G bad-date dd/mm/yyyy`}},
		"in column order":    {sheet: row("x", "y", "z", "", "", "q", "#N/A", ""), want: []string{`A bad-id`, `B bad-status`, `C bad-uuid`, `F bad-boolean`, `G excel-error`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rules := defaultRules()
			if tt.rules != nil {
				tt.rules(&rules)
			}
			got := planAll(t, tt.sheet, rules)
			if len(got) != 1 || len(got[0].problems) != len(tt.want) {
				t.Fatalf("got %v, want %q", got[0].problems, tt.want)
			}
			for i, p := range got[0].problems {
				place, rest, _ := strings.Cut(tt.want[i], " ")
				kind, part, _ := strings.Cut(rest, " ")
				if p.Row != 2 || p.Column != place || string(p.Kind) != kind || !strings.Contains(p.Message, part) {
					t.Errorf("got %+v, want %q", p, tt.want[i])
				}
			}
		})
	}
}

func dateRules(t testing.TB, texts ...string) []DateRule {
	t.Helper()
	var rules []DateRule
	for _, text := range texts {
		r, err := ParseDateRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

func TestStrictMakesWarningsErrors(t *testing.T) {
	rules := defaultRules()
	rules.Strict = true
	got := planAll(t, "id,attributes.a\n"+idA+",1.5E+10", rules)
	if p := got[0].problems; len(p) != 1 || p[0].Severity != sheet.Error {
		t.Errorf("got %v", p)
	}
}

func TestHashIgnoresOrder(t *testing.T) {
	one := planAll(t, "id,status,attributes.a,attributes.b\n"+idA+",closed,1,2", defaultRules())
	two := planAll(t, "attributes.b,id,attributes.a,status\n2,"+strings.ToUpper(idA)+",1,Closed", defaultRules())
	if one[0].change.Hash() != two[0].change.Hash() {
		t.Errorf("the same change has two hashes:\n%s\n%s", one[0].change.Body, two[0].change.Body)
	}
	for name, other := range map[string]string{
		"another value": "id,status,attributes.a,attributes.b\n" + idA + ",closed,1,3",
		"another id":    "id,status,attributes.a,attributes.b\n" + idB + ",closed,1,2",
		"a run":         "id,status,attributes.a,attributes.b,run\n" + idA + ",closed,1,2,yes",
	} {
		if three := planAll(t, other, defaultRules()); three[0].change.Hash() == one[0].change.Hash() {
			t.Errorf("%s has the same hash", name)
		}
	}
}

func TestDoubtfulRowsOfAResultsFile(t *testing.T) {
	got := planAll(t, "id,status,run,result.status\n"+idA+",closed,yes,unknown\n"+idB+",closed,yes,failed\n", defaultRules())
	if !got[0].change.Doubtful || got[1].change.Doubtful {
		t.Errorf("doubtful: %v, %v", got[0].change.Doubtful, got[1].change.Doubtful)
	}
}
