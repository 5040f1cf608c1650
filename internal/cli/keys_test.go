package cli

import "testing"

func TestNextRate(t *testing.T) {
	for _, test := range []struct {
		name     string
		rate     float64
		up, down float64
	}{
		{"one of them", 10, 15, 7},
		{"between two", 12, 15, 10},
		{"the lowest", 0.1, 0.2, 0.1},
		{"below the lowest", 0.01, 0.1, 0.01},
		{"the highest", 1000, 1000, 700},
		{"above the highest", 5000, 5000, 1000},
		{"no ceiling", 0, 0, 1000},
	} {
		t.Run(test.name, func(t *testing.T) {
			if up, down := nextRate(test.rate, +1), nextRate(test.rate, -1); up != test.up || down != test.down {
				t.Errorf("up is %g, down %g", up, down)
			}
		})
	}
}
