package job

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRunName(t *testing.T) {
	for _, tt := range []struct{ sheet, want string }{
		{"data/sessions.csv", "sessions"},
		{"sessions.csv.gz", "sessions"},
		{"a*b?.csv", "a_b_"},
		{".csv", "sheet"},
		{strings.Repeat("x", 240) + ".csv", strings.Repeat("x", 100)},
		{strings.Repeat("表", 80) + ".csv", strings.Repeat("表", 33)},
	} {
		if got := RunName(tt.sheet); got != tt.want || !utf8.ValidString(got) {
			t.Errorf("%s: got %q, want %q", tt.sheet, got, tt.want)
		}
	}
}
