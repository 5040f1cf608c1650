package sheet

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// mixedRows is a sheet with cells of several lines, blank rows and rows that are
// too short or too long.
func mixedRows(rows int) string {
	var b strings.Builder
	b.WriteString(byteOrderMark + "sep=;\r\n\r\nid;status;note\r\n")
	for i := range rows {
		switch i % 7 {
		case 3:
			fmt.Fprintf(&b, "%d;\"a;\r\nb\"\"%d\";x\r\n\r\n;;\r\n", i, i)
		case 5:
			fmt.Fprintf(&b, "%d\r\n", i)
		case 6:
			fmt.Fprintf(&b, "%d;größer;;more %d\r\n", i, i)
		default:
			fmt.Fprintf(&b, "%d;closed;=\"00%d\"\r\n", i, i)
		}
	}
	return b.String()
}

// TestIndex reads rows from any place as a pass over the whole sheet does.
func TestIndex(t *testing.T) {
	text := mixedRows(500)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	utf16 := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder()
	where := Options{Where: []Condition{{Text: "status=größer"}, {Text: "status=CLOSED"}}}
	for _, test := range []struct {
		name, content string
		options       Options
		rows          int
	}{
		{"UTF-8", text, Options{}, 500}, {"packed", packed.String(), Options{}, 500},
		{"UTF-16", encode(t, strings.TrimPrefix(text, byteOrderMark), utf16), Options{}, 500}, {"some rows", text, where, 358},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openBytes(t, []byte(test.content), test.options)
			var all []Row
			err := s.Each(t.Context(), func(r *Row) error {
				all = append(all, Row{Number: r.Number, ID: r.ID, Cells: append([]string(nil), r.Cells...), Excess: r.Excess})
				return nil
			})
			if err != nil || len(all) != test.rows {
				t.Fatalf("%d rows, %v", len(all), err)
			}
			x, err := s.NewIndex(t.Context())
			if err != nil || x.Len() != len(all) {
				t.Fatalf("%d rows, %v", x.Len(), err)
			}
			defer x.Close()
			enough := errors.New("enough")
			for _, from := range []int{0, 1, 31, 32, 33, 250, test.rows - 1} {
				n := from
				err := x.Each(t.Context(), from, func(i int, r *Row) error {
					want := all[n]
					if i != n || x.Number(i) != want.Number || r.Number != want.Number || r.ID != want.ID || !reflect.DeepEqual(r.Cells, want.Cells) || !reflect.DeepEqual(r.Excess, want.Excess) {
						t.Fatalf("row %d from %d is %+v, not %+v", n, from, r, want)
					}
					if n++; n-from == 40 {
						return enough
					}
					return nil
				})
				if left := len(all) - from; left < 40 && (err != nil || n != len(all)) || left >= 40 && !errors.Is(err, enough) {
					t.Errorf("from %d on: %d rows, %v", from, n-from, err)
				}
			}
			if i, ok := x.Find(all[77].Number); !ok || i != 77 {
				t.Errorf("row %d is found at %d, %v", all[77].Number, i, ok)
			}
		})
	}
}

// TestIndexOfASheetThatCannotBeRead has the rows above the fault.
func TestIndexOfASheetThatCannotBeRead(t *testing.T) {
	for _, test := range []struct {
		name, text string
		rows       int
	}{
		{"an open quote", "id,status\n1,a\n2,\"b\n3,c\n", 1}, {"empty", "", 0}, {"a header alone", "id,status\n", 0}, {"no id column", "status\na\nb\n", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			x, err := openBytes(t, []byte(test.text), Options{}).NewIndex(t.Context())
			if err != nil || x.Len() != test.rows {
				t.Fatalf("%d rows, %v", x.Len(), err)
			}
			n := 0
			if err := x.Each(t.Context(), 0, func(int, *Row) error { n++; return nil }); err != nil || n != test.rows {
				t.Errorf("%d rows are read, %v", n, err)
			}
		})
	}
}

// TestIndexOfAChangedFile reads nothing of a file that is another one now.
func TestIndexOfAChangedFile(t *testing.T) {
	s := openBytes(t, []byte("id,status\n1,a\n"), Options{})
	x, err := s.NewIndex(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Name(), []byte("id,status\n1,a\n2,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = x.Each(context.Background(), 0, func(int, *Row) error { t.Error("a row is read"); return nil })
	if err == nil || !strings.Contains(err.Error(), "was changed while it was read") {
		t.Errorf("%v", err)
	}
}
