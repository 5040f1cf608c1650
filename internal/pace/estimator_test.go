package pace

import (
	"math"
	"testing"
	"time"
)

// A tenant that changes its mind after two and a half minutes: a fall is felt at
// once, a rise is only found by trying, which is rare on purpose.
func TestEstimatorFollowsAChange(t *testing.T) {
	const change, length = 150 * time.Second, 10 * time.Minute
	bucket := func(burst, then float64) simTenant {
		return &simBucket{rate: 50, burst: burst, change: change, then: then}
	}
	window := func(then int) simTenant {
		return &simWindow{count: 500, size: 10 * time.Second, phase: 3 * time.Second, wording: timeLeft, change: change, then: then}
	}
	for _, c := range []struct {
		name   string
		tenant simTenant
		grant  float64 // after the change
		within time.Duration
	}{
		{"bucket falls by half", bucket(50, 25), 25, 20 * time.Second},
		{"large bucket falls by half", bucket(500, 25), 25, 40 * time.Second},
		{"window falls by half", window(250), 25, 30 * time.Second},
		{"bucket rises to double", bucket(50, 100), 100, 3 * time.Minute},
		{"large bucket rises to double", bucket(500, 100), 100, 3 * time.Minute},
		{"window rises to double", window(1000), 100, 6 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			if raceEnabled && c.grant > 50 {
				t.Skip("one goroutine: the race detector has nothing to find")
			}
			s := &simulation{
				tenant: c.tenant, pacer: newPacer(0, 0, simEpoch), latency: 30 * time.Millisecond,
				jitter: 5 * time.Millisecond, length: length, workers: 16,
			}
			s.run()
			took := s.reached(change, c.grant)
			t.Logf("took %v, refused %d of %d", took, s.refused, s.sent)
			if took > c.within {
				t.Errorf("took %v to follow, want at most %v", took, c.within)
			}
			if share := float64(s.refused) / float64(s.sent); share > 0.01 {
				t.Errorf("%.2f%% of the requests were refused", 100*share)
			}
		})
	}
}

// reached returns how long after a moment the tenant was, for ten seconds,
// used to within a tenth of its grant.
func (s *simulation) reached(from time.Duration, grant float64) time.Duration {
	for at := from; at+10*time.Second < s.length; at += time.Second {
		if n := s.grantedIn(at, at+10*time.Second); math.Abs(float64(n)/(10*grant)-1) < 0.1 {
			return at - from
		}
	}
	return math.MaxInt64
}

// What an earlier session learned is used from the first second on.
func TestEstimatorStartsFromWhatWasLearned(t *testing.T) {
	tenant := &simWindow{count: 500, size: 10 * time.Second, phase: 3 * time.Second, wording: timeLeft}
	s := &simulation{
		tenant: tenant, pacer: newPacer(0, 49.2, simEpoch), latency: 30 * time.Millisecond,
		jitter: 5 * time.Millisecond, length: 60 * time.Second, workers: 16,
	}
	s.run()
	if used := float64(s.grantedIn(0, s.length)) / (49.2 * s.length.Seconds()); used < 0.97 || s.refused > 0 {
		t.Errorf("used %.1f%% with %d refused, want at least 97%% and none", 100*used, s.refused)
	}
}

// What a session learned that was hardly granted anything is no reason to crawl.
func TestEstimatorForgetsWhatIsNextToNothing(t *testing.T) {
	s := &simulation{
		tenant: &simBucket{rate: 50, burst: 50}, pacer: newPacer(0, 0.08, simEpoch), latency: 30 * time.Millisecond,
		length: 5 * time.Second, workers: 8,
	}
	s.run()
	if len(s.granted) < 100 {
		t.Errorf("%d requests were granted in 5 s", len(s.granted))
	}
}

// While a tenant refuses all, one request tries at a time, ever more rarely.
func TestEstimatorTriesRarelyWhenAllIsRefused(t *testing.T) {
	s := &simulation{
		tenant: &simBucket{wording: alwaysSecond}, pacer: newPacer(0, 0, simEpoch), latency: 30 * time.Millisecond,
		length: 10 * time.Minute, workers: 100,
	}
	s.run()
	if s.sent > startFlight+20 {
		t.Errorf("%d requests were sent to a tenant that grants none", s.sent)
	}
}
