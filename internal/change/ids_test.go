package change

import (
	"encoding/binary"
	"testing"
)

func TestIDTable(t *testing.T) {
	const n = 100_000
	tests := []struct {
		name     string
		expected int // from the 1,000th id on
	}{
		{"not known how many", 0},
		{"as many as expected", n},
		{"far more than expected", 2_000},
		{"far fewer than expected", 50 * n},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ids := NewIDs()
			for i := range n {
				if i == 1000 && tt.expected > 0 {
					ids.Expect(tt.expected)
				}
				if first, again := ids.add(numbered(i), i+2); again {
					t.Fatalf("id %d: said to stand in row %d already", i, first)
				}
				if i%10 == 9 { // every tenth stands again at once
					if first, again := ids.add(numbered(i), i+3); !again || first != i+2 {
						t.Fatalf("id %d a second time: row %d, %v; want row %d", i, first, again, i+2)
					}
				}
			}
			for i := range n {
				if got, want := ids.repeated(numbered(i)), i%10 == 9; got != want {
					t.Fatalf("id %d: repeated %v, want %v", i, got, want)
				}
			}
			if ids.repeated(numbered(n)) {
				t.Error("an id that was never added is said to be repeated")
			}
			if ids.again != n/10 {
				t.Errorf("%d rows with an id that stood before, want %d", ids.again, n/10)
			}
		})
	}
}

// numbered makes an id of a number.
func numbered(i int) (id [16]byte) {
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	return id
}

func BenchmarkIDTable(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		ids := NewIDs()
		ids.Expect(n)
		for i := range n {
			ids.add(numbered(i), i)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "ids/s")
}
