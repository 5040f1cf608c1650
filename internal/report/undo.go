package report

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// undo makes undo.csv: the rows that overwrote something, with what stood
// there before. survey sees every row first, so that write knows the columns.
type undo struct {
	o       Options
	columns []sheet.Column // that were sent, in the sheet's order
	used    []bool         // of columns: some row changes it
	rows    int
	losses  *causes
	flags   map[string]bool

	// Of a sheet in which an id may stand twice: the ids that were seen and
	// those that were seen again. Such rows become one, since what the first
	// found is what must come back.
	seed     maphash.Seed
	seen     map[uint64]bool
	repeated map[uint64]*undone
	order    []*undone
}

// undone is what comes back of a session.
type undone struct {
	row   int
	id    string
	cells []putBack // of undo.columns
}

func newUndo(o Options) *undo {
	u := &undo{o: o, losses: newCauses(), flags: map[string]bool{}}
	if u.o.Undo.ClearMarker == "" {
		u.o.Undo.ClearMarker = clearMarker
	}
	for _, c := range o.Sheet.Columns() {
		switch c.Field {
		case sheet.Status, sheet.WorkflowID, sheet.RequesterID, sheet.RequesterType,
			sheet.ProfileID, sheet.ProfileIDs, sheet.Attribute:
			u.columns = append(u.columns, c)
		}
	}
	u.used = make([]bool, len(u.columns))
	if o.Settings["duplicates"] == "in-order" {
		u.seed, u.seen, u.repeated = maphash.MakeSeed(), map[uint64]bool{}, map[uint64]*undone{}
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
	puts := false
	for i, c := range d.cells {
		if c.reason != "" {
			name := fieldName(u.columns[i])
			u.losses.count(name+c.reason, name+" "+c.reason, out.Row)
		}
		if c.flag != "" {
			u.flags[c.flag] = true
		}
		if c.puts {
			puts, u.used[i] = true, true
		}
	}
	if u.ran(out) {
		u.losses.count("run", "run=true has run the session, which cannot be taken back", out.Row)
	}
	if !puts {
		return nil
	}
	u.rows++
	if u.seen != nil {
		h := u.hash(d.id)
		if _, again := u.repeated[h]; u.seen[h] {
			u.rows--
			if !again {
				u.repeated[h] = nil
			}
		}
		u.seen[h] = true
	}
	return nil
}

func (u *undo) hash(id string) uint64 { return maphash.String(u.seed, strings.ToLower(id)) }

func (u *undo) ran(out journal.Outcome) bool {
	if out.Status == journal.Pending {
		run, inFlight := u.o.Replay.InFlight(out.Row)
		return run && inFlight
	}
	return out.Run && out.Status != journal.Failed
}

// overwrote reports whether a row has overwritten something, or may have: one
// in flight when the run was killed, or one that failed in a way that does not
// tell. Putting back what stands there still does no harm.
func (u *undo) overwrote(out journal.Outcome) bool {
	switch out.Status {
	case journal.Updated, journal.Unknown:
		return true
	case journal.Pending:
		_, inFlight := u.o.Replay.InFlight(out.Row)
		return inFlight
	case journal.Failed:
		switch status := out.HTTPStatus; {
		case out.Attempts == 0:
			return false
		case out.Attempts > 1, status == http.StatusRequestTimeout:
			return true
		default:
			return status < 300 || status >= 500
		}
	}
	return false
}

// of returns what comes back of a row, or nil if the run overwrote nothing in
// it.
func (u *undo) of(r *sheet.Row, out journal.Outcome) (*undone, error) {
	if !u.overwrote(out) {
		return nil, nil
	}
	before, ok, err := u.o.Replay.Before(r.Number)
	if err != nil || !ok {
		return nil, err
	}
	was, err := parseSession(before.Session)
	if err != nil {
		return nil, fmt.Errorf("read what row %d overwrote: %w", r.Number, err)
	}
	d := &undone{row: r.Number, id: before.ID, cells: make([]putBack, len(u.columns))}
	if d.id == "" {
		d.id = out.ID
	}
	for i, c := range u.columns {
		d.cells[i] = u.o.Undo.putBack(c, cell(r, c.Index), was)
	}
	return d, nil
}

// write writes undo.csv, if survey found something to put back.
func (u *undo) write(ctx context.Context, o Options) ([]File, error) {
	path := filepath.Join(o.Dir, "undo.csv")
	if u.rows == 0 {
		return nil, remove(path)
	}
	err := journal.Replace(path, func(f io.Writer) error {
		w := sheet.NewWriter(f, o.Sheet.Delimiter())
		header := []string{"id"}
		for i, c := range u.columns {
			if u.used[i] {
				header = append(header, fieldName(c))
			}
		}
		if err := w.Write(append(header, "result.row")); err != nil {
			return err
		}
		if err := u.pass(ctx, w); err != nil {
			return err
		}
		w.Flush()
		return w.Error()
	})
	if err != nil {
		return nil, fmt.Errorf("write what undoes the run: %w", err)
	}
	return []File{{"undo", path}}, nil
}

// pass writes a line for each session that comes back; those of repeated rows
// follow at the end.
func (u *undo) pass(ctx context.Context, w *sheet.Writer) error {
	err := u.o.eachRow(ctx, func(r *sheet.Row, out journal.Outcome) error {
		d, err := u.of(r, out)
		if err != nil || d == nil || u.hold(d) {
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

// hold keeps back a row whose id stands twice. The first row that touched a
// field found what must come back, even if it cannot.
func (u *undo) hold(d *undone) bool {
	if u.seen == nil {
		return false
	}
	h := u.hash(d.id)
	first, repeated := u.repeated[h]
	switch {
	case !repeated:
		return false
	case first == nil:
		u.repeated[h] = d
		u.order = append(u.order, d)
	default:
		for i, c := range d.cells {
			if f := &first.cells[i]; !f.puts && f.reason == "" {
				*f = c
			}
		}
	}
	return true
}

func (u *undo) writeLine(w *sheet.Writer, d *undone) error {
	line, puts := []string{d.id}, false
	for i, c := range d.cells {
		if u.used[i] {
			line = append(line, c.cell)
			puts = puts || c.puts
		}
	}
	if !puts {
		return nil
	}
	return w.Write(append(line, strconv.Itoa(d.row)))
}
