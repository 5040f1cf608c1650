package pace

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// simRow is one tenant, seen from one distance by one user.
type simRow struct {
	grant   float64 // requests per second
	burst   float64 // of a bucket; 0 is a window of ten seconds
	wording wording
	phase   int // seconds that the first window has run; below 0: from the first call
	latency time.Duration
	rate    float64 // that the user permits; 0 is no limit
}

func (r simRow) name() string {
	limit := fmt.Sprintf("bucket %g/s burst %g", r.grant, r.burst)
	if r.burst == 0 {
		limit = fmt.Sprintf("window %g in 10s from %ds", r.grant*10, -r.phase)
	}
	wording := "always 1s"
	if r.wording == timeLeft {
		wording = "time left"
	}
	return fmt.Sprintf("%s, %s, %v away, --rate %g", limit, wording, r.latency, r.rate)
}

func (r simRow) tenant() simTenant {
	if r.burst > 0 {
		return &simBucket{rate: r.grant, burst: r.burst, wording: r.wording}
	}
	return &simWindow{
		count: int(10 * r.grant), size: 10 * time.Second, wording: r.wording,
		onCall: r.phase < 0, phase: time.Duration(max(r.phase, 0)) * time.Second,
	}
}

func (r simRow) run(length time.Duration) *simulation {
	s := &simulation{
		tenant: r.tenant(), pacer: newPacer(r.rate, 0, simEpoch),
		latency: r.latency, jitter: 0.3, length: length,
		workers: max(8, int(1.3*r.grant*(r.latency.Seconds()+0.005))+1),
	}
	if r.burst == 1 {
		s.jitter = 0 // a bucket of one token refuses what comes a moment early
	}
	s.run()
	return s
}

// simRows are buckets and windows of 10 to 1,000 requests per second, near and far,
// for users who set no limit, a little more than is granted, much more,
// and just as much.
func simRows() []simRow {
	var rows []simRow
	for _, grant := range []float64{10, 50, 200, 1000} {
		limits := []simRow{
			{burst: grant}, {burst: 10 * grant},
			{phase: -1}, {phase: -1, wording: timeLeft}, {phase: 3}, {phase: 3, wording: timeLeft},
		}
		away := []time.Duration{0, 30 * time.Millisecond, 300 * time.Millisecond}
		rates := []float64{0, 1.3 * grant, 5 * grant, grant}
		if grant >= 200 { // they take long to simulate
			limits = []simRow{{burst: grant}, {phase: 3, wording: timeLeft}}
			away, rates = away[1:], rates[:1]
		}
		if grant == 1000 {
			away = away[:1]
		}
		for _, row := range limits {
			for _, row.latency = range away {
				for _, row.rate = range rates {
					row.grant = grant
					rows = append(rows, row)
				}
			}
		}
		for _, rate := range rates {
			rows = append(rows, simRow{grant: grant, burst: 1, rate: rate})
		}
	}
	return rows
}

// simBounds are what a run must reach: the share of the grant used after 30 s, and
// the share of all requests that are refused.
type simBounds struct{ used, refused float64 }

// bounds are the aim itself for a run of five minutes. A run of 75 s has only
// just learned; where it may send 750 requests in all, finding the limit
// at all takes more of them than one in a hundred; and from 300 ms away each step takes
// longer, and meets the limit with more in flight.
func (r simRow) bounds(length time.Duration) simBounds {
	far := r.latency >= 300*time.Millisecond
	switch {
	case r.rate > 0 && r.rate <= r.grant:
		return simBounds{0.98, 0}
	case length >= 300*time.Second && !far:
		return simBounds{0.97, 0.01}
	case length >= 300*time.Second:
		return simBounds{0.95, 0.01}
	case !far && r.grant >= 50:
		return simBounds{0.955, 0.01}
	case !far:
		return simBounds{0.955, 0.013}
	}
	return simBounds{0.85, 0.026}
}

func TestEstimatorUsesWhatIsGranted(t *testing.T) {
	lengths := []time.Duration{75 * time.Second, 300 * time.Second}
	rows := simRows()
	runs := make([][]*simulation, len(rows))
	var all sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, row := range rows {
		if raceEnabled && (i%32 != 0 || row.grant > 50) || testing.Short() && i%3 != 0 {
			continue // each run is in one goroutine: the race detector has nothing to find
		}
		free <- struct{}{}
		all.Go(func() {
			for _, length := range lengths {
				runs[i] = append(runs[i], row.run(length))
			}
			<-free
		})
	}
	all.Wait()
	for i, row := range rows {
		for _, s := range runs[i] {
			used := s.grantedFrom(30*time.Second) / s.tenant.capacity(30*time.Second, s.length)
			refused := float64(s.refused) / float64(s.sent)
			t.Logf("%-62s %4.0fs: %6d sent, %3d refused %5.2f%%, used %6.2f%%",
				row.name(), s.length.Seconds(), s.sent, s.refused, 100*refused, 100*used)
			if want := row.bounds(s.length); used < want.used || refused > want.refused {
				t.Errorf("%s, %v: used %.2f%%, refused %.2f%%; want at least %.1f%% and at most %.1f%%",
					row.name(), s.length, 100*used, 100*refused, 100*want.used, 100*want.refused)
			}
		}
	}
	t.Logf("%d tenants", len(rows))
}
