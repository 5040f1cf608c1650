package sandbox

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// outcomes asks for each session n times, in an order and with as many workers
// as given, and returns what each attempt got.
func outcomes(t *testing.T, o Options, ids []string, n, workers int, order uint64) (map[string][]string, *Tenant) {
	t.Helper()
	tenant := New(o)
	add(t, tenant, ids...)
	h := tenant.Handler()
	shuffled := append([]string(nil), ids...)
	rand.New(rand.NewPCG(order, 1)).Shuffle(len(ids), func(i, j int) {
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	})
	got := make(map[string][]string)
	var mu sync.Mutex
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w; i < len(shuffled); i += workers {
				id := shuffled[i]
				var seen []string
				for range n {
					a := call(h, newRequest(t, "PATCH", "http://localhost/api/workflow_sessions/"+id, `{"workflow_session":{"status":"new"}}`))
					if a.dropped {
						seen = append(seen, "dropped")
					} else {
						seen = append(seen, strconv.Itoa(a.status))
					}
				}
				mu.Lock()
				got[id] = seen
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return got, tenant
}

func TestFaultsAreDecidedBySeedAndNotByOrder(t *testing.T) {
	var ids []string
	for i := range 400 {
		ids = append(ids, fmt.Sprintf("%08x-2222-4333-8444-555555555501", i))
	}
	o := Options{Faults: Faults{Fail: 0.3, Drop: 0.2}, Seed: 7}
	first, tenant := outcomes(t, o, ids, 3, 1, 1)
	for _, other := range []struct {
		workers int
		order   uint64
	}{{1, 2}, {8, 3}} {
		if again, _ := outcomes(t, o, ids, 3, other.workers, other.order); !maps.EqualFunc(first, again, func(a, b []string) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("%d workers in order %d met other faults", other.workers, other.order)
		}
	}
	o.Seed = 8
	if another, _ := outcomes(t, o, ids, 3, 1, 1); reflect.DeepEqual(first, another) {
		t.Error("another seed gave the same faults")
	}

	count := map[string]int{}
	for id, list := range first {
		applied := 0
		for _, one := range list {
			count[one]++
			if one == "200" || one == "dropped" {
				applied++
			}
		}
		if record, _ := tenant.Record(id); record.Patches != applied {
			t.Errorf("%s: %d applied, answers %v", id, record.Patches, list)
		}
	}
	for _, status := range []string{"500", "502", "503", "504"} {
		if share := float64(count[status]) / 1200; math.Abs(share-0.3/4) > 0.025 {
			t.Errorf("%s: %.3f of all", status, share)
		}
	}
	if share := float64(count["dropped"]) / 1200; math.Abs(share-0.7*0.2) > 0.03 {
		t.Errorf("dropped: %.3f of all", share)
	}
	totals := tenant.Totals()
	if totals.Patch != 1200 || totals.Failed+totals.Dropped+count["200"] != 1200 || totals.Applied != count["200"]+count["dropped"] {
		t.Errorf("totals %+v with %v", totals, count)
	}
}

func TestDropIsAppliedAndNotAnswered(t *testing.T) {
	tenant := New(Options{Faults: Faults{Drop: 1}})
	add(t, tenant, idA)
	base, client := serve(t, tenant)
	url := base + "/api/workflow_sessions/" + idA
	for range 2 {
		resp, err := client.Do(newRequest(t, "PATCH", url+"?run=true", `{"workflow_session":{"status":"closed"}}`))
		if err == nil {
			resp.Body.Close()
			t.Fatalf("answered with %s", resp.Status)
		}
	}
	record, _ := tenant.Record(idA)
	if record.Patches != 2 || record.Runs != 2 || record.Session.Status != "closed" {
		t.Errorf("record %+v", record)
	}
	tenant.SetFaults(Faults{})
	_, body, _ := do(t, client, newRequest(t, "GET", url, ""))
	if got := oneSession(t, body); got.Status != "closed" {
		t.Errorf("reads back as %q", got.Status)
	}
}

func TestFailAnswersWithoutApplying(t *testing.T) {
	tenant := New(Options{Faults: Faults{Fail: 1, Drop: 1}})
	add(t, tenant, idA)
	h := tenant.Handler()
	seen := map[int]*reply{}
	for range 100 {
		a := call(h, newRequest(t, "PATCH", "http://localhost/api/workflow_sessions/"+idA, `{"workflow_session":{"status":"closed"}}`))
		if a.dropped {
			t.Fatal("a failure was dropped")
		}
		seen[a.status] = a
	}
	if len(seen) != 4 || tenant.Applied() != 0 || tenant.Totals().Failed != 100 {
		t.Fatalf("%d kinds of failure, totals %+v", len(seen), tenant.Totals())
	}
	if a := seen[502]; !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(a.body.String(), "<h1>502 Bad Gateway</h1>") {
		t.Errorf("502: %s", a.body.String())
	}
	if got := seen[500].body.String(); got != `{"error":"Sorry something went wrong"}` {
		t.Errorf("500: %s", got)
	}
	// Signing in is spared.
	if a := call(h, tokenRequest(t, "grant_type=client_credentials&client_id=i&client_secret=s")); a.status != 200 {
		t.Errorf("token endpoint: %d", a.status)
	}
}

func TestLatencyStandsOnBothSidesOfTheUpdate(t *testing.T) {
	tests := []struct {
		name     string
		patience time.Duration
		applied  int
		dropped  bool
		took     time.Duration
	}{
		{"waits", time.Minute, 1, false, 2 * time.Second},
		{"leaves before", 500 * time.Millisecond, 0, true, 500 * time.Millisecond},
		{"leaves after", 1500 * time.Millisecond, 1, true, 1500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := New(Options{Faults: Faults{Latency: 2 * time.Second}})
				add(t, tenant, idA)
				ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
				defer cancel()
				start := time.Now()
				r := newRequest(t, "PATCH", "http://localhost/api/workflow_sessions/"+idA, `{"workflow_session":{"status":"closed"}}`)
				a := call(tenant.Handler(), r.WithContext(ctx))
				if took := time.Since(start); took != tt.took || a.dropped != tt.dropped || tenant.Applied() != tt.applied {
					t.Errorf("took %v, dropped %v, applied %d", took, a.dropped, tenant.Applied())
				}
			})
		})
	}
}

func TestRateLimit(t *testing.T) {
	tests := []struct {
		name      string
		options   Options
		at        []time.Duration // when a burst is sent
		burst     int
		granted   []int // of each burst
		retry     []string
		throttled int
	}{
		{"bucket", Options{Faults: Faults{RateLimit: 10}}, []time.Duration{0, time.Second, 1250 * time.Millisecond, time.Minute}, 12,
			[]int{10, 10, 2, 10}, []string{"1", "1", "1", "1"}, 16},
		{"slower than one a second", Options{Faults: Faults{RateLimit: 0.1}}, []time.Duration{0, 4 * time.Second, 10 * time.Second}, 1,
			[]int{1, 0, 1}, []string{"", "6", ""}, 1},
		{"window", Options{Faults: Faults{RateLimit: 10, Window: 10 * time.Second}}, []time.Duration{0, 2500 * time.Millisecond, 10 * time.Second, 35 * time.Second}, 110,
			[]int{100, 0, 100, 100}, []string{"10", "8", "10", "5"}, 140},
		{"none", Options{}, []time.Duration{0}, 500, []int{500}, []string{""}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := New(tt.options)
				add(t, tenant, idA)
				h := tenant.Handler()
				start := time.Now()
				for i, at := range tt.at {
					time.Sleep(at - time.Since(start))
					granted, retry := 0, ""
					for range tt.burst {
						a := call(h, newRequest(t, "GET", "http://localhost/api/workflow_sessions/"+idA, ""))
						if a.status == http.StatusOK {
							granted++
							continue
						}
						retry = a.header.Get("Retry-After")
						if got := a.body.String(); a.status != 429 || got != `{"error":"Rate limit exceeded"}` {
							t.Fatalf("%d %s", a.status, got)
						}
					}
					if granted != tt.granted[i] || retry != tt.retry[i] {
						t.Errorf("at %v: granted %d, Retry-After %q; want %d, %q", at, granted, retry, tt.granted[i], tt.retry[i])
					}
				}
				if got := tenant.Totals().Throttled; got != tt.throttled {
					t.Errorf("%d throttled in all", got)
				}
			})
		})
	}
}

func TestSetFaultsKeepsTheRangeAndWhatWasUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Faults: Faults{RateLimit: math.Inf(1), Fail: 3, Drop: math.NaN(), Latency: -time.Second}})
		if got, want := tenant.Faults(), (Faults{RateLimit: maxRate, Fail: 1}); got != want {
			t.Errorf("got %+v", got)
		}
		add(t, tenant, idA)
		ask := func() int {
			return call(tenant.Handler(), newRequest(t, "GET", "http://localhost/api/workflow_sessions/"+idA, "")).status
		}
		tenant.SetFaults(Faults{RateLimit: 1})
		first := ask()
		tenant.SetFaults(Faults{RateLimit: 1, Spaced: true})
		second := ask()
		tenant.SetFaults(Faults{RateLimit: 2})
		if third := ask(); first != 200 || second != 429 || third != 200 {
			t.Errorf("answers %d, %d, %d", first, second, third)
		}
	})
}
