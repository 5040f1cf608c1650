package change

import (
	"strings"
	"testing"

	"nermbulk/internal/sheet"
)

// TestSuggestions wants the text that a wrong cell was probably meant to have,
// which has no problem in its place.
func TestSuggestions(t *testing.T) {
	const bare = "33f072dd13b441e18ea016f2a59b57c8"
	for _, test := range []struct {
		name, column, cell, want string
		certain                  bool
	}{
		{"a status one letter short", "status", "complete", "completed", false},
		{"a status that is near none", "status", "Abgelehnt", "", false},
		{"a requester type", "requester_type", "ne-profile user", "NeprofileUser", true},
		{"a requester type with a slip", "requester_type", "Usr", "User", false},
		{"a UUID without hyphens", "workflow_id", bare, idA, true},
		{"a UUID with dashes", "workflow_id", strings.ReplaceAll(idA, "-", "–"), idA, false},
		{"a UUID cut short", "workflow_id", idA[:30], "", false},
		{"a list with one of them in braces", "profile_ids", "{" + idA + "}; " + idB, idA + "; " + idB, true},
		{"a list with one that cannot be", "profile_ids", "{" + idA + "}; 12", "", false},
		{"a boolean", "run", "ture", "true", false},
		{"an error value", "status", "#N/A", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			row := planAll(t, "id,"+test.column+"\n"+idC+",\""+test.cell+"\"\n", defaultRules())[0]
			if len(row.problems) == 0 {
				t.Fatal("the cell has no problem")
			}
			if p := row.problems[0]; p.Suggested != test.want || p.Certain != test.certain {
				t.Errorf("%q, certain %v, of: %s", p.Suggested, p.Certain, p)
			}
			if test.want == "" {
				return
			}
			for _, p := range planAll(t, "id,"+test.column+"\n"+idC+",\""+test.want+"\"\n", defaultRules())[0].problems {
				if p.Kind != sheet.NoChange {
					t.Errorf("what is suggested is wrong: %s", p)
				}
			}
		})
	}
	for _, test := range []struct{ uid, cell, want string }{
		{"color", "Purpel", "Purple"},
		{"color", "transparent", ""},
		{"yesno", "yes", "Yes"},
		{"boxes", "Red,Re, Doe, John", "Red,Doe, John"},
		{"boxes", "Blue,Re,Doe", "Blue,Red,Doe"},
		{"us", "31.12.2026", "12/31/2026"},
		{"iso", "03/04/2027", ""},
	} {
		rules := tenantRules()
		if p := planAttribute(t, test.uid, test.cell, rules).problems[0]; p.Suggested != test.want || p.Certain {
			t.Errorf("%s: %q, certain %v, of: %s", test.uid, p.Suggested, p.Certain, p)
		}
	}
	if p := planAll(t, "id,status\n{"+bare+"},closed\n", defaultRules())[0].problems[0]; p.Suggested != idA || !p.Certain {
		t.Errorf("the id: %q, certain %v", p.Suggested, p.Certain)
	}
}
