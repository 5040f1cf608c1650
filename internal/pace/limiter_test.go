package pace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// answer observes an attempt that left a moment ago.
func (l *Limiter) answer(outcome Outcome, retryAfter time.Duration) {
	now := time.Now()
	l.Observe(Observation{SentAt: now.Add(-time.Millisecond), At: now, Outcome: outcome, RetryAfter: retryAfter})
}

// takeTurns lets workers take turns for a time, each answered 200 after the
// latency, and returns when they left, in order.
func takeTurns(t *testing.T, l *Limiter, workers int, latency, length time.Duration) []time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var mu sync.Mutex
	var turns []time.Time
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for l.Wait(ctx, nil) == nil {
				sent := time.Now()
				mu.Lock()
				turns = append(turns, sent)
				mu.Unlock()
				time.Sleep(latency)
				l.Observe(Observation{SentAt: sent, At: time.Now(), Outcome: Granted, RetryAfter: -1})
			}
		})
	}
	all.Wait()
	return turns
}

func TestLimiterPacesEvenly(t *testing.T) {
	for _, c := range []struct {
		rate   float64
		window time.Duration
		most   int // in any window of that length
	}{
		{0.5, 2 * time.Second, 1},
		{0.5, 10 * time.Second, 5},
		{2.5, 2 * time.Second, 5},
		{10, time.Second, 10},
		{10, 10 * time.Second, 100},
		{50, time.Second, 50},
		{333, time.Second, 333},
	} {
		t.Run(fmt.Sprintf("%g per second in %v", c.rate, c.window), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const length = time.Minute
				turns := takeTurns(t, New(c.rate, 0), 64, 100*time.Millisecond, length)
				// The slow start takes some seconds at the highest of these rates.
				if least := int(0.98 * c.rate * (length.Seconds() - 5)); len(turns) < least {
					t.Errorf("%d turns, want at least %d", len(turns), least)
				}
				for i := range turns {
					j := i + c.most
					if j < len(turns) && turns[j].Sub(turns[i]) < c.window {
						t.Fatalf("turns %d to %d are %v apart: more than %d in %v", i, j, turns[j].Sub(turns[i]), c.most, c.window)
					}
				}
			})
		})
	}
}

func TestLimiterWithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0, 0)
		turns := takeTurns(t, l, 32, time.Millisecond, 2*time.Second)
		// 32 workers and a millisecond each, less what the slow start costs.
		if len(turns) < 60_000 {
			t.Errorf("%d turns in 2 s, want nearly 64,000", len(turns))
		}
		if s := l.State(); s != (State{}) {
			t.Errorf("state %+v, want no limit, no pause, no throttling", s)
		}
	})
}

// What the tenant grants is not known at the first refusal: no limit is made up
// until the pause is over.
func TestLimiterStateAtTheFirstRefusal(t *testing.T) {
	for _, c := range []struct {
		name      string
		permitted float64
		want      float64
	}{
		{"without a permitted rate", 0, 0},
		{"with one", 20, 20 * headroom},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(c.permitted, 0)
				for i := range 20 {
					if err := l.Wait(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
					time.Sleep(50 * time.Millisecond)
					if i < 19 {
						l.answer(Granted, -1)
					}
				}
				l.answer(Refused, time.Second)
				if s := l.State(); s.Limit != c.want || !s.Throttling {
					t.Errorf("state %+v, want the limit %v while it pauses", s, c.want)
				}
				if err := l.Wait(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(50 * time.Millisecond)
				l.answer(Granted, -1)
				if s := l.State(); s.Limit < 1 {
					t.Errorf("state %+v, want a limit that was learned", s)
				}
			})
		})
	}
}

// A slow start bounds what can be refused at once, and never holds up slow
// answers for long.
func TestLimiterStartsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0, 0)
		start := time.Now()
		for i := range 8 {
			if err := l.Wait(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); i < startFlight && waited > time.Microsecond {
				t.Errorf("turn %d came after %v, want at once", i, waited)
			}
		}
		if waited := time.Since(start); waited < 150*time.Millisecond || waited > 250*time.Millisecond {
			t.Errorf("8 unanswered turns took %v, want 50 ms for each beyond the fourth", waited)
		}
	})
}

func TestLimiterPause(t *testing.T) {
	for _, c := range []struct {
		name    string
		outcome Outcome
		asked   time.Duration
		pause   time.Duration
	}{
		{"refusal with a long Retry-After", Refused, 7 * time.Second, 7 * time.Second},
		{"refusal with a short one", Refused, 3 * time.Second, 3 * time.Second},
		{"refusal without", Refused, -1, defaultPause},
		{"granted", Granted, -1, 0},
		{"no answer", Unanswered, -1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(1, 0)
				if err := l.Wait(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				left := make(chan time.Duration, 3)
				for range cap(left) { // already waiting when the refusal comes
					go func() {
						if l.Wait(t.Context(), nil) == nil {
							left <- time.Since(start)
						}
					}()
				}
				synctest.Wait()
				time.Sleep(time.Millisecond)
				l.answer(c.outcome, c.asked)
				if c.pause == 0 {
					if d := <-left; d > 1100*time.Millisecond {
						t.Errorf("the next turn came after %v, want no pause", d)
					}
					<-left
					<-left
					return
				}
				if s := l.State(); !s.Throttling || s.PausedUntil.Sub(start) < c.pause {
					t.Errorf("state %+v, want throttling and paused", s)
				}
				if d := <-left; d < c.pause || d > c.pause+1100*time.Millisecond {
					t.Errorf("the next turn came after %v, want about %v", d, c.pause)
				}
				time.Sleep(2 * time.Second)
				if len(left) > 0 {
					t.Error("a second one left before the first after the pause was answered")
				}
				l.answer(Granted, -1)
				<-left
				l.answer(Granted, -1)
				<-left
			})
		})
	}
}

func TestLimiterCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0.1, 0)
		if err := l.Wait(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		first, cancelFirst := context.WithCancel(t.Context())
		second, cancelSecond := context.WithCancelCause(t.Context())
		errs := make(chan error, 3)
		for _, ctx := range []context.Context{first, second, t.Context()} {
			go func() { errs <- l.Wait(ctx, nil) }()
			synctest.Wait()
		}
		start := time.Now()
		cancelSecond(nil) // in line
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("second: %v, want the context's error", err)
		}
		cancelFirst() // first in line
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("first: %v, want the context's error", err)
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("cancelling took %v", d)
		}
		if err := <-errs; err != nil {
			t.Errorf("third: %v, want its turn", err)
		}
		if d := time.Since(start); d > 11*time.Second {
			t.Errorf("the third waited %v: those who gave up cost turns", d)
		}
		if err := l.Wait(first, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that has ended: %v", err)
		}
	})
}

func TestLimiterServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(10, 0)
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				if l.Wait(t.Context(), nil) == nil {
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if !slices.IsSorted(order) {
			t.Errorf("served in the order %v, want that of their arrival", order)
		}
	})
}

// A tenant that grants less than the user permits is followed, and no request
// more than permitted leaves while the rate climbs back.
func TestLimiterLowersTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(20, 0)
		if s := l.State(); s.Limit != 20*headroom || s.Throttling {
			t.Errorf("at first %+v, want the permitted rate", s)
		}
		tenant := &simBucket{rate: 8, burst: 8}
		start := time.Now()
		granted, refused := 0, 0
		for time.Since(start) < 2*time.Minute {
			if err := l.Wait(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			reply := tenant.serve(time.Since(start))
			if reply.ok {
				granted++
				l.answer(Granted, -1)
			} else {
				refused++
				l.answer(Refused, reply.wait)
			}
		}
		s := l.State()
		if s.Limit < 7.6 || s.Limit > 10 || !s.Throttling {
			t.Errorf("in the end %+v, want a rate of 8, or a little more while that is tried, and throttling", s)
		}
		if granted < 8*115 || refused > 10 {
			t.Errorf("%d granted and %d refused, want about 960 and at most 10", granted, refused)
		}
	})
}

func BenchmarkWait(b *testing.B) {
	l := New(0, 0)
	for range startGranted {
		l.answer(Granted, -1)
	}
	if !l.open.Load() {
		b.Fatal("still starting slowly")
	}
	ctx := b.Context()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := l.Wait(ctx, nil); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	l := New(0, 0)
	now := time.Now()
	for b.Loop() {
		l.Observe(Observation{SentAt: now, At: now, Outcome: Granted, RetryAfter: -1})
	}
}
