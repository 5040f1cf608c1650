package change

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// tenantAttributes are one of each type.
func tenantAttributes() *Attributes {
	return NewAttributes([]api.Attribute{
		{ID: "1", UID: "text", Label: "Notes", DataType: "text area"},
		{ID: "2", UID: "us", Label: "US date", DataType: "date", Type: "DateAttribute", DateFormat: "mm/dd/yyyy"},
		{ID: "3", UID: "iso", Label: "ISO date", DataType: "date", DateFormat: "yyyy-mm-dd"},
		{ID: "4", UID: "free", Label: "Free date", DataType: "date"},
		{ID: "5", UID: "color", Label: "Color", DataType: "drop-down", Options: []string{"Red", "Dark  Green", "Purple", "Größe"}},
		{ID: "6", UID: "yesno", Label: "Yes or no", Type: "RadioButtonsAttribute", Options: []string{"Yes", "No", "YES"}},
		{ID: "7", UID: "boxes", Label: "Boxes", DataType: "check boxes", Options: []string{"Red", "Blue", "Doe, John", "Doe", "a, b, c", "-1", "1"}},
		{ID: "8", UID: "multi", Label: "Several", DataType: "drop-down", Multiple: true, Options: []string{"A", "B"}},
		{ID: "9", UID: "unread", Label: "Unread", DataType: "drop-down"},
		{ID: "10", UID: "owner", Label: "Owner", DataType: "owner search"},
		{ID: "11", UID: "owners", Label: "Owners", DataType: "owner search", Multiple: true},
		{ID: "12", UID: "profile", Label: "Profile", Type: "ProfileSelectAttribute"},
		{ID: "13", UID: "photo", Label: "Photo", DataType: "attachment"},
		{ID: "14", UID: "many", Label: "Many", DataType: "drop-down", Options: manyOptions(20_000)},
	})
}

func manyOptions(n int) []string {
	options := make([]string, n)
	for i := range options {
		options[i] = fmt.Sprintf("Department %05d", i)
	}
	return options
}

func tenantRules() Rules {
	rules := defaultRules()
	rules.Attributes = tenantAttributes()
	return rules
}

// planAttribute plans one cell of one attribute.
func planAttribute(t testing.TB, uid, cell string, rules Rules) planned {
	t.Helper()
	return planAll(t, "id,attributes."+uid+"\n"+idA+`,"`+strings.ReplaceAll(cell, `"`, `""`)+"\"\n", rules)[0]
}

func TestAttributeCells(t *testing.T) {
	const user = "Ann Lee (ann@example.com)"
	tests := map[string]struct {
		uid, cell string
		want      string // what is sent; of an error, nothing is
		kind      sheet.Kind
		message   string
	}{
		"text":                           {uid: "text", cell: "31.12.2026, Red", want: "31.12.2026, Red"},
		"a date in the format":           {uid: "us", cell: "01/15/2027", want: "01/15/2027"},
		"a date of ISO":                  {uid: "us", cell: "2027-01-15", want: "01/15/2027"},
		"a date of ISO that is wanted":   {uid: "iso", cell: "2027-01-15", want: "2027-01-15"},
		"a date in another form":         {uid: "us", cell: "31.12.2026", kind: sheet.BadDate, message: `"31.12.2026" is not a date of the form mm/dd/yyyy, which the attribute has; it could be 12/31/2026 (dd.mm.yyyy): write that, or have the column rewritten with --date attributes.us=dd.mm.yyyy:mm/dd/yyyy`},
		"a date in one of two forms":     {uid: "iso", cell: "03/04/2027", kind: sheet.BadDate, message: "it could be 2027-03-04 (mm/dd/yyyy) or 2027-04-03 (dd/mm/yyyy): write the one that is meant"},
		"a date of one digit":            {uid: "us", cell: "1/15/2027", kind: sheet.BadDate, message: "it could be 01/15/2027 (mm/dd/yyyy): write that"},
		"a date of ISO of one digit":     {uid: "us", cell: "2027-1-15", kind: sheet.BadDate, message: "it could be 01/15/2027 (yyyy-mm-dd)"},
		"a month that is none":           {uid: "iso", cell: "2027-13-01", kind: sheet.BadDate, message: "; write it like 2027-12-31 or"},
		"a day that no calendar has":     {uid: "us", cell: "02/30/2027", kind: sheet.BadDate, message: "; write it like 12/31/2027 or 2027-12-31"},
		"no date":                        {uid: "us", cell: "soon", kind: sheet.BadDate},
		"a time behind the date":         {uid: "us", cell: "2027-01-15T00:00:00Z", kind: sheet.BadDate},
		"a date is cleared":              {uid: "us", cell: "<clear>"},
		"a date without a format":        {uid: "free", cell: "01/15/2027", want: "01/15/2027"},
		"an odd date without a format":   {uid: "free", cell: "31.12.2026", want: "31.12.2026", kind: sheet.OddDate},
		"an option":                      {uid: "color", cell: "Red", want: "Red"},
		"in another case":                {uid: "color", cell: "rED", want: "Red"},
		"with other spaces":              {uid: "color", cell: "dark\u00a0green", want: "Dark  Green"},
		"in another normal form":         {uid: "color", cell: "gro\u0308\u00dfe", want: "Größe"},
		"an option is cleared":           {uid: "color", cell: "<CLEAR>"},
		"no option":                      {uid: "color", cell: "Purpel", kind: sheet.BadOption, message: `"Purpel" is not an option of the attribute; did you mean "Purple"? The options are "Red", "Dark  Green", "Purple", "Größe"`},
		"nothing near":                   {uid: "color", cell: "transparent", kind: sheet.BadOption, message: `; use one of "Red", "Dark  Green", "Purple", "Größe"`},
		"two where one is taken":         {uid: "color", cell: "Red,Purple", kind: sheet.BadOption},
		"an error of the spreadsheet":    {uid: "color", cell: "#N/A", kind: sheet.ExcelError},
		"options that differ in case":    {uid: "yesno", cell: "YES", want: "YES"},
		"and the other one":              {uid: "yesno", cell: "Yes", want: "Yes"},
		"and neither":                    {uid: "yesno", cell: "yes", kind: sheet.BadOption, message: `; write it exactly as one of "Yes", "YES"`},
		"one box":                        {uid: "boxes", cell: "blue", want: "Blue"},
		"several boxes":                  {uid: "boxes", cell: "blue , RED", want: "Blue,Red"},
		"a box with a comma":             {uid: "boxes", cell: "doe, john", want: "Doe, John"},
		"a box that begins another":      {uid: "boxes", cell: "Doe", want: "Doe"},
		"both of them":                   {uid: "boxes", cell: "Doe,Doe, John,Red", want: "Doe,Doe, John,Red"},
		"a box with two commas":          {uid: "boxes", cell: "Red,A,B,C,Blue", want: "Red,a, b, c,Blue"},
		"a box twice, and none":          {uid: "boxes", cell: "Red,,red,", want: "Red"},
		"a hyphen is no space":           {uid: "boxes", cell: "1,-1", want: "1,-1"},
		"one that is no box":             {uid: "boxes", cell: "Red,Bleu", kind: sheet.BadOption, message: `"Bleu" is not an option of the attribute (in a list of several); did you mean "Blue"?`},
		"nothing but commas":             {uid: "boxes", cell: ",,", kind: sheet.BadOption, message: `",," is not an option of the attribute; use one of`},
		"several of a drop-down":         {uid: "multi", cell: "a,b", want: "A,B"},
		"options that were not read":     {uid: "unread", cell: "whatever", want: "whatever"},
		"a list of many":                 {uid: "many", cell: "department 19999", want: "Department 19999"},
		"nothing of a list of many":      {uid: "many", cell: "Accounting", kind: sheet.BadOption, message: "; `nermbulk attributes` lists them"},
		"misspelt of many":               {uid: "many", cell: "Departmnt 00007", kind: sheet.BadOption, message: `did you mean "Department 00007"?`},
		"one owner":                      {uid: "owner", cell: user, want: user},
		"two owners":                     {uid: "owner", cell: user + ", Bob (bob@example.com)", want: user + ", Bob (bob@example.com)", kind: sheet.ManyValues},
		"two owners where they may be":   {uid: "owners", cell: user + ", Bob (bob@example.com)", want: user + ", Bob (bob@example.com)"},
		"two profiles":                   {uid: "profile", cell: idA + "; " + idB, want: idA + "; " + idB, kind: sheet.ManyValues},
		"a name with a comma":            {uid: "profile", cell: "Doe, John", want: "Doe, John"},
		"two ids in an attribute's text": {uid: "text", cell: idA + "," + idB, want: idA + "," + idB},
	}
	rules := tenantRules()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := planAttribute(t, tt.uid, tt.cell, rules)
			if tt.kind == "" && len(got.problems) > 0 || tt.kind != "" && (len(got.problems) != 1 || got.problems[0].Kind != tt.kind) {
				t.Fatalf("got %v, want %q", got.problems, tt.kind)
			}
			if tt.kind != "" && !strings.Contains(got.problems[0].Message, tt.message) {
				t.Errorf("got %s\nwant %s", got.problems[0].Message, tt.message)
			}
			sent, ok := got.change.Sent()["attributes."+tt.uid]
			if refused := FirstError(got.problems) != nil; sent != tt.want || ok == refused {
				t.Errorf("sends %q, %v; want %q", sent, ok, tt.want)
			}
		})
	}
}

// TestDateRuleBeatsTheFormat also is about the attribute's own format.
func TestDateRuleBeatsTheFormat(t *testing.T) {
	rules := tenantRules()
	rules.Dates = dateRules(t, "attributes.us=dd.mm.yyyy:yyyy/mm/dd")
	if got := planAttribute(t, "us", "31.12.2026", rules); got.change.Sent()["attributes.us"] != "2026/12/31" {
		t.Errorf("got %s, %v", got.change.Body, got.problems)
	}
	if got := planAttribute(t, "us", "12/31/2026", rules); len(got.problems) != 1 || got.problems[0].Kind != sheet.BadDate {
		t.Errorf("got %s, %v", got.change.Body, got.problems)
	}
}

func TestWithOptions(t *testing.T) {
	a := tenantAttributes()
	s := openSheet(t, "id,Color,Notes,Boxes (boxes),attributes.unread,attributes.none,status\n", sheet.Options{Unknown: sheet.UnknownIgnore})
	if err := s.Resolve(t.Context(), a.SheetFields()); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, a := range a.WithOptions(s.Columns()) {
		ids = append(ids, a.ID)
	}
	if !slices.Equal(ids, []string{"5", "7", "9"}) {
		t.Errorf("got %v", ids)
	}
	var nothing *Attributes
	if ids := nothing.WithOptions(s.Columns()); ids != nil {
		t.Errorf("got %v of no tenant", ids)
	}
}

// TestCompareWithAttributes compares what is sent, which is in the tenant's
// spelling, with what sessions hold.
func TestCompareWithAttributes(t *testing.T) {
	tests := map[string]struct {
		uid, cell, held string
		same            bool
	}{
		"a date that was rewritten":    {"us", "2027-01-15", "01/15/2027", true},
		"another day":                  {"us", "2027-01-15", "01/16/2027", false},
		"an option in its spelling":    {"color", "purple", "Purple", true},
		"another option":               {"color", "purple", "Red", false},
		"boxes in another order":       {"boxes", "red,blue", "Blue, Red", true},
		"fewer boxes":                  {"boxes", "red,blue", "Blue", false},
		"text in another order":        {"text", "a,b", "b,a", false},
		"a box with a comma":           {"boxes", "doe, john", "Doe, John", true},
		"a box with a comma and more":  {"boxes", "doe, john,red", "Red, Doe, John", true},
		"an option that lost its case": {"color", "purple", "purple", false},
	}
	rules := tenantRules()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			change := planAttribute(t, tt.uid, tt.cell, rules).change
			session, err := api.ParseSession(fmt.Appendf(nil, `{"id":%q,"attributes":{%q:%q}}`, idA, tt.uid, tt.held))
			if err != nil {
				t.Fatal(err)
			}
			if found := Compare(&change, &session); found.Matches() != tt.same {
				t.Errorf("%s: %s", change.Body, found.Describe())
			}
		})
	}
}

// TestReformattedCellsThatMeanTheSame is about cells of a run's own files that a
// spreadsheet program changed, where the tenant's attributes show that nothing
// else is sent for them.
func TestReformattedCellsThatMeanTheSame(t *testing.T) {
	for name, tt := range map[string]struct {
		was, is string
		found   bool
	}{
		"a date in another certain form": {"01/15/2027", "2027-01-15", false},
		"another day":                    {"01/05/2027", "2027-05-01", true},
	} {
		t.Run(name, func(t *testing.T) {
			rules := tenantRules()
			rules.Written = &Written{
				Columns: []string{"id", "attributes.us", "result.row"},
				Row:     func(int) []string { return []string{idA, tt.was, "2"} },
			}
			got := planAll(t, "id,attributes.us,result.row\n"+idA+","+tt.is+",2\n", rules)[0]
			if found := len(got.problems) > 0; found != tt.found {
				t.Errorf("got %v", got.problems)
			}
		})
	}
}

func TestCorrectionsWithAttributes(t *testing.T) {
	tests := map[string]struct{ header, cell, want string }{
		"an option's spelling":     {"Color", " dark green", "Dark  Green"},
		"a probable option":        {"Color", " Purpel", "Purpel"},
		"boxes":                    {"Boxes", "RED, Doe,John", "Red,Doe, John"},
		"boxes with other spaces":  {"Boxes", "Red, Blue", "Red, Blue"},
		"boxes, one of them wrong": {"Boxes", "RED,Bleu", "RED,Bleu"},
		"a date of ISO":            {"US date (us)", "2027-01-15", "01/15/2027"},
		"a date that is right":     {"US date (us)", "01/15/2027", "01/15/2027"},
		"a date that is probable":  {"US date (us)", "15.01.2027", "15.01.2027"},
		"a marker":                 {"Color", " <CLEAR>", "<CLEAR>"},
		"an error":                 {"Color", "#N/A", "#N/A"},
		"a person":                 {"Owner", " Ann ", "Ann"},
	}
	rules := tenantRules()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := openSheet(t, "id,"+tt.header+"\n"+idA+`,"`+tt.cell+"\"\n", sheet.Options{Unknown: sheet.UnknownIgnore})
			if err := s.Resolve(t.Context(), rules.Attributes.SheetFields()); err != nil {
				t.Fatal(err)
			}
			rows, _ := fixed(t, s, rules)
			if rows[0][1] != tt.want {
				t.Errorf("got %q, want %q", rows[0][1], tt.want)
			}
		})
	}
}
