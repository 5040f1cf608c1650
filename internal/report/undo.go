package report

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// undo makes undo.csv: the rows that overwrote something, with what was there
// before. survey sees every row first, so that write knows the columns.
type undo struct {
	o       Options
	columns []sheet.Column // that were sent, in the sheet's order
	used    []bool         // of columns: some row changes it
	losses  *causes
	note    UndoNote // without Lost

	// Where an id may be in several rows, what comes back of each id, by its
	// hash: nil for an id of one row. Rows of one id become one line, since what
	// the first found is what must come back.
	byID  map[uint64]*undone
	seed  maphash.Seed
	order []*undone // of several rows
}

// undone is what comes back of a session.
type undone struct {
	row   int
	id    string
	cells []change.PutBack // of undo.columns
}

// UndoNote is what the summary says of undo.csv.
type UndoNote struct {
	Rows  int       // rows that it puts back
	Flags []string  // what `run` needs to take it
	Lost  []Failure // what it cannot put back
}

func newUndo(o Options) *undo {
	u := &undo{o: o, losses: newCauses()}
	for _, c := range o.Sheet.Columns() {
		if change.IsSent(c.Field) {
			u.columns = append(u.columns, c)
		}
	}
	u.used = make([]bool, len(u.columns))
	if o.Rules.InOrder {
		u.byID, u.seed = map[uint64]*undone{}, maphash.MakeSeed()
	}
	return u
}

// survey notes what a row overwrote and what of it cannot come back.
func (u *undo) survey(r *sheet.Row, out journal.Outcome) error {
	d, err := u.of(r, out)
	if err != nil {
		return err
	}
	if d == nil {
		if u.o.Compare && !u.o.DryRun && out.Status == journal.Updated {
			u.losses.count("unread", "the session was not read before it was changed, so nothing is known to put back", out.Row)
		}
		return nil
	}
	for i, c := range d.cells {
		if c.Lost != "" {
			name := change.Label(u.columns[i].Field, u.columns[i].UID)
			u.losses.count(name+c.Lost, name+" "+c.Lost, out.Row)
		}
		if c.Flag != "" && !slices.Contains(u.note.Flags, c.Flag) {
			u.note.Flags = append(u.note.Flags, c.Flag)
		}
		u.used[i] = u.used[i] || c.Writes
	}
	if u.ran(out) {
		u.losses.count("run", "run=true has run the session, which cannot be taken back", out.Row)
	}
	if d.writes() {
		u.count(d.id)
	}
	return nil
}

// count counts the lines of undo.csv and notes the ids of several rows.
func (u *undo) count(id string) {
	if u.byID != nil {
		h := u.hash(id)
		if d, again := u.byID[h]; again {
			if d == nil {
				u.byID[h] = &undone{}
			}
			return
		}
		u.byID[h] = nil
	}
	u.note.Rows++
}

func (u *undo) hash(id string) uint64 { return maphash.String(u.seed, strings.ToLower(id)) }

func (u *undo) ran(out journal.Outcome) bool {
	if out.Status == journal.Pending {
		run, inFlight := u.o.Replay.InFlight(out.Row)
		return run && inFlight
	}
	return out.Run && out.Status != journal.Failed
}

// maybeApplied reports whether a row has overwritten something, or may have.
// Putting back what is still there does no harm.
func (u *undo) maybeApplied(out journal.Outcome) bool {
	switch out.Status {
	case journal.Updated, journal.Unknown:
		return true
	case journal.Pending:
		_, inFlight := u.o.Replay.InFlight(out.Row)
		return inFlight
	case journal.Failed:
		return change.MaybeApplied(out.Attempts, out.HTTPStatus)
	}
	return false
}

// of returns what comes back of a row, or nil if the run overwrote nothing in
// it.
func (u *undo) of(r *sheet.Row, out journal.Outcome) (*undone, error) {
	if !u.maybeApplied(out) {
		return nil, nil
	}
	record, ok, err := u.o.Replay.Before(r.Number)
	if err != nil || !ok {
		return nil, err
	}
	before, err := change.ParseBefore(record.Session)
	if err != nil {
		return nil, fmt.Errorf("read what row %d overwrote: %w", r.Number, err)
	}
	d := &undone{row: r.Number, id: cmp.Or(record.ID, out.ID), cells: make([]change.PutBack, len(u.columns))}
	for i, c := range u.columns {
		d.cells[i] = before.PutBack(c, cell(r, c.Index), u.o.Rules.ClearMarker)
	}
	return d, nil
}

func (d *undone) writes() bool {
	return slices.ContainsFunc(d.cells, func(c change.PutBack) bool { return c.Writes })
}

// UndoWritten is a copy of undo.csv: when that is run, it is held against its
// copy, since a spreadsheet program may have changed it.
const UndoWritten = ".undo.csv"

func (u *undo) writeTwice(ctx context.Context, path string) error {
	if err := u.write(ctx, path); err != nil {
		return err
	}
	return u.write(ctx, filepath.Join(filepath.Dir(path), UndoWritten))
}

// write writes undo.csv, if survey found something to put back.
func (u *undo) write(ctx context.Context, path string) error {
	if u.note.Rows == 0 {
		return remove(path)
	}
	err := journal.Replace(path, func(f io.Writer) error {
		w := sheet.NewWriter(f, u.o.Sheet.Delimiter())
		header := []string{"id"}
		for i, c := range u.columns {
			if u.used[i] {
				header = append(header, change.Label(c.Field, c.UID))
			}
		}
		if err := w.Write(append(header, "result.row")); err != nil {
			return err
		}
		if err := u.writeAll(ctx, w); err != nil {
			return err
		}
		w.Flush()
		return w.Error()
	})
	if err != nil {
		return fmt.Errorf("write what undoes the run: %w", err)
	}
	return nil
}

// writeAll writes a line for each session that comes back; those of several
// rows follow at the end.
func (u *undo) writeAll(ctx context.Context, w *sheet.Writer) error {
	err := u.o.eachRow(ctx, func(r *sheet.Row, out journal.Outcome) error {
		d, err := u.of(r, out)
		if err != nil || d == nil || u.merge(d) {
			return err
		}
		return u.writeLine(w, d)
	})
	if err != nil {
		return err
	}
	for _, d := range u.order {
		if err := u.writeLine(w, d); err != nil {
			return err
		}
	}
	return nil
}

// merge keeps back a row whose id is in several. The first row that changed a
// field found what must come back, even if it cannot.
func (u *undo) merge(d *undone) bool {
	if u.byID == nil {
		return false
	}
	first := u.byID[u.hash(d.id)]
	switch {
	case first == nil:
		return false
	case first.cells == nil:
		*first = *d
		u.order = append(u.order, first)
	default:
		for i, c := range d.cells {
			if f := &first.cells[i]; !f.Writes && f.Lost == "" {
				*f = c
			}
		}
	}
	return true
}

func (u *undo) writeLine(w *sheet.Writer, d *undone) error {
	if !d.writes() {
		return nil
	}
	line := []string{d.id}
	for i, c := range d.cells {
		if u.used[i] {
			line = append(line, c.Cell)
		}
	}
	return w.Write(append(line, strconv.Itoa(d.row)))
}

func (n UndoNote) print(b *strings.Builder) {
	if n.Rows > 0 {
		fmt.Fprintf(b, "\nundo.csv puts back %s", text.Count(n.Rows, "row"))
		if len(n.Flags) > 0 {
			fmt.Fprintf(b, "; run it with %s", strings.Join(n.Flags, " "))
		}
		b.WriteString("\n")
	}
	if len(n.Lost) > 0 {
		b.WriteString("\ncannot be put back:\n")
		for _, l := range n.Lost {
			fmt.Fprintf(b, "  %s\n", l)
		}
	}
}
