package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Replay is what a journal says, as it was when Load read it. It keeps about
// six bytes a row and reads the records themselves from the file when asked.
// Its methods may be called from many goroutines.
type Replay struct {
	First, Last Start // the session that began the run, and the newest one; zero without any
	Sessions    int   // the starts and resumes
	End         *End  // of the newest session; nil where it was killed or goes on

	f    *os.File
	path string
	end  int64 // of the last line

	rows     *rowIndex
	removed  []Entry // by edition and row
	moves    []Moved // that no start has closed yet
	editions []int64 // where each but the first one begins
	edition  int     // of the rows

	totals    Tick
	ticks     []int64
	lastTimed int64 // where the last record begins that has a time

	reading sync.Mutex // guards window
	window  window
}

// Load reads the journal in dir. A torn tail is left out; a *DamageError says
// that something else is wrong with the file. The error is fs.ErrNotExist when
// there is no journal. The Replay keeps the file open until Close.
func Load(dir string) (*Replay, error) {
	path := filepath.Join(dir, FileName)
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is a %s, not a regular file", path, kindOf(info.Mode()))
	case info.Size() > maxOffset:
		return nil, fmt.Errorf("%s is larger than 1 TiB", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Replay{f: f, path: path, rows: new(rowIndex)}
	r.window.r = f
	if err := r.readLines(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.moves = nil // their block was cut short by a kill
	return r, nil
}

// Close closes the file. Only what needs no reading can be asked afterwards.
func (r *Replay) Close() error { return r.f.Close() }

// readLines applies the lines up to the torn tail, if there is one.
func (r *Replay) readLines() error {
	// What another process appends from now on is not read.
	size, err := r.f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	number := 1
	in := newLineScanner(io.NewSectionReader(r.f, 0, size))
	for ; in.Scan() && intact(in.Bytes()); number++ {
		if err := r.apply(in.Bytes(), r.end); err != nil {
			return &DamageError{Path: r.path, Line: number, Reason: err.Error()}
		}
		r.end += int64(len(in.Bytes()) + 1)
	}
	if err := in.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return err
	}
	tail, err := readTail(r.f, size)
	if err == nil && (size-int64(len(tail)) != r.end || !torn(tail)) {
		return &DamageError{Path: r.path, Line: number, Reason: checksumDiffers}
	}
	return err
}

// newLineScanner returns a scanner of whole lines, without their line breaks.
// What follows the last line break is left out.
func newLineScanner(r io.Reader) *bufio.Scanner {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 1<<20), maxLine+1)
	in.Split(func(data []byte, _ bool) (advance int, token []byte, err error) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			return i + 1, data[:i], nil
		}
		return 0, nil, nil
	})
	return in
}

// apply takes in an intact line that begins at off.
func (r *Replay) apply(line []byte, off int64) error {
	h, err := headOf(line)
	if err != nil {
		return err
	}
	if h.Kind != "before" && h.Kind != "plan" && h.Kind != "moved" {
		r.lastTimed = off
	}
	switch h.Kind {
	case "intent":
		r.rows.intent(h, off)
	case "withdrawn":
		r.rows.withdraw(h.Row)
	case "outcome":
		r.rows.outcome(h, off)
	case "before":
		*r.rows.before.at(h.Row) = offsetOf(off)
	case "plan":
		*r.rows.planned.at(h.Row) = offsetOf(off)
	case "moved":
		r.moves = append(r.moves, h.moved())
	case "start":
		start, err := decode(line, Start{})
		if err != nil {
			return err
		}
		return r.open(start, off)
	case "rebase":
		return errors.New("its edited sheet was recorded by an older version of nermbulk, which can go on with it")
	case "tick":
		tick, err := decode(line, Tick{})
		r.totals.Add(tick)
		r.ticks = append(r.ticks, off)
		return err
	case "end":
		end, err := decode(line, End{})
		r.End = &end
		return err
	}
	return nil // what else there is, is for others
}

// open begins a session. The first sheet has no rows that could have moved.
func (r *Replay) open(start Start, off int64) error {
	if r.Sessions == 0 {
		r.First = start
		r.edition = max(start.Edition, 1)
	} else if start.Edition > r.Last.Edition {
		if start.Matched < 0 || start.Matched > len(r.moves) {
			return errors.New("the start of an edited sheet does not fit the rows that moved")
		}
		// A block that was cut short may be before its own.
		if err := r.Edit(slices.Values(r.moves[len(r.moves)-start.Matched:])); err != nil {
			return err
		}
		r.editions = append(r.editions, off)
		r.edition = start.Edition
	}
	r.moves = nil
	r.Last = start
	r.Sessions++
	r.End = nil
	return nil
}

// A Send is one time that a row overwrote its session, or may have: what the
// session held, and what came of it.
type Send struct {
	Before  Before
	Outcome Outcome // without a Status while the row is in flight
}

// send is where the records of a Send begin.
type send struct {
	edition         uint16
	row             uint32
	before, outcome offset // the outcome, or the intent of a row in flight
}

// Sends calls visit with everything that the run has overwritten and recorded
// before it did: by the sheets that it had, and in the order of their rows. A row
// that was sent again is there again, and so is one that an edited sheet no longer
// has. Rows have the numbers of the sheet that they were sent from.
func (r *Replay) Sends(visit func(Send) error) error {
	sends, err := r.listSends()
	if err != nil {
		return err
	}
	for _, at := range sends {
		var s Send
		if s.Before, _, err = lookup(r, at.before.get(), decodeBefore); err != nil {
			return err
		}
		if s.Outcome, _, err = lookup(r, at.outcome.get(), decodeOutcome); err != nil {
			return err
		}
		if err := visit(s); err != nil {
			return err
		}
	}
	return nil
}

// HasSends reports whether the run has recorded anything that it was to overwrite.
func (r *Replay) HasSends() bool {
	return len(r.rows.before) > 0 || slices.ContainsFunc(r.removed, func(e Entry) bool { return e.before != offset{} })
}

// listSends reads the journal once more.
func (r *Replay) listSends() ([]send, error) {
	l := sendList{edition: 1, open: map[rowOf]openSend{}}
	in := newLineScanner(io.NewSectionReader(r.f, 0, r.end))
	at := int64(0)
	for in.Scan() {
		if err := l.apply(in.Bytes(), at); err != nil {
			return nil, fmt.Errorf("read %s again: %w", r.path, err)
		}
		at += int64(len(in.Bytes()) + 1)
	}
	for row, s := range l.open {
		if s.intent >= 0 {
			l.sends = append(l.sends, send{uint16(row.edition), uint32(row.row), offsetOf(s.before), offsetOf(s.intent)})
		}
	}
	slices.SortFunc(l.sends, func(a, b send) int {
		return cmp.Or(cmp.Compare(a.edition, b.edition), cmp.Compare(a.row, b.row), cmp.Compare(a.before.get(), b.before.get()))
	})
	return l.sends, in.Err()
}

// sendList finds the sends of a journal.
type sendList struct {
	edition int
	open    map[rowOf]openSend // those without an outcome so far: few
	moves   []Moved            // that no start has closed yet
	sends   []send
}

// rowOf is a row of one of a run's sheets.
type rowOf struct{ edition, row int }

// openSend is what is overwritten, and by which intent; -1 where there is none.
type openSend struct{ before, intent int64 }

func (l *sendList) apply(line []byte, at int64) error {
	h, err := headOf(line)
	if err != nil {
		return err
	}
	row := rowOf{l.edition, h.Row}
	switch s, isOpen := l.open[row]; h.Kind {
	case "before":
		l.open[row] = openSend{at, -1}
	case "intent":
		if isOpen {
			s.intent = at
			l.open[row] = s
		}
	case "withdrawn":
		if isOpen {
			l.open[row] = openSend{s.before, -1}
		}
	case "outcome":
		// Without an intent nothing was sent: it is the outcome of a reading.
		if isOpen && s.intent >= 0 {
			l.sends = append(l.sends, send{uint16(l.edition), uint32(h.Row), offsetOf(s.before), offsetOf(at)})
		}
		delete(l.open, row)
	case "moved":
		l.moves = append(l.moves, h.moved())
	case "start":
		return l.start(line)
	}
	return nil
}

// start gives the rows in flight the numbers of an edited sheet.
func (l *sendList) start(line []byte) error {
	start, err := decode(line, Start{})
	if err != nil || start.Edition <= l.edition {
		l.moves = nil
		return err
	}
	for _, m := range l.moves[max(0, len(l.moves)-start.Matched):] {
		was := rowOf{int(m.Edition), int(m.Was)}
		if s, isOpen := l.open[was]; isOpen {
			delete(l.open, was)
			l.open[rowOf{start.Edition, int(m.Row)}] = s
		}
	}
	l.edition, l.moves = start.Edition, nil
	return nil
}
