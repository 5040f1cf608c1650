package batch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// findOvertaken finds the rows that are to be sent again although a later row of
// their id was sent since: that would put their values over the later ones'.
// It reads the sheet once more, and only where rows are sent in order.
func (e *engine) findOvertaken(ctx context.Context) error {
	if e.Earlier == nil || !e.Rules.InOrder {
		return nil
	}
	column := slices.IndexFunc(e.Sheet.Columns(), func(c sheet.Column) bool { return c.Field == sheet.ID })
	again := map[string][]int{} // rows that are to be sent again, by id
	e.overtaken = map[int]int{}
	return e.Sheet.Each(ctx, func(row *sheet.Row) error {
		status := e.Earlier.Status(row.Number)
		run, inFlight := e.Earlier.InFlight(row.Number)
		id := strings.ToLower(sheet.Trim(row.Cells[column]))
		switch t := nextTurn(status, run, inFlight, e.RetryFailed); {
		case t != skip && (status == journal.Failed || status == journal.Unknown):
			id = strings.Clone(id)
			again[id] = append(again[id], row.Number)
		case status == journal.Updated || status == journal.Unchanged:
			for _, number := range again[id] {
				e.overtaken[number] = row.Number
			}
			delete(again, id)
		}
		return nil
	})
}

// leave records an overtaken row's outcome once more, with the reason why it
// stays as it is.
func (e *engine) leave(row int, earlier journal.Status) error {
	o, _, err := e.Earlier.Outcome(row)
	if err != nil {
		return err
	}
	const why = "not sent again: this would put its values over those of a later row of the same id, which was sent since"
	if !strings.Contains(o.Error, why) {
		o.Error = joinSentences(o.Error, fmt.Sprintf("%s (row %d)", why, e.overtaken[row]))
	}
	o.At = e.Now()
	if err := e.Journal.Append(o); err != nil {
		return err
	}
	if e.Replaced != nil {
		e.Replaced(earlier)
	}
	return nil
}
