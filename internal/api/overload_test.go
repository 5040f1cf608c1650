package api

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// overloadRun is a sheet sent to a tenant that answers 503 without Retry-After when
// it is asked for more than it can do.
type overloadRun struct {
	name   string
	grant  func(at time.Duration) float64 // requests per second; a bucket of a second's worth
	broken func(id string) bool           // rows that the tenant cannot deal with at any rate
	status int                            // of an overload
	rate   float64                        // that the user permits
	rows   int

	within time.Duration // that it may take
	failed int
	most   float64 // share of the requests that may be answered with an overload, those of broken rows aside
}

const overloadLatency = 30 * time.Millisecond

func steadily(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// between is a rate that is another one for a time.
func between(rate float64, from, to time.Duration, other float64) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		if at >= from && at < to {
			return other
		}
		return rate
	}
}

func TestOverload(t *testing.T) {
	one := func(id string) bool { return id == "row-1000" }
	// Where no other row is left, two that get nothing but 503 are the same as
	// an outage: the last 200 rows are sound.
	fiftieth := func(id string) bool {
		return (strings.HasSuffix(id, "00") || strings.HasSuffix(id, "50")) && !strings.HasPrefix(id, "row-28") && !strings.HasPrefix(id, "row-29")
	}
	for _, r := range []overloadRun{
		{name: "a limit", grant: steadily(50), rows: 6000, within: 125 * time.Second, most: 0.05},
		{name: "an outage of 503 in the middle", grant: between(50, time.Minute, 80*time.Second, 0), rows: 6000, within: 165 * time.Second, most: 0.05},
		{name: "an outage of 502", status: 502, grant: between(50, time.Minute, 80*time.Second, 0), rows: 6000, within: 165 * time.Second, most: 0.05},
		{name: "an outage of 504, at a rate that is permitted", status: 504, rate: 20, grant: between(50, time.Minute, 80*time.Second, 0), rows: 2400, within: 160 * time.Second, most: 0.05},
		{name: "a limit that falls", grant: between(50, time.Minute, time.Hour, 20), rows: 5000, within: 170 * time.Second, most: 0.05},
		{name: "an overload of two minutes", grant: between(50, time.Minute, 3*time.Minute, 15), rows: 9000, within: 6 * time.Minute, most: 0.05},
		{name: "one row", broken: one, rate: 50, rows: 3000, within: 65 * time.Second, failed: 1, most: 0},
		{name: "one row, with no ceiling", broken: one, rows: 30000, within: 117 * time.Second, failed: 1, most: 0},
		{name: "each fiftieth row", broken: fiftieth, rate: 50, rows: 3000, within: 95 * time.Second, failed: 55, most: 0},
		{name: "one row and a limit", broken: one, grant: steadily(50), rows: 6000, within: 130 * time.Second, failed: 1, most: 0.05},
	} {
		t.Run(r.name, func(t *testing.T) { synctest.Test(t, r.run) })
	}
}

func (r overloadRun) run(t *testing.T) {
	c, s := newScriptedClient(t, Options{Rate: r.rate, Workers: 8}, ok())
	start := time.Now()
	tokens, last, overloads := math.Inf(1), time.Duration(0), 0
	s.answer = func(id string) step {
		at := time.Since(start)
		if r.grant != nil {
			rate := r.grant(at)
			tokens = min(max(rate, 1), tokens+rate*(at-last).Seconds())
			if rate == 0 {
				tokens = 0
			}
		}
		last = at
		status := cmp.Or(r.status, http.StatusServiceUnavailable)
		if r.broken != nil && r.broken(id) {
			return step{status: status, takes: overloadLatency}
		}
		if tokens < 1 {
			overloads++
			return step{status: status, takes: overloadLatency}
		}
		tokens--
		return step{status: http.StatusOK, body: sessionJSON(id), takes: overloadLatency}
	}
	rows := make(chan string)
	var workers sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	for range 8 {
		workers.Go(func() {
			for id := range rows {
				a := c.Patch(t.Context(), Request{ID: id, Body: []byte(`{}`)})
				if a.Verdict == OK {
					continue
				}
				mu.Lock()
				failed++
				mu.Unlock()
				if r.broken == nil || !r.broken(id) || a.Verdict != Doubtful {
					t.Errorf("%s: %v after %d attempts: %s", id, a.Verdict, a.Attempts, a.Message)
				}
			}
		})
	}
	for i := range r.rows {
		rows <- fmt.Sprintf("row-%d", i)
	}
	close(rows)
	workers.Wait()
	took, sent := time.Since(start), len(s.left)
	t.Logf("%v, %d sent, %d overloads", took, sent, overloads)
	if failed != r.failed {
		t.Errorf("%d rows failed, want %d", failed, r.failed)
	}
	if took > r.within {
		t.Errorf("took %v, want at most %v", took, r.within)
	}
	if share := float64(overloads) / float64(sent); share > r.most {
		t.Errorf("%.2f%% of the requests were answered with an overload, want at most %.0f%%", 100*share, 100*r.most)
	}
}

// TestOneRefusal refuses one request of a short run: that must not make it long.
func TestOneRefusal(t *testing.T) {
	for _, header := range []http.Header{nil, {"Retry-After": {"1"}}} {
		t.Run(fmt.Sprint(header), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := newScriptedClient(t, Options{Workers: 8}, ok())
				requests := 0
				s.answer = func(string) step {
					if requests++; requests == 3 {
						return step{status: http.StatusTooManyRequests, header: header, takes: overloadLatency}
					}
					return step{status: http.StatusOK, body: sessionJSON(testID), takes: overloadLatency}
				}
				start := time.Now()
				var rows sync.WaitGroup
				for range 10 {
					rows.Go(func() {
						if a := patch(c, false); a.Verdict != OK {
							t.Errorf("%v: %s", a.Verdict, a.Message)
						}
					})
				}
				rows.Wait()
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// TestNothingButOverload is an outage.
func TestNothingButOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newScriptedClient(t, Options{OutageWait: 5 * time.Minute}, status(http.StatusServiceUnavailable))
		start := time.Now()
		var rows sync.WaitGroup
		for range 8 {
			rows.Go(func() {
				a := patch(c, false)
				if want := "acme.example grants nothing: for 5m0s it answered nothing but HTTP 503 Service Unavailable"; a.Verdict != Unreachable || !strings.HasPrefix(a.Message, want) {
					t.Errorf("%v: %s", a.Verdict, a.Message)
				}
			})
		}
		rows.Wait()
		if took := time.Since(start); took.Round(time.Second) != 5*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// TestOverloadRunsNoSessionTwice sends a row that runs its session once, and leaves
// it in doubt.
func TestOverloadRunsNoSessionTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newScriptedClient(t, Options{}, status(http.StatusServiceUnavailable), ok())
		if a := patch(c, true); a.Verdict != Doubtful || !a.InDoubt || len(s.times()) != 1 {
			t.Errorf("%v after %d requests, in doubt %v: %s", a.Verdict, len(s.times()), a.InDoubt, a.Message)
		}
	})
}
