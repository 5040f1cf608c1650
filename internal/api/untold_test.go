package api

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// untold is a limit that answers 503 without Retry-After beyond it: a bucket, or
// a fixed window where it has a size.
type untold struct {
	rate  float64 // requests per second
	burst float64 // that a bucket saves, or that a window grants
	size  time.Duration

	left float64
	last time.Duration
}

func (u *untold) String() string {
	if u.size > 0 {
		return fmt.Sprintf("%g in %v", u.burst, u.size)
	}
	return fmt.Sprintf("%g a second, %g saved", u.rate, u.burst)
}

// grants reports whether a request is granted at a time since the start.
func (u *untold) grants(at time.Duration) bool {
	switch {
	case u.size > 0 && at/u.size != u.last/u.size:
		u.left = u.burst
	case u.size == 0:
		u.left = min(u.burst, u.left+u.rate*(at-u.last).Seconds())
	}
	u.last = at
	if u.left < 1-1e-9 {
		return false
	}
	u.left--
	return true
}

// TestUntoldLimits sends rows to tenants with limits that are mostly lower than
// what is tried first, reads counted too. One row may get 503 whenever it is sent.
// No other fails, and that one does.
func TestUntoldLimits(t *testing.T) {
	limits := []untold{{burst: 5, size: 10 * time.Second}, {burst: 10, size: time.Minute}}
	for _, rate := range []float64{0.2, 0.5, 1, 2, 5, 10, 50} {
		limits = append(limits, untold{rate: rate, burst: 1}, untold{rate: rate, burst: 10})
	}
	for _, limit := range limits {
		for _, workers := range []int{1, 4, 8, 32} {
			for _, broken := range []int{-1, 30, untoldRows - 1} {
				if broken >= 0 && limit.size == 0 && limit.rate < 0.5 {
					continue // about once in a hundred runs that row takes all that is granted, which is an outage then
				}
				t.Run(fmt.Sprintf("%v, %d workers, row %d", &limit, workers, broken), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { sendToUntold(t, limit, workers, fmt.Sprintf("row-%d", broken)) })
				})
			}
		}
	}
}

const untoldRows = 80

func sendToUntold(t *testing.T, limit untold, workers int, broken string) {
	c, s := newScriptedClient(t, Options{Workers: workers, OutageWait: 5 * time.Minute}, ok())
	start, refused := time.Now(), 0
	limit.left = limit.burst
	s.answer = func(method, id string) step {
		st := step{status: http.StatusOK, body: sessionJSON(id), takes: overloadLatency}
		switch granted := limit.grants(time.Since(start)); {
		case !granted:
			refused++
			st.status = http.StatusServiceUnavailable
		case method == http.MethodPatch && id == broken:
			st.status = http.StatusServiceUnavailable
		}
		return st
	}
	var updated atomic.Int64
	sendRows(t, c, workers, untoldRows, func(row int, a Answer) {
		want := OK
		if fmt.Sprintf("row-%d", row) == broken {
			want = Doubtful
		}
		if a.Verdict != want {
			t.Errorf("row %d: %v after %d attempts: %s", row, a.Verdict, a.Attempts, a.Message)
		}
		updated.Add(1)
	})
	most := 300
	if limit.rate >= 5 {
		most = 20
	}
	t.Logf("took %v, %d sent, %d refused", time.Since(start), len(s.left), refused)
	if updated.Load() != untoldRows || refused > most {
		t.Errorf("%d rows ended, and %d requests were refused, want at most %d", updated.Load(), refused, most)
	}
}

// TestRefusedAtRandom sends rows to a tenant that refuses three in ten requests
// whatever the rate is, so that the rate never settles, and one row always.
func TestRefusedAtRandom(t *testing.T) {
	for status, counts := range map[int][]int{
		http.StatusTooManyRequests:    {4, 8}, // with one worker, nothing else is granted while that row is tried
		http.StatusServiceUnavailable: {1, 4, 8},
	} {
		for _, workers := range counts {
			t.Run(fmt.Sprintf("%d, %d workers", status, workers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s := newScriptedClient(t, Options{Workers: workers, OutageWait: 5 * time.Minute}, ok())
					random := rand.New(rand.NewPCG(1, 2))
					s.answer = func(method, id string) step {
						if random.IntN(10) < 3 || method == http.MethodPatch && id == "row-30" {
							return step{status: status, takes: overloadLatency}
						}
						return step{status: http.StatusOK, body: sessionJSON(id), takes: overloadLatency}
					}
					sendRows(t, c, workers, 200, func(row int, a Answer) {
						if failed := a.Verdict != OK; failed != (row == 30) || a.Verdict == Unreachable {
							t.Errorf("row %d: %v after %d attempts: %s", row, a.Verdict, a.Attempts, a.Message)
						}
					})
				})
			})
		}
	}
}

// TestOneRowInAnOutage sends a single row, or one that is left, to a tenant that
// answers everything with an overload, reads too.
func TestOneRowInAnOutage(t *testing.T) {
	for _, test := range []struct {
		name    string
		rows    int           // all but the last are granted
		takes   time.Duration // of an overload
		options Options
		want    Verdict
		after   time.Duration
	}{
		{"the only row", 1, overloadLatency, Options{}, Unreachable, 5 * time.Minute},
		{"the last row", 20, overloadLatency, Options{}, Unreachable, 5 * time.Minute},
		{"one attempt is wanted", 1, overloadLatency, Options{MaxAttempts: 1}, Doubtful, 0},
		{"no answer in time", 1, time.Hour, Options{MaxAttempts: 2, Timeout: time.Second}, Doubtful, 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.options.OutageWait = 5 * time.Minute
				c, s := newScriptedClient(t, test.options, ok())
				last := fmt.Sprintf("row-%d", test.rows-1)
				out := false
				s.answer = func(_, id string) step {
					if out = out || id == last; out {
						return step{status: http.StatusBadGateway, takes: test.takes}
					}
					return step{status: http.StatusOK, body: sessionJSON(id)}
				}
				start := time.Now()
				sendRows(t, c, 1, test.rows, func(row int, a Answer) {
					want := OK
					if row == test.rows-1 {
						want = test.want
					}
					if a.Verdict != want {
						t.Errorf("row %d: %v after %d attempts: %s", row, a.Verdict, a.Attempts, a.Message)
					}
				})
				if took := time.Since(start); took < test.after || took > test.after+2*time.Second {
					t.Errorf("took %v, want %v", took, test.after)
				}
			})
		})
	}
}

// TestListOfAnUntoldLimit reads pages one after another, each of which the limit
// refuses several times.
func TestListOfAnUntoldLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newScriptedClient(t, Options{OutageWait: 5 * time.Minute}, ok())
		limit, start := untold{burst: 2, size: time.Minute, left: 2}, time.Now()
		s.answer = func(string, string) step {
			if !limit.grants(time.Since(start)) {
				return step{status: http.StatusServiceUnavailable, takes: overloadLatency}
			}
			return step{status: http.StatusOK, body: `{"workflow_sessions":[]}`, takes: overloadLatency}
		}
		for range 10 {
			if _, a := c.List(t.Context(), Query{}); a.Verdict != OK {
				t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
			}
		}
	})
}
