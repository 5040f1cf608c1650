package sheet

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

var errStopped = errors.New("stopped")

// reader serves the rows of one pass to gocsv, as its CSVReader: skipping
// blank rows, padding short ones and cutting long ones, so that gocsv sees
// equal rows only. Problems are kept aside; they end the rows, not the pass.
type reader struct {
	scan   *scanner
	header *header
	check  checker
	number int // of the row scanned last, as Excel shows it
	rows   int // that were not blank
	stop   atomic.Bool
	fields []string
	texts  texts
	begun  bool

	filled   []bool // for each of header.blanks, whether data stands beneath
	told     bool   // an encoding problem is told once, since one flag mends all
	problems []Problem
}

func newReader(scan *scanner, h *header, check checker) *reader {
	return &reader{
		scan: scan, header: h, check: check, number: h.row,
		fields: make([]string, 1+len(h.columns)),
		filled: make([]bool, len(h.blanks)),
	}
}

// Read returns the keys first and then row after row, in a slice that it uses
// again. Whoever stops the pass gets errStopped out of it.
func (r *reader) Read() ([]string, error) {
	if !r.begun {
		r.begun = true
		return r.keys(), nil
	}
	for {
		if r.stop.Load() {
			return nil, errStopped
		}
		err := r.scan.next()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		r.number++
		if err != nil {
			p, ok := faultProblem(r.number, r.header, err)
			if !ok {
				return nil, err
			}
			r.problems = append(r.problems, p)
			return nil, io.EOF
		}
		if !r.scan.blank() {
			r.rows++
			return r.row(), nil
		}
	}
}

// ReadAll completes gocsv's interface. Nothing here asks for a whole sheet.
func (r *reader) ReadAll() ([][]string, error) {
	return nil, errors.ErrUnsupported
}

// keys are our own, since gocsv would match the sheet's names by exact case
// and let the last of two equal ones win.
func (r *reader) keys() []string {
	keys := make([]string, len(r.fields))
	keys[0] = placeKey
	for i := 1; i < len(keys); i++ {
		keys[i] = strconv.Itoa(i)
	}
	return keys
}

// row makes the record's fields out of one string.
func (r *reader) row() []string {
	s := r.scan
	clean := r.check.clean(s.text)
	if !clean && !r.told {
		r.told = true
		r.problems = append(r.problems, r.check.problem(s, r.number, r.header))
	}
	r.markFilled()
	at := len(s.text)
	r.appendPlace()
	line := r.texts.keep(s.text)
	r.fields[0] = line[at:]
	cells, from := r.fields[1:], 0
	for i := range cells {
		if i >= len(s.ends) {
			clear(cells[i:])
			break
		}
		cells[i] = line[from:s.ends[i]]
		from = s.ends[i] + len(s.delim)
	}
	if r.header.results {
		for i, cell := range cells {
			cells[i] = Unescape(cell)
		}
	}
	if !clean {
		for i, cell := range cells {
			cells[i] = strings.ToValidUTF8(cell, string(utf8.RuneError))
		}
	}
	return r.fields
}

// appendPlace writes what Row.setPlace reads behind the cells.
func (r *reader) appendPlace() {
	s := r.scan
	excess := r.excess()
	text := strconv.AppendInt(s.text, int64(r.number), 10)
	text = append(text, ' ')
	text = strconv.AppendInt(text, int64(len(r.header.columns)), 10)
	for _, cell := range excess {
		text = append(text, ' ')
		text = strconv.AppendInt(text, int64(len(cell)), 10)
	}
	if len(excess) > 0 {
		text = append(text, '|')
	}
	for _, cell := range excess {
		text = append(text, cell...)
	}
	s.text = text
}

// excess makes copies of the cells beyond the header's last column, none where
// they are all blank.
func (r *reader) excess() []string {
	s, width := r.scan, r.header.width
	if !s.filledFrom(width) {
		return nil
	}
	var cells []string
	from := s.ends[width-1] + len(s.delim)
	for _, to := range s.ends[width:] {
		cells = append(cells, string(s.text[from:to]))
		from = to + len(s.delim)
	}
	if s.past.column > 0 { // more than any spreadsheet has: all that follows as one
		cells = append(cells, string(s.text[s.past.from:]))
	}
	for i, cell := range cells {
		if r.header.results {
			cell = Unescape(cell)
		}
		cells[i] = strings.ToValidUTF8(cell, string(utf8.RuneError))
	}
	return cells
}

// markFilled notes data beneath a header cell that is empty.
func (r *reader) markFilled() {
	for i, column := range r.header.blanks {
		if r.filled[i] || column >= len(r.scan.ends) {
			continue
		}
		from := 0
		if column > 0 {
			from = r.scan.ends[column-1] + len(r.scan.delim)
		}
		r.filled[i] = !blank(r.scan.text[from:r.scan.ends[column]])
	}
}

// textsSize is how many bytes are asked for at a time, enough for a dozen rows:
// a cell that somebody keeps holds on to all of it.
const textsSize = 4 << 10

// texts makes strings of rows, several of them in one piece of memory.
type texts struct{ b strings.Builder }

func (t *texts) keep(text []byte) string {
	if len(text) > textsSize/4 {
		return string(text)
	}
	if t.b.Cap()-t.b.Len() < len(text) {
		t.b.Reset()
		t.b.Grow(textsSize)
	}
	from := t.b.Len()
	t.b.Write(text) // it never fails, and what stands before stays as it is
	return t.b.String()[from:]
}
