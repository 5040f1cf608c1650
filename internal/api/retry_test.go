package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errReset = errors.New("connection reset by peer")

func status(code int) step { return step{status: code} }

func TestRetries(t *testing.T) {
	retryAfter := func(v string) http.Header { return http.Header{"Retry-After": {v}} }
	tests := []struct {
		name     string
		run      bool
		get      bool
		attempts int // 0: the client's 5
		steps    []step
		want     Verdict
		made     int
		doubt    bool
		atLeast  time.Duration
		atMost   time.Duration
	}{
		{name: "5xx then good", steps: []step{status(500), status(502), ok()}, want: OK, made: 3, atMost: 750 * time.Millisecond},
		{name: "5xx to the end", steps: []step{status(500)}, want: Doubtful, made: 5, doubt: true, atMost: 4 * time.Second},
		{name: "408 then good", steps: []step{status(408), ok()}, want: OK, made: 2, atMost: time.Second},
		{name: "reset then good", steps: []step{{err: errReset, sent: true}, ok()}, want: OK, made: 2, atMost: time.Second},
		{name: "timeout then good", steps: []step{{takes: time.Minute, err: errReset, sent: true}, ok()}, want: OK, made: 2, atLeast: 30 * time.Second, atMost: 31 * time.Second},
		{name: "fewer attempts", attempts: 2, steps: []step{status(500)}, want: Doubtful, made: 2, doubt: true, atMost: time.Second},
		{name: "run, 5xx", run: true, steps: []step{status(500), ok()}, want: Doubtful, made: 1, doubt: true},
		{name: "run, reset", run: true, steps: []step{{err: errReset, sent: true}, ok()}, want: Doubtful, made: 1, doubt: true},
		{name: "run, timeout", run: true, steps: []step{{takes: time.Minute, err: errReset, sent: true}, ok()}, want: Doubtful, made: 1, doubt: true, atLeast: 30 * time.Second, atMost: 30 * time.Second},
		{name: "run, 429 is not doubtful", run: true, steps: []step{{status: 429, header: retryAfter("2")}, ok()}, want: OK, made: 2, atLeast: 2 * time.Second, atMost: 4 * time.Second},
		{name: "get, 5xx", get: true, steps: []step{status(500), ok()}, want: OK, made: 2, atMost: time.Second},
		{name: "get, 5xx to the end", get: true, steps: []step{status(500)}, want: Exhausted, made: 5, atMost: 4 * time.Second},
		{name: "429 waits as told", steps: []step{{status: 429, header: retryAfter("7")}, ok()}, want: OK, made: 2, atLeast: 7 * time.Second, atMost: 9 * time.Second},
		{name: "503 with Retry-After waits", steps: []step{{status: 503, header: retryAfter("7")}, ok()}, want: OK, made: 2, atLeast: 7 * time.Second, atMost: 9 * time.Second},
		{name: "429 to the end", steps: []step{{status: 429, header: retryAfter("100")}}, want: Unreachable, made: 4, atLeast: 5 * time.Minute, atMost: 5 * time.Minute},
		{name: "429 after a 5xx stays in doubt", steps: []step{status(500), {status: 429, header: retryAfter("100")}}, want: Unreachable, made: 5, doubt: true, atLeast: 5 * time.Minute, atMost: 6 * time.Minute},
		{name: "refused after a 5xx", steps: []step{status(500), status(422)}, want: Refused, made: 2, doubt: true, atMost: time.Second},
		{name: "other 4xx", steps: []step{status(422), ok()}, want: Refused, made: 1},
		{name: "redirect", steps: []step{status(301), ok()}, want: Refused, made: 1},
		{name: "401 with a token that stands", steps: []step{status(401), ok()}, want: Denied, made: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := newScriptedClient(t, Options{}, tt.steps...)
				begun := time.Now()
				var a Answer
				if tt.get {
					a = c.Get(t.Context(), testID)
				} else {
					a = c.Patch(t.Context(), Request{ID: testID, Run: tt.run, Body: []byte(`{}`), Attempts: tt.attempts})
				}
				took := time.Since(begun)
				if a.Verdict != tt.want || a.Attempts != tt.made || len(s.times()) != tt.made || a.InDoubt != tt.doubt {
					t.Errorf("%v after %d attempts (%d made), in doubt %v: %s", a.Verdict, a.Attempts, len(s.times()), a.InDoubt, a.Message)
				}
				if took < tt.atLeast || took > tt.atMost {
					t.Errorf("took %v, want %v to %v", took, tt.atLeast, tt.atMost)
				}
				if a.Duration != took && a.Verdict != Unreachable {
					t.Errorf("duration %v, took %v", a.Duration, took)
				}
				if n := c.Counters(); n.Retried != tt.made-1 {
					t.Errorf("retried: %d", n.Retried)
				}
			})
		})
	}
}

func TestCancelStopsWaitingOnly(t *testing.T) {
	tests := []struct {
		name   string
		steps  []step
		cancel time.Duration
		want   Verdict
		made   int
		doubt  bool
		until  time.Duration // when the answer comes
	}{
		{"before anything", []step{ok()}, 0, Canceled, 0, false, 0},
		{"during an exchange", []step{{status: 200, body: sessionJSON(testID), takes: 3 * time.Second}}, time.Second, OK, 1, false, 3 * time.Second},
		{"during an exchange that fails", []step{{status: 500, takes: 3 * time.Second}}, time.Second, Canceled, 1, true, 3 * time.Second},
		{"while throttled", []step{{status: 429, header: http.Header{"Retry-After": {"60"}}}}, time.Second, Canceled, 1, false, time.Second},
		{"during an outage", []step{{err: errRefused}}, time.Second, Canceled, 0, false, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := newScriptedClient(t, Options{OutageWait: time.Hour}, tt.steps...)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel == 0 {
					cancel()
				} else {
					time.AfterFunc(tt.cancel, cancel)
				}
				begun := time.Now()
				a := c.Patch(ctx, Request{ID: testID, Body: []byte(`{}`)})
				if a.Verdict != tt.want || a.Attempts != tt.made || a.InDoubt != tt.doubt {
					t.Errorf("%v, %d attempts, in doubt %v: %s", a.Verdict, a.Attempts, a.InDoubt, a.Message)
				}
				if took := time.Since(begun); took != tt.until {
					t.Errorf("took %v, want %v", took, tt.until)
				}
			})
		})
	}
}

func TestPausesAreForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newScriptedClient(t, Options{}, step{status: 429, header: http.Header{"Retry-After": {"10"}}}, ok())
		begun := time.Now()
		go patch(c, false)
		synctest.Wait()
		if until := c.Limits().PausedUntil; until.Sub(begun) < 10*time.Second {
			t.Errorf("paused until %v", until.Sub(begun))
		}
		go patch(c, false) // another worker's row: not tried before either
		time.Sleep(time.Minute)
		times := s.times()
		if len(times) != 3 || times[1].Sub(begun) < 10*time.Second {
			t.Errorf("attempts at %v", times)
		}
		if n := c.Counters(); n.Throttled != 1 || n.Patch != 3 || n.Retried != 1 {
			t.Errorf("counters: %+v", n)
		}
	})
}

func TestRateCountsEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newScriptedClient(t, Options{Rate: 10, MaxAttempts: 3}, status(500))
		for range 4 {
			go c.Get(t.Context(), testID)
			go patch(c, false)
		}
		time.Sleep(time.Minute)
		times := s.times()
		if len(times) != 24 {
			t.Fatalf("%d attempts, want 24", len(times))
		}
		for i := range len(times) - 10 {
			if d := times[i+10].Sub(times[i]); d <= time.Second {
				t.Errorf("11 attempts within %v", d)
			}
		}
	})
}

func TestTooLongAnswer(t *testing.T) {
	s := newTenant(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"workflow_session":{"id":"`+testID+`","status":"`)
		chunk := strings.Repeat("x", 1<<20)
		for range maxAnswer>>20 + 1 {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	c := newTestClient(t, Options{BaseURL: s.URL + "/api"})
	a := patch(c, false)
	if a.Verdict != Refused || !strings.Contains(a.Message, "longer than 16 MiB") || len(a.Body) != maxBody {
		t.Errorf("%v: %s (%d bytes)", a.Verdict, a.Message, len(a.Body))
	}
}
