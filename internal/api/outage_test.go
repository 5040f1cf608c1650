package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutageCostsItsLengthAndNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		down := step{err: errRefused, takes: 10 * time.Millisecond}
		c, s := newScriptedClient(t, Options{OutageWait: 5 * time.Minute, MaxAttempts: 1, Log: log.logger()}, down)
		begun := time.Now()
		time.AfterFunc(time.Minute, func() { // the tenant comes back
			s.mu.Lock()
			s.steps = []step{ok()}
			s.mu.Unlock()
		})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if a := patch(c, true); a.Verdict != OK || a.Attempts != 1 {
					t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
				}
			})
		}
		time.Sleep(30 * time.Second)
		if since, ok := c.Outage(); !ok || time.Since(since) < 29*time.Second {
			t.Errorf("outage: %v %v", since, ok)
		}
		all.Wait()
		if took := time.Since(begun); took < time.Minute || took > time.Minute+probeCap+time.Second {
			t.Errorf("took %v", took)
		}
		if _, ok := c.Outage(); ok {
			t.Error("the outage is still reported")
		}
		// All eight may meet the outage at its start; from then on one
		// probes alone.
		times := s.times()
		probes := times[8 : len(times)-8]
		for i := 1; i < len(probes); i++ {
			if d := probes[i].Sub(probes[i-1]); d < 10*time.Millisecond {
				t.Errorf("probes %d and %d ran at the same time (%v)", i-1, i, d)
			}
		}
		if len(probes) < 10 || len(probes) > 100 {
			t.Errorf("%d probes in a minute", len(probes))
		}
		if n := c.Counters(); n.Patch != 8 || n.Retried != 0 {
			t.Errorf("counters: %+v", n)
		}
		for _, want := range []string{"cannot be reached", "reached again"} {
			if strings.Count(log.String(), want) != 1 {
				t.Errorf("%q is not in the log once:\n%s", want, log.String())
			}
		}
	})
}

// A panic of the worker that probes must not leave the others waiting, nor
// keep its turn.
func TestAPanicWhileProbing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := step{err: errRefused, takes: 10 * time.Millisecond}
		c, s := newScriptedClient(t, Options{OutageWait: 5 * time.Minute}, down)
		time.AfterFunc(time.Minute, func() {
			s.mu.Lock()
			s.steps = []step{{panics: true}, down, ok()}
			s.mu.Unlock()
		})
		var all sync.WaitGroup
		var broken, good atomic.Int32
		for range 8 {
			all.Go(func() {
				defer func() {
					if recover() != nil {
						broken.Add(1)
					}
				}()
				if a := patch(c, false); a.Verdict == OK {
					good.Add(1)
				}
			})
		}
		all.Wait()
		if broken.Load() != 1 || good.Load() != 7 {
			t.Errorf("%d panics, %d of the other 7 were sent", broken.Load(), good.Load())
		}
	})
}

// The Date of an answer has whole seconds: what it shows of the tenant's clock
// grows with each answer.
func TestTenantClock(t *testing.T) {
	const ahead = 90*time.Second + 300*time.Millisecond
	var c tenantClock
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ask := func(after time.Duration, ahead time.Duration) Clock {
		sent := begun.Add(after)
		date := sent.Add(ahead + 5*time.Millisecond).Truncate(time.Second)
		return c.observe(date.Format(http.TimeFormat), sent, sent.Add(10*time.Millisecond))
	}
	if got := c.observe("yesterday", begun, begun); got.Known {
		t.Errorf("known from nothing: %+v", got)
	}
	for after := time.Duration(0); after < 2*time.Second; after += 50 * time.Millisecond {
		if got := ask(after, ahead); !got.Known || got.Least > ahead || got.Most < ahead {
			t.Fatalf("after %v: %+v is not around %v", after, got, ahead)
		}
	}
	if got := ask(2*time.Second, ahead); got.Most-got.Least > 70*time.Millisecond {
		t.Errorf("in the end %+v", got)
	}
	if got := ask(3*time.Second, -time.Hour); got.Least > -time.Hour || got.Most < -time.Hour {
		t.Errorf("after a clock was set: %+v", got)
	}
}

func TestOutageEndsTheWaitOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newScriptedClient(t, Options{OutageWait: time.Minute}, step{err: errRefused, takes: time.Second})
		begun := time.Now()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				a := patch(c, false)
				if a.Verdict != Unreachable || a.Attempts != 0 || a.InDoubt || a.Status != 0 {
					t.Errorf("%+v", a)
				}
				if want := "acme.example could not be reached for 1m0s: connection refused"; a.Message != want {
					t.Errorf("message: %q", a.Message)
				}
				if took := time.Since(begun); took < time.Minute || took > time.Minute+2*time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
		all.Wait()
		// It stays so: what comes later ends at once.
		again := time.Now()
		if a := patch(c, false); a.Verdict != Unreachable || time.Since(again) != 0 {
			t.Errorf("%v after %v", a.Verdict, time.Since(again))
		}
	})
}

func TestOutageThatIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newScriptedClient(t, Options{}, step{err: errRefused})
		if a := patch(c, false); a.Verdict != Unreachable || len(s.times()) != 1 {
			t.Errorf("%v after %d tries", a.Verdict, len(s.times()))
		}
	})
}

// A tenant that went away while its connections were idle is one that cannot
// be reached: nothing was sent.
func TestOutageMetByAKeptConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, run := range []bool{false, true} {
			kept := ok()
			kept.kept = true
			c, s := newScriptedClient(t, Options{OutageWait: time.Minute, MaxAttempts: 1}, kept, step{err: errReset}, step{err: errRefused}, ok())
			for range 2 {
				if a := patch(c, run); a.Verdict != OK || a.Attempts != 1 {
					t.Errorf("run=%v: %v after %d attempts: %s", run, a.Verdict, a.Attempts, a.Message)
				}
			}
			if n := len(s.times()); n != 4 {
				t.Errorf("run=%v: %d steps were taken, want 4", run, n)
			}
			c.Close()
		}
	})
}

func TestOutageAfterADoubtfulAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newScriptedClient(t, Options{OutageWait: time.Minute}, status(502), step{err: errRefused})
		a := patch(c, false)
		if a.Verdict != Unreachable || a.Attempts != 1 || !a.InDoubt {
			t.Errorf("%+v", a)
		}
	})
}

func TestProbeIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newScriptedClient(t, Options{OutageWait: time.Hour}, step{err: errRefused})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { c.Patch(ctx, Request{ID: testID}) })
		synctest.Wait() // the first has the probe
		all.Go(func() {
			if a := patch(c, false); a.Verdict != OK {
				t.Errorf("%v: %s", a.Verdict, a.Message)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		s.mu.Lock()
		s.steps = []step{ok()}
		s.mu.Unlock()
		begun := time.Now()
		all.Wait()
		if took := time.Since(begun); took > 2*probeCap {
			t.Errorf("took %v", took)
		}
	})
}

func TestStaleProbesDoNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := breaker{maxOutage: time.Hour}
		g.fail(0, "down")
		first, err := g.wait(t.Context(), 0)
		if err != nil || first == 0 {
			t.Fatal(first, err)
		}
		g.succeed() // by another's answer
		if !g.fail(0, "down again") {
			t.Error("a new outage was not reported as one")
		}
		second, _ := g.wait(t.Context(), 0)
		g.release(first) // no longer good: the second still probes
		if g.holder != second {
			t.Errorf("holder %d, want %d", g.holder, second)
		}
		g.fail(first, "late")
		if g.failed != 0 {
			t.Errorf("%d probes counted", g.failed)
		}
	})
}

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 5: 4 * time.Second, 8: 20 * time.Second, 1000: 20 * time.Second} {
		if got := backoff(failures, retryCap); got != want {
			t.Errorf("backoff(%d) = %v, want %v", failures, got, want)
		}
	}
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := jitter(3)
		if d < 0 || d > 3 {
			t.Fatalf("jitter(3) = %d", d)
		}
		seen[d] = true
	}
	if len(seen) != 4 {
		t.Errorf("jitter(3) gave only %v", seen)
	}
}

// A tenant that refuses everything for the rate, or asks to wait for longer
// than anybody will, is not waited for beyond the outage wait.
func TestStarvation(t *testing.T) {
	refused := func(retryAfter string) step {
		st := status(429)
		if st.header = (http.Header{}); retryAfter != "" {
			st.header.Set("Retry-After", retryAfter)
		}
		return st
	}
	local := func(after time.Duration) string { // since the test's clock began
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(after).Local().Format("2006-01-02 15:04:05 MST")
	}
	tests := []struct {
		name    string
		wait    time.Duration
		steps   []step
		after   time.Duration
		atMost  int // requests
		message string
	}{
		{"without a word", 5 * time.Minute, []step{refused("")}, 5 * time.Minute, 30, "for 5m0s it answered nothing but that there are too many requests, and does not say until when"},
		{"told each time", 10 * time.Second, []step{refused("4")}, 10 * time.Second, 20, "for 10s it answered nothing but that there are too many requests, and asks to wait until " + local(10 * time.Second)[:len("2000-01-01 00:00:1")]},
		{"told longer", 5 * time.Minute, []step{refused("3600")}, 0, 8, "it asks to wait 1h0m0s, until " + local(time.Hour) + ", which is longer than --outage-wait allows (5m0s)"},
		{"told longer after grants", time.Minute, []step{ok(), ok(), refused("61")}, 0, 10, "it asks to wait 1m1s"},
		{"nothing but 503", 10 * time.Second, []step{{status: 503, header: http.Header{"Retry-After": {"11"}}}}, 0, 8, "it asks to wait 11s"},
		{"with no outage wait", 0, []step{refused("4")}, 5 * time.Minute, 200, "for 5m0s it answered nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := newScriptedClient(t, Options{OutageWait: tt.wait}, tt.steps...)
				begun := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						for {
							switch a := c.Patch(ctx, Request{ID: testID, Run: true}); a.Verdict {
							case OK:
							case Unreachable:
								if want := "acme.example grants nothing: " + tt.message; !strings.HasPrefix(a.Message, want) || a.InDoubt {
									t.Errorf("%s, in doubt %v", a.Message, a.InDoubt)
								}
								cancel() // as a run does
								return
							case Canceled:
								return
							default:
								t.Errorf("%v: %s", a.Verdict, a.Message)
								return
							}
						}
					})
				}
				all.Wait()
				if took := time.Since(begun).Truncate(time.Second); took != tt.after {
					t.Errorf("stopped after %v, want %v", took, tt.after)
				}
				if n := len(s.times()); n > tt.atMost {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

// What is granted now and then is not starved, and costs no row an attempt. A
// row that alone is refused is its own error.
func TestRefusalsAreNoErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := step{status: 429, header: http.Header{"Retry-After": {"25"}}}
		c, _ := newScriptedClient(t, Options{OutageWait: time.Minute, MaxAttempts: 1}, refusal, refusal, ok(), refusal, ok(), refusal, refusal, ok())
		for range 3 {
			if a := patch(c, true); a.Verdict != OK {
				t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, s := newScriptedClient(t, Options{MaxAttempts: 1}, ok())
		s.rows = map[string]step{"bad": {status: 429, body: `{"message":"Rate limit exceeded"}`}}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 200 {
					if a := patch(c, false); a.Verdict != OK {
						t.Errorf("%v: %s", a.Verdict, a.Message)
					}
				}
			})
		}
		a := c.Patch(t.Context(), Request{ID: "bad"})
		if a.Verdict != Exhausted || a.Attempts <= ownRefusals || a.Attempts > 2*ownRefusals || a.Message != "Rate limit exceeded (HTTP 429)" || a.InDoubt {
			t.Errorf("%v after %d attempts: %s", a.Verdict, a.Attempts, a.Message)
		}
		all.Wait()
	})
}
