package journal

import (
	"errors"
	"io/fs"
	"maps"
	"testing"
)

// row is what a replay knows of one row.
type row struct {
	status      Status
	flying, run bool
}

func rowsOf(r *Replay, last int) map[int]row {
	rows := map[int]row{}
	for n := -1; n <= last; n++ {
		run, flying := r.Entry(n).InFlight()
		if got := (row{r.Entry(n).Status(), flying, run}); got != (row{status: Pending}) {
			rows[n] = got
		}
	}
	return rows
}

func TestReplay(t *testing.T) {
	tests := []struct {
		name     string
		records  []Record
		want     map[int]row
		counts   map[Status]int
		sessions int
	}{
		{"nothing", nil, map[int]row{}, map[Status]int{}, 0},
		{"not tried", []Record{start("s")}, map[int]row{}, map[Status]int{}, 1},
		{"in flight", []Record{start("s"), intent(2, false), intent(3, true)},
			map[int]row{2: {Pending, true, false}, 3: {Pending, true, true}}, map[Status]int{}, 1},
		{"each outcome", []Record{intent(2, false), outcome(2, Updated), outcome(3, Unchanged), outcome(4, Failed), outcome(5, Unknown), outcome(6, Invalid)},
			map[int]row{2: {status: Updated}, 3: {status: Unchanged}, 4: {status: Failed}, 5: {status: Unknown}, 6: {status: Invalid}},
			map[Status]int{Updated: 1, Unchanged: 1, Failed: 1, Unknown: 1, Invalid: 1}, 0},
		{"a later outcome replaces", []Record{outcome(2, Unknown), outcome(2, Updated)},
			map[int]row{2: {status: Updated}}, map[Status]int{Updated: 1}, 0},
		{"in flight again", []Record{outcome(2, Failed), intent(2, true)},
			map[int]row{2: {Failed, true, true}}, map[Status]int{Failed: 1}, 0},
		{"settled again", []Record{outcome(2, Failed), intent(2, true), outcome(2, Updated)},
			map[int]row{2: {status: Updated}}, map[Status]int{Updated: 1}, 0},
		{"a run is not forgotten", []Record{intent(2, true), start("s"), intent(2, false)},
			map[int]row{2: {Pending, true, true}}, map[Status]int{}, 1},
		{"a settled run is", []Record{intent(2, true), outcome(2, Unknown), intent(2, false)},
			map[int]row{2: {Unknown, true, false}}, map[Status]int{Unknown: 1}, 0},
		{"withdrawn", []Record{intent(2, true), withdrawn(2)}, map[int]row{}, map[Status]int{}, 0},
		{"withdrawn, then sent", []Record{intent(2, true), withdrawn(2), intent(2, false)}, map[int]row{2: {Pending, true, false}}, map[Status]int{}, 0},
		{"withdrawn after an outcome", []Record{outcome(2, Failed), intent(2, true), withdrawn(2)}, map[int]row{2: {status: Failed}}, map[Status]int{Failed: 1}, 0},
		{"withdrawn without an intent", []Record{withdrawn(2), outcome(3, Failed), withdrawn(3)}, map[int]row{3: {status: Failed}}, map[Status]int{Failed: 1}, 0},
		{"an earlier intent stands", []Record{intent(2, true), start("s"), intent(2, false), withdrawn(2)}, map[int]row{2: {Pending, true, true}}, map[Status]int{}, 1},
		{"an earlier intent stands after an outcome", []Record{outcome(2, Unknown), intent(2, false), start("s"), intent(2, true), withdrawn(2)},
			map[int]row{2: {Unknown, true, false}}, map[Status]int{Unknown: 1}, 1},
		{"withdrawn twice, and an earlier one stands", []Record{intent(2, true), start("s"), intent(2, true), withdrawn(2), intent(2, true), withdrawn(2)},
			map[int]row{2: {Pending, true, true}}, map[Status]int{}, 1},
		{"over parts of the table", []Record{outcome(tableRows-1, Updated), outcome(tableRows, Failed), outcome(5*tableRows, Failed)},
			map[int]row{tableRows - 1: {status: Updated}, tableRows: {status: Failed}, 5 * tableRows: {status: Failed}}, map[Status]int{Updated: 1, Failed: 2}, 0},
		{"edited", []Record{start("s"), outcome(2, Updated), outcome(3, Failed), intent(4, true), outcome(5, Failed), intent(5, false),
			Moved{7, 2, 1}, Moved{8, 4, 1}, Moved{2, 5, 1}, edition(2, 3), outcome(9, Failed)},
			map[int]row{2: {Failed, true, false}, 7: {status: Updated}, 8: {Pending, true, true}, 9: {status: Failed}}, map[Status]int{Updated: 1, Failed: 2}, 2},
		{"edited, and nothing is left", []Record{start("s"), outcome(2, Updated), edition(2, 0)}, map[int]row{}, map[Status]int{}, 2},
		{"edited, and put back", []Record{start("s"), outcome(2, Updated), intent(3, true), edition(2, 0), outcome(2, Failed), Moved{5, 2, 1}, Moved{6, 3, 1}, Moved{7, 2, 2}, edition(3, 3)},
			map[int]row{5: {status: Updated}, 6: {Pending, true, true}, 7: {status: Failed}}, map[Status]int{Updated: 1, Failed: 1}, 3},
		{"an invalid row is judged again", []Record{start("s"), outcome(2, Invalid), edition(2, 0)}, map[int]row{}, map[Status]int{}, 2},
		{"edited, and cut short", []Record{start("s"), outcome(2, Updated), Moved{7, 2, 1}}, map[int]row{2: {status: Updated}}, map[Status]int{Updated: 1}, 1},
		{"edited, cut short and begun again", []Record{start("s"), outcome(2, Updated), Moved{7, 2, 1}, Moved{8, 2, 1}, edition(2, 1)},
			map[int]row{8: {status: Updated}}, map[Status]int{Updated: 1}, 2},
		{"edited, cut short, then a session of the old sheet", []Record{start("s"), outcome(2, Updated), Moved{7, 2, 1}, start("s"), outcome(3, Failed)},
			map[int]row{2: {status: Updated}, 3: {status: Failed}}, map[Status]int{Updated: 1, Failed: 1}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := writeJournal(t, lines(t, tt.records...))
			r := load(t, dir)
			if got := rowsOf(r, 6*tableRows); !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := r.Counts(); !maps.Equal(got, tt.counts) {
				t.Errorf("counts %v, want %v", got, tt.counts)
			}
			if got := r.Sessions; got != tt.sessions {
				t.Errorf("%d sessions, want %d", got, tt.sessions)
			}
			known := map[int]row{}
			for e := range r.Known() {
				if e.Edition() == r.Edition() {
					run, flying := e.InFlight()
					known[e.Row()] = row{e.Status(), flying, run}
				}
			}
			maps.DeleteFunc(tt.want, func(_ int, r row) bool { return r.status == Invalid })
			if !maps.Equal(known, tt.want) {
				t.Errorf("known are %v, want %v", known, tt.want)
			}
		})
	}
}

// sealed makes a whole line of a JSON object without its closing brace.
func sealed(body string) string { return body + string(appendSeal(nil, []byte(body))) + "\n" }

func TestForeignLines(t *testing.T) {
	head := string(lines(t, start("s"), outcome(2, Failed)))
	tests := []struct {
		name string
		line string
		want string // the reason of the damage; empty is none
	}{
		{"another order of keys", sealed(`{"status":"updated","row":2,"t":"outcome","ms":5`), ""},
		{"white space", sealed(`{ "t": "outcome" , "row": 2 , "status": "updated" , "new": [ {"a": "}"} ] `), ""},
		{"new keys", sealed(`{"t":"outcome","row":2,"status":"updated","weather":{"sun":[1,2,{"x":"]"}]}`), ""},
		{"another kind", sealed(`{"t":"weather","row":"none"`) + string(lines(t, outcome(2, Updated))), `"row" is not a whole number`},
		{"a new kind", sealed(`{"t":"weather","sun":true`) + string(lines(t, outcome(2, Updated))), ""},
		{"no kind", sealed(`{"row":2`), `"t" is not there`},
		{"no row", sealed(`{"t":"outcome","status":"updated"`), `"row" is not the number of a row`},
		{"negative row", sealed(`{"t":"intent","row":-2,"run":true`), `"row" is not the number of a row`},
		{"huge row", sealed(`{"t":"before","row":99999999999,"session":{}`), `"row" is not the number of a row`},
		{"unknown status", sealed(`{"t":"outcome","row":2,"status":"splendid"`), `"status" is not an outcome`},
		{"row as text", sealed(`{"t":"outcome","row":"2","status":"updated"`), `"row" is not a whole number`},
		{"no JSON", sealed(`{hello`), "the line is not one JSON object"},
		{"more rows than moved", string(lines(t, Moved{3, 2, 1}, edition(2, 2))), "the start of an edited sheet does not fit the rows that moved"},
		{"a row that was not there", string(lines(t, Moved{3, 4, 1}, edition(2, 1))), "row 3 was not row 4 of the sheet's edition 1"},
		{"a row that moved already", string(lines(t, Moved{3, 2, 1}, Moved{4, 2, 1}, edition(2, 2))), "row 4 was not row 2 of the sheet's edition 1"},
		{"an edition that was not there", string(lines(t, Moved{3, 2, 7}, edition(2, 1))), "row 3 was not row 2 of the sheet's edition 7"},
		{"moved from nowhere", sealed(`{"t":"moved","row":2,"was":-2`), `"row" is not the number of a row`},
		{"bad time", sealed(`{"t":"start","at":"yesterday"`), `"at" is not a time`},
		{"bad tick", sealed(`{"t":"tick","latency_ms":{"x":1}`), `"latency_ms" is not a list of latencies`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := writeJournal(t, []byte(head+tt.line))
			r, err := Load(dir)
			var damage *DamageError
			if tt.want != "" {
				if !errors.As(err, &damage) || damage.Reason != tt.want || damage.Line < 3 {
					t.Fatalf("got %v, want %s", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if got := r.Entry(2).Status(); got != Updated {
				t.Errorf("row 2 is %s", got)
			}
			if o, ok, err := r.OutcomeOf(r.Entry(2)); !ok || err != nil || o.Status != Updated {
				t.Errorf("got %+v, %v, %v", o, ok, err)
			}
		})
	}
}

func TestLoadMissing(t *testing.T) {
	if _, err := Load(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
