package batch

import (
	"slices"
	"strings"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// difference is one field that a session holds otherwise than a change asks.
type difference struct {
	Field   string // as in the sheet's header: status, attributes.end_date
	Old     string // what the session holds
	New     string // what the change sends
	Certain bool   // false where the tenant shows a name for what was sent as an id
}

// comparison is what a session says of a change.
type comparison struct {
	differences []difference // in a fixed order
	same        int          // fields that are as the change asks, for certain
}

// certain counts the differences that are beyond doubt.
func (c comparison) certain() int {
	n := 0
	for _, d := range c.differences {
		if d.Certain {
			n++
		}
	}
	return n
}

// compare holds a session against a change. A field that the session does not
// bear at all says nothing either way.
func compare(c *Change, s *api.Session) comparison {
	var found comparison
	if s == nil {
		return found
	}
	for _, v := range c.sent {
		switch v.field {
		case sheet.Status:
			found.field(s, api.FieldStatus, v, s.Status, equalNames)
		case sheet.WorkflowID:
			found.field(s, api.FieldWorkflowID, v, s.WorkflowID, strings.EqualFold)
		case sheet.RequesterID:
			found.field(s, api.FieldRequesterID, v, s.RequesterID, strings.EqualFold)
		case sheet.RequesterType:
			found.field(s, api.FieldRequesterType, v, s.RequesterType, strings.EqualFold)
		case sheet.ProfileID:
			found.field(s, api.FieldProfileID, v, s.ProfileID, strings.EqualFold)
		case sheet.ProfileIDs:
			found.field(s, api.FieldProfileIDs, v, strings.Join(s.ProfileIDs, ","), equalSets)
		case sheet.Attribute:
			found.field(s, api.FieldAttributes, v, s.Attributes[v.uid], equalValues)
		}
	}
	return found
}

func (c *comparison) field(s *api.Session, has api.Fields, sent sentValue, held string, equal func(held, sent string) bool) {
	switch {
	case !s.Has.All(has):
	case equal(held, sent.value):
		c.same++
	default:
		name := fieldName(sent.field)
		if sent.field == sheet.Attribute {
			name = "attributes." + sent.uid
		}
		c.differences = append(c.differences, difference{
			Field: name, Old: held, New: sent.value,
			Certain: sent.field != sheet.Attribute || !mayBeName(sent.value, held),
		})
	}
}

func equalNames(a, b string) bool {
	return a == b || sheet.NormalizeName(a) == sheet.NormalizeName(b)
}

// equalSets compares lists without regard to order, case and repeats.
func equalSets(a, b string) bool {
	return a == b || slices.Equal(parts(strings.ToLower(a)), parts(strings.ToLower(b)))
}

// equalValues compares attribute values: line breaks come back in one form,
// and several values may come back with another space after the comma.
func equalValues(held, sent string) bool {
	if held == sent {
		return true
	}
	held, sent = unifyBreaks(held), unifyBreaks(sent)
	return sheet.Trim(held) == sent || strings.Contains(sent, ",") && slices.Equal(list(held), list(sent))
}

func unifyBreaks(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// list takes apart values that are joined by commas.
func list(s string) []string {
	all := strings.Split(s, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// parts is list as a set: sorted, without empty ones and repeats.
func parts(s string) []string {
	all := slices.DeleteFunc(list(s), func(p string) bool { return p == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// mayBeName reports whether a difference proves nothing: profile, owner and
// contributor attributes are written as ids or names and read back as names,
// a user's with the mail address in brackets.
func mayBeName(sent, held string) bool {
	if sent == "" || held == "" {
		return false
	}
	allIDs := func(values []string) bool {
		return !slices.ContainsFunc(values, func(v string) bool { _, ok := parseUUID(v); return !ok })
	}
	sentIDs, heldIDs := allIDs(list(sent)), allIDs(list(held))
	if sentIDs != heldIDs {
		return true
	}
	return !sentIDs && slices.Equal(withoutAddresses(held), withoutAddresses(sent))
}

// withoutAddresses cuts " (user@example.com)" off each name of a list.
func withoutAddresses(s string) []string {
	names := list(s)
	for i, name := range names {
		if at := strings.LastIndex(name, " ("); at > 0 && strings.HasSuffix(name, ")") && strings.Contains(name[at:], "@") {
			names[i] = name[:at]
		}
	}
	return names
}

// finding is what a session that was read back says of a change that may have
// been applied.
type finding int

const (
	cannotTell finding = iota
	wasApplied
	notApplied
)

// touch is whether a session was changed since a request left.
type touch int

const (
	touchUnknown touch = iota
	untouched
	touched
)

// clockSlack allows for clocks that differ and for times of whole seconds.
const clockSlack = 2 * time.Second

// touchedSince judges by the session's updated_at. serverTime is the tenant's
// clock when the session was read, now ours; without it nothing is judged.
func touchedSince(s *api.Session, sent, serverTime, now time.Time) touch {
	updated, err := time.Parse(time.RFC3339, s.UpdatedAt)
	if err != nil || sent.IsZero() || serverTime.IsZero() {
		return touchUnknown
	}
	sent = sent.Add(serverTime.Sub(now))
	if updated.Before(sent.Add(-clockSlack)) {
		return untouched
	}
	return touched
}

// settle decides whether a change that runs its session was applied, from the
// session as it was read back. Running a session can move its status on, so a
// status that differs is no proof while the session may have been touched.
// That nothing but a run was asked for leaves nothing to compare.
func settle(c comparison, t touch) finding {
	certain := c.certain()
	switch {
	case len(c.differences) == 0 && c.same > 0:
		return wasApplied
	case certain == 0:
		return cannotTell
	case t == untouched:
		return notApplied
	case t == touched:
		return cannotTell
	case c.same > 0 && certain == 1 && c.differences[0].Field == "status":
		return cannotTell
	}
	return notApplied
}

// names lists the fields of certain differences, for a note.
func (c comparison) names() string {
	var names []string
	for _, d := range c.differences {
		if d.Certain {
			names = append(names, d.Field)
		}
	}
	return strings.Join(names, ", ")
}
