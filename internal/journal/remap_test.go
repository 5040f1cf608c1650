package journal

import (
	"errors"
	"iter"
	"maps"
	"os"
	"strings"
	"testing"
)

func each(records ...Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// A rebase that is cut at any byte changes nothing; a whole one changes all.
func TestRebaseIsAtomic(t *testing.T) {
	dir, path := writeJournal(t, lines(t, start("old"), outcome(2, Updated), outcome(3, Failed), intent(4, true),
		Before{Row: 2, ID: "id-2", Session: []byte(`{"a":1}`)}, Tick{At: testTime, Patch: 3}))
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reported := 0
	w, err := OpenWriter(dir, Options{Written: func(Record) { reported++ }})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Remap(start("new"), each(outcome(12, Updated), Before{Row: 12, ID: "id-2", Session: []byte(`{"a":1}`)}, outcome(13, Failed), intent(13, false), intent(14, true)))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(outcome(14, Unknown)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if reported != 1 {
		t.Errorf("Written got %d records, want the one after the rebase", reported)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	closed := strings.Index(string(whole), `"rebase_end"`)
	closed += strings.Index(string(whole[closed:]), "\n") + 1

	before := map[int]row{2: {status: Updated}, 3: {status: Failed}, 4: {Pending, true, true}}
	after := map[int]row{12: {status: Updated}, 13: {Failed, true, false}, 14: {Pending, true, true}}
	end := map[int]row{12: {status: Updated}, 13: {Failed, true, false}, 14: {status: Unknown}}
	for size := len(old); size <= len(whole); size++ {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		r := load(t, dir)
		want, sheet, image := before, "old", 2
		if size >= closed {
			want, sheet, image = after, "new", 12
		}
		if size == len(whole) {
			want = end
		}
		if got := rowsOf(r, 20); !maps.Equal(got, want) {
			t.Fatalf("%d bytes: got %v, want %v", size, got, want)
		}
		if _, ok, err := r.Before(image); !ok || err != nil || r.Last().Sheet != sheet || r.Totals().Patch != 3 {
			t.Fatalf("%d bytes: before %v, %v; last %v; totals %v", size, ok, err, r.Last(), r.Totals())
		}
		r.Close()
	}
}

func TestRebaseFails(t *testing.T) {
	broken := errors.New("the old journal cannot be read")
	tests := []struct {
		name    string
		carried iter.Seq2[Record, error]
		want    string
	}{
		{"source", func(yield func(Record, error) bool) {
			_ = yield(outcome(7, Updated), nil) && yield(nil, broken)
		}, "the old journal cannot be read"},
		{"not about a row", each(outcome(7, Updated), Tick{}), "a rebase carries only what is about a row"},
		{"bad record", each(outcome(7, Updated), outcome(8, Pending)), `row 8: "pending" is no outcome`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := writeJournal(t, lines(t, start("old"), outcome(2, Updated)))
			w := openWriter(t, dir)
			err := w.Remap(start("new"), tt.carried)
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if got := w.Append(outcome(9, Updated)); !errors.Is(got, err) {
				t.Errorf("append gives %v", got)
			}
			if got := w.Close(); !errors.Is(got, err) {
				t.Errorf("close gives %v", got)
			}
			if got, want := rowsOf(load(t, dir), 20), (map[int]row{2: {status: Updated}}); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// What others append during a rebase comes after it.
func TestAppendDuringRebase(t *testing.T) {
	dir := t.TempDir()
	w := openWriter(t, dir)
	appended := make(chan error)
	err := w.Remap(start("new"), func(yield func(Record, error) bool) {
		if !yield(outcome(7, Updated), nil) {
			return
		}
		go func() { appended <- w.Append(outcome(9, Failed)) }()
		for row := 10; row < 2000; row++ {
			if !yield(outcome(row, Updated), nil) {
				return
			}
		}
	})
	if err := errors.Join(err, <-appended, w.Close()); err != nil {
		t.Fatal(err)
	}
	want := map[Status]int{Updated: 1991, Failed: 1}
	if got := load(t, dir).Counts(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
