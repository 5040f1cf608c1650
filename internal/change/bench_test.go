package change

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

const (
	benchHeader = "id,status,workflow_id,requester_type,requester_id,profile_id,run,attributes.full_name,attributes.department,attributes.end_date,attributes.badge,attributes.notes\n"
	benchCells  = "3f2a1c00-0000-4000-8000-00000000beef,Pending Approval,7b1e2d00-1111-4222-8333-444455556666,User,9c8d7e00-aaaa-4bbb-8ccc-ddddeeeeffff,9c8d7e00-aaaa-4bbb-8ccc-ddddeeee0000,,Ann Example,Facilities,01/15/2027,B-0042,checked by the registry\n"
)

// wideSheet is a sheet of one row that fills n attributes with size bytes each.
func wideSheet(n, size int) string {
	var header, cells strings.Builder
	header.WriteString("id")
	cells.WriteString("3f2a1c00-0000-4000-8000-00000000beef")
	for i := range n {
		fmt.Fprintf(&header, ",attributes.number_%04d", i)
		cells.WriteString("," + strings.Repeat("v", size))
	}
	return header.String() + "\n" + cells.String() + "\n"
}

// benchRow reads the one row of a sheet, and makes a planner for it.
func benchRow(b *testing.B, content string) (*Planner, *sheet.Row) {
	b.Helper()
	s := openSheet(b, content, sheet.Options{})
	var row sheet.Row
	err := s.Each(context.Background(), func(r *sheet.Row) error {
		row = *r
		row.Cells = slices.Clone(r.Cells)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return NewPlanner(s, defaultRules()), &row
}

var benchSheets = []struct{ name, content string }{
	{"12 columns", benchHeader + benchCells},
	{"300 attributes", wideSheet(300, 20)},
	{"5,000 columns", wideSheet(5000, 10)},
	{"200 KB cell", wideSheet(1, 200_000)},
}

// BenchmarkPlan makes changes of rows: their cells are checked, and the body of
// the request is written.
func BenchmarkPlan(b *testing.B) {
	for _, s := range benchSheets {
		b.Run(s.name, func(b *testing.B) {
			p, row := benchRow(b, s.content)
			c := &p.Change
			b.ReportAllocs()
			for b.Loop() {
				if problems := p.Plan(row); len(problems) > 0 {
					b.Fatal(problems)
				}
			}
			b.SetBytes(int64(len(c.Body)))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkEncode writes the values of a planned row as JSON and hashes the
// body: that part of BenchmarkPlan that is not checking, and what the journal
// knows changes by.
func BenchmarkEncode(b *testing.B) {
	for _, s := range benchSheets {
		b.Run(s.name, func(b *testing.B) {
			p, row := benchRow(b, s.content)
			c := &p.Change
			if problems := p.Plan(row); len(problems) > 0 {
				b.Fatal(problems)
			}
			body := slices.Clone(c.Body)
			b.ReportAllocs()
			for b.Loop() {
				body = appendBody(body[:0], c.values)
				c.hash = 0
				c.Hash()
			}
			b.SetBytes(int64(len(body)))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkCompare compares an answer that has every field with its row, as
// after each PATCH.
func BenchmarkCompare(b *testing.B) {
	p, row := benchRow(b, benchHeader+benchCells)
	c := &p.Change
	if problems := p.Plan(row); len(problems) > 0 {
		b.Fatal(problems)
	}
	session, err := api.ParseSession(c.Body[len(`{"workflow_session":`) : len(c.Body)-1])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if names := Compare(c, &session).Names(Certain); names != "" {
			b.Fatal(names)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
