package batch

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// difference is one field that a session holds otherwise than a change asks.
type difference struct {
	Field string // as in the sheet's header: status, attributes.end_date
	Old   string // what the session holds
	New   string // what the change sends
	Proof proof
}

// proof is how far a difference can be trusted.
type proof int

const (
	certain     proof = iota
	unproven          // one of them is an id and the other is not: it may be the same
	shownAsName       // the tenant shows a name for what the sheet writes as an id: it cannot be compared
	untold            // the session does not bear the field at all
)

// comparison is what a session says of a change.
type comparison struct {
	differences []difference // in a fixed order
	untold      []difference // fields that the session does not bear
	same        int          // fields that are as the change asks, for certain
}

// count counts the differences of one proof.
func (c comparison) count(p proof) int {
	n := 0
	for _, d := range c.differences {
		if d.Proof == p {
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
	for i := range c.sent {
		v := &c.sent[i]
		held, told, same := v.in(s)
		switch {
		case told && same:
			found.same++
		case told:
			found.differences = append(found.differences, difference{v.name(), held, v.value, v.proof(held)})
		default:
			found.untold = append(found.untold, difference{v.name(), held, v.value, untold})
		}
	}
	return found
}

// overruled lists the fields in which the session, for certain, holds another
// value than was sent. Every answer passes here, so it makes nothing where
// there is nothing to tell.
func overruled(c *Change, s *api.Session) string {
	if s == nil {
		return ""
	}
	var names []string
	for i := range c.sent {
		v := &c.sent[i]
		if held, told, same := v.in(s); told && !same && v.proof(held) == certain {
			names = append(names, v.name())
		}
	}
	return strings.Join(names, ", ")
}

// in tells what a session holds in the field, whether it bears the field at
// all, and whether that is what was sent.
func (v *sentValue) in(s *api.Session) (held string, told, same bool) {
	switch v.field {
	case sheet.Status:
		return s.Status, s.Has.All(api.FieldStatus), equalNames(s.Status, v.value)
	case sheet.WorkflowID:
		return s.WorkflowID, s.Has.All(api.FieldWorkflowID), strings.EqualFold(s.WorkflowID, v.value)
	case sheet.RequesterID:
		return s.RequesterID, s.Has.All(api.FieldRequesterID), strings.EqualFold(s.RequesterID, v.value)
	case sheet.RequesterType:
		return s.RequesterType, s.Has.All(api.FieldRequesterType), strings.EqualFold(s.RequesterType, v.value)
	case sheet.ProfileID:
		return s.ProfileID, s.Has.All(api.FieldProfileID), strings.EqualFold(s.ProfileID, v.value)
	case sheet.ProfileIDs:
		held = strings.Join(s.ProfileIDs, ",")
		return held, s.Has.All(api.FieldProfileIDs), equalSets(held, v.value)
	}
	if !s.Has.All(api.FieldAttributes) {
		return "", false, false
	}
	held = s.Attributes[v.uid]
	return held, true, equalValues(held, v.value)
}

// proof is how far it can be trusted that what the session holds differs.
func (v *sentValue) proof(held string) proof {
	if v.field == sheet.Attribute {
		return proofOf(v.value, held)
	}
	return certain
}

// equalNames compares statuses, which a tenant may answer with spaces.
func equalNames(a, b string) bool {
	if a == b {
		return true
	}
	for {
		a, b = strings.TrimLeft(a, nameSeparators), strings.TrimLeft(b, nameSeparators)
		switch {
		case a == "" || b == "":
			return a == b
		case a[0] >= utf8.RuneSelf || b[0] >= utf8.RuneSelf:
			return sheet.NormalizeName(a) == sheet.NormalizeName(b)
		case lower(a[0]) != lower(b[0]):
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// nameSeparators are what does not matter in a name.
const nameSeparators = " _-"

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
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
// session as it was read back, and from what it was before, if that is known.
// Running a session can move its status on, so a status alone that differs is
// no proof unless it is still the earlier one, or nothing touched the session.
// That nothing but a run was asked for leaves nothing to compare.
func settle(now comparison, was *comparison, t touch) finding {
	proven := now.count(certain)
	switch {
	case len(now.differences) == 0 && now.same > 0:
		if was != nil && len(was.differences) == 0 {
			return cannotTell // it was so before: that does not show that it ran
		}
		return wasApplied
	case proven == 0, t == touched:
		return cannotTell
	case t == untouched:
		return notApplied
	case proven == 1 && now.names(certain) == "status" && (was == nil || was.held("status") != now.held("status")):
		return cannotTell
	}
	return notApplied
}

// held is what the session holds in a field that differs; "" for another.
func (c comparison) held(field string) string {
	for _, d := range c.differences {
		if d.Field == field {
			return d.Old
		}
	}
	return ""
}

// names lists the fields of the differences of one proof.
func (c comparison) names(p proof) string {
	var names []string
	for _, d := range c.differences {
		if d.Proof == p {
			names = append(names, d.Field)
		}
	}
	return strings.Join(names, ", ")
}
