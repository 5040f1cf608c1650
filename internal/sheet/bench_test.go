package sheet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// benchSheet writes a sheet of twelve columns and about 250 bytes a row.
func benchSheet(b *testing.B, rows int, end string, quoted bool) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bench.csv")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	w.WriteString("id,status,workflow_id,requester_type,requester_id,run,attributes.first_name,attributes.last_name,attributes.end_date,attributes.city,attributes.manager,attributes.note" + end)
	for i := range rows {
		line := fmt.Sprintf("3f2a1c00-0000-4000-8000-%012x,pending_approval,7b1e2d00-1111-4222-8333-444455556666,User,9c8d7e00-aaaa-4bbb-8ccc-ddddeeeeffff,false,Ann,Example%d,01/15/2027,Springfield,Example Manager,checked by the registry", i, i%1000)
		if quoted {
			line = `"` + strings.ReplaceAll(line, ",", `","`) + `"`
		}
		w.WriteString(line + end)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

func BenchmarkRead(b *testing.B) {
	for _, sheet := range []struct {
		name, end string
		quoted    bool
	}{{"CRLF", "\r\n", false}, {"LF", "\n", false}, {"CR", "\r", false}, {"quoted", "\r\n", true}} {
		b.Run(sheet.name, func(b *testing.B) {
			const rows = 200_000
			path := benchSheet(b, rows, sheet.end, sheet.quoted)
			b.ReportAllocs()
			b.ResetTimer()
			total := 0
			for b.Loop() {
				s, err := Open(b.Context(), path, Options{Fields: testFields})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Each(context.Background(), func(r *Row) error { total += len(r.Cells); return nil }); err != nil {
					b.Fatal(err)
				}
				if p := s.Problems(); len(p) > 0 {
					b.Fatal(p)
				}
				s.Close()
			}
			if total != b.N*rows*12 {
				b.Fatalf("%d cells, want %d", total, b.N*rows*12)
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkWriteWorkbook writes workbooks of 12 columns.
func BenchmarkWriteWorkbook(b *testing.B) {
	const rows = 10_000
	cells := slices.Repeat([]string{"19368a81-a779-4402-91f5-ce08131951e9", "completed", "=1+1 & more"}, 4)
	b.ReportAllocs()
	for b.Loop() {
		err := WriteWorkbook(io.Discard, "results", func(visit func([]string, ...Mark) error) error {
			for range rows {
				if err := visit(cells); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
}
