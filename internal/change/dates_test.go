package change

import (
	"strings"
	"testing"

	"nermbulk/internal/sheet"
)

func TestDateRewriting(t *testing.T) {
	tests := map[string]struct{ rule, in, want string }{
		"ISO to American":        {"yyyy-mm-dd:mm/dd/yyyy", "2026-01-15", "01/15/2026"},
		"one digit on input":     {"mm/dd/yyyy:yyyy-mm-dd", "1/5/2026", "2026-01-05"},
		"German to dashes":       {"dd.mm.yyyy:dd-mm-yyyy", "5.11.2026", "05-11-2026"},
		"to points":              {"yyyy/mm/dd:dd.mm.yyyy", "2026/2/28", "28.02.2026"},
		"a leap day":             {"dd/mm/yyyy:mm-dd-yyyy", "29/02/2028", "02-29-2028"},
		"no leap day":            {"dd/mm/yyyy:mm-dd-yyyy", "29/02/2026", ""},
		"month 13":               {"mm/dd/yyyy:yyyy-mm-dd", "13/01/2026", ""},
		"day 0":                  {"mm/dd/yyyy:yyyy-mm-dd", "01/00/2026", ""},
		"a year of two digits":   {"mm/dd/yyyy:yyyy-mm-dd", "01/02/26", ""},
		"three digits":           {"mm/dd/yyyy:yyyy-mm-dd", "001/02/2026", ""},
		"another separator":      {"mm/dd/yyyy:yyyy-mm-dd", "01-02-2026", ""},
		"text behind the date":   {"mm/dd/yyyy:yyyy-mm-dd", "01/02/2026 10:00", ""},
		"the separator is final": {"mm/dd/yyyy:yyyy-mm-dd", "01/02/", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, wrong := dateRules(t, "attr.x="+tt.rule)[0].parse(tt.in, nil)
			if got != tt.want || (wrong == nil) != (tt.want != "") {
				t.Errorf("got %q, %+v; want %q", got, wrong, tt.want)
			}
		})
	}
}

func TestDateRulesThatAreRefused(t *testing.T) {
	for _, s := range []string{"", "attributes.a", "attributes.a=yyyy-mm-dd", "status=yyyy-mm-dd:mm/dd/yyyy", "attributes.a=yyyy-mm-dd:whatever", "attributes.a=yy-mm-dd:mm/dd/yyyy", "nonsense=yyyy-mm-dd:mm/dd/yyyy"} {
		if _, err := ParseDateRule(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestMixedDates(t *testing.T) {
	tests := map[string]struct {
		cells []string
		row   int // of the warning; 0 = none
	}{
		"one form":                  {[]string{"01/15/2026", "12/31/2026", "02/03/2026"}, 0},
		"American beside European":  {[]string{"01/15/2026", "02/03/2026", "15/01/2026"}, 4},
		"told once":                 {[]string{"01/15/2026", "15/01/2026", "16/01/2026"}, 3},
		"another separator":         {[]string{"01/15/2026", "2026-01-15"}, 3},
		"text between":              {[]string{"01/15/2026", "n/a", "unknown", "01/16/2026"}, 0},
		"no date of any form":       {[]string{"01/15/2026", "99/99/2026"}, 0},
		"one digit is as good":      {[]string{"1/15/2026", "01/16/2026"}, 0},
		"all ambiguous":             {[]string{"01/02/2026", "03/04/2026"}, 0},
		"ambiguous, then European":  {[]string{"01/02/2026", "15/04/2026"}, 0},
		"narrowed, then the others": {[]string{"01/02/2026", "15/04/2026", "04/15/2026"}, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString("id,attributes.d\n")
			for _, cell := range tt.cells {
				b.WriteString(idA + "," + cell + "\n")
			}
			told := 0
			for _, p := range planAll(t, b.String(), defaultRules()) {
				for _, problem := range p.problems {
					if problem.Kind == sheet.OddDate {
						continue
					}
					if problem.Kind != sheet.MixedDates || problem.Severity != sheet.Warning || told != 0 {
						t.Errorf("unexpected: %v", problem)
					}
					told = problem.Row
				}
			}
			if told != tt.row {
				t.Errorf("warned at row %d, want %d", told, tt.row)
			}
		})
	}
	rules := defaultRules()
	rules.Dates = dateRules(t, "attributes.d=mm/dd/yyyy:yyyy-mm-dd")
	for _, p := range planAll(t, "id,attributes.d\n"+idA+",01/15/2026\n"+idB+",1/2/2026\n", rules) {
		if len(p.problems) > 0 {
			t.Errorf("under --date nothing is guessed: %v", p.problems)
		}
	}
}
