package journal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

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

func (l *sendList) apply(line []byte, at int64) (err error) {
	h, ok := parseHead(line)
	if !ok {
		if h, err = decodeHead(line); err != nil {
			return err
		}
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
