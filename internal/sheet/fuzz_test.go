package sheet

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"
)

func FuzzRead(f *testing.F) {
	sheets, err := filepath.Glob("testdata/corpus/*.csv")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range sheets {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, uint8(0), uint8(0), uint8(0))
	}
	encodings := []string{"", "utf-8", "windows-1252", "utf-16le", "utf-16be", "shift_jis", "macintosh"}
	delimiters := []rune{0, ',', ';', '\t', '|', '¦'}
	f.Fuzz(func(t *testing.T, text []byte, encoding, delimiter, unknown uint8) {
		s := open(t, write(t, string(text)), Options{
			Encoding:  encodings[int(encoding)%len(encodings)],
			Delimiter: delimiters[int(delimiter)%len(delimiters)],
			Unknown:   UnknownColumns(unknown % 3),
		})
		rows := readAll(t, s)
		checkRows(t, s, rows)
		checkProblems(t, s, rows)
		checkRoundTrip(t, s, rows)
		checkCopy(t, s, rows)
		checkSmallBuffer(t, text)
	})
}

// checkRows holds what every sheet's rows have in common.
func checkRows(t *testing.T, s *Sheet, rows []Row) {
	last := s.HeaderRow()
	for _, r := range rows {
		if r.Number <= last {
			t.Fatalf("row %d comes after row %d", r.Number, last)
		}
		last = r.Number
		if len(r.Cells) != len(s.Columns()) {
			t.Fatalf("row %d has %d cells, the sheet %d columns", r.Number, len(r.Cells), len(s.Columns()))
		}
		for _, cell := range r.Cells {
			if !utf8.ValidString(cell) {
				t.Fatalf("row %d: %q is not UTF-8", r.Number, cell)
			}
		}
		if p := s.LongRow(&r); r.Long() && (p.Kind != CellCount || p.Row != r.Number) {
			t.Fatalf("row %d: %v", r.Number, p)
		}
	}
}

// checkProblems wants each told once, with a place, and never silence about
// a sheet that gave no rows.
func checkProblems(t *testing.T, s *Sheet, rows []Row) {
	problems := s.Problems()
	if len(rows) == 0 && len(problems) == 0 {
		t.Fatal("neither rows nor problems")
	}
	type place struct {
		row    int
		column string
		kind   Kind
	}
	seen := make(map[place]bool)
	for _, p := range problems {
		at := place{p.Row, p.Column, p.Kind}
		if p.Message == "" || p.Severity != Error || seen[at] {
			t.Fatalf("%v is without a message, no error, or told twice", p)
		}
		seen[at] = true
	}
}

// checkRoundTrip writes the rows as a results file and reads them back.
func checkRoundTrip(t *testing.T, s *Sheet, rows []Row) {
	if len(rows) == 0 || slices.Contains(kinds(s.Problems()), BadEncoding) {
		return
	}
	var b bytes.Buffer
	w := NewWriter(&b, s.Delimiter())
	header := make([]string, len(rows[0].Cells))
	for i := range header {
		header[i] = fmt.Sprintf("attributes.c%d", i)
	}
	writeRow(t, w, append(header, "result.row"))
	for _, r := range rows {
		writeRow(t, w, append(slices.Clone(r.Cells), "1"))
	}
	w.Flush()
	again := open(t, write(t, b.String()), Options{Delimiter: s.Delimiter()})
	back := readAll(t, again)
	if len(back) != len(rows) {
		t.Fatalf("%d rows were written, %d came back: %v", len(rows), len(back), again.Problems())
	}
	for i, r := range back {
		if want := append(slices.Clone(rows[i].Cells), "1"); !slices.Equal(r.Cells, want) {
			t.Fatalf("%q was written, %q came back", want, r.Cells)
		}
	}
}

// checkCopy copies a sheet without problems and reads the copy without any
// option that would help: rows, numbers and cells must be the same.
func checkCopy(t *testing.T, s *Sheet, rows []Row) {
	if len(s.Problems()) > 0 {
		return
	}
	var b bytes.Buffer
	w := s.NewCopy(&b)
	for _, r := range recordsOf(t, s) {
		writeRow(t, w, r.cells)
	}
	w.Flush()
	again := open(t, write(t, b.String()), Options{Unknown: s.options.Unknown})
	back := readAll(t, again)
	if len(back) != len(rows) || len(again.Problems()) > 0 {
		t.Fatalf("%d rows were copied to %q, %d came back: %v", len(rows), b.String(), len(back), again.Problems())
	}
	for i, r := range back {
		if r.Number != rows[i].Number || !slices.Equal(r.Cells, rows[i].Cells) || !slices.Equal(r.Excess, rows[i].Excess) {
			t.Fatalf("%+v was copied, %+v came back", rows[i], r)
		}
	}
}

func writeRow(t *testing.T, w *Writer, cells []string) {
	if err := w.Write(cells); err != nil {
		t.Fatal(err)
	}
}

// checkSmallBuffer scans once with a buffer that holds all and once with one
// that is too small everywhere: the records must be the same.
func checkSmallBuffer(t *testing.T, text []byte) {
	for _, delimiter := range []rune{',', '¦'} {
		large := records(newScanner(bytes.NewReader(text)), delimiter)
		scan := newScanner(bytes.NewReader(text))
		scan.buf = make([]byte, 1)
		if small := records(scan, delimiter); !slices.Equal(small, large) {
			t.Fatalf("with a small buffer %q, with a large one %q", small, large)
		}
	}
}

func records(scan *scanner, delimiter rune) []string {
	scan.divideBy(delimiter)
	scan.limit = 3
	var found []string
	for {
		err := scan.next()
		if err != nil {
			return append(found, err.Error())
		}
		found = append(found, fmt.Sprintf("%q %v %v", scan.text, scan.ends, scan.past))
	}
}

func FuzzEscape(f *testing.F) {
	for _, cell := range []string{"", "'", "=1", "'=1", "''+", "'\t", "\r", "'a", "''", "@", "é"} {
		f.Add(cell)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		escaped := Escape(cell)
		if got := Unescape(escaped); got != cell {
			t.Fatalf("%q became %q and came back as %q", cell, escaped, got)
		}
		if escaped != "" && bytes.IndexByte([]byte("=+-@\t\r"), escaped[0]) >= 0 {
			t.Fatalf("%q is still a formula", escaped)
		}
	})
}
