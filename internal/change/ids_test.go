package change

import (
	"encoding/binary"
	"testing"
)

func TestRepeats(t *testing.T) {
	const n = 100_000
	ids := NewIDs()
	for i := range n {
		ids.add(numbered(i))
		if i%10 == 9 { // every tenth is added again at once
			ids.add(numbered(i))
		}
	}
	repeats := ids.Repeats()
	for i := range n {
		if got, want := repeats.has(numbered(i)), i%10 == 9; got != want {
			t.Fatalf("id %d: repeated %v, want %v", i, got, want)
		}
		for _, row := range []int{i + 2, i + 3, i + 4} {
			if i%10 == 9 && repeats.firstRow(numbered(i), row) != i+2 {
				t.Fatalf("id %d in row %d: the first is not row %d", i, row, i+2)
			}
		}
	}
	if repeats.has(numbered(n)) {
		t.Error("an id that was never added is said to be repeated")
	}
}

func TestNoRepeats(t *testing.T) {
	ids := NewIDs()
	for i := range 1000 {
		ids.add(numbered(i))
	}
	if repeats := ids.Repeats(); repeats != nil || repeats.has(numbered(1)) {
		t.Errorf("repeated: %v", repeats)
	}
}

// numbered makes an id of a number.
func numbered(i int) (id [16]byte) {
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	return id
}

func BenchmarkRepeats(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		ids := NewIDs()
		for i := range n {
			ids.add(numbered(i))
		}
		if ids.Repeats() != nil {
			b.Fatal("nothing is repeated")
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "ids/s")
}
