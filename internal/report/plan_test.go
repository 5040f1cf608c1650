package report

import (
	"testing"

	"nermbulk/internal/journal"
)

func TestPlan(t *testing.T) {
	text := "id;status\n" + uuid(1) + ";closed\n" + uuid(2) + ";open\n" + uuid(3) + ";x\n" + uuid(4) + ";new\n"
	records := []journal.Record{
		journal.Planned{Row: 2, ID: uuid(1), Action: "patch", Method: "PATCH", Path: "/workflow_sessions/" + uuid(1) + "?run=true",
			Body: []byte(`{"workflow_session":{"status":"closed"}}`), Changes: "status: open → closed\nend_date: → 1"},
		journal.Planned{Row: 3, ID: uuid(2), Action: "unchanged"},
		journal.Outcome{Row: 4, ID: uuid(3), Status: journal.Invalid, Error: `"x" is not a status`},
	}
	row2 := "2," + uuid(1) + ",patch,PATCH,/workflow_sessions/" + uuid(1) + `?run=true,"{""workflow_session"":{""status"":""closed""}}"`
	tests := []struct {
		name    string
		compare bool
		want    string
	}{
		{"blind", false, lines("row,id,action,method,path,body", row2,
			"3,"+uuid(2)+",unchanged,,,", "4,"+uuid(3)+",invalid,,,")},
		{"compared", true, lines("row,id,action,method,path,body,changes",
			row2+",\"status: open → closed\nend_date: → 1\"",
			"3,"+uuid(2)+",unchanged,,,,", "4,"+uuid(3)+",invalid,,,,")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, text, records...)
			r.o.DryRun, r.o.Compare = true, tt.compare
			s := r.must()
			if got := r.file("plan.csv"); got != tt.want {
				t.Errorf("plan.csv is\n%s\nnot\n%s", got, tt.want)
			}
			if want := (Outcomes{Unchanged: 1, Invalid: 1, Pending: 1}); s.Outcomes != want || s.ToSend != 1 || !s.DryRun {
				t.Errorf("counted %+v, %d to send", s.Outcomes, s.ToSend)
			}
		})
	}
}
