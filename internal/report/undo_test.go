package report

import (
	"slices"
	"strings"
	"testing"

	"nermbulk/internal/journal"
)

func before(row int, id, session string) journal.Record {
	return journal.Before{Row: row, ID: id, Session: []byte(session)}
}

func updated(row int, id string) journal.Record {
	return journal.Outcome{At: began, Row: row, ID: id, Status: journal.Updated, HTTPStatus: 200, Attempts: 1}
}

func TestUndo(t *testing.T) {
	a, b := uuid(1), uuid(2)
	p, q := uuid(91), uuid(92)
	tests := []struct {
		name    string
		sheet   string
		records []journal.Record
		want    []string // undo.csv without its byte order mark; nil = none
		flags   []string
		lost    []string
	}{
		{"nothing was read before", "id,status\n" + a + ",closed\n", []journal.Record{updated(2, a)}, nil, nil, nil},
		{"only what the row changed", "id,status,attributes.x,attributes.y,workflow_id\n" + a + ",Closed,new,same,\n",
			[]journal.Record{before(2, a, `{"status":"assigned","workflow_id":"`+p+`","attributes":{"x":"old","y":"same","z":"z"}}`), updated(2, a)},
			[]string{"id,status,attributes.x,result.row", a + ",assigned,old,2"}, nil, nil},
		{"in an envelope", "id,status\n" + a + ",closed\n",
			[]journal.Record{before(2, a, `{"workflow_session":{"status":"assigned"}}`), updated(2, a)},
			[]string{"id,status,result.row", a + ",assigned,2"}, nil, nil},
		{"attributes that were empty", "id,attributes.x,attributes.y,attributes.z\n" + a + ",1,2,3\n",
			[]journal.Record{before(2, a, `{"attributes":{"x":"","y":null}}`), updated(2, a)},
			[]string{"id,attributes.x,attributes.y,attributes.z,result.row", a + ",<clear>,<clear>,<clear>,2"}, nil, nil},
		{"attributes that were cleared", "id,attributes.x,attributes.y\n" + a + ",<CLEAR>,<clear>\n",
			[]journal.Record{before(2, a, `{"attributes":{"x":"=1+1","y":""}}`), updated(2, a)},
			[]string{"id,attributes.x,result.row", a + ",'=1+1,2"}, nil, nil},
		{"values that are no text", "id,attributes.x,attributes.y\n" + a + ",1,2\n",
			[]journal.Record{before(2, a, `{"attributes":{"x":true,"y":["a"]}}`), updated(2, a)},
			[]string{"id,attributes.x,result.row", a + ",true,2"}, nil,
			[]string{"1 row: attributes.y held no text before; row 2"}},
		{"line breaks as they were sent", "id,attributes.x\n" + a + ",\"a\r\nb\"\n",
			[]journal.Record{before(2, a, `{"attributes":{"x":"a\nb"}}`), updated(2, a)}, nil, nil, nil},
		{"a status with spaces", "id,status\n" + a + ",closed\n",
			[]journal.Record{before(2, a, `{"status":"Pending Approval"}`), updated(2, a)},
			[]string{"id,status,result.row", a + ",pending_approval,2"}, nil, nil},
		{"a status that is the same but for its spelling", "id,status\n" + a + ",pending_approval\n",
			[]journal.Record{before(2, a, `{"status":"pending approval"}`), updated(2, a)}, nil, nil, nil},
		{"a status that nobody knows", "id,status\n" + a + ",closed\n",
			[]journal.Record{before(2, a, `{"status":"on hold"}`), updated(2, a)},
			[]string{"id,status,result.row", a + ",on hold,2"}, []string{"--allow-unknown-status"}, nil},
		{"fields that were empty", "id,status,profile_id,profile_ids\n" + a + ",closed," + p + "," + q + "\n",
			[]journal.Record{before(2, a, `{"status":null,"profile_ids":[]}`), updated(2, a)}, nil, nil,
			[]string{
				"1 row: status was empty before, and only an attribute can be emptied; row 2",
				"1 row: profile_id was not shown before it was changed, so nothing is known to put back; row 2",
				"1 row: profile_ids was empty before, and only an attribute can be emptied; row 2",
			}},
		{"lists of profiles", "id,profile_ids\n" + a + ",\"" + strings.ToUpper(p) + "; " + q + "\"\n" + b + "," + p + "\n",
			[]journal.Record{
				before(2, a, `{"profile_ids":["`+p+`","`+q+`"]}`), updated(2, a),
				before(3, b, `{"profile_ids":"`+q+`"}`), updated(3, b),
			},
			[]string{"id,profile_ids,result.row", b + "," + q + ",3"}, nil, nil},
		{"ids in another spelling", "id,requester_id,requester_type\n" + a + ",{" + strings.ToUpper(p) + "},user\n",
			[]journal.Record{before(2, a, `{"requester_id":"`+p+`","requester_type":"User"}`), updated(2, a)}, nil, nil, nil},
		{"a name where an id was sent", "id,attributes.owner,attributes.x\n" + a + "," + p + ",1\n",
			[]journal.Record{before(2, a, `{"attributes":{"owner":"Ann (ann@example.com)","x":"0"}}`), updated(2, a)},
			[]string{"id,attributes.x,result.row", a + ",0,2"}, nil,
			[]string{"1 row: attributes.owner reads back as a name where the sheet sent an id; row 2"}},
		{"values that a sheet may not hold", "id,attributes.x,attributes.y\n" + a + ",1,1\n",
			[]journal.Record{before(2, a, `{"attributes":{"x":"<Clear>","y":"#N/A"}}`), updated(2, a)}, nil, nil,
			[]string{
				"1 row: attributes.x held a value that a sheet may not hold; row 2",
				"1 row: attributes.y held a value that a sheet may not hold; row 2",
			}},
		{"spaces at the ends", "id,attributes.x\n" + a + ",1\n",
			[]journal.Record{before(2, a, `{"attributes":{"x":" old"}}`), updated(2, a)},
			[]string{"id,attributes.x,result.row", a + ",\" old\",2"}, nil,
			[]string{"1 row: attributes.x is put back without the spaces around it, and with plain line breaks; row 2"}},
		{"a session that ran", "id,status,run\n" + a + ",closed,yes\n",
			[]journal.Record{before(2, a, `{"status":"assigned"}`),
				journal.Outcome{Row: 2, ID: a, Run: true, Status: journal.Updated}},
			[]string{"id,status,result.row", a + ",assigned,2"}, nil,
			[]string{"1 row: run=true has run the session, which cannot be taken back; row 2"}},
		{"unknown, in flight, failed and unchanged", "id,status\n" + a + ",closed\n" + b + ",closed\n" + uuid(3) + ",closed\n" + uuid(4) + ",closed\n",
			[]journal.Record{
				before(2, a, `{"status":"assigned"}`), journal.Outcome{Row: 2, ID: a, Status: journal.Unknown},
				before(3, b, `{"status":"new"}`), journal.Intent{Row: 3, ID: b},
				before(4, uuid(3), `{"status":"assigned"}`), journal.Outcome{Row: 4, ID: uuid(3), Status: journal.Failed},
				before(5, uuid(4), `{"status":"assigned"}`), journal.Outcome{Row: 5, ID: uuid(4), Status: journal.Unchanged},
			},
			[]string{"id,status,result.row", a + ",assigned,2", b + ",new,3"}, nil, nil},
		{"failed, but perhaps applied", "id,status\n" + a + ",closed\n" + b + ",closed\n" + uuid(3) + ",closed\n" + uuid(4) + ",closed\n",
			[]journal.Record{
				before(2, a, `{"status":"assigned"}`), journal.Outcome{Row: 2, ID: a, Status: journal.Failed, HTTPStatus: 502, Attempts: 1},
				before(3, b, `{"status":"assigned"}`), journal.Outcome{Row: 3, ID: b, Status: journal.Failed, HTTPStatus: 422, Attempts: 1},
				before(4, uuid(3), `{"status":"assigned"}`), journal.Outcome{Row: 4, ID: uuid(3), Status: journal.Failed, HTTPStatus: 422, Attempts: 2},
				before(5, uuid(4), `{"status":"assigned"}`), journal.Outcome{Row: 5, ID: uuid(4), Status: journal.Failed, Run: true, Attempts: 1},
			},
			[]string{"id,status,result.row", a + ",assigned,2", uuid(3) + ",assigned,4", uuid(4) + ",assigned,5"}, nil, nil},
		{"the same person, as the tenant shows her", "id,attributes.x,attributes.y\n" + a + ",Ann Lee,Ann\n",
			[]journal.Record{before(2, a, `{"attributes":{"x":"Ann Lee (ann@example.com)","y":"Ben (ben@example.com)"}}`), updated(2, a)},
			[]string{"id,attributes.y,result.row", a + ",Ben (ben@example.com),2"}, nil, nil},
		{"the sheet's semicolons", "id;attributes.x\n" + a + ";1\n",
			[]journal.Record{before(2, a, `{"attributes":{"x":"a;b,c"}}`), updated(2, a)},
			[]string{"id;attributes.x;result.row", a + `;"a;b,c";2`}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, tt.sheet, tt.records...)
			s := r.must()
			want := ""
			if tt.want != nil {
				want = lines(tt.want...)
			}
			if got := r.file("undo.csv"); got != want {
				t.Errorf("undo.csv is\n%q\nnot\n%q", got, want)
			}
			if s.Undo.Rows != max(len(tt.want)-1, 0) {
				t.Errorf("%d rows are said to come back", s.Undo.Rows)
			}
			if !slices.Equal(s.Undo.Flags, tt.flags) {
				t.Errorf("the flags are %q, not %q", s.Undo.Flags, tt.flags)
			}
			var lost []string
			for _, l := range s.Undo.Lost {
				lost = append(lost, l.String())
			}
			if !slices.Equal(lost, tt.lost) {
				t.Errorf("lost is %q, not %q", lost, tt.lost)
			}
		})
	}
}

// Of rows that changed the same session one after the other, the first found
// what must come back.
func TestUndoOfRepeatedIDs(t *testing.T) {
	a, b := uuid(1), uuid(2)
	r := newRun(t, "id,status,attributes.x,attributes.y\n"+a+",two,1,\n"+b+",two,,\n"+strings.ToUpper(a)+",three,,5\n",
		before(2, a, `{"status":"one","attributes":{"x":["no text"],"y":"0"}}`), updated(2, a),
		before(3, b, `{"status":"one"}`), updated(3, b),
		before(4, a, `{"status":"two","attributes":{"x":"1","y":"0"}}`), updated(4, a))
	r.o.Rules.InOrder = true
	s := r.must()
	want := lines("id,status,attributes.y,result.row", a+",one,0,2", b+",one,,3")
	if got := r.file("undo.csv"); got != want {
		t.Errorf("undo.csv is\n%q\nnot\n%q", got, want)
	}
	if s.Undo.Rows != 2 {
		t.Errorf("%d rows are said to come back", s.Undo.Rows)
	}
}

// A session that was changed though it was not read is named: nobody knows
// what stood there.
func TestUndoOfWhatWasNotRead(t *testing.T) {
	a, b, c := uuid(1), uuid(2), uuid(3)
	r := newRun(t, "id,status\n"+a+",closed\n"+b+",closed\n"+c+",closed\n",
		updated(2, a), before(3, b, `{"status":"assigned"}`), updated(3, b),
		journal.Outcome{Row: 4, ID: c, Status: journal.Unchanged})
	r.o.Compare = true
	s := r.must()
	if len(s.Undo.Lost) != 1 || s.Undo.Lost[0].Rows != 1 || !strings.Contains(s.Undo.Lost[0].String(), "was not read before it was changed") {
		t.Errorf("lost is %v", s.Undo.Lost)
	}
	if s.Undo.Rows != 1 {
		t.Errorf("%d rows come back", s.Undo.Rows)
	}
}

// What undo.csv holds must be read back as it was, whatever it is.
func TestUndoRoundTrip(t *testing.T) {
	values := []string{"=1+1", "'=x", "-5", "a\nb", `say "hi"`, "a,b;c|d", "Žďár 東京", "'"}
	r := newRun(t, "id,attributes.x\n"+uuid(0)+",?\n"+uuid(1)+",?\n"+uuid(2)+",?\n"+uuid(3)+",?\n"+uuid(4)+",?\n"+uuid(5)+",?\n"+uuid(6)+",?\n"+uuid(7)+",?\n",
		func() (recs []journal.Record) {
			for i, v := range values {
				text := strings.NewReplacer(`"`, `\"`, "\n", `\n`).Replace(v)
				recs = append(recs, before(i+2, uuid(i), `{"attributes":{"x":"`+text+`"}}`), updated(i+2, uuid(i)))
			}
			return recs
		}()...)
	r.must()
	_, rows := r.readSheet("undo.csv")
	if len(rows) != len(values) {
		t.Fatalf("undo.csv has %d rows", len(rows))
	}
	for i, row := range rows {
		if row[0] != uuid(i) || row[1] != values[i] {
			t.Errorf("row %d holds %q, not %q", i, row[1], values[i])
		}
	}
}

// Over the editions of an edited sheet, what a session held before the first
// write is what comes back, of rows that are no longer in the sheet too.
func TestUndoOverEditions(t *testing.T) {
	a, b, c := uuid(1), uuid(2), uuid(3)
	write := func(row int, id, field, sent, session string, status journal.Status) []journal.Record {
		return []journal.Record{
			journal.Before{Row: row, ID: id, Sent: map[string]string{field: sent}, Session: []byte(session)},
			journal.Outcome{At: began, Row: row, ID: id, Status: status, HTTPStatus: 200, Attempts: 1},
		}
	}
	second := journal.Start{At: began, Sheet: "sessions.csv", SheetFile: "sheet.csv", Edition: 2}
	tests := []struct {
		name          string
		first, second []journal.Record
		want          []string
		lost          []string
	}{
		{"edited", write(2, a, "attributes.x", "1", `{"attributes":{"x":"0"}}`, journal.Updated), write(2, a, "attributes.x", "2", `{"attributes":{"x":"1"}}`, journal.Updated),
			[]string{"id,attributes.x,result.row", a + ",0,2"}, nil},
		{"removed, with a column that is gone", write(7, b, "attributes.gone", "1", `{"attributes":{"gone":"0"}}`, journal.Updated), write(2, a, "status", "closed", `{"status":"new"}`, journal.Updated),
			[]string{"id,status,attributes.gone,result.row", b + ",,0,7", a + ",new,,2"}, nil},
		{"put back by the run itself", write(2, a, "attributes.x", "1", `{"attributes":{"x":"0"}}`, journal.Updated), write(2, a, "attributes.x", "0", `{"attributes":{"x":"1"}}`, journal.Updated), nil, nil},
		{"perhaps put back by the run itself", write(2, a, "attributes.x", "1", `{"attributes":{"x":"0"}}`, journal.Updated), write(2, a, "attributes.x", "0", `{"attributes":{"x":"1"}}`, journal.Unknown),
			[]string{"id,attributes.x,result.row", a + ",0,2"}, nil},
		{"the first write is not seen by a later read", write(2, c, "attributes.x", "1", `{"status":"new"}`, journal.Updated), write(2, c, "attributes.x", "2", `{"attributes":{"x":"1"}}`, journal.Updated), nil,
			[]string{"1 row: attributes.x was not shown before it was changed, so nothing is known to put back; row 2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, "id,status,attributes.x\n"+a+",closed,1\n", slices.Concat(tt.first, []journal.Record{second}, tt.second)...)
			s := r.must()
			want := ""
			if tt.want != nil {
				want = lines(tt.want...)
			}
			if got := r.file("undo.csv"); got != want {
				t.Errorf("undo.csv is\n%q\nnot\n%q", got, want)
			}
			var lost []string
			for _, l := range s.Undo.Lost {
				lost = append(lost, l.String())
			}
			if !slices.Equal(lost, tt.lost) {
				t.Errorf("lost is %q, not %q", lost, tt.lost)
			}
		})
	}
}
