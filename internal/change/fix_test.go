package change

import (
	"context"
	"slices"
	"strings"
	"testing"

	"nermbulk/internal/sheet"
)

// fixed returns a sheet's records below the header as a copy has them, and the
// corrections.
func fixed(t *testing.T, s *sheet.Sheet, rules Rules) (rows [][]string, fixes []Fix) {
	t.Helper()
	f := NewFixer(s, rules)
	err := s.EachRecord(context.Background(), func(row int, cells []string) error {
		if row > s.HeaderRow() {
			f.Fix(row, cells, func(fix Fix) { fixes = append(fixes, fix) })
			rows = append(rows, slices.Clone(cells))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, fixes
}

func TestCertainCorrections(t *testing.T) {
	bare := strings.ReplaceAll(idA, "-", "")
	tests := map[string]struct{ header, cell, want string }{
		"a status's spelling":            {"status", "Pending Approval", "pending_approval"},
		"a status in capitals":           {"status", "CLOSED", "closed"},
		"a status's own capitals":        {"status", "auth_status1", "AUTH-STATUS1"},
		"a probable status":              {"status", "complete", "complete"},
		"a probable status is trimmed":   {"status", " complete", "complete"},
		"a type's case":                  {"requester_type", "neprofileuser", "NeprofileUser"},
		"a type's spelling":              {"requester_type", "Neaccess_User ", "NeaccessUser"},
		"a probable type":                {"requester_type", "Users", "Users"},
		"an id in capitals":              {"id", strings.ToUpper(idA), idA},
		"an id in braces":                {"id", "{" + idA + "}", idA},
		"an id without hyphens":          {"id", bare, idA},
		"an id that has it all":          {"id", "\u200b{ " + strings.ToUpper(bare) + " }\u00a0", idA},
		"an id that is too short":        {"id", idA[1:], idA[1:]},
		"another field's id":             {"workflow_id", "{" + idA + "}", idA},
		"a list of ids":                  {"profile_ids", bare + " ;\n{" + idB + "}|x," + idC + ",,", idA + " ;\n" + idB + "|x," + idC + ",,"},
		"white space around text":        {"attributes.a", "\u00a0a b\n\ufeff", "a b"},
		"white space alone":              {"attributes.a", " \t", ""},
		"a marker is trimmed":            {"attributes.a", " <CLEAR> ", "<CLEAR>"},
		"text that looks like an id":     {"attributes.a", strings.ToUpper(idA), strings.ToUpper(idA)},
		"a formula":                      {"attributes.a", " =1+1", "=1+1"},
		"a boolean":                      {"run", " Ja", "Ja"},
		"an error of the spreadsheet":    {"attributes.a", " #N/A", "#N/A"},
		"a column that is not sent":      {"created_at", " x ", " x "},
		"a column that says it is a uid": {"UID", " {" + idA + "} ", " {" + idA + "} "},
		"mixed line breaks stay":         {"attributes.a", "a\r\nb\nc\rd", "a\r\nb\nc\rd"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header, line := "id,"+tt.header, idB+`,"`+tt.cell+`"`
			if tt.header == "id" {
				header, line = "attributes.z,id", `z,"`+tt.cell+`"`
			}
			rows, fixes := fixed(t, openSheet(t, header+"\n"+line+"\n", sheet.Options{}), defaultRules())
			if len(rows) != 1 || rows[0][1] != tt.want {
				t.Fatalf("got %q, want %q", rows, tt.want)
			}
			want := []Fix{{Row: 2, Column: "B", Header: tt.header, Old: tt.cell, New: tt.want}}
			if tt.cell == tt.want {
				want = nil
			}
			if !slices.Equal(fixes, want) {
				t.Errorf("told %+v, want %+v", fixes, want)
			}
		})
	}
}

func TestRowsThatAreNotCorrected(t *testing.T) {
	for name, line := range map[string]string{
		"a row with data beyond the last column": "{" + idA + "}, Closed,,x",
		"a blank row":                            " ,\u00a0,",
	} {
		t.Run(name, func(t *testing.T) {
			rows, fixes := fixed(t, openSheet(t, "id,status\n"+idB+",closed\n"+line+"\n", sheet.Options{}), defaultRules())
			if len(fixes) > 0 || strings.Join(rows[1], ",") != line {
				t.Errorf("got %q, %v", rows[1], fixes)
			}
		})
	}
}

// TestCorrectedResultsComeBack follows cells that have the formula escape: what
// the copy is read as must be what the sheet was read as, but for the
// corrections.
func TestCorrectedResultsComeBack(t *testing.T) {
	for cell, want := range map[string]string{
		"'=1": "'=1", "''=1": "''=1", "=1": "=1", "' x": "' x", " =1": "=1", " '=1": "''=1", "'\t=1 ": "=1", " -5": "-5",
	} {
		rows, _ := fixed(t, openSheet(t, "id,attributes.a,result.row\n"+idA+`,"`+cell+"\",2\n", sheet.Options{}), defaultRules())
		if rows[0][1] != want {
			t.Errorf("%q became %q, want %q", cell, rows[0][1], want)
		}
		if got, want := sheet.Unescape(rows[0][1]), sheet.Trim(sheet.Unescape(cell)); got != want {
			t.Errorf("%q is read as %q, want %q", cell, got, want)
		}
	}
}

func TestCorrectionsAreTold(t *testing.T) {
	long := strings.Repeat("x", 100)
	for want, fix := range map[string]Fix{
		`row 17, column C (Status): "Closed\u00a0" → "closed"`:                              {17, "C", "Status", "Closed\u00a0", "closed"},
		`row 2, column AA (attr.a): "` + long[:60] + `…": white space around it taken off`:  {2, "AA", "attr.a", long + " ", long},
		`row 2, column B (profile_ids): "` + long + `{` + idA + `}" → "` + long + idA + `"`: {2, "B", "profile_ids", long + "{" + idA + "}", long + idA},
		`row 3, column A (id): "{` + strings.ToUpper(idA) + `}" → "` + idA + `"`:            {3, "A", "id", "{" + strings.ToUpper(idA) + "}", idA},
		`row 4, column B (attributes.note): "\x1b[2Jtext\n" → "\x1b[2Jtext"`:                {4, "B", "attributes.note", "\x1b[2Jtext\n", "\x1b[2Jtext"},
	} {
		if got := fix.String(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
