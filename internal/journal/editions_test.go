package journal

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// An edit that is cut at any byte changes nothing; a whole one changes all.
func TestEditIsAtomic(t *testing.T) {
	dir, path := writeJournal(t, lines(t, start("old"), outcome(2, Updated), outcome(3, Failed), intent(4, true),
		Before{Row: 2, ID: "id-2", Session: []byte(`{"a":1}`)}, Tick{At: testTime, Patch: 3}))
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := openWriter(t, dir)
	for _, r := range []Record{Moved{12, 2, 1}, Moved{14, 4, 1}} {
		if err := w.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Commit(edition(2, 2)), w.Commit(outcome(14, Unknown)), w.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	closed := strings.LastIndex(string(whole), `{"t":"start"`)
	closed += strings.Index(string(whole[closed:]), "\n") + 1

	before := map[int]row{2: {status: Updated}, 3: {status: Failed}, 4: {Pending, true, true}}
	after := map[int]row{12: {status: Updated}, 14: {Pending, true, true}}
	end := map[int]row{12: {status: Updated}, 14: {status: Unknown}}
	for size := len(old); size <= len(whole); size++ {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		r := load(t, dir)
		want, sheet, image, known := before, "old", 2, 3
		if size >= closed {
			want, sheet, image = after, "edition 2", 12
		}
		if size == len(whole) {
			want = end
		}
		if got := rowsOf(r, 20); !maps.Equal(got, want) {
			t.Fatalf("%d bytes: got %v, want %v", size, got, want)
		}
		if _, ok, err := r.BeforeOf(r.Entry(image)); !ok || err != nil || r.Last.Sheet != sheet || r.Totals().Patch != 3 {
			t.Fatalf("%d bytes: before %v, %v; last %v; totals %v", size, ok, err, r.Last, r.Totals())
		}
		if n := len(slices.Collect(r.Known())); n != known {
			t.Fatalf("%d bytes: %d rows are known, want %d", size, n, known)
		}
		r.Close()
	}
}

// What a sheet has lost keeps its records, and the numbers that it had.
func TestRemovedRows(t *testing.T) {
	again := outcome(5, Failed)
	dir, _ := writeJournal(t, lines(t, start("s"), outcome(2, Updated), outcome(3, Updated), again, intent(5, true), intent(6, false),
		Before{Row: 5, ID: "id-5", Sent: map[string]string{"status": "closed"}, Session: []byte(`{}`)},
		Moved{9, 3, 1}, edition(2, 1), outcome(4, Updated), edition(3, 0)))
	type known struct{ edition, row, written int }
	var got []known
	r := load(t, dir)
	for e := range r.Known() {
		got = append(got, known{e.Edition(), e.Row(), r.EditionOf(e)})
		o, ended, err1 := r.OutcomeOf(e)
		i, flying, err2 := r.IntentOf(e)
		b, _, err3 := r.BeforeOf(e)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Error(err)
		}
		switch e.Row() {
		case 9:
			if o.Row != 3 {
				t.Errorf("row 9 was sent as row %d, not 3", o.Row)
			}
		case 5:
			if !ended || !flying || o != again || i != intent(5, true) || !reflect.DeepEqual(b.Sent, map[string]string{"status": "closed"}) {
				t.Errorf("row 5: %v, %v, %v", o, i, b)
			}
		}
	}
	want := []known{{2, 9, 1}, {2, 4, 2}, {1, 6, 1}, {1, 5, 1}, {1, 2, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if o, ok, err := r.OutcomeOf(r.Entry(9)); ok || err != nil {
		t.Errorf("row 9 of the present sheet has %v, %v", o, err)
	}
}
