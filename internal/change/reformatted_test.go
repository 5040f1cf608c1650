package change

import (
	"testing"

	"nermbulk/internal/sheet"
)

func TestReformatted(t *testing.T) {
	for _, tt := range []struct{ was, is string }{
		{"007", "7"}, {"000", "0"}, {"1E5", "100000"}, {"12E5", "1200000"}, {"1e5", "1.00E+05"}, {"+491701234567", "491701234567"}, {"1.50", "1.5"}, {"1,50", "1,5"},
		{"12345678901234567890", "1.23456789012346E+19"}, {"12345678901234567890", "1.23457E+19"}, {"12345678901234567890", "1,23457E+19"},
		{"12345678901234567890", "12345678901234600000"}, {"1234567890123456", "1234567890123450"}, {"3.14159265358979", "3.141592654"}, {"1,234", "1234"}, {"1.234.567", "1234567"},
		{"2026-01-15", "15/01/2026"}, {"2026-01-15", "1/15/2026"}, {"01/15/2026", "2026-01-15"}, {"01/15/2026", "1/15/2026"}, {"15.01.2026", "15.1.26"}, {"2026-01-15", "15-Jan-26"},
		{"1-2", "2-Jan"}, {"1/2", "01/02/2026"}, {"MARCH1", "1-Mar"}, {"3.4", "03. Apr"}, {"3.4", "3.4.2026"},
		{"true", "TRUE"}, {"False", "FALSE"}, {"true", "WAHR"}, {"FAUX", "FALSE"},
	} {
		if !isReformatted(tt.was, tt.is) {
			t.Errorf("a spreadsheet makes %q of %q", tt.is, tt.was)
		}
	}
	for _, tt := range []struct{ was, is string }{
		{"007", "007"}, {"007", "8"}, {"", "7"}, {"7", ""}, {"B-1", "B-2"}, {"12345", "12346"}, {"12345", "12300"}, {"12345678901234567890", "12345678901234567891"},
		{"1.49", "1.5"}, {"2026-01-15", "2026-01-16"}, {"01/02/2026", "02/01/2026"}, {"2026-01-15", "16/01/2026"}, {"1-2", "3-Jan"},
		{"true", "false"}, {"true", "true "}, {"yes", "TRUE"}, {"1", "TRUE"}, {"open", "OPEN"}, {"e", "E"}, {"1,23", "123"}, {"1234,567", "1234567"}, {"x", "1E5"},
	} {
		if isReformatted(tt.was, tt.is) {
			t.Errorf("somebody has made %q of %q", tt.is, tt.was)
		}
	}
}

// TestWritten holds a sheet against what was written into it, by result.row.
func TestWritten(t *testing.T) {
	rows := map[int][]string{
		7: {idA, "007", "closed", "true"},
		8: {idB, "1E5", "closed", "no"},
	}
	rules := defaultRules()
	rules.Written = &Written{Columns: []string{"id", "attributes.n", "Status", "run"}, Row: func(n int) []string { return rows[n] }}
	const text = "result.row,run,Status,id,attributes.n,attributes.new\n" +
		"7,TRUE,CLOSED," + idA + ",7,007\n" +
		"8,no,rejected," + idA + ",100000,\n" + // another id
		"8,no,rejected," + idB + ",2E5,\n" + // corrected
		"9,no,rejected," + idB + ",100000,\n" +
		",no,rejected," + idB + ",100000,\n"
	for i, p := range planAll(t, text, rules) {
		switch {
		case i > 0 && FirstError(p.problems) != nil:
			t.Errorf("row %d: %v", i+2, p.problems)
		case i == 0 && (len(p.problems) != 1 || p.problems[0].Kind != sheet.Reformatted || p.problems[0].Column != "E" || p.problems[0].Severity != sheet.Error):
			t.Errorf("row 2: %v", p.problems)
		}
	}
	rules.AllowReformatted = true
	for _, p := range planAll(t, text, rules) {
		if len(p.problems) > 0 {
			t.Errorf("allowed: %v", p.problems)
		}
	}
}
