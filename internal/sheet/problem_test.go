package sheet

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestLetter(t *testing.T) {
	for index, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA", 16383: "XFD", -1: ""} {
		if got := Letter(index); got != want {
			t.Errorf("%d: got %q, want %q", index, got, want)
		}
	}
}

func TestProblemString(t *testing.T) {
	for _, tt := range []struct {
		name    string
		problem Problem
		want    string
	}{
		{"a cell's", Problem{Row: 17, Column: "C", Header: "status", Message: `"complete" is not a status`}, `row 17, column C (status): "complete" is not a status`},
		{"a column without a name", Problem{Row: 1, Column: "B", Header: " ", Message: "no header"}, "row 1, column B: no header"},
		{"a row's", Problem{Row: 3, Message: "changes nothing"}, "row 3: changes nothing"},
		{"the sheet's", Problem{Message: "the sheet is empty"}, "the sheet is empty"},
		{"a header that would spoil a terminal", Problem{Row: 1, Column: "A", Header: "a\x1b[31m\nb\u202e", Message: "m"}, "row 1, column A (a b): m"},
		{"a long header", Problem{Row: 1, Column: "A", Header: strings.Repeat("ä", 500), Message: "m"}, "row 1, column A (" + strings.Repeat("ä", 60) + "…): m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.problem.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestProblemJSON(t *testing.T) {
	got, err := json.Marshal(Problem{Row: 17, Column: "C", Header: "status", Kind: BadStatus, Severity: Error, Message: "m"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"row":17,"column":"C","header":"status","kind":"bad-status","severity":"error","message":"m"}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
