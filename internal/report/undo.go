package report

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// undo makes undo.csv from what the journal has of each session that the run
// wrote: what it held, and what it was sent. The sheet is not needed for it, and
// need not have the row any more.
type undo struct {
	o       Options
	replay  *journal.Replay // that is read
	order   fieldOrder
	columns []string // fields that come back
	source  sourceRows
	sources []string // of rows of the present sheet: their numbers in the first one, where that is another
	losses  *Causes
	note    UndoNote // without Lost
	choice  UndoChoice
	sends   sends
}

// undone is what comes back of a session.
type undone struct {
	row   int    // of the sheet that it was sent from first
	first string // its number in the first sheet, where that is another
	id    string
	uid   string
	cells map[string]change.PutBack // by the field's name in a header
	run   bool                      // the run has run it
}

// UndoNote is what the summary says of undo.csv.
type UndoNote struct {
	Rows  int       // rows that it puts back
	Flags []string  // what `run` needs to take it
	Lost  []Failure // what it cannot put back
}

func newUndo(o Options) *undo {
	u := &undo{o: o, order: newFieldOrder(o.Sheet), losses: NewCauses(), sends: sends{o: o}}
	if o.hasSends() { // without any, no row comes back
		u.source = sourceRowsOf(o.Sheet)
	}
	return u
}

// keepSource keeps a row's number in the first sheet, where that is another.
func (u *undo) keepSource(r *sheet.Row) {
	if number := u.source.of(r); number != "" {
		u.sources = append(u.sources, make([]string, r.Number+1-len(u.sources))...)
		u.sources[r.Number] = strings.Clone(number)
	}
}

// survey counts what comes back and what does not, and learns the columns.
func (u *undo) survey(ctx context.Context) error {
	used := map[string]bool{}
	err := u.each(ctx, func(d *undone) error {
		for _, label := range inOrder(u.order, d.cells) {
			c := d.cells[label]
			if c.Lost != "" {
				u.losses.count(label+c.Lost, label+" "+c.Lost, d.row)
			}
			if c.Flag != "" && !slices.Contains(u.note.Flags, c.Flag) {
				u.note.Flags = append(u.note.Flags, c.Flag)
			}
			if c.Writes {
				used[label] = true
			}
		}
		if d.run {
			u.losses.count("run", "run=true has run the session, which cannot be taken back", d.row)
		}
		if d.writes() {
			u.note.Rows++
		}
		return nil
	})
	u.columns, u.note.Lost = inOrder(u.order, used), u.losses.List()
	return err
}

// each calls fn for each session that the run has written, or may have. No
// session is in two parts of a sheet.
func (u *undo) each(ctx context.Context, fn func(*undone) error) error {
	for _, u.replay = range u.o.Replays {
		if err := u.eachOfReplay(ctx, fn); err != nil {
			return err
		}
	}
	return nil
}

func (u *undo) eachOfReplay(ctx context.Context, fn func(*undone) error) error {
	if !u.o.Rules.InOrder && u.replay.Last.Edition <= 1 { // a row for each session
		for e := range u.replay.Known() {
			if err := u.session(ctx, []entryOf{{Entry: e}}, fn); err != nil {
				return err
			}
		}
		return nil
	}
	entries, err := u.byID()
	for len(entries) > 0 && err == nil {
		n := 1
		for n < len(entries) && entries[n].id == entries[0].id {
			n++
		}
		err = u.session(ctx, entries[:n], fn)
		entries = entries[n:]
	}
	return err
}

// entryOf is an entry of a session.
type entryOf struct {
	journal.Entry
	id    uint64 // its hash
	first int64  // the place of the session's first entry
}

// byID lists what the run wrote by session, in the order in which it did.
func (u *undo) byID() (entries []entryOf, err error) {
	for e := range u.replay.Known() {
		out, wrote, err := u.read(e)
		if err != nil {
			return nil, err
		}
		if wrote {
			entries = append(entries, entryOf{e, SessionKey(out.ID), e.Place()})
		}
	}
	slices.SortFunc(entries, func(a, b entryOf) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.first, b.first)) })
	for i := 1; i < len(entries); i++ {
		if entries[i].id == entries[i-1].id {
			entries[i].first = entries[i-1].first
		}
	}
	slices.SortStableFunc(entries, func(a, b entryOf) int { return cmp.Compare(a.first, b.first) })
	return entries, nil
}

// read returns how a row ended, with what its intent has where it did not, and
// reports whether it wrote its session, or may have.
func (u *undo) read(e journal.Entry) (out journal.Outcome, wrote bool, err error) {
	out, _, err1 := u.replay.OutcomeOf(e)
	intent, flying, err2 := u.replay.IntentOf(e)
	if out.ID == "" {
		out.ID, out.Row, out.Hash = intent.ID, intent.Row, intent.Hash
	}
	return out, change.MayHaveWritten(string(out.Status), flying, out.Attempts, out.HTTPStatus), errors.Join(err1, err2)
}

// overwrite is what a row did to its session, or may have.
type overwrite struct {
	journal.Outcome
	before *change.Before    // nil where nothing was written, or it is not known over what
	sent   map[string]string // by the fields' names in a header
}

// overwriteOf finds what a row did, and counts what of it cannot be put back.
func (u *undo) overwriteOf(ctx context.Context, e journal.Entry) (w overwrite, err error) {
	record, known, err := u.replay.BeforeOf(e)
	if err != nil || !known && (!u.o.Compare || u.o.DryRun) {
		return w, err
	}
	out, wrote, err := u.read(e)
	w.Outcome = out
	switch {
	case err != nil || !wrote:
	case known:
		if w.before, w.sent, err = u.sends.of(ctx, record, out.Hash); err == nil && w.sent == nil {
			u.losses.count("not noted", "what was sent was not noted by the version that sent it, and the sheet has the row no more", out.Row)
		}
	case out.Status == journal.Updated:
		u.losses.count("unread", "the session was not read before it was changed, so nothing is known to put back", out.Row)
	}
	return w, err
}

// session calls fn with what comes back of a session, if something wrote it. What
// the first write of a field found is what must come back, even if it cannot.
func (u *undo) session(ctx context.Context, writes []entryOf, fn func(*undone) error) error {
	var d *undone
	first := map[string]*change.Before{}
	for _, e := range writes {
		w, err := u.overwriteOf(ctx, e.Entry)
		if err := cmp.Or(ctx.Err(), err); err != nil {
			return err
		}
		if w.before == nil {
			continue
		}
		if d == nil {
			d = &undone{row: w.Row, id: w.ID, uid: w.before.UID(), cells: map[string]change.PutBack{}}
			if e.Edition() == u.replay.Edition() && e.Row() < len(u.sources) {
				d.first = u.sources[e.Row()]
			}
		}
		run, _ := e.InFlight()
		d.run = d.run || run || w.Run && w.Status != journal.Failed
		for label, sent := range w.sent {
			if first[label] == nil {
				first[label] = w.before
			}
			// A later write that is not certain leaves the earlier one's value possible.
			if back := first[label].PutBack(label, sent); w.Status == journal.Updated || back.Writes || !d.cells[label].Writes {
				d.cells[label] = back
			}
		}
	}
	if d == nil || !u.choice.takes(d) {
		return nil
	}
	return fn(d)
}

func (d *undone) writes() bool {
	for _, c := range d.cells {
		if c.Writes {
			return true
		}
	}
	return false
}

// write writes the sheet that survey has found.
func (u *undo) write(ctx context.Context, f io.Writer) error {
	w := sheet.NewWriter(f, u.o.Sheet.Delimiter())
	keys := []string{"id"}
	if u.o.Sheet.ByUID() {
		keys = append(keys, "uid")
	}
	rows := []string{rowColumn}
	if len(u.sources) > 0 {
		rows = append(rows, sourceRowColumn)
	}
	if err := w.Write(slices.Concat(keys, u.columns, rows)); err != nil {
		return err
	}
	err := u.each(ctx, func(d *undone) error {
		if !d.writes() {
			return nil
		}
		line := []string{d.id, d.uid}[:len(keys)]
		for _, label := range u.columns {
			line = append(line, d.cells[label].Cell)
		}
		line = append(line, strconv.Itoa(d.row), d.first)
		return w.Write(line[:len(keys)+len(u.columns)+len(rows)])
	})
	w.Flush()
	return cmp.Or(err, w.Error())
}

// UndoChoice chooses what of a run is put back. The zero value is all of it.
type UndoChoice struct {
	Only     []string        // fields by their names in a header; without any, all
	Sessions map[uint64]bool // by their SessionKey; nil for all
}

// SessionKey is a hash of a session's id, whatever its case.
func SessionKey(id string) uint64 { return xxhash.Sum64String(strings.ToLower(sheet.Trim(id))) }

// takes leaves in d what is chosen, and reports whether that is anything.
func (c *UndoChoice) takes(d *undone) bool {
	if c.Sessions != nil && !c.Sessions[SessionKey(d.id)] {
		return false
	}
	if len(c.Only) > 0 {
		maps.DeleteFunc(d.cells, func(label string, _ change.PutBack) bool { return !slices.Contains(c.Only, label) })
		d.run = false
	}
	return len(d.cells) > 0 || d.run
}

// WriteUndo writes the sheet that puts back what is chosen of what a run overwrote.
// Without a choice that is undo.csv. It writes nothing where nothing comes back.
func WriteUndo(ctx context.Context, o Options, c UndoChoice, to io.Writer) (UndoNote, error) {
	u := newUndo(o)
	u.choice = c
	if u.source != nil {
		err := o.Sheet.Each(ctx, func(r *sheet.Row) error {
			u.keepSource(r)
			return nil
		})
		if err != nil {
			return u.note, err
		}
	}
	if err := u.survey(ctx); err != nil || u.note.Rows == 0 {
		return u.note, err
	}
	return u.note, u.write(ctx, to)
}
