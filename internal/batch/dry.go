package batch

import (
	"context"
	"slices"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/journal"
)

// What a dry run plans for a row.
const (
	actionPatch     = "patch"
	actionUnchanged = "unchanged"
	actionInvalid   = "invalid"
)

// dry is the sender of a dry run: it notes what would be sent. With a
// comparison it reads each session, and never writes one.
type dry struct {
	live
}

func (e *engine) drySender() sender {
	return &dry{*e.liveSender()}
}

func (d *dry) send(ctx context.Context, c *Change) (ending, error) {
	plan := journal.Planned{
		Row: c.Row, ID: c.ID, Action: actionPatch, Method: "PATCH",
		Path: "/workflow_sessions/" + c.ID, Body: slices.Clone(c.Body),
	}
	if c.Run {
		plan.Path += "?run=true"
	}
	if d.compare {
		found, ok := d.isListed(c)
		if !ok {
			got := d.tenant.Get(ctx, c.ID)
			if d.stops(got) {
				return ending{}, nil
			}
			if got.Verdict != api.OK {
				got.Message = joinSentences("its session could not be read", got.Message)
				return d.end(c, journal.Failed, got), nil
			}
			found = compare(c, got.Session)
		}
		plan.Changes = found.describe()
		c.narrow(found)
		plan.Body = slices.Clone(c.Body)
		if found.matches(c) {
			plan.Action, plan.Method, plan.Path, plan.Body = actionUnchanged, "", "", nil
			if found.count(shownAsName) > 0 {
				d.hidden.Add(1)
			}
		}
	}
	return ending{}, d.journal.Append(plan)
}

// describe is one line for each difference, `field: old → new`. What cannot be
// compared is marked.
func (c comparison) describe() string {
	var b strings.Builder
	for _, d := range slices.Concat(c.differences, c.untold) {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		old := shown(d.Old)
		if d.Proof == untold {
			old = "(not told)"
		}
		b.WriteString(d.Field + ": " + old + " → " + shown(d.New) + d.Proof.remark())
	}
	return b.String()
}

func (p proof) remark() string {
	switch p {
	case shownAsName:
		return " (cannot be compared: the tenant shows a name)"
	case unproven:
		return " (cannot be compared: an id and a name)"
	case untold:
		return " (cannot be compared: the tenant does not tell this field)"
	}
	return ""
}

func shown(value string) string {
	if value == "" {
		return "(empty)"
	}
	return value
}

// forget leaves a field out of the comparison.
func (c *comparison) forget(field string) {
	c.differences = slices.DeleteFunc(c.differences, func(d difference) bool { return d.Field == field })
}
