package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// maxOffset bounds where a record may begin: an offset holds it.
const maxOffset = 1<<40 - 2

// offset is where a record begins, plus one; 0 is none. Five bytes, since a
// journal may have one for each of ten million rows.
type offset [5]byte

func offsetOf(at int64) (o offset) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(at+1))
	copy(o[:], b[:])
	return o
}

// get returns -1 for none.
func (o offset) get() int64 {
	var b [8]byte
	copy(b[:], o[:])
	return int64(binary.LittleEndian.Uint64(b[:])) - 1
}

// table holds an E for each row, in slices of so many rows: it is never copied
// as it grows, and one absurd row number does not take all memory.
type table[E any] [][]E

const tableRows = 4096

// at returns the place of row, which is made if need be.
func (t *table[E]) at(row int) *E {
	n := row / tableRows
	for len(*t) <= n {
		*t = append(*t, nil)
	}
	if (*t)[n] == nil {
		(*t)[n] = make([]E, tableRows)
	}
	return &(*t)[n][row%tableRows]
}

func (t table[E]) get(row int) (e E) {
	if n := row / tableRows; row >= 0 && n < len(t) && t[n] != nil {
		e = t[n][row%tableRows]
	}
	return e
}

// rowState is what the replay knows of a row.
type rowState struct {
	record offset // the outcome or, before there is one, the intent
	flags  byte
}

// The parts of a row's flags.
const (
	codeMask    = 7 // of the outcome's status; 0 is none
	inFlight    = 8 // an intent has no outcome yet
	runs        = 16
	wasInFlight = 32 // the same two, before the latest intent
	didRun      = 64
)

// rowIndex is all that is known of rows.
type rowIndex struct {
	rows    table[rowState]
	before  table[offset]
	planned table[offset]
	counts  [len(statuses)]int
	// again holds the intents of rows in flight that have an outcome: a few,
	// as each is gone with its next outcome.
	again map[int]offset
}

func (x *rowIndex) intent(h head, off int64) {
	row := x.rows.at(h.Row)
	if row.flags&codeMask == 0 {
		row.record = offsetOf(off)
	} else {
		x.intendAgain(h.Row, offsetOf(off))
	}
	// A row that ran and is then intended without a run may still have run.
	row.flags = row.flags&(codeMask|inFlight|runs) | row.flags&(inFlight|runs)<<2 | inFlight
	if h.Run {
		row.flags |= runs
	}
}

func (x *rowIndex) outcome(h head, off int64) {
	row := x.rows.at(h.Row)
	if old := row.flags & codeMask; old != 0 {
		x.counts[old]--
		delete(x.again, h.Row)
	}
	code := statusCode(h.Status)
	x.counts[code]++
	*row = rowState{record: offsetOf(off), flags: code}
}

// withdraw takes the row's latest intent back. An earlier one that has no
// outcome keeps the row in flight: its request may still have been applied.
func (x *rowIndex) withdraw(n int) {
	row := x.rows.at(n)
	again := row.flags&wasInFlight != 0
	row.flags = row.flags&codeMask | row.flags&(wasInFlight|didRun)>>2
	if again {
		return
	}
	if row.flags&codeMask == 0 {
		row.record = offset{}
	}
	delete(x.again, n)
}

// put enters what is known of a row.
func (x *rowIndex) put(n int, e Entry) {
	*x.rows.at(n) = e.state
	if e.before != (offset{}) {
		*x.before.at(n) = e.before
	}
	if code := e.state.flags & codeMask; code != 0 {
		x.counts[code]++
		if e.state.flags&inFlight != 0 {
			x.intendAgain(n, e.again)
		}
	}
}

func (x *rowIndex) intendAgain(n int, at offset) {
	if x.again == nil {
		x.again = make(map[int]offset)
	}
	x.again[n] = at
}

// windowSize is how much of the journal is read at once, half of it before what
// is asked for: rows are asked for in their order, and lie nearly in that order.
const windowSize = 128 << 10

// window reads lines at given places.
type window struct {
	r    io.ReaderAt
	data []byte
	off  int64 // of data
}

// line returns the line that begins at off, without its line break, until the
// next call.
func (w *window) line(off int64) ([]byte, error) {
	line, whole := w.cut(off)
	for size := windowSize; !whole; size *= 2 {
		if err := w.read(max(0, off-windowSize/2), size); err != nil {
			return nil, err
		}
		line, whole = w.cut(off)
		if !whole && (len(w.data) < size || size > 2*maxLine) {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return line, nil
}

func (w *window) read(off int64, size int) error {
	if cap(w.data) < size {
		w.data = make([]byte, size)
	}
	n, err := w.r.ReadAt(w.data[:size], off)
	w.off, w.data = off, w.data[:n]
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// cut returns the line that begins at off; false when it is not whole in the
// window.
func (w *window) cut(off int64) ([]byte, bool) {
	from := off - w.off
	if from < 0 || from >= int64(len(w.data)) {
		return nil, false
	}
	line, _, whole := bytes.Cut(w.data[from:], []byte{'\n'})
	return line, whole
}
