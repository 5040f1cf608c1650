package journal

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

const benchID = "0d0e0f00-89ab-4def-8123-456789abcdef"

func BenchmarkAppend(b *testing.B) {
	w, err := CreateWriter(b.TempDir(), Options{Written: func(Record) {}})
	if err != nil {
		b.Fatal(err)
	}
	r := outcome(123456, Updated)
	r.ID = benchID
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Append(r); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkWorkers does what a pool of 32 workers does for each row.
func BenchmarkWorkers(b *testing.B) {
	w, err := CreateWriter(b.TempDir(), Options{Written: func(Record) {}})
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	b.SetParallelism(32 / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			row := int(next.Add(1))
			if err := w.Write(Intent{At: testTime, Row: row, ID: benchID, Hash: 5}); err != nil {
				b.Error(err)
			}
			if err := w.Append(outcome(row, Updated)); err != nil {
				b.Error(err)
			}
		}
	})
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkCommit(b *testing.B) {
	w, err := CreateWriter(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	r := intent(123456, true)
	b.SetParallelism(32 / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := w.Commit(r); err != nil {
				b.Error(err)
			}
		}
	})
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// benchJournal writes an intent and an outcome for each of so many rows.
func benchJournal(b *testing.B, rows int) string {
	b.Helper()
	dir := b.TempDir()
	f, err := os.Create(filepath.Join(dir, FileName))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	in := Intent{At: testTime, ID: benchID, Hash: 1 << 60}
	out := Outcome{At: testTime, ID: benchID, Hash: 1 << 60, Status: Updated, HTTPStatus: 200, Attempts: 1, Duration: 120 * time.Millisecond}
	for row := range rows {
		in.Row, out.Row = row+2, row+2
		if _, err := w.Write(lines(b, in, out)); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return dir
}

func BenchmarkLoad(b *testing.B) {
	const rows = 1_000_000
	dir := benchJournal(b, rows)
	var r *Replay
	for b.Loop() {
		if r != nil {
			r.Close()
		}
		var err error
		if r, err = Load(dir); err != nil {
			b.Fatal(err)
		}
	}
	defer r.Close()
	if got := r.Counts()[Updated]; got != rows {
		b.Fatalf("%d rows", got)
	}
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.HeapAlloc)/rows, "held-B/row")
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkOutcome looks a row up in rising order, as the results are written.
func BenchmarkOutcome(b *testing.B) {
	const rows = 100_000
	r, err := Load(benchJournal(b, rows))
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	row := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := r.OutcomeOf(r.Entry(row%rows + 2)); !ok || err != nil {
			b.Fatal(ok, err)
		}
		row++
	}
}
