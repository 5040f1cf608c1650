package pace

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestSetRateWhileRequestsLeave changes the permitted rate up and down while
// requests leave. Each rate holds within its own window from then on, and is
// used.
func TestSetRateWhileRequestsLeave(t *testing.T) {
	const each = 20 * time.Second
	for _, c := range []struct {
		name  string
		rates []float64
	}{
		{"down and up", []float64{10, 2, 40, 10}},
		{"from next to nothing", []float64{0.05, 10}},
		{"no ceiling for a while", []float64{10, 0, 10}},
		{"to next to nothing", []float64{50, 0.5, 50}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(c.rates[0], 0)
				ctx, cancel := context.WithCancel(t.Context())
				var mu sync.Mutex
				var turns []time.Time
				var workers sync.WaitGroup
				for range 8 {
					workers.Go(func() {
						for l.Wait(ctx, nil) == nil {
							sent := time.Now()
							mu.Lock()
							turns = append(turns, sent)
							mu.Unlock()
							time.Sleep(20 * time.Millisecond)
							l.Observe(Observation{SentAt: sent, At: time.Now(), Outcome: Granted, RetryAfter: -1})
						}
					})
				}
				start, before := time.Now(), 0
				for i, rate := range c.rates {
					if i > 0 {
						l.SetRate(rate)
					}
					time.Sleep(each)
					synctest.Wait() // nobody takes a turn between the count and the next rate
					mu.Lock()
					own := turns[before:]
					before = len(turns)
					mu.Unlock()
					if rate == 0 {
						continue
					}
					most := int(max(1, rate))
					window := time.Duration(float64(most) / rate * float64(time.Second))
					for j := range own {
						if k := j + most; k < len(own) && own[k].Sub(own[j]) < window {
							t.Fatalf("%v after the start, at a rate of %g: more than %d turns in %v", own[j].Sub(start), rate, most, window)
						}
					}
					// The slow start at the beginning takes some of the first seconds.
					if least := int(0.9*rate*each.Seconds()) - 1; len(own) < least {
						t.Errorf("%d turns at a rate of %g, want at least %d", len(own), rate, least)
					}
				}
				cancel()
				workers.Wait()
			})
		})
	}
}

// TestSetRateKeepsToHints raises the permitted rate above what the tenant says
// that it grants.
func TestSetRateKeepsToHints(t *testing.T) {
	l := New(5, 0)
	if err := l.Wait(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	l.Observe(Observation{SentAt: now, At: now, Outcome: Granted, RetryAfter: -1, Hint: Hint{Rate: 10}})
	for _, c := range []struct{ permitted, want float64 }{{50, usedShare * 10}, {2, headroom * 2}, {0, usedShare * 10}} {
		l.SetRate(c.permitted)
		if got := l.State().Limit; got != c.want {
			t.Errorf("with %g permitted the limit is %g, want %g", c.permitted, got, c.want)
		}
	}
}

// TestSkippedTimeIsNoEvidence lets a tenant's limit be found, and sends nothing
// for ten minutes. Only where that time is not left out does the rate climb.
func TestSkippedTimeIsNoEvidence(t *testing.T) {
	for _, c := range []struct {
		name string
		skip bool
	}{{"left out", true}, {"not left out", false}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const away = 10 * time.Minute
				l := New(100, 10)
				before := l.State().Limit
				time.Sleep(away)
				if c.skip {
					l.Skip(away)
				}
				if after := l.State().Limit; (after == before) != c.skip {
					t.Errorf("the rate is %g after the pause, and was %g", after, before)
				}
				// What was not sent meanwhile is not made up for.
				turns := takeTurns(t, l, 8, time.Millisecond, time.Second)
				if most := int(l.State().Limit) + 1; len(turns) > most {
					t.Errorf("%d turns in the second after the pause, want at most %d", len(turns), most)
				}
			})
		})
	}
}
