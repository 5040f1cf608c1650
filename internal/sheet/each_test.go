package sheet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func manyRows(n int) string {
	var b strings.Builder
	b.WriteString("id,status\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,open\n", i)
	}
	return b.String()
}

func TestEachStops(t *testing.T) {
	errEnough := errors.New("enough")
	for _, at := range []int{1, 2, batch, batch + 1, 1500} {
		t.Run(fmt.Sprintf("at row %d", at), func(t *testing.T) {
			s := open(t, write(t, manyRows(2_000)), Options{})
			n := 0
			err := s.Each(context.Background(), func(*Row) error {
				if n++; n == at {
					return errEnough
				}
				return nil
			})
			if !errors.Is(err, errEnough) || n != at {
				t.Errorf("got %v after %d rows", err, n)
			}
			if s.SHA256() != "" {
				t.Error("a hash is told after an incomplete pass")
			}
			if rows := readAll(t, s); len(rows) != 2_000 {
				t.Errorf("the next pass gave %d rows", len(rows))
			}
		})
	}
}

func TestEachContext(t *testing.T) {
	s := open(t, write(t, manyRows(2_000)), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	err := s.Each(ctx, func(*Row) error {
		if n++; n == 10 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n != 10 {
		t.Errorf("%d rows came, the context was cancelled at the tenth", n)
	}
	if err := s.Each(ctx, func(*Row) error { t.Error("called with a cancelled context"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestEachContextAtTheLastRow(t *testing.T) {
	s := open(t, write(t, manyRows(3)), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	err := s.Each(ctx, func(*Row) error {
		if n++; n == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || s.SHA256() != "" {
		t.Errorf("got %v", err)
	}
}

func TestEachPanic(t *testing.T) {
	s := open(t, write(t, manyRows(2_000)), Options{})
	defer func() {
		if recover() != "ouch" {
			t.Error("the panic of the callback was lost")
		}
	}()
	_ = s.Each(context.Background(), func(*Row) error { panic("ouch") })
}

func TestRowsMayBeKept(t *testing.T) {
	s := open(t, write(t, manyRows(5000)), Options{})
	var ids []string
	err := s.Each(context.Background(), func(r *Row) error {
		ids = append(ids, r.Cells[0])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if id != fmt.Sprint(i) {
			t.Fatalf("row %d became %q", i, id)
		}
	}
}

func TestProblemsBeforeAndAfter(t *testing.T) {
	s := open(t, write(t, "id,,Contract End\n1,x,y\n2,,\n3,\"\n"), Options{})
	before := s.Problems()
	if got := kinds(before); !slices.Equal(got, []Kind{UnknownColumn}) || strings.Contains(before[0].Message, "rows") {
		t.Errorf("after Open: %v", before)
	}
	readAll(t, s)
	after := s.Problems()
	if got := kinds(after); !slices.Equal(got, []Kind{UnknownColumn, EmptyHeader, BadQuote}) || !strings.Contains(after[0].Message, "2 rows") {
		t.Errorf("after a pass: %v", after)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ name, path, message string }{
		{"no such file", filepath.Join(dir, "none.csv"), "none.csv"},
		{"a directory", dir, "is a directory"},
		{"a device", os.DevNull, "not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Open(t.Context(), tt.path, Options{})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %q, want %q in it", err, tt.message)
			}
		})
	}
}

func TestChangedWhileRead(t *testing.T) {
	path := write(t, manyRows(100))
	s := open(t, path, Options{})
	err := s.Each(context.Background(), func(r *Row) error {
		if r.Number == 2 {
			return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("got %v", err)
	}
}

func TestReadError(t *testing.T) {
	s := open(t, write(t, manyRows(100)), Options{})
	s.file.Close()
	if err := s.Each(context.Background(), func(*Row) error { return nil }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestLargeCell(t *testing.T) {
	large := strings.Repeat("0123456789abcde\n", 1<<16) // 1 MiB
	s := open(t, write(t, "id,attributes.a,attributes.b\n1,\""+large+"\","+strings.Repeat("x", 1<<20)+"\n2,,\n"), Options{})
	rows := readAll(t, s)
	if len(rows) != 2 || rows[0].Cells[1] != large || len(rows[0].Cells[2]) != 1<<20 || rows[1].Number != 3 {
		t.Errorf("%d rows, the cells came back otherwise", len(rows))
	}
	if p := s.Problems(); len(p) > 0 {
		t.Error(p)
	}
}

func TestManyColumns(t *testing.T) {
	names, cells := make([]string, 5000), make([]string, 5000)
	for i := range names {
		names[i], cells[i] = fmt.Sprintf("attributes.a%d", i), fmt.Sprint(i)
	}
	names[0] = "id"
	line := strings.Join(cells, ";") + "\n"
	s := open(t, write(t, strings.Join(names, ";")+"\n"+line+line), Options{})
	rows := readAll(t, s)
	if len(s.Columns()) != 5000 || len(rows) != 2 || !slices.Equal(rows[1].Cells, cells) || len(s.Problems()) > 0 {
		t.Errorf("%d columns, %d rows, %v", len(s.Columns()), len(rows), s.Problems())
	}
}

func TestTooManyColumns(t *testing.T) {
	s := open(t, write(t, "id"+strings.Repeat(",", maxColumns)+"x\n1\n"), Options{})
	if rows := readAll(t, s); len(rows) > 0 || !slices.Equal(kinds(s.Problems()), []Kind{CellCount}) {
		t.Errorf("%d rows, %v", len(rows), s.Problems())
	}
	s = open(t, write(t, "id"+strings.Repeat(",", maxColumns+10)+"\n1\n"), Options{})
	if rows := readAll(t, s); len(rows) != 1 || len(s.Problems()) > 0 {
		t.Errorf("blank columns: %d rows, %v", len(rows), s.Problems())
	}
}

// TestOpenQuoteOfALargeFile bounds what one forgotten quote costs.
func TestOpenQuoteOfALargeFile(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       Kind
	}{
		{"an open quote", "id,status\n1,open\n2,\"", BadQuote},
		{"no row end", "id,status\n1,open\n2,x", BadEncoding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			if err := os.Truncate(path, longestRecord+1<<20); err != nil {
				t.Fatal(err)
			}
			s := open(t, path, Options{})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rows := readAll(t, s)
			runtime.ReadMemStats(&after)
			if len(rows) != 1 || !slices.Equal(kinds(s.Problems()), []Kind{tt.want}) || s.Problems()[0].Row != 3 {
				t.Errorf("%d rows, %v", len(rows), s.Problems())
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 300 {
				t.Errorf("%d MiB were allocated", used)
			}
		})
	}
}

func TestManyBlankRows(t *testing.T) {
	s := open(t, write(t, "id,status\n1,open\n"+strings.Repeat(",\r\n", 300_000)+"2,open"), Options{})
	rows := readAll(t, s)
	if len(rows) != 2 || rows[1].Number != 300_003 {
		t.Errorf("%d rows, the last is %+v", len(rows), rows[len(rows)-1])
	}
}
