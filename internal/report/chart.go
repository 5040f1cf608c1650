package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The charts' coordinates; the page stretches them to its width.
const (
	chartWidth  = 1000
	chartHeight = 200
)

// rateChart is the throughput over time as the page draws it. Its labels are
// text of the page, so that they keep their size on a narrow screen.
type rateChart struct {
	Line, Area string   // points of the requests per second
	Ceiling    string   // points of what was allowed; empty where there was no ceiling
	Marks      []string // x of the steps in which requests were refused
	Top, Half  string   // labels of the upright axis
	Length     string   // label of the lying axis' end
	Step       string   // what one point stands for
	Told       string   // the same in words
	Stops      int
}

func (t *timeline) chart() *rateChart {
	if len(t.points) == 0 {
		return nil
	}
	top, peak, refused, requests := 0.0, 0.0, 0, 0
	for _, p := range t.points {
		peak = max(peak, p.rate(t.step))
		top = max(top, p.rate(t.step), p.allowed())
		refused += p.throttled
		requests += p.requests
	}
	top = niceTop(top)
	c := &rateChart{
		Top: axisRate(top), Half: axisRate(top / 2), Stops: t.stops,
		Length: span(time.Duration(t.at * float64(time.Second))),
		Step:   span(time.Duration(t.step * float64(time.Second))),
	}
	xs := float64(chartWidth) / float64(max(len(t.points)-1, 1))
	var line, ceiling []string
	for i, p := range t.points {
		x := coordinate(float64(i) * xs)
		line = append(line, x+","+y(p.rate(t.step), top))
		if a := p.allowed(); a > 0 {
			ceiling = append(ceiling, x+","+y(a, top))
		}
		if p.throttled > 0 {
			c.Marks = append(c.Marks, x)
		}
	}
	if len(t.points) == 1 { // one point draws no line
		line = append(line, "1000,"+y(t.points[0].rate(t.step), top))
		if len(ceiling) == 1 {
			ceiling = append(ceiling, "1000,"+y(t.points[0].allowed(), top))
		}
	}
	c.Line, c.Ceiling = strings.Join(line, " "), strings.Join(ceiling, " ")
	c.Area = "0,200 " + c.Line + " 1000,200"
	c.Told = fmt.Sprintf("Requests per second over %s of running: %s on average, %s at most; %s refused for the rate.",
		c.Length, rate(float64(requests)/max(t.at, 1)), rate(peak), thousands(refused))
	return c
}

func y(v, top float64) string { return coordinate(chartHeight * (1 - v/top)) }

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// niceTop rounds up to 1, 2 or 5 times a power of ten.
func niceTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5, 10} {
		if v <= m*power {
			return m * power
		}
	}
	return 10 * power
}

func axisRate(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) + "/s" }

// latencyBar is one line of the latency's distribution.
type latencyBar struct {
	Bound   string // "up to 120 ms"
	Answers string
	Share   string
	Width   string // of 100
}

// maxBars is as many as a person takes in.
const maxBars = 14

// latencyBars draws the distribution; neighbouring buckets are put together
// until there are few.
func latencyBars(buckets map[int]int) []latencyBar {
	type bucket struct{ bound, n int }
	var all []bucket
	total := 0
	for _, bound := range slices.Sorted(maps.Keys(buckets)) {
		if n := buckets[bound]; n > 0 {
			all = append(all, bucket{bound, n})
			total += n
		}
	}
	for len(all) > maxBars {
		var wider []bucket
		for i := 0; i < len(all); i += 2 {
			b := all[i]
			if i+1 < len(all) {
				b = bucket{all[i+1].bound, b.n + all[i+1].n}
			}
			wider = append(wider, b)
		}
		all = wider
	}
	most := 0
	for _, b := range all {
		most = max(most, b.n)
	}
	bars := make([]latencyBar, len(all))
	for i, b := range all {
		bars[i] = latencyBar{
			Bound: "up to " + thousands(b.bound) + " ms", Answers: thousands(b.n),
			Share: strconv.FormatFloat(100*float64(b.n)/float64(total), 'f', 1, 64) + " %",
			Width: coordinate(100 * float64(b.n) / float64(most)),
		}
	}
	return bars
}
