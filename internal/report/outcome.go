package report

import (
	"fmt"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// outcome returns how a row ended; a row that the journal knows nothing of is
// pending. In a dry run a planned row has the outcome that its plan foretells.
func (o Options) outcome(r *sheet.Row, id string) (journal.Outcome, error) {
	out, ok, err := o.Replay.Outcome(r.Number)
	if err != nil {
		return out, fmt.Errorf("read the outcome of row %d: %w", r.Number, err)
	}
	if ok {
		if out.ID == "" {
			out.ID = id
		}
		return out, nil
	}
	out = journal.Outcome{Row: r.Number, ID: id, Status: journal.Pending}
	if !o.DryRun {
		return out, nil
	}
	plan, ok, err := o.Replay.Planned(r.Number)
	if err != nil {
		return out, fmt.Errorf("read the plan of row %d: %w", r.Number, err)
	}
	if ok {
		out.Status = foretold(plan.Action)
	}
	return out, nil
}

// foretold is the outcome that a plan's action stands for before it is done.
func foretold(action string) journal.Status {
	switch action {
	case "unchanged":
		return journal.Unchanged
	case "invalid":
		return journal.Invalid
	}
	return journal.Pending
}

// isFailure tells whether a row belongs into failed.csv.
func isFailure(s journal.Status) bool {
	return s == journal.Failed || s == journal.Unknown || s == journal.Invalid
}

// idColumn finds the column of the session ids, or -1.
func idColumn(columns []sheet.Column) int {
	for _, c := range columns {
		if c.Field == sheet.ID {
			return c.Index
		}
	}
	return -1
}

// cell returns a row's cell, or nothing where the row or the sheet has none.
func cell(r *sheet.Row, index int) string {
	if index < 0 || index >= len(r.Cells) {
		return ""
	}
	return r.Cells[index]
}
