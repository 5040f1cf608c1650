package sheet

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

type numbered struct {
	row   int
	cells []string
}

func recordsOf(t *testing.T, s *Sheet) []numbered {
	t.Helper()
	var all []numbered
	err := s.EachRecord(context.Background(), func(row int, cells []string) error {
		all = append(all, numbered{row, slices.Clone(cells)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCopyIsTheSheet copies sheets record by record: rows, their numbers and
// cells must be those of the original, and a copy of the copy is the copy.
func TestCopyIsTheSheet(t *testing.T) {
	tests := map[string]struct {
		text string
		copy string // without the byte order mark, LF for CRLF
	}{
		"plain":                    {"id,status\n1,open\n", "id,status\n1,open\n"},
		"blank rows keep numbers":  {"\n,\nid,status\n\n1,open\n,,,\n", "\"\"\n,\nid,status\n\"\"\n1,open\n,,,\n"},
		"cells beyond the columns": {"id,status\n1,open,x,,y\n2\n", "id,status\n1,open,x,,y\n2\n"},
		"semicolons":               {"id;status\n1;\"a;b\"\n", "id;status\n1;\"a;b\"\n"},
		"sep= that is not needed":  {"sep=;\nid;status\n1;open\n", "id;status\n1;open\n"},
		"sep= of another sign":     {"sep=^\nid^status\n1^open\n", "sep=^\nid^status\n1^open\n"},
		"sep= of two bytes":        {"sep=¦\nid¦status\n1¦open\n", "sep=¦\nid¦status\n1¦open\n"},
		"sep= against the header":  {"sep=;\nid;attributes.a,attributes.b,attributes.c\n1;x\n", "sep=;\nid;attributes.a,attributes.b,attributes.c\n1;x\n"},
		"lone CR":                  {"id,status\r1,open\r", "id,status\n1,open\n"},
		"formula escapes stay":     {"id,attributes.a,result.row\n1,'=1,2\n2,''=1,3\n3,=1,4\n", "id,attributes.a,result.row\n1,'=1,2\n2,''=1,3\n3,=1,4\n"},
		"formulas stay":            {"id,attributes.a\n1,'=1\n2,=1\n", "id,attributes.a\n1,'=1\n2,=1\n"},
		"white space stays":        {"id,attributes.a\n1,\" x \"\n2, y\n", "id,attributes.a\n1,\" x \"\n2,\" y\"\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, write(t, tt.text), Options{})
			rows := readAll(t, s)
			var out bytes.Buffer
			w := s.NewCopy(&out)
			for _, r := range recordsOf(t, s) {
				writeRow(t, w, r.cells)
			}
			w.Flush()
			if err := w.Error(); err != nil {
				t.Fatal(err)
			}
			if want := byteOrderMark + strings.ReplaceAll(tt.copy, "\n", "\r\n"); out.String() != want {
				t.Errorf("got %q, want %q", out.String(), want)
			}
			again := open(t, write(t, out.String()), Options{})
			back := readAll(t, again)
			if len(back) != len(rows) {
				t.Fatalf("%d rows of %d came back: %v", len(back), len(rows), again.Problems())
			}
			for i := range rows {
				if back[i].Number != rows[i].Number || !slices.Equal(back[i].Cells, rows[i].Cells) || !slices.Equal(back[i].Excess, rows[i].Excess) {
					t.Errorf("got %+v, want %+v", back[i], rows[i])
				}
			}
		})
	}
}

func TestRecordsStop(t *testing.T) {
	path := write(t, "id,status\n1,open\n2,open\n")
	s := open(t, path, Options{})
	stopped := errors.New("enough")
	if err := s.EachRecord(context.Background(), func(row int, _ []string) error {
		if row == 2 {
			return stopped
		}
		return nil
	}); !errors.Is(err, stopped) {
		t.Errorf("got %v, want the callback's error", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	if err := s.EachRecord(ctx, func(int, []string) error { seen++; cancel(); return nil }); !errors.Is(err, context.Canceled) || seen != 1 {
		t.Errorf("got %v after %d records, want to be cancelled after 1", err, seen)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.EachRecord(context.Background(), func(int, []string) error { return nil }); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("got %v, want that the file was changed", err)
	}
}
