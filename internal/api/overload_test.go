package api

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// overloadRun is a sheet sent to a tenant that answers 503 without Retry-After when
// it is asked for more than it can do.
type overloadRun struct {
	name   string
	grant  func(at time.Duration) float64 // requests per second; a bucket of a second's worth
	reads  bool                           // the tenant answers these at any rate
	broken func(row int) bool             // rows that the tenant cannot deal with at any rate
	status int                            // of an overload
	rate   float64                        // that the user permits
	rows   int
	one    bool // worker, and not eight

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

// among returns a choice of rows from one up to another.
func among(from, to int) func(int) bool {
	return func(row int) bool { return row >= from && row <= to }
}

func TestOverload(t *testing.T) {
	fiftieth := func(row int) bool { return row%50 == 0 && row > 0 }
	for _, r := range []overloadRun{
		{name: "a limit", grant: steadily(50), rows: 6000, within: 125 * time.Second, most: 0.05},
		{name: "an outage of 503 in the middle", grant: between(50, time.Minute, 80*time.Second, 0), rows: 6000, within: 165 * time.Second, most: 0.05},
		{name: "an outage of 502", status: 502, grant: between(50, time.Minute, 80*time.Second, 0), rows: 6000, within: 165 * time.Second, most: 0.05},
		{name: "an outage of 504, at a rate that is permitted", status: 504, rate: 20, grant: between(50, time.Minute, 80*time.Second, 0), rows: 2400, within: 160 * time.Second, most: 0.05},
		{name: "an outage of 503 for the last rows", rate: 50, grant: between(50, 0, 20*time.Second, 0), rows: 3, within: 40 * time.Second, most: 0.95},
		{name: "an outage for changes alone", rate: 50, reads: true, grant: between(50, 10*time.Second, 30*time.Second, 0), rows: 1500, within: 75 * time.Second, most: 0.15},
		{name: "an outage for changes alone, for the last rows", rate: 50, reads: true, grant: between(50, 0, 20*time.Second, 0), rows: 3, within: 40 * time.Second, most: 0.95},
		{name: "a limit that falls", grant: between(50, time.Minute, time.Hour, 20), rows: 5000, within: 170 * time.Second, most: 0.05},
		{name: "an overload of two minutes", grant: between(50, time.Minute, 3*time.Minute, 15), rows: 9000, within: 6 * time.Minute, most: 0.05},
		{name: "one row", broken: among(1000, 1000), rate: 50, rows: 3000, within: 65 * time.Second, failed: 1, most: 0},
		{name: "one worker and a limit", one: true, grant: steadily(10), rows: 1000, within: 110 * time.Second, most: 0.05},
		{name: "one worker and a low limit", one: true, grant: steadily(2), rows: 200, within: 125 * time.Second, most: 0.1},
		{name: "one worker and an outage of 503", one: true, grant: between(50, 2*time.Second, 22*time.Second, 0), rows: 1000, within: 140 * time.Second, most: 0.05},
		{name: "one worker and an outage for changes alone", one: true, reads: true, grant: between(50, 2*time.Second, 22*time.Second, 0), rows: 1000, within: 100 * time.Second, most: 0.15},
		{name: "one worker and one row", one: true, broken: among(100, 100), rows: 1000, within: 60 * time.Second, failed: 1, most: 0},
		{name: "one row, with no ceiling", broken: among(1000, 1000), rows: 30000, within: 117 * time.Second, failed: 1, most: 0},
		{name: "each fiftieth row", broken: fiftieth, rate: 50, rows: 3000, within: 80 * time.Second, failed: 59, most: 0},
		{name: "each fiftieth row and the last three", broken: func(row int) bool { return fiftieth(row) || row > 2996 }, rate: 50, rows: 3000, within: 115 * time.Second, failed: 62, most: 0},
		{name: "the last two rows", broken: among(2998, 2999), rate: 50, rows: 3000, within: 95 * time.Second, failed: 2, most: 0},
		{name: "a row and nothing else", broken: among(0, 0), rate: 50, rows: 1, within: 40 * time.Second, failed: 1, most: 0},
		{name: "such rows and nothing else", broken: among(0, 14), rate: 50, rows: 15, within: 50 * time.Second, failed: 15, most: 0},
		{name: "twelve rows next to one another", broken: among(1000, 1011), rate: 50, rows: 3000, within: 95 * time.Second, failed: 12, most: 0},
		{name: "one row and a limit", broken: among(1000, 1000), grant: steadily(50), rows: 6000, within: 130 * time.Second, failed: 1, most: 0.05},
	} {
		t.Run(r.name, func(t *testing.T) { synctest.Test(t, r.run) })
	}
}

// tenant answers as the run says, and counts the overloads that are not those of
// broken rows.
func (r overloadRun) tenant(overloads *int) func(method, id string) step {
	start := time.Now()
	tokens, last := math.Inf(1), time.Duration(0)
	return func(method, id string) step {
		at := time.Since(start)
		if r.grant != nil {
			rate := r.grant(at)
			tokens = min(max(rate, 1), tokens+rate*(at-last).Seconds())
			if rate == 0 {
				tokens = 0
			}
		}
		last = at
		overload := step{status: cmp.Or(r.status, http.StatusServiceUnavailable), takes: overloadLatency}
		row, err := strconv.Atoi(strings.TrimPrefix(id, "row-"))
		change := method == http.MethodPatch
		switch {
		case change && err == nil && r.broken != nil && r.broken(row):
			return overload
		case tokens < 1 && (change || !r.reads):
			*overloads++
			return overload
		}
		tokens--
		return step{status: http.StatusOK, body: sessionJSON(id), takes: overloadLatency}
	}
}

// sendRows sends rows as a batch does: with workers that each take the next, and
// one in between when a request asks for it.
func sendRows(t *testing.T, c *Client, workers, n int, ended func(row int, a Answer)) {
	rows := make(chan int, 16)
	var all sync.WaitGroup
	var between atomic.Int32
	var send func(row int)
	another := func() bool {
		defer between.Add(-1)
		if between.Add(1) > 20 {
			return true
		}
		select {
		case row, ok := <-rows:
			if ok {
				send(row)
			}
			return ok
		default:
			return false
		}
	}
	ctx := WithWaiting(t.Context(), func() bool { return len(rows) > 0 })
	send = func(row int) {
		id := fmt.Sprintf("row-%d", row)
		ended(row, c.Patch(ctx, Request{ID: id, Body: []byte(`{}`), Another: another}))
	}
	for range workers {
		all.Go(func() {
			for row := range rows {
				send(row)
			}
		})
	}
	for row := range n {
		rows <- row
	}
	close(rows)
	all.Wait()
}

func (r overloadRun) run(t *testing.T) {
	c, s := newScriptedClient(t, Options{Rate: r.rate, Workers: 8, OutageWait: 5 * time.Minute}, ok())
	start, overloads, workers := time.Now(), 0, 8
	if r.one {
		workers = 1
	}
	s.answer = r.tenant(&overloads)
	var mu sync.Mutex
	failed := 0
	sendRows(t, c, workers, r.rows, func(row int, a Answer) {
		if a.Verdict == OK {
			return
		}
		mu.Lock()
		failed++
		mu.Unlock()
		if r.broken == nil || !r.broken(row) || a.Verdict != Doubtful {
			t.Errorf("row %d: %v after %d attempts: %s", row, a.Verdict, a.Attempts, a.Message)
		}
	})
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

// TestNoChangeIsGranted is an outage too, though the tenant answers whatever
// changes nothing: rows that were never answered otherwise do not fail for it.
func TestNoChangeIsGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newScriptedClient(t, Options{Workers: 8, OutageWait: 5 * time.Minute}, ok())
		start, overloads := time.Now(), 0
		s.answer = overloadRun{reads: true, grant: steadily(0)}.tenant(&overloads)
		sendRows(t, c, 8, 100, func(row int, a Answer) {
			if a.Verdict != Unreachable {
				t.Errorf("row %d: %v after %d attempts: %s", row, a.Verdict, a.Attempts, a.Message)
			}
		})
		if took := time.Since(start); took < 5*time.Minute || took > 5*time.Minute+retryCap {
			t.Errorf("took %v", took)
		}
		if n := len(s.left); n > 3000 {
			t.Errorf("%d requests left", n)
		}
	})
}

// TestOneRefusal refuses one request of a short run: that must not make it long.
func TestOneRefusal(t *testing.T) {
	for _, header := range []http.Header{nil, {"Retry-After": {"1"}}} {
		t.Run(fmt.Sprint(header), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := newScriptedClient(t, Options{Workers: 8}, ok())
				requests := 0
				s.answer = func(string, string) step {
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

// TestOneWorkerThatDoesNotWait fails each row after its attempts, though others
// wait, where no outage is waited for, or one attempt is wanted.
func TestOneWorkerThatDoesNotWait(t *testing.T) {
	for _, o := range []Options{{MaxAttempts: 3}, {MaxAttempts: 1, OutageWait: 5 * time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := newScriptedClient(t, o, status(http.StatusServiceUnavailable))
			ctx := WithWaiting(t.Context(), func() bool { return true })
			for range 3 {
				a := c.Patch(ctx, Request{ID: testID, Body: []byte(`{}`)})
				if a.Verdict != Doubtful || a.Attempts != o.MaxAttempts {
					t.Errorf("%v after %d attempts of %d: %s", a.Verdict, a.Attempts, o.MaxAttempts, a.Message)
				}
			}
		})
	}
}

// TestMaintenanceIsCountedFromItsBegin has a row refused in two times of maintenance,
// and for a limit between them: the first does not shorten how long the second may be.
func TestMaintenanceIsCountedFromItsBegin(t *testing.T) {
	c, _ := newScriptedClient(t, Options{OutageWait: 5 * time.Minute}, ok())
	q, begin := &call{does: idempotent, id: testID}, time.Now()
	for _, refusal := range []struct {
		after time.Duration
		sign  sign
		left  time.Duration // until it is the row's own error
	}{
		{after: 0, sign: unlike, left: maintenance},
		{after: 10 * time.Second, sign: unlike, left: maintenance - 10*time.Second},
		{after: 12 * time.Second, sign: limited},
		{after: 50 * time.Second, sign: unlike, left: maintenance},
		{after: 55 * time.Second, sign: unlike, left: maintenance - 5*time.Second},
	} {
		at := begin.Add(refusal.after)
		q.refusals.sign = refusal.sign
		q.refusals.note(at, false)
		if left, _ := c.untilOwn(q, at); refusal.sign == unlike && left != refusal.left {
			t.Errorf("after %v, %v are left, want %v", refusal.after, left, refusal.left)
		}
	}
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

// TestResumeAfterNothingButRefusals ends a run that was refused all but a few
// requests. The next one, at a tenant that grants all, does not crawl for that.
func TestResumeAfterNothingButRefusals(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		for _, granted := range []int{0, 1, 3, 10} {
			for _, length := range []time.Duration{2 * time.Second, 40 * time.Second} {
				t.Run(fmt.Sprintf("HTTP %d after %d for %v", status, granted, length), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						requests := 0
						c, s := newScriptedClient(t, Options{OutageWait: 5 * time.Minute}, ok())
						s.answer = func(_, id string) step {
							if requests++; requests > granted {
								return step{status: status, takes: overloadLatency}
							}
							return step{status: http.StatusOK, body: sessionJSON(id), takes: overloadLatency}
						}
						ctx, cancel := context.WithTimeout(t.Context(), length)
						defer cancel()
						var all sync.WaitGroup
						for range 8 {
							all.Go(func() {
								for ctx.Err() == nil {
									c.Patch(ctx, Request{ID: testID, Body: []byte(`{}`)})
								}
							})
						}
						all.Wait()
						learned := c.Limits().Learned
						next, s := newScriptedClient(t, Options{Learned: learned, OutageWait: 5 * time.Minute}, ok())
						s.answer = overloadRun{}.tenant(new(int))
						start := time.Now()
						sendRows(t, next, 8, 14, func(row int, a Answer) {
							if a.Verdict != OK {
								t.Errorf("row %d: %v: %s", row, a.Verdict, a.Message)
							}
						})
						if took := time.Since(start); took > 2*time.Second {
							t.Errorf("14 rows took %v after %g requests a second were learned", took, learned)
						}
					})
				})
			}
		}
	}
}
