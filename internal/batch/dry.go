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
		got := d.read(ctx, c.ID)
		if d.stops(got) {
			return ending{}, nil
		}
		if got.Verdict != api.OK {
			got.Message = joinSentences("its session could not be read", got.Message)
			return d.end(c, journal.Failed, got), nil
		}
		found := compare(c, got.Session)
		plan.Changes = found.describe()
		if found.matches(c) {
			plan.Action, plan.Method, plan.Path, plan.Body = actionUnchanged, "", "", nil
		}
	}
	return ending{}, d.journal.Append(plan)
}

// read looks a session up in the tenant's list, or reads it by itself.
func (d *dry) read(ctx context.Context, id string) api.Answer {
	if session, ok := d.listed.find(id); ok {
		return api.Answer{Session: &session}
	}
	return d.tenant.Get(ctx, id)
}

// describe is one line for each difference, `field: old → new`. What cannot be
// compared is marked.
func (c comparison) describe() string {
	var b strings.Builder
	for i, d := range c.differences {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Field + ": " + shown(d.Old) + " → " + shown(d.New))
		if !d.Certain {
			b.WriteString(" (cannot be compared: the tenant shows a name)")
		}
	}
	return b.String()
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
