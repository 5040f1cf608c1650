package sheet

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gocarina/gocsv"
)

var _ gocsv.CSVWriter = (*Writer)(nil)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ name, cell, want string }{
		{"plain", "open", "open"},
		{"empty", "", ""},
		{"equals", "=1+1", "'=1+1"},
		{"plus", "+41 79", "'+41 79"},
		{"minus", "-5", "'-5"},
		{"at", "@home", "'@home"},
		{"tab", "\tx", "'\tx"},
		{"carriage return", "\rx", "'\rx"},
		{"apostrophe and formula", "'=x", "''=x"},
		{"two apostrophes and formula", "''=x", "'''=x"},
		{"apostrophe and text", "'tis", "'tis"},
		{"apostrophes only", "''", "''"},
		{"line feed", "\n=x", "\n=x"},
		{"formula later", "a=b", "a=b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Escape(tt.cell)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if back := Unescape(got); back != tt.cell {
				t.Errorf("came back as %q", back)
			}
		})
	}
}

func TestWriter(t *testing.T) {
	for _, tt := range []struct {
		name      string
		delimiter rune
		plain     bool
		rows      [][]string
		want      string
	}{
		{"nothing", 0, false, nil, ""},
		{"comma by default", 0, false, [][]string{{"id", "status"}, {"1", "open"}}, "id,status\r\n1,open\r\n"},
		{"the delimiter is quoted", ';', false, [][]string{{"a;b", "a,b"}}, "\"a;b\";a,b\r\n"},
		{"tab", '\t', false, [][]string{{"a\tb", "c"}}, "\"a\tb\"\tc\r\n"},
		{"a sign that is not recognised", '^', false, [][]string{{"a^b", "c"}}, "sep=^\r\n\"a^b\"^c\r\n"},
		{"line breaks stay as they are", 0, false, [][]string{{"a\nb", "a\r\nb", "a\rb"}}, "\"a\nb\",\"a\r\nb\",\"a\rb\"\r\n"},
		{"quotes", 0, false, [][]string{{`say "hi"`, `"`}}, `"say ""hi""",""""` + "\r\n"},
		{"white space at an end", 0, false, [][]string{{" a", "a ", "\u00a0a", "a b"}}, "\" a\",\"a \",\"\u00a0a\",a b\r\n"},
		{"the formula escape", 0, false, [][]string{{"=1,2", "-5"}}, "\"'=1,2\",'-5\r\n"},
		{"no escape in a plain copy", 0, true, [][]string{{"=1", "'=1"}}, "=1,'=1\r\n"},
		{"one empty cell is still a row", 0, false, [][]string{{""}, {"", ""}}, "\"\"\r\n,\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b, tt.delimiter)
			if tt.plain {
				w = NewPlainWriter(&b, tt.delimiter)
			}
			for _, row := range tt.rows {
				if err := w.Write(row); err != nil {
					t.Fatal(err)
				}
			}
			w.Flush()
			if err := w.Error(); err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want != "" {
				want = "\xef\xbb\xbf" + want
			}
			if got := b.String(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

type fullDisk struct{ room int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		n := d.room
		d.room = 0
		return n, errFull
	}
	d.room -= len(p)
	return len(p), nil
}

func TestWriterErrorSticks(t *testing.T) {
	w := NewWriter(&fullDisk{room: 10}, ',')
	if err := w.Write([]string{"id", "status", "attributes.note"}); err != nil {
		t.Fatalf("a buffered row failed: %v", err)
	}
	w.Flush()
	if err := w.Error(); !errors.Is(err, errFull) {
		t.Fatalf("got %v after Flush", err)
	}
	if err := w.Write([]string{"1"}); !errors.Is(err, errFull) {
		t.Errorf("got %v from the next row", err)
	}
}
