package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// maxPoints bounds a timeline, however long the run took.
const maxPoints = 600

// longestTick is more than the journal lets pass between two ticks while a run
// goes on: a longer time is one in which it was stopped or the machine slept.
const longestTick = 10 * time.Second

// point is what happened in one step of a timeline.
type point struct {
	requests  float64
	throttled int
	seconds   float64 // that ticks cover; less than the step at the end
	ceiling   float64 // requests that were allowed
	limited   float64 // seconds with a ceiling
}

func (p *point) add(q point) {
	p.requests += q.requests
	p.throttled += q.throttled
	p.seconds += q.seconds
	p.ceiling += q.ceiling
	p.limited += q.limited
}

// rate is the requests per second of a step.
func (p point) rate() float64 { return p.requests / max(p.seconds, shortest) }

// allowed is the mean of the ceilings; 0 where there was none.
func (p point) allowed() float64 { return p.ceiling / max(p.limited, shortest) }

// shortest is the time of a tick that took none, in seconds.
const shortest = 1e-3

// timeline counts requests over the time in which the run was going on: pauses
// between its sessions are left out. Its steps grow so that it stays bounded.
type timeline struct {
	points []point
	step   float64 // seconds
	at     float64 // seconds of running so far
	last   time.Time
	stops  int // pauses that were left out
}

func newTimeline() *timeline { return &timeline{step: 1} }

// add spreads what a tick counted over the time since the tick before it:
// ticks come a little less than once a second, and a step that none falls into
// is not one without requests.
func (t *timeline) add(k journal.Tick) {
	passed := k.At.Sub(t.last)
	if t.last.IsZero() || passed > longestTick || passed < 0 {
		if !t.last.IsZero() {
			t.stops++
		}
		passed = time.Second // the usual time between two ticks
	}
	t.last = k.At

	from, length := t.at, max(passed.Seconds(), shortest)
	t.at += length
	for t.at > maxPoints*t.step {
		t.halve()
	}
	for at := from; at < t.at; {
		end := min((math.Floor(at/t.step)+1)*t.step, t.at)
		part := point{requests: float64(k.Patch+k.Get) * (end - at) / length, seconds: end - at}
		if k.Ceiling > 0 {
			part.ceiling, part.limited = k.Ceiling*part.seconds, part.seconds
		}
		t.pointAt(at).add(part)
		at = end
	}
	t.pointAt(from + length/2).throttled += k.Throttled
}

func (t *timeline) pointAt(at float64) *point {
	i := min(int(at/t.step), maxPoints-1)
	for len(t.points) <= i {
		t.points = append(t.points, point{})
	}
	return &t.points[i]
}

// drawn returns the points without a last step that is too short to have a
// rate: it is part of the one before.
func (t *timeline) drawn() []point {
	last := len(t.points) - 1
	if last < 1 || t.points[last].seconds > t.step/2 {
		return t.points
	}
	points := slices.Clone(t.points[:last])
	points[last-1].add(t.points[last])
	return points
}

// halve makes steps twice as long.
func (t *timeline) halve() {
	wider := make([]point, (len(t.points)+1)/2)
	for i, p := range t.points {
		wider[i/2].add(p)
	}
	t.points = wider
	t.step *= 2
}

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
	Top, Half  string   // labels of the vertical axis
	Length     string   // label of the horizontal axis' end
	Step       string   // what one point covers
	Words      string   // the same in words
	Stops      int
}

// chart returns nil for a timeline without points.
func (t *timeline) chart() *rateChart {
	if len(t.points) == 0 {
		return nil
	}
	points := t.drawn()
	var all point
	peak, ceilings := 0.0, make([]float64, len(points))
	for i, p := range points {
		all.add(p)
		peak = max(peak, p.rate())
		ceilings[i] = p.allowed()
	}
	// What a first guess of the tenant's limit was too high by would leave
	// nothing to see of the rest: it is cut off at the top.
	slices.Sort(ceilings)
	top := niceTop(max(peak, ceilings[(len(ceilings)-1)*9/10]))
	c := &rateChart{
		Top: axisRate(top), Half: axisRate(top / 2), Stops: t.stops,
		Length: text.Span(time.Duration(t.at * float64(time.Second))),
		Step:   text.Span(time.Duration(t.step * float64(time.Second))),
	}
	c.plot(points, top)
	c.Words = fmt.Sprintf("Requests per second over %s of running: %s on average, %s at most; %s refused for the rate.",
		c.Length, text.Rate(all.rate()), text.Rate(peak), text.Number(all.throttled))
	return c
}

func (c *rateChart) plot(points []point, top float64) {
	if len(points) == 1 { // one point draws no line
		points = []point{points[0], points[0]}
		points[1].throttled = 0
	}
	step := chartWidth / float64(len(points)-1)
	var line, ceiling []string
	for i, p := range points {
		x := coordinate(float64(i) * step)
		line = append(line, x+","+y(p.rate(), top))
		if a := p.allowed(); a > 0 {
			ceiling = append(ceiling, x+","+y(min(a, top), top))
		}
		if p.throttled > 0 {
			c.Marks = append(c.Marks, x)
		}
	}
	c.Line, c.Ceiling = strings.Join(line, " "), strings.Join(ceiling, " ")
	c.Area = "0,200 " + c.Line + " 1000,200"
}

func y(v, top float64) string { return coordinate(chartHeight * (1 - v/top)) }

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// niceTop rounds up to 1, 2 or 5 times a power of ten.
func niceTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power {
			return m * power
		}
	}
	return 10 * power
}

func axisRate(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) + "/s" }

// bucket counts the answers that took at most bound milliseconds, and longer
// than the bucket before.
type bucket struct{ bound, answers int }

// sortedBuckets returns the buckets of a histogram that are not empty, the
// fastest first, and the sum of their answers.
func sortedBuckets(histogram map[int]int) (buckets []bucket, total int) {
	for bound, n := range histogram {
		if n > 0 {
			buckets = append(buckets, bucket{bound, n})
			total += n
		}
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.bound, b.bound) })
	return buckets, total
}

// Latency is how long answers took, in milliseconds. The figures are upper
// bounds of the journal's buckets, so they err on the slow side.
type Latency struct {
	P50 int `json:"p50"`
	P90 int `json:"p90"`
	P99 int `json:"p99"`
	Max int `json:"max"`
}

// latencyOf reads percentiles off a histogram: the answers by the upper bound
// of their bucket. Without answers all are 0.
func latencyOf(histogram map[int]int) Latency {
	buckets, total := sortedBuckets(histogram)
	percentile := func(p int) int {
		seen := 0
		for _, b := range buckets {
			if seen += b.answers; seen >= (total*p+99)/100 {
				return b.bound
			}
		}
		return 0
	}
	return Latency{P50: percentile(50), P90: percentile(90), P99: percentile(99), Max: percentile(100)}
}

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
func latencyBars(histogram map[int]int) []latencyBar {
	buckets, total := sortedBuckets(histogram)
	for len(buckets) > maxBars {
		var wider []bucket
		for pair := range slices.Chunk(buckets, 2) {
			b := pair[len(pair)-1]
			if len(pair) == 2 {
				b.answers += pair[0].answers
			}
			wider = append(wider, b)
		}
		buckets = wider
	}
	most := 0
	for _, b := range buckets {
		most = max(most, b.answers)
	}
	bars := make([]latencyBar, len(buckets))
	for i, b := range buckets {
		bars[i] = latencyBar{
			Bound: "up to " + text.Number(b.bound) + " ms", Answers: text.Number(b.answers),
			Share: coordinate(100*float64(b.answers)/float64(total)) + " %",
			Width: coordinate(100 * float64(b.answers) / float64(most)),
		}
	}
	return bars
}
