package api

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"nermbulk/internal/pace"
)

func TestReadHint(t *testing.T) {
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	none := hint{remaining: -1, reset: -1}
	for _, c := range []struct {
		name       string
		key, value string
		want       hint
	}{
		{"nothing", "Content-Type", "application/json", none},
		{"remaining", "X-RateLimit-Remaining", "7", hint{remaining: 7, reset: -1}},
		{"reset in seconds", "X-RateLimit-Reset", "3", hint{remaining: -1, reset: 3 * time.Second}},
		{"reset as Unix time", "X-RateLimit-Reset", "1785585604", hint{remaining: -1, reset: 4 * time.Second}},
		{"reset in the past", "X-RateLimit-Reset", "1785585599", none},
		{"reset of a daily quota", "X-RateLimit-Reset", "40000", none},
		{"no number", "X-RateLimit-Remaining", "many", none},
		{"not a number", "X-RateLimit-Remaining", "NaN", none},
		{"negative", "X-RateLimit-Remaining", "-1", none},
		{"early draft", "RateLimit", "limit=100, remaining=50, reset=5", hint{remaining: 50, reset: 5 * time.Second}},
		{"later draft", "RateLimit", `"default";r=50;t=5`, hint{remaining: 50, reset: 5 * time.Second}},
		{"early policy", "RateLimit-Policy", "100;w=10", hint{remaining: -1, reset: -1, rate: 10}},
		{"later policy", "RateLimit-Policy", `"burst";q=100;w=10`, hint{remaining: -1, reset: -1, rate: 10}},
		{"two policies", "RateLimit-Policy", `"burst";q=100;w=1, "minute";q=1200;w=60`, hint{remaining: -1, reset: -1, rate: 20}},
		{"daily policy", "RateLimit-Policy", "1000;w=86400", none},
		{"policy of almost nothing", "RateLimit-Policy", "1;w=60", none},
		{"policy without a window", "RateLimit-Policy", "100", none},
		{"garbage", "RateLimit-Policy", ";;=;w=;q", none},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			h.Set(c.key, c.value)
			if got := readHint(h, at); got != c.want {
				t.Errorf("%s: %s is %+v, want %+v", c.key, c.value, got, c.want)
			}
		})
	}
}

// A tenant that tells its limit is never made to refuse.
func TestLimiterBelievesThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pace.New(0, 0)
		h := http.Header{}
		h.Set("RateLimit-Policy", "100;w=10")
		start, sent := time.Now(), 0
		for time.Since(start) < time.Minute {
			if err := l.Wait(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			sent++
			l.Observe(observation(reply{sent: time.Now(), at: time.Now(), status: http.StatusOK, header: h}, -1))
		}
		if sent < 580 || sent > 602 {
			t.Errorf("%d requests in a minute, want about 590 of the 600 that the policy allows", sent)
		}
	})
}

// Before anything was refused, an answer that tells that nothing remains stops
// the next one.
func TestLimiterStopsBeforeTheFirstRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pace.New(0, 0)
		if err := l.Wait(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		h.Set("X-RateLimit-Remaining", "0")
		h.Set("X-RateLimit-Reset", "4")
		start := time.Now()
		l.Observe(observation(reply{sent: start, at: start, status: http.StatusOK, header: h}, -1))
		if err := l.Wait(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 4*time.Second {
			t.Errorf("the next request left after %v, want it to wait for the reset", waited)
		}
	})
}

// A refusal without Retry-After is believed when it tells the reset otherwise.
func TestLimiterUsesTheResetOfARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pace.New(10, 0)
		h := http.Header{}
		h.Set("X-RateLimit-Reset", "6")
		now := time.Now()
		l.Observe(observation(reply{sent: now, at: now, status: http.StatusTooManyRequests, header: h}, -1))
		if until := l.State().PausedUntil.Sub(now); until != 6*time.Second {
			t.Errorf("paused for %v, want 6s", until)
		}
	})
}

func TestObservation(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		asked   time.Duration
		outcome pace.Outcome
	}{
		{"429 that gives a time", http.StatusTooManyRequests, 7 * time.Second, pace.Refused},
		{"429 that gives none", http.StatusTooManyRequests, -1, pace.Refused},
		{"503 that gives a time", http.StatusServiceUnavailable, 3 * time.Second, pace.Refused},
		{"503 that gives none", http.StatusServiceUnavailable, -1, pace.Overloaded},
		{"502", http.StatusBadGateway, -1, pace.Overloaded},
		{"504", http.StatusGatewayTimeout, -1, pace.Overloaded},
		{"500", http.StatusInternalServerError, -1, pace.Granted},
		{"no answer", 0, -1, pace.Unanswered},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := observation(reply{status: c.status}, c.asked)
			if want := (pace.Observation{Outcome: c.outcome, RetryAfter: c.asked}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}
