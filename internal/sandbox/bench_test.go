package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

const benchBody = `{"workflow_session":{"status":"completed","attributes":{"end_date":"01/31/2027","department":"Finance","note":"extended by a year"}}}`

func benchIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%08x-0000-4000-8000-%012x", i*2654435761%(1<<32), i)
	}
	return ids
}

// BenchmarkAddID adds a million sessions and reports how much memory each takes.
func BenchmarkAddID(b *testing.B) {
	ids := benchIDs(1_000_000)
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		tenant := New(Options{})
		for _, id := range ids {
			if err := tenant.AddID(id); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(tenant)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "B/session")
	b.ReportMetric(float64(after.HeapSys)/(1<<20), "MiB-heap")
}

// BenchmarkPatch is an update without the network: what the tenant costs.
func BenchmarkPatch(b *testing.B) {
	tenant := New(Options{})
	ids := benchIDs(10_000)
	for _, id := range ids {
		if err := tenant.AddID(id); err != nil {
			b.Fatal(err)
		}
	}
	h := tenant.Handler()
	requests := make([]*http.Request, len(ids))
	for i, id := range ids {
		r, err := http.NewRequest(http.MethodPatch, "http://localhost/api/workflow_sessions/"+id, nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer any")
		r.Header.Set("Content-Type", "application/json")
		requests[i] = r
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := requests[i%len(requests)]
		r.Body = io.NopCloser(strings.NewReader(benchBody))
		h.ServeHTTP(&reply{header: http.Header{}}, r)
		i++
	}
	if tenant.Applied() != i {
		b.Fatalf("%d of %d applied", tenant.Applied(), i)
	}
}

// BenchmarkPatchHTTP is the same over loopback, client included.
func BenchmarkPatchHTTP(b *testing.B) {
	tenant := New(Options{})
	ids := benchIDs(10_000)
	for _, id := range ids {
		if err := tenant.AddID(id); err != nil {
			b.Fatal(err)
		}
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- tenant.Serve(b.Context(), l) }()
	base := "http://" + l.Addr().String() + "/api/workflow_sessions/"
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		i := 0
		for pb.Next() {
			r, _ := http.NewRequest(http.MethodPatch, base+ids[i%len(ids)], strings.NewReader(benchBody))
			r.Header.Set("Authorization", "Bearer any")
			r.Header.Set("Content-Type", "application/json")
			resp, err := transport.RoundTrip(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			i++
		}
	})
	b.StopTimer()
	transport.CloseIdleConnections()
	b.Cleanup(func() {
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
}
