package report

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// BenchmarkWriteResults writes the results of sheets of 12 columns. The
// highest heap while it does, beyond what the journal's index takes, must not
// grow with the rows.
func BenchmarkWriteResults(b *testing.B) {
	for _, n := range []int{20_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := wideRun(b, n)
			s, err := sheet.Open(b.Context(), filepath.Join(r.dir, "sheet.csv"), sheet.Options{Fields: change.SheetFields()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			replay, err := journal.Load(r.dir)
			if err != nil {
				b.Fatal(err)
			}
			defer replay.Close()
			o := Options{Dir: r.dir, Sheet: s, Replays: []*journal.Replay{replay}}
			var start, now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&start)
			highest, rows := uint64(0), 0
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				err := writeResults(context.Background(), o, func(*sheet.Row, journal.Outcome) error {
					if rows++; rows%10_000 == 0 {
						runtime.ReadMemStats(&now)
						highest = max(highest, now.HeapAlloc-min(now.HeapAlloc, start.HeapAlloc))
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(highest)/(1<<20), "heap-MiB")
		})
	}
}

// BenchmarkProgressUpdate is what the engine pays for each row.
func BenchmarkProgressUpdate(b *testing.B) {
	s := &terminal{width: 80}
	p := NewProgress(s.options(1 << 30))
	defer p.Stop()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		p.Update(State{Done: i, Left: 1<<30 - i, Rate: 9.9})
	}
}

// wideRun is a run of n rows of 12 columns, one in a hundred of which failed.
func wideRun(tb testing.TB, n int) *run {
	var text strings.Builder
	text.WriteString("id,status,workflow_id,requester_id,requester_type,profile_id")
	for i := range 6 {
		fmt.Fprintf(&text, ",attributes.field_%d", i)
	}
	text.WriteString("\n")
	records := make([]journal.Record, 0, n)
	for i := range n {
		fmt.Fprintf(&text, "%s,closed,%s,%s,User,%s", uuid(i), uuid(1), uuid(2), uuid(3))
		text.WriteString(",Engineering,01/15/2026,\"Prague, Karlín\",Ann Example,,12345\n")
		out := journal.Outcome{At: began.Add(time.Duration(i) * time.Millisecond), Row: i + 2, ID: uuid(i), Hash: uint64(i),
			Status: journal.Updated, HTTPStatus: 200, Attempts: 1, Duration: 187 * time.Millisecond}
		if i%100 == 0 {
			out.Status, out.HTTPStatus, out.Error = journal.Failed, 400, "end_date can't be blank"
			out.ErrorBody = `{"error":"The workflow session failed to update","errors":{"end_date":"can't be blank"}}`
		}
		records = append(records, out)
	}
	return newRun(tb, text.String(), records...)
}
