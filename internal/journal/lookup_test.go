package journal

import (
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLookup(t *testing.T) {
	long := strings.Repeat("x", 3*windowSize)
	last := Outcome{At: testTime, Row: 3, ID: "id-3", Hash: 9, Run: true, Status: Failed, ErrorBody: long}
	records := []Record{
		start("first"), intent(2, false), outcome(2, Updated),
		Before{Row: 3, ID: "id-3", Session: []byte(`{"n":"first"}`)}, outcome(3, Unknown),
		Tick{At: testTime, Patch: 2, Ceiling: 5, Latency: map[int]int{10: 2}},
		End{At: testTime, ExitCode: 130},
		start("second"), Before{Row: 3, ID: "id-3", Session: []byte(`{"n":"second"}`)}, last, intent(3, true),
		Planned{Row: 4, ID: "id-4", Action: "patch", Body: []byte(`{}`)},
		Tick{At: testTime.Add(1e9), Patch: 1, Get: 4, Token: 1, Throttled: 2, Retried: 3, Ceiling: 7, Learned: 6, Latency: map[int]int{10: 1, 20: 5}},
	}
	dir, path := writeJournal(t, lines(t, records...))
	r := load(t, dir)

	if r.First != start("first") || r.Last != start("second") || r.Sessions != 2 {
		t.Errorf("sessions: %v, %v, %d", r.First, r.Last, r.Sessions)
	}
	if r.End != nil {
		t.Errorf("the second session has no end, got %v", r.End)
	}
	checks := []struct {
		name string
		get  func() (any, bool, error)
		want any // nil is none
	}{
		{"outcome", func() (any, bool, error) { return anyOf(r.OutcomeOf(r.Entry(2))) }, outcome(2, Updated)},
		{"later outcome, over windows", func() (any, bool, error) { return anyOf(r.OutcomeOf(r.Entry(3))) }, last},
		{"no outcome", func() (any, bool, error) { return anyOf(r.OutcomeOf(r.Entry(4))) }, nil},
		{"row out of range", func() (any, bool, error) { return anyOf(r.OutcomeOf(r.Entry(-5))) }, nil},
		{"intent", func() (any, bool, error) { return anyOf(r.IntentOf(r.Entry(3))) }, intent(3, true)},
		{"no intent", func() (any, bool, error) { return anyOf(r.IntentOf(r.Entry(2))) }, nil},
		{"last before", func() (any, bool, error) { return anyOf(r.BeforeOf(r.Entry(3))) }, Before{Row: 3, ID: "id-3", Sent: map[string]string{}, Session: []byte(`{"n":"second"}`)}},
		{"no before", func() (any, bool, error) { return anyOf(r.BeforeOf(r.Entry(2))) }, nil},
		{"planned", func() (any, bool, error) { return anyOf(r.Planned(4)) }, Planned{Row: 4, ID: "id-4", Action: "patch", Body: []byte(`{}`)}},
		{"no plan", func() (any, bool, error) { return anyOf(r.Planned(3)) }, nil},
	}
	for _, c := range checks {
		got, ok, err := c.get()
		if err != nil || ok != (c.want != nil) || ok && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, %v, %v", c.name, got, ok, err)
		}
	}
	want := Tick{At: testTime.Add(1e9), Patch: 3, Get: 4, Token: 1, Throttled: 2, Retried: 3, Ceiling: 7, Learned: 6, Latency: map[int]int{10: 3, 20: 5}}
	if got := r.Totals(); !reflect.DeepEqual(got, want) {
		t.Errorf("totals %+v, want %+v", got, want)
	}
	var ticks []Record
	if err := r.Ticks(func(tick Tick) { ticks = append(ticks, tick) }); err != nil || !reflect.DeepEqual(ticks, []Record{records[5], records[12]}) {
		t.Errorf("ticks %v, %v", ticks, err)
	}
	if got, want := r.LastActive(), testTime.Add(time.Second); !got.Equal(want) {
		t.Errorf("last active %v, want %v", got, want)
	}

	w := openWriter(t, dir)
	if err := w.Commit(End{At: testTime, ExitCode: 1, Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	if end := load(t, dir).End; end == nil || end.ExitCode != 1 {
		t.Errorf("end %v", end)
	}

	if err := os.WriteFile(path, make([]byte, 4*windowSize), 0o600); err != nil {
		t.Fatal(err)
	}
	r.window = window{r: r.f}
	if _, ok, err := r.OutcomeOf(r.Entry(2)); ok || err == nil {
		t.Errorf("an overwritten record was read: %v, %v", ok, err)
	}
}

func anyOf[R any](r R, ok bool, err error) (any, bool, error) { return r, ok, err }

// Many rows, asked in order and at random by many goroutines.
func TestConcurrentLookup(t *testing.T) {
	const rows = 20_000
	var data []byte
	for _, n := range rand.Perm(rows) {
		data = append(data, lines(t, intent(n, false), outcome(n, Updated))...)
	}
	dir, _ := writeJournal(t, data)
	r := load(t, dir)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for n := range 500 {
				n = n*37%rows + worker
				if o, ok, err := r.OutcomeOf(r.Entry(n)); !ok || err != nil || o.Row != n {
					t.Errorf("row %d: got %v, %v, %v", n, o, ok, err)
					return
				}
			}
		})
	}
	group.Wait()
}
