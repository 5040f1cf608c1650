package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// planned is a line of plan.csv.
type planned struct {
	Row     int    `csv:"row"`
	ID      string `csv:"id"`
	Action  string `csv:"action"`
	Method  string `csv:"method"`
	Path    string `csv:"path"`
	Body    string `csv:"body"`
	Changes string `csv:"changes"` // after a comparison only
}

// planWriter is the gocsv.CSVWriter that writes the first columns of a plan.
type planWriter struct {
	*sheet.Writer
	columns int
}

func (w planWriter) Write(cells []string) error { return w.Writer.Write(cells[:w.columns]) }

// writePlan writes plan.csv of a dry run. It has commas whatever the sheet
// has, since it is nobody's copy but a file for scripts as well.
func (m *making) writePlan(ctx context.Context, to io.Writer) error {
	w := planWriter{sheet.NewWriter(to, ','), 6}
	if m.Compare {
		w.columns++
	}
	lines, err := newBatch[planned](w)
	if err != nil {
		return err
	}
	err = m.Sheet.Each(ctx, func(r *sheet.Row) error {
		p, ok, err := m.plan(r.Number, sheet.Trim(r.ID))
		if err != nil || !ok {
			return err
		}
		return lines.add(planned{
			Row: p.Row, ID: noNUL(p.ID), Action: p.Action, Method: p.Method, Path: p.Path,
			Body: noNUL(string(p.Body)), Changes: noNUL(p.Changes),
		})
	})
	return cmp.Or(err, lines.drain())
}

// plan returns a row's plan. A row that was found invalid has one even if the
// journal holds only that outcome.
func (o Options) plan(row int, id string) (p journal.Planned, ok bool, err error) {
	replay := o.replayOf(row)
	p, ok, err = replay.Planned(row)
	if err != nil {
		return p, false, fmt.Errorf("read the plan of row %d: %w", row, err)
	}
	if s := replay.Entry(row).Status(); !ok && (s == journal.Invalid || s == journal.Unchanged) {
		return journal.Planned{Row: row, ID: id, Action: string(s)}, true, nil
	}
	return p, ok, nil
}

// changed is a line of changes.csv: one field that a row has sent.
type changed struct {
	Row        int    `csv:"row"` // of the sheet that it was sent from
	ID         string `csv:"id"`
	Field      string `csv:"field"`
	Old        string `csv:"old"`
	New        string `csv:"new"`
	Status     string `csv:"status"`
	HTTPStatus string `csv:"http_status"`
	Attempts   string `csv:"attempts"`
	RequestID  string `csv:"request_id"`
	At         string `csv:"at"`
}

// changesWriter writes changes.csv.
type changesWriter struct {
	Options
	*batch[changed]
	order fieldOrder
}

// writeChanges writes changes.csv of a run that compares, for whoever must prove
// what was changed; of a dry run, what would be. It has commas whatever the sheet
// has, as plan.csv does.
func (m *making) writeChanges(ctx context.Context, to io.Writer) error {
	lines, err := newBatch[changed](sheet.NewWriter(to, ','))
	if err != nil {
		return err
	}
	w := changesWriter{m.Options, lines, newFieldOrder(m.Sheet)}
	write := w.writeSent
	if m.DryRun {
		write = w.writePlanned
	}
	return cmp.Or(write(ctx), w.drain())
}

// compared reports whether any session of the run has compared.
func (m *making) compared() bool { return m.Compare || m.hasSends() }

// hasSends reports whether the run has recorded anything that it was to overwrite.
func (o Options) hasSends() bool { return slices.ContainsFunc(o.Replays, (*journal.Replay).HasSends) }

// writeSent writes what the journal has: the sheet need not have the row any more.
func (w changesWriter) writeSent(ctx context.Context) error {
	known := sends{o: w.Options}
	send := func(s journal.Send) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		out := s.Outcome
		if out.Status == "" {
			out.Status = journal.Pending
		}
		line := changed{
			Row: out.Row, ID: out.ID, Status: string(out.Status), HTTPStatus: number(out.HTTPStatus), Attempts: number(out.Attempts),
			RequestID: noNUL(out.RequestID), At: string(text.AppendTime(nil, out.At)),
		}
		before, sent, err := known.of(ctx, s.Before, out.Hash)
		if err != nil {
			return err
		}
		for _, label := range inOrder(w.order, sent) {
			if err := w.addField(line, label, before.Held(label), sent[label]); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range w.Replays {
		if err := r.Sends(send); err != nil {
			return err
		}
	}
	return nil
}

// writePlanned writes what a dry run would send.
func (w changesWriter) writePlanned(ctx context.Context) error {
	return w.Sheet.Each(ctx, func(r *sheet.Row) error {
		p, ok, err := w.plan(r.Number, "")
		if err != nil || !ok || len(p.Body) == 0 {
			return err
		}
		fields := map[string]journal.FieldChange{}
		for _, f := range p.Fields {
			fields[f.Field] = f
		}
		addPair(fields, p.Body)
		line := changed{Row: p.Row, ID: p.ID, Status: string(journal.Pending)}
		for _, label := range inOrder(w.order, fields) {
			if err := w.addField(line, label, fields[label].Old, fields[label].New); err != nil {
				return err
			}
		}
		return nil
	})
}

// addPair adds the half of a requester that is sent with the other one though it
// does not differ.
func addPair(fields map[string]journal.FieldChange, body []byte) {
	var sent struct {
		Session struct {
			ID   string `json:"requester_id"`
			Type string `json:"requester_type"`
		} `json:"workflow_session"`
	}
	_ = json.Unmarshal(body, &sent) // a body that this tool made
	for label, value := range map[string]string{"requester_id": sent.Session.ID, "requester_type": sent.Session.Type} {
		if _, differs := fields[label]; !differs && value != "" {
			fields[label] = journal.FieldChange{Field: label, Old: value, New: value}
		}
	}
}

func (w changesWriter) addField(line changed, field, old, sent string) error {
	line.Field, line.Old, line.New = noNUL(field), noNUL(old), noNUL(sent)
	return w.add(line)
}

// sends says what rows sent over what a session held. The first edition of the
// journal does not have it: of such a row it is what the sheet has of the same
// content, of whatever number.
type sends struct {
	o      Options
	byHash map[uint64]map[string]string // nil until the first such row
}

// of returns what a session held, and what it was sent by the fields' names in a
// header: nil where nothing has that any more.
func (s *sends) of(ctx context.Context, record journal.Before, hash uint64) (before *change.Before, sent map[string]string, err error) {
	if before, err = change.ParseBefore(record.Session); err != nil {
		return nil, nil, fmt.Errorf("read what row %d overwrote: %w", record.Row, err)
	}
	if record.Sent != nil {
		return before, record.Sent, nil
	}
	if s.byHash == nil {
		err = s.read(ctx)
	}
	return before, s.byHash[hash], err
}

func (s *sends) read(ctx context.Context) error {
	s.byHash = map[uint64]map[string]string{}
	planner := change.NewPlanner(s.o.Sheet, s.o.Rules)
	return s.o.Sheet.Each(ctx, func(row *sheet.Row) error {
		if change.FirstError(planner.Plan(row)) == nil {
			s.byHash[planner.Change.Hash()] = planner.Change.Sent()
		}
		return nil
	})
}

// fieldOrder has the place of a field, by its name in a header: as the table of
// fields has them, attributes as the sheet.
type fieldOrder map[string]int

func newFieldOrder(s *sheet.Sheet) fieldOrder {
	order := fieldOrder{}
	for _, f := range change.Fields() {
		order[f.Name] = len(order)
	}
	for _, c := range s.Columns() {
		if c.Field == sheet.Attribute {
			order[change.Label(c.Field, c.UID)] = len(order)
		}
	}
	return order
}

// inOrder returns the fields of a map; those that the sheet does not have are
// last.
func inOrder[V any](order fieldOrder, fields map[string]V) []string {
	place := func(label string) int {
		if at, ok := order[label]; ok {
			return at
		}
		return len(order)
	}
	return slices.SortedFunc(maps.Keys(fields), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
}
