package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Replay is what a journal says, as it was when Load read it. It keeps about
// six bytes a row and reads the records themselves from the file when asked.
// Its methods may be called from many goroutines.
type Replay struct {
	f    *os.File
	path string
	end  int64 // of the last line

	rows        *rowIndex
	staged      *rowIndex // of a remap that is not closed yet, else nil
	stagedStart Start
	stagedCount int

	first, last Start
	sessions    int
	lastEnd     End
	ended       bool
	totals      Tick
	ticks       []int64

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
	r.staged = nil
	return r, nil
}

// Close closes the file. Only what needs no reading can be asked afterwards.
func (r *Replay) Close() error { return r.f.Close() }

// readLines applies the lines up to the torn tail, if there is one.
func (r *Replay) readLines() error {
	number := 1
	in := newLineScanner(r.f)
	for ; in.Scan() && intact(in.Bytes()); number++ {
		if err := r.apply(in.Bytes(), r.end); err != nil {
			return &DamageError{Path: r.path, Line: number, Reason: err.Error()}
		}
		r.end += int64(len(in.Bytes()) + 1)
	}
	if err := in.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return err
	}
	size, err := r.f.Seek(0, io.SeekEnd)
	if err != nil {
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
func (r *Replay) apply(line []byte, off int64) (err error) {
	h, ok := parseHead(line)
	if !ok {
		if h, err = decodeHead(line); err != nil {
			return err
		}
	}
	if h.isAboutRow() {
		return r.applyRow(h, off)
	}
	return r.applyEvent(h, line, off)
}

func (r *Replay) applyRow(h head, off int64) error {
	rows := r.rows
	switch {
	case h.Carried && r.staged == nil:
		return errors.New("a carried record stands outside a rebase")
	case h.Carried:
		rows = r.staged
		r.stagedCount++
	case r.staged != nil:
		r.staged = nil // the remap was cut short
	}
	switch h.Kind {
	case "intent":
		rows.intent(h, off)
	case "withdrawn":
		rows.withdraw(h.Row)
	case "outcome":
		rows.outcome(h, off)
	case "before":
		if first := rows.before.at(h.Row); *first == (offset{}) {
			*first = offsetOf(off)
		}
	case "plan":
		*rows.planned.at(h.Row) = offsetOf(off)
	}
	return nil
}

func (r *Replay) applyEvent(h head, line []byte, off int64) error {
	switch h.Kind {
	case "start":
		start, err := decode(line, Start{})
		r.staged = nil
		r.open(start)
		return err
	case "rebase":
		start, err := decode(line, Start{})
		r.staged, r.stagedStart, r.stagedCount = new(rowIndex), start, 0
		return err
	case "rebase_end":
		if r.staged == nil || h.Records != r.stagedCount {
			return errors.New("the end of a rebase does not fit its beginning")
		}
		r.rows, r.staged = r.staged, nil
		r.open(r.stagedStart)
	case "tick":
		tick, err := decode(line, Tick{})
		r.totals.add(tick)
		r.ticks = append(r.ticks, off)
		return err
	case "end":
		end, err := decode(line, End{})
		r.lastEnd, r.ended = end, true
		return err
	}
	return nil // written by a newer version, for others
}

func (r *Replay) open(start Start) {
	if r.sessions == 0 {
		r.first = start
	}
	r.last = start
	r.sessions++
	r.ended = false
}
