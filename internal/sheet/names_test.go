package sheet

import "testing"

func TestTrim(t *testing.T) {
	for _, tt := range []struct{ name, cell, want string }{
		{"nothing to do", "open", "open"},
		{"empty", "", ""},
		{"spaces and tabs", " \t open \t", "open"},
		{"line breaks", "\r\nopen\n\r", "open"},
		{"no-break spaces", "\u00a0\u202fopen\u2007", "open"},
		{"marks of the direction, soft hyphens", "\u200e\u00ad\u202bopen\u202c\u200f\u2069", "open"},
		{"the end of a flag stays", "🏴\U000e0067\U000e007f", "🏴\U000e0067\U000e007f"},
		{"zero-width spaces", "\ufeff\u200b\u200copen\u200d\u2060", "open"},
		{"spaces within stay", "in progress", "in progress"},
		{"letters outside ASCII stay", "Ärger é", "Ärger é"},
		{"only white space", " \u200b\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Trim(tt.cell); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got, want := blank([]byte(tt.cell)), tt.want == ""; got != want {
				t.Errorf("blank: %v, want %v", got, want)
			}
		})
	}
	var got string
	if n := testing.AllocsPerRun(100, func() { got = Trim(" pending ") }); n != 0 || got != "pending" {
		t.Errorf("%q with %v allocations, want none", got, n)
	}
}

func TestNormalizeName(t *testing.T) {
	for _, same := range [][]string{
		{"workflowid", "Workflow ID", "workflow_id", "WorkflowID", "WORK-FLOW\u00a0ID", "\u200bworkflow\nid"},
		{"größe", "Größe", "GRÖßE", "Gro\u0308ße", "\u200eGr\u200eo\u0308ße\x1b[0m"},
		{"", " ", "_-"},
	} {
		for _, name := range same {
			if got := NormalizeName(name); got != same[0] {
				t.Errorf("%q: got %q, want %q", name, got, same[0])
			}
		}
	}
}

func TestParseField(t *testing.T) {
	for _, tt := range []struct {
		name  string
		field Field
		uid   string
		ok    bool
	}{
		{"id", ID, "", true},
		{" ID ", ID, "", true},
		{"Profile IDs", "profile_ids", "", true},
		{"profile_id", "profile_id", "", true},
		{"Updated-At", ReadOnly, "updated_at", true},
		{"UID", ReadOnly, "uid", true},
		{"attributes.End Date", Attribute, "End Date", true},
		{"Attr. x.y ", Attribute, "x.y", true},
		{"attributes.", Ignored, "", false},
		{"attributes", Ignored, "", false},
		{"attributes. \u200b", Ignored, "", false},
		{"result.HTTP_Status", Result, "http_status", true},
		{"results.row", Ignored, "", false},
		{"id.x", Ignored, "", false},
		{"", Ignored, "", false},
		{"-", Ignored, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			field, uid, ok := testFields.Parse(tt.name)
			if field != tt.field && tt.ok || uid != tt.uid || ok != tt.ok {
				t.Errorf("got %v, %q, %v, want %v, %q, %v", field, uid, ok, tt.field, tt.uid, tt.ok)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	statuses := []string{"open", "completed", "in_progress", "pending_approval", "closed", "failed"}
	for _, tt := range []struct{ name, want string }{
		{"complete", "completed"},
		{"Compelted", "completed"},
		{"opne", "open"},
		{"pendng approval", "pending_approval"},
		{"IN PROGRES", "in_progress"},
		{"xyz", ""},
		{"", ""},
		{"the quick brown fox jumps over it", ""},
	} {
		if got, ok := Nearest(tt.name, statuses); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNearestField(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"statsu", "status"},
		{"requester", "requester_id"},
		{"Workflow Session ID", "id"},
		{"attribute.End Date", "attributes.End Date"},
		{"attribuets.x", "attributes.x"},
		{"reslt.row", "result.row"},
		{"Contract End", ""},
		{"Kst.", ""},
		{"status.", "status"},
		{"a.b", ""},
	} {
		if got, _ := testFields.Nearest(tt.name); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "ab", 1}, {"abc", "xbc", 1}, {"kitten", "sitting", 3}, {"abcdef", "badcfe", 3}, {"abcd", "wxyz", 4}} {
		if got := distance([]rune(tt.a), []rune(tt.b)); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
