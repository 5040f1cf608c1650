package pace

import (
	"flag"
	"fmt"
	"regexp"
	"runtime"
	"sync"
	"testing"
	"time"
)

var grid = flag.String("grid", "", "simulate the limiters whose names match, not a sample of them; . is all")

// limitKind is what a tenant limits.
type limitKind int

const (
	aBucket       limitKind = iota
	aWindow                 // from a moment of its own
	aWindowOnCall           // from the first request
	aSliding
	atOnce
)

// simRow is one tenant, seen from one distance by one user.
type simRow struct {
	kind    limitKind
	grant   float64       // requests per second, in the long run
	burst   float64       // of a bucket
	size    time.Duration // of a window; of a concurrency limit how long a request takes
	wording wording
	latency time.Duration
	rate    float64 // that the user permits; 0 is no limit
}

func (r simRow) name() string {
	limit := fmt.Sprintf("bucket %g/s burst %g", r.grant, r.burst)
	n := int(r.grant*r.size.Seconds() + 0.5)
	switch r.kind {
	case aWindow:
		limit = fmt.Sprintf("window %d in %v", n, r.size)
	case aWindowOnCall:
		limit = fmt.Sprintf("window on call %d in %v", n, r.size)
	case aSliding:
		limit = fmt.Sprintf("sliding %d in %v", n, r.size)
	case atOnce:
		limit = fmt.Sprintf("%d at once, %v", r.slots(), r.size)
	}
	return fmt.Sprintf("%s, %v, %v away, --rate %g", limit, r.wording, r.latency, r.rate)
}

// slots is how many requests a concurrency limit answers at once: grant is for
// one who is at no distance.
func (r simRow) slots() int { return int(r.grant*r.size.Seconds() + 0.5) }

func (r simRow) tenant() simTenant {
	n := int(r.grant*r.size.Seconds() + 0.5)
	switch r.kind {
	case aWindow:
		return &simWindow{count: n, size: r.size, wording: r.wording, phase: r.size * 3 / 10}
	case aWindowOnCall:
		return &simWindow{count: n, size: r.size, wording: r.wording, onCall: true}
	case aSliding:
		return &simSliding{count: n, size: r.size, wording: r.wording}
	case atOnce:
		return &simConcurrent{n: n, takes: r.size, away: r.latency, wording: r.wording}
	}
	return &simBucket{rate: r.grant, burst: r.burst, wording: r.wording}
}

func (r simRow) run(length time.Duration) *simulation {
	s := &simulation{
		tenant: r.tenant(), pacer: newPacer(r.rate, 0, simEpoch),
		latency: r.latency, jitter: 5 * time.Millisecond, length: length,
		workers: max(8, int(1.3*r.grant*(r.latency.Seconds()+0.005))+1),
	}
	if r.kind == atOnce {
		s.workers = max(8, 2*r.slots())
	}
	if r.kind == aBucket && r.burst == 1 {
		s.jitter = 0 // a bucket of one token refuses what comes a moment early
	}
	s.run()
	return s
}

// simRows is the grid.
func simRows() []simRow {
	var rows []simRow
	wordings := []wording{alwaysSecond, timeLeft, silent, overload}
	away := []time.Duration{0, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond}
	add := func(r simRow) {
		for _, r.wording = range wordings {
			for _, r.latency = range away {
				rows = append(rows, r)
			}
		}
	}
	for _, grant := range []float64{10, 50, 200, 1000} {
		for _, burst := range []float64{1, grant, 10 * grant} {
			if burst > 1 || grant <= 50 { // requests that are to be 5 ms apart are not kept so by any timer
				add(simRow{kind: aBucket, grant: grant, burst: burst})
			}
		}
		for _, size := range []time.Duration{1, 2, 5, 10, 30, 60} {
			for _, kind := range []limitKind{aWindow, aWindowOnCall, aSliding} {
				add(simRow{kind: kind, grant: grant, size: size * time.Second})
			}
		}
	}
	for _, size := range []time.Duration{3, 7, 15, 20, 25, 40, 45, 50, 55} { // those between
		for _, kind := range []limitKind{aWindow, aWindowOnCall, aSliding} {
			add(simRow{kind: kind, grant: 20, size: size * time.Second})
		}
	}
	for _, n := range []float64{4, 8, 16} {
		for _, takes := range []time.Duration{50 * time.Millisecond, 200 * time.Millisecond} {
			add(simRow{kind: atOnce, grant: n / takes.Seconds(), size: takes})
		}
	}
	return rows
}

// sampled reports whether a row is part of what every test run simulates.
func (r simRow) sampled(i int) bool {
	switch {
	case raceEnabled: // each run is in one goroutine: there is nothing to find
		return r.grant <= 50 && i%61 == 0
	case r.grant > 50: // they take long
		return i%97 == 0
	}
	return i%5 == 0
}

// bounds are the contract's: the share of the grant that must be used after
// 30 s, and how many requests may be refused.
func (r simRow) bounds(sent int) (used float64, refused int) {
	share := 0.01
	if r.wording == overload {
		share = 0.05
	}
	return 0.97, max(8, int(share*float64(sent)))
}

func TestEstimatorUsesWhatIsGranted(t *testing.T) {
	const length = 300 * time.Second
	chosen := regexp.MustCompile(*grid)
	rows := simRows()
	runs := make([]*simulation, len(rows))
	var all sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, row := range rows {
		if *grid == "" && !row.sampled(i) || *grid != "" && !chosen.MatchString(row.name()) {
			continue
		}
		free <- struct{}{}
		all.Go(func() {
			runs[i] = row.run(length)
			<-free
		})
	}
	all.Wait()
	bad, n := 0, 0
	for i, row := range rows {
		s := runs[i]
		if s == nil {
			continue
		}
		n++
		used := s.used(30 * time.Second)
		t.Logf("%-62s %6d sent, %4d refused %5.2f%%, used %6.2f%%", row.name(), s.sent, s.refused, 100*float64(s.refused)/float64(s.sent), 100*used)
		least, most := row.bounds(s.sent)
		if used < least || s.refused > most {
			bad++
			t.Errorf("%s: used %.2f%%, %d of %d refused; want at least %.0f%% and at most %d", row.name(), 100*used, s.refused, s.sent, 100*least, most)
		}
	}
	t.Logf("%d tenants, %d missed", n, bad)
}
