package report

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/journal"
)

func TestTimeline(t *testing.T) {
	second := func(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }
	tests := []struct {
		name   string
		ticks  []journal.Tick
		points int
		step   float64
		stops  int
		length string
	}{
		{"none", nil, 0, 1, 0, ""},
		{"one", []journal.Tick{{At: second(1), Patch: 10}}, 1, 1, 0, "1 s"},
		{"a minute", ticks(60, time.Second), 60, 1, 0, "1m00s"},
		{"as many as fit", ticks(600, time.Second), 600, 1, 0, "10m00s"},
		{"one more", ticks(601, time.Second), 301, 2, 0, "10m01s"},
		{"a day", ticks(24*3600, time.Second), 338, 256, 0, "24h00m"},
		{"resumed on the next day", append(ticks(10, time.Second), journal.Tick{At: second(86400), Patch: 1}, journal.Tick{At: second(86401), Patch: 1}), 12, 1, 1, "12 s"},
		{"a clock that was put back", append(ticks(10, time.Second), journal.Tick{At: second(-50), Patch: 1}), 11, 1, 1, "11 s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line := newTimeline()
			var requests, throttled int
			for _, k := range tt.ticks {
				line.add(k)
				requests += k.Patch + k.Get
				throttled += k.Throttled
			}
			got := point{}
			for _, p := range line.points {
				got.add(p)
			}
			if math.Abs(got.requests-float64(requests)) > 1e-6 || got.throttled != throttled {
				t.Errorf("it counts %+v, not %d and %d", got, requests, throttled)
			}
			if len(line.points) != tt.points || line.step != tt.step || line.stops != tt.stops {
				t.Errorf("%d points of %v s, %d stops", len(line.points), line.step, line.stops)
			}
			c := line.chart()
			if (c == nil) != (tt.length == "") {
				t.Fatalf("the chart is %v", c)
			}
			if c != nil && c.Length != tt.length {
				t.Errorf("it is %s long", c.Length)
			}
		})
	}
}

// ticks is a steady run of 10 requests a second with a ceiling.
func ticks(n int, every time.Duration) []journal.Tick {
	var k []journal.Tick
	for i := range n {
		k = append(k, journal.Tick{At: began.Add(time.Duration(i) * every), Patch: 8, Get: 2, Throttled: i % 7 / 6, Ceiling: 12})
	}
	return k
}

func TestChart(t *testing.T) {
	line := newTimeline()
	for _, k := range ticks(30, time.Second) {
		line.add(k)
	}
	c := line.chart()
	if c.Top != "20/s" || c.Half != "10/s" {
		t.Errorf("the axis is %s, %s", c.Top, c.Half)
	}
	for i, p := range strings.Fields(c.Line) {
		if !strings.HasSuffix(p, ",100.0") { // 10 of 20 requests per second
			t.Errorf("point %d of a steady run is %s", i, p)
		}
	}
	if n := len(strings.Fields(c.Ceiling)); n != 30 || !strings.HasSuffix(c.Ceiling, "1000.0,80.0") {
		t.Errorf("the ceiling has %d points: %s", n, c.Ceiling)
	}
	if len(c.Marks) != 4 {
		t.Errorf("%d marks for 4 refusals", len(c.Marks))
	}
	if want := "Requests per second over 30 s of running: 10.0/s on average, 10.0/s at most; 4 refused for the rate."; c.Words != want {
		t.Errorf("it says %q", c.Words)
	}
}

// TestChartOfUnevenTicks draws a steady run whose ticks come when the machine
// has time for them: no step is empty, and no average is above the maximum.
func TestChartOfUnevenTicks(t *testing.T) {
	for _, tt := range []struct {
		name        string
		least, most float64 // seconds between two ticks
	}{
		{"a little late", 1.0, 1.2},
		{"late and early", 0.7, 1.9},
		{"seldom", 4, 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line, at, random := newTimeline(), began, rand.New(rand.NewPCG(1, 2))
			line.add(journal.Tick{At: at, Patch: 100, Ceiling: 100})
			for range 500 {
				passed := tt.least + random.Float64()*(tt.most-tt.least)
				at = at.Add(time.Duration(passed * float64(time.Second)))
				line.add(journal.Tick{At: at, Patch: int(math.Round(100 * passed)), Ceiling: 100})
			}
			average, peak := 0.0, 0.0
			for i, p := range line.drawn() {
				if r := p.rate(); r < 99 || r > 101 {
					t.Errorf("point %d of a steady run of 100/s is %v/s", i, r)
				}
				average += p.rate() / float64(len(line.drawn()))
				peak = max(peak, p.rate())
			}
			if average > peak {
				t.Errorf("an average of %v above the maximum %v", average, peak)
			}
		})
	}
}

// TestChartOfAShortRun has ticks of parts of a second: the average is of the
// time that it took, and not above the maximum.
func TestChartOfAShortRun(t *testing.T) {
	line := newTimeline()
	for i, patch := range []int{10, 10, 10, 6} {
		line.add(journal.Tick{At: began.Add(time.Duration(i)*time.Second - time.Duration(i/3)*600*time.Millisecond), Patch: patch})
	}
	if c, want := line.chart(), "Requests per second over 4 s of running: 10.6/s on average, 11.4/s at most; 0 refused for the rate."; c.Words != want {
		t.Errorf("it says %q", c.Words)
	}
}

// TestChartOfAFirstGuess has a first guess of the tenant's limit that was far
// too high: the rest can still be seen.
func TestChartOfAFirstGuess(t *testing.T) {
	line := newTimeline()
	for i, k := range ticks(60, time.Second) {
		if i == 2 {
			k.Ceiling = 900
		}
		line.add(k)
	}
	if c := line.chart(); c.Top != "20/s" || !strings.Contains(c.Ceiling, ",0.0 ") {
		t.Errorf("the axis ends at %s, the ceiling is %s", c.Top, c.Ceiling)
	}
}

func TestNiceTop(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 0.3: 0.5, 1: 1, 1.1: 2, 9.9: 10, 10: 10, 49: 50, 51: 100, 12000: 20000} {
		if got := niceTop(v); got < want*0.999 || got > want*1.001 {
			t.Errorf("niceTop(%v) is %v, not %v", v, got, want)
		}
	}
}

func TestLatency(t *testing.T) {
	tests := []struct {
		name    string
		buckets map[int]int
		want    Latency
	}{
		{"none", nil, Latency{}},
		{"one", map[int]int{120: 1}, Latency{120, 120, 120, 120}},
		{"a hundred", map[int]int{10: 50, 20: 40, 50: 9, 1000: 1}, Latency{10, 20, 50, 1000}},
		{"a rare slow one", map[int]int{10: 999, 5000: 1}, Latency{10, 10, 10, 5000}},
		{"empty buckets", map[int]int{10: 0, 20: 3, 99: 0}, Latency{20, 20, 20, 20}},
	}
	for _, tt := range tests {
		if got := latencyOf(tt.buckets); got != tt.want {
			t.Errorf("%s: got %+v, not %+v", tt.name, got, tt.want)
		}
	}
}

func TestLatencyBars(t *testing.T) {
	many := map[int]int{}
	for i := 1; i <= 100; i++ {
		many[i*10] = i
	}
	bars := latencyBars(many)
	if len(bars) > maxBars || bars[len(bars)-1].Bound != "up to 1,000 ms" {
		t.Errorf("%d bars, the last %+v", len(bars), bars[len(bars)-1])
	}
	bars = latencyBars(map[int]int{10: 3, 20: 0, 50: 1})
	want := []latencyBar{{"up to 10 ms", "3", "75.0 %", "100.0"}, {"up to 50 ms", "1", "25.0 %", "33.3"}}
	if len(bars) != 2 || bars[0] != want[0] || bars[1] != want[1] {
		t.Errorf("got %+v", bars)
	}
}
