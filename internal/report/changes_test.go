package report

import (
	"testing"

	"nermbulk/internal/journal"
)

// TestChanges finds a line for each field that was sent, each time that it was,
// whatever became of the row since.
func TestChanges(t *testing.T) {
	const header = "row,id,field,old,new,status,http_status,attempts,request_id,at"
	a, b, c := uuid(1), uuid(2), uuid(3)
	out := func(row int, id string, status journal.Status, http, attempts int, request string) journal.Record {
		return journal.Outcome{At: began, Row: row, ID: id, Status: status, HTTPStatus: http, Attempts: attempts, RequestID: request}
	}
	intent := func(row int, id string) journal.Record { return journal.Intent{At: began, Row: row, ID: id} }
	write := func(row int, id, field, sent, session string) journal.Record {
		return journal.Before{Row: row, ID: id, Sent: map[string]string{field: sent}, Session: []byte(session)}
	}
	edition := journal.Start{At: began, Sheet: "sessions.csv", SheetFile: "sheet.csv", Edition: 2, Matched: 1}
	const at = ",2026-03-02T21:00:00.000Z"
	tests := []struct {
		name    string
		dry     bool
		records []journal.Record
		want    []string
	}{
		{"fields in their order, with commas", false, []journal.Record{
			journal.Before{Row: 2, ID: a, Sent: map[string]string{"attributes.x": "", "status": "closed"}, Session: []byte(`{"status":"=new","attributes":{"x":"a,b"}}`)},
			intent(2, a), out(2, a, journal.Updated, 200, 1, "req-1"),
		}, []string{"2," + a + ",status,'=new,closed,updated,200,1,req-1" + at, "2," + a + `,attributes.x,"a,b",,updated,200,1,req-1` + at}},
		{"in the order of rows", false, []journal.Record{
			write(3, b, "status", "x", `{"status":"b"}`), write(2, a, "status", "x", `{"status":"a"}`),
			intent(3, b), out(3, b, journal.Updated, 200, 1, ""), intent(2, a), out(2, a, journal.Failed, 422, 2, "no"),
		}, []string{"2," + a + ",status,a,x,failed,422,2,no" + at, "3," + b + ",status,b,x,updated,200,1," + at}},
		{"sent again", false, []journal.Record{
			write(2, a, "status", "x", `{"status":"a"}`), intent(2, a), out(2, a, journal.Failed, 500, 5, "one"),
			write(2, a, "status", "x", `{"status":"b"}`), intent(2, a), out(2, a, journal.Updated, 200, 1, "two"),
		}, []string{"2," + a + ",status,a,x,failed,500,5,one" + at, "2," + a + ",status,b,x,updated,200,1,two" + at}},
		{"found as it should be later", false, []journal.Record{
			write(2, a, "status", "x", `{"status":"a"}`), intent(2, a), out(2, a, journal.Failed, 500, 5, ""), out(2, a, journal.Unchanged, 200, 0, ""),
		}, []string{"2," + a + ",status,a,x,failed,500,5," + at}},
		{"in flight", false, []journal.Record{write(2, a, "status", "x", `{"status":"a"}`), intent(2, a)},
			[]string{"2," + a + ",status,a,x,pending,,,," + at[1:]}},
		{"killed before it left", false, []journal.Record{write(2, a, "status", "x", `{"status":"a"}`)}, nil},
		{"withdrawn", false, []journal.Record{write(2, a, "status", "x", `{"status":"a"}`), intent(2, a), journal.Withdrawn{At: began, Row: 2, ID: a}}, nil},
		{"in flight, and settled under another number", false, []journal.Record{
			write(2, a, "status", "x", `{"status":"a"}`), intent(2, a), write(4, c, "status", "x", `{"status":"c"}`), intent(4, c), out(4, c, journal.Updated, 200, 1, ""),
			journal.Moved{Row: 9, Was: 4, Edition: 1}, journal.Moved{Row: 3, Was: 2, Edition: 1}, edition, out(3, a, journal.Updated, 200, 0, ""),
		}, []string{"4," + c + ",status,c,x,updated,200,1," + at, "3," + a + ",status,a,x,updated,200,," + at}},
		{"in flight, and no longer in the sheet", false, []journal.Record{
			write(2, a, "status", "x", `{"status":"a"}`), intent(2, a), write(4, c, "status", "x", `{"status":"c"}`), intent(4, c), out(4, c, journal.Updated, 200, 1, ""),
			journal.Moved{Row: 2, Was: 4, Edition: 1}, edition, write(2, c, "status", "y", `{"status":"x"}`), intent(2, c), out(2, c, journal.Updated, 200, 1, ""),
		}, []string{"2," + a + ",status,a,x,pending,,,," + at[1:], "4," + c + ",status,c,x,updated,200,1," + at, "2," + c + ",status,x,y,updated,200,1," + at}},
		{"a dry run", true, []journal.Record{
			journal.Planned{Row: 2, ID: a, Action: "patch", Body: []byte(`{"workflow_session":{"requester_type":"User","requester_id":"r","status":"x"}}`),
				Fields: []journal.FieldChange{{Field: "requester_id", Old: "q", New: "r"}, {Field: "status", Old: "", New: "x"}}},
			journal.Planned{Row: 3, ID: b, Action: "unchanged", Fields: []journal.FieldChange{{Field: "attributes.x", Old: "Ben", New: "an id"}}},
		}, []string{"2," + a + ",status,,x,pending,,,,", "2," + a + ",requester_id,q,r,pending,,,,", "2," + a + ",requester_type,User,User,pending,,,,"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, "id;status;attributes.x\n"+a+";closed;1\n"+b+";closed;1\n"+c+";closed;1\n", tt.records...)
			r.o.Compare, r.o.DryRun = true, tt.dry
			r.must()
			if got, want := r.file("changes.csv"), lines(append([]string{header}, tt.want...)...); got != want {
				t.Errorf("changes.csv is\n%s\nnot\n%s", got, want)
			}
		})
	}
}
