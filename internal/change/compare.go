package change

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// Difference is one field in which a session is not as a change asks.
type Difference struct {
	*value           // that the change sends
	Held      string // what the session holds
	Certainty Certainty
}

// Label is the field's name in a header.
func (d Difference) Label() string { return d.label }

// Asked is what the change asks for.
func (d Difference) Asked() string { return d.text }

// Remark says why the two cannot be compared, if so.
func (d Difference) Remark() string {
	return [...]string{
		Unproven:    "cannot be compared: an id and a name",
		ShownAsName: "cannot be compared: the tenant shows a name",
		Missing:     "cannot be compared: the tenant does not tell this field",
	}[d.Certainty]
}

// Certainty is how far a difference can be trusted.
type Certainty int

// The certainties.
const (
	// Certain: the session holds another value.
	Certain Certainty = iota
	// Unproven: one of the values is an id and the other is not. They may be
	// the same.
	Unproven
	// ShownAsName: the tenant shows a name for what the sheet writes as an
	// id, so that they cannot be compared.
	ShownAsName
	// Missing: the answer does not have the field, which says nothing either
	// way.
	Missing
)

// Comparison is what a session says about a change. It is valid as long as the
// change is.
type Comparison struct {
	differences []Difference // in the body's order, without those that are missing
	same        int          // fields that are as the change asks
	values      []value      // that the change sends
	has         api.Fields   // of the session
	run         bool         // the change runs its session
}

// Compare compares a session with what a change asks for. Without a session
// there is nothing to compare, and no difference. Every answer to a PATCH passes
// here, so nothing is made for a field that it shows as asked or not at all.
func Compare(c *Change, s *api.Session) Comparison {
	found := Comparison{values: c.values, has: ^api.Fields(0), run: c.Run}
	if s == nil {
		return found
	}
	found.has = s.Has
	for i := range c.values {
		v := &c.values[i]
		switch held, certainty, same := v.compare(s); {
		case certainty == Missing:
		case same:
			found.same++
		default:
			found.differences = append(found.differences, Difference{v, held, certainty})
		}
	}
	return found
}

// All returns the differences, those that are missing last.
func (c Comparison) All() []Difference {
	all := slices.Clip(c.differences)
	for i := range c.values {
		if v := &c.values[i]; !c.has.All(v.field.has) {
			all = append(all, Difference{v, "", Missing})
		}
	}
	return all
}

// compare returns what a session holds in the field and whether that is what
// the change sends, or how certain it is that it is not.
func (v *value) compare(s *api.Session) (held string, certainty Certainty, same bool) {
	if !s.Has.All(v.field.has) {
		return "", Missing, false
	}
	if v.Field != sheet.Attribute {
		held = v.field.Get(s)
		return held, Certain, v.field.same(held, v.text)
	}
	held = s.Attributes[v.UID]
	if v.field.same(held, v.text) {
		return held, Certain, true
	}
	return held, certaintyOf(v.text, held), false
}

// Matches reports whether nothing is left to change: every field was there to
// be compared, and none is known to differ. A name in the place of an id is all
// that the tenant ever shows of it: sending it for that would send it at every
// run. Running a session is a change of its own.
func (c Comparison) Matches() bool {
	return !c.run && c.same+c.Count(ShownAsName) == len(c.values)
}

// HoldsAll reports whether the session shows a value wherever the change would
// overwrite one.
func (c Comparison) HoldsAll() bool {
	return !slices.ContainsFunc(c.All(), func(d Difference) bool { return d.Held == "" })
}

// Count returns how many differences have a certainty other than Missing.
func (c Comparison) Count(certainty Certainty) int {
	return len(c.labels(certainty))
}

// Names lists the fields of the differences that have a certainty other than
// Missing.
func (c Comparison) Names(certainty Certainty) string {
	return strings.Join(c.labels(certainty), ", ")
}

func (c Comparison) labels(certainty Certainty) (labels []string) {
	for _, d := range c.differences {
		if d.Certainty == certainty {
			labels = append(labels, d.label)
		}
	}
	return labels
}

// Without leaves a field out of the comparison.
func (c Comparison) Without(field string) Comparison {
	c.differences = slices.DeleteFunc(c.differences, func(d Difference) bool { return d.label == field })
	return c
}

// in returns the difference in a field; the zero value where there is none.
func (c Comparison) in(field string) Difference {
	for _, d := range c.All() {
		if d.label == field {
			return d
		}
	}
	return Difference{}
}

// Describe is one line for each difference, `field: old → new`. What cannot be
// compared is marked.
func (c Comparison) Describe() string {
	var lines []string
	for _, d := range c.All() {
		held := orEmpty(d.Held)
		if d.Certainty == Missing {
			held = "(not told)"
		}
		line := d.label + ": " + held + " → " + orEmpty(d.text)
		if remark := d.Remark(); remark != "" {
			line += " (" + remark + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func orEmpty(value string) string {
	if value == "" {
		return "(empty)"
	}
	return value
}

// sameName compares statuses, which a tenant may answer with spaces.
func sameName(a, b string) bool {
	return a == b || sheet.NormalizeName(a) == sheet.NormalizeName(b)
}

// sameSet compares lists without regard to order, case and repeats.
func sameSet(a, b string) bool {
	return a == b || slices.Equal(set(strings.ToLower(a)), set(strings.ToLower(b)))
}

// sameText compares attribute values: line breaks come back in one form, and
// several values may come back with another space after the comma.
func sameText(held, sent string) bool {
	if held == sent {
		return true
	}
	held = unifyBreaks(held)
	return sheet.Trim(held) == sent || strings.Contains(sent, ",") && slices.Equal(split(held), split(sent))
}

// unifyBreaks makes every sort of line break an LF, since one sheet can come
// from several systems.
func unifyBreaks(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// split takes apart values that are joined by commas.
func split(s string) []string {
	all := strings.Split(s, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// set is split sorted, without empty ones and repeats.
func set(s string) []string {
	all := slices.DeleteFunc(split(s), func(p string) bool { return p == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// certaintyOf returns how certain it is that two attribute values that are not
// the same text differ. Profile, owner and contributor attributes are written
// as ids or names and read back as names, a user's with the mail address in
// brackets, so that a name in the place of an id proves nothing.
func certaintyOf(sent, held string) Certainty {
	if sent == "" || held == "" {
		return Certain
	}
	if samePeople(sent, held) {
		return ShownAsName
	}
	sentNames, heldNames := plainNames(sent), plainNames(held)
	sentIDs, sentOthers := onlyIn(sentNames, heldNames)
	heldIDs, heldOthers := onlyIn(heldNames, sentNames)
	switch {
	case sentIDs > 0 && sentOthers == 0 && heldIDs == 0 && heldOthers > 0:
		return ShownAsName
	case sentIDs > 0 && heldOthers > 0, sentOthers > 0 && heldIDs > 0:
		return Unproven
	}
	return Certain
}

// onlyIn counts the values of a list that the other one has not: ids, and
// whatever else.
func onlyIn(list, other []string) (ids, others int) {
	for _, value := range list {
		switch {
		case slices.Contains(other, value):
		case isUUID(value):
			ids++
		default:
			others++
		}
	}
	return ids, others
}

// plainNames takes a list of names or ids apart. Ids are in lower case, and
// " (user@example.com)" is cut off a name.
func plainNames(s string) []string {
	names := split(s)
	for i, name := range names {
		if isUUID(name) {
			names[i] = lowerUUID(name)
		} else if at := strings.LastIndex(name, " ("); at > 0 && strings.HasSuffix(name, ")") && strings.Contains(name[at:], "@") {
			names[i] = name[:at]
		}
	}
	return names
}

// MaybeApplied reports whether a row that failed may have been applied
// nevertheless: its last answer leaves that open, or there was an attempt
// before it. status is 0 when there was no answer.
func MaybeApplied(attempts, status int) bool {
	switch {
	case attempts == 0:
		return false
	case attempts > 1, status == http.StatusRequestTimeout:
		return true
	}
	return status < 300 || status >= 500
}

// MayHaveWritten reports whether a row has changed its session, or may have, by
// its latest outcome; an empty one is none. inFlight: a request was to leave since,
// of which nothing is known.
func MayHaveWritten(outcome string, inFlight bool, attempts, status int) bool {
	switch outcome {
	case "updated", "unknown":
		return true
	case "failed":
		return inFlight || MaybeApplied(attempts, status)
	}
	return inFlight
}

// Applied is what a session that was read back says about a change that may
// have been applied.
type Applied int

// What can be said.
const (
	AppliedUnknown Applied = iota
	WasApplied
	NotApplied
	// PerhapsApplied: it was, as far as clocks of whole seconds show.
	PerhapsApplied
)

// Modified is whether a session was changed since a request left.
type Modified int

// What can be said.
const (
	ModifiedUnknown Modified = iota
	Unmodified
	ModifiedAround // shortly before or after
	PerhapsModified
	WasModified
)

// clockSlack is how long before a request left a session must have been
// modified for Unmodified: the clocks of a tenant's machines differ.
const clockSlack = 2 * time.Second

// Left is when a request left, by the tenant's clock: between the two times.
// The zero value is not known.
type Left struct{ Earliest, Latest time.Time }

// ModifiedSince decides by the session's updated_at. before is the session as
// it was read before the request left; nil if it was not.
func ModifiedSince(s, before *api.Session, left Left) Modified {
	updated, err := time.Parse(time.RFC3339, s.UpdatedAt)
	precision := time.Second
	if strings.Contains(s.UpdatedAt, ".") {
		precision = time.Millisecond
	}
	switch known := before != nil && before.UpdatedAt != ""; {
	case err != nil, left.Earliest.IsZero():
		return ModifiedUnknown
	case updated.Before(left.Earliest.Add(-clockSlack)):
		return Unmodified
	case known && before.UpdatedAt == s.UpdatedAt, updated.Add(precision).Before(left.Earliest):
		return ModifiedAround
	case known, !updated.Before(left.Latest):
		return WasModified
	}
	return PerhapsModified
}

// Applied decides whether a change that may have been applied was, from the
// session as it was read back, and from what it was before, if that is known.
//
// Of a change that runs its session, equal values show nothing by themselves:
// they may have been so before. One of them must have been another, or the
// session must have been modified since. Running a session can move its status
// on, so a status alone that differs is no proof unless it is still the earlier
// one, or nothing modified the session. That nothing but a run was asked for
// leaves nothing to compare.
func (c Comparison) Applied(before *Comparison, m Modified) Applied {
	certain := c.Count(Certain)
	switch {
	case len(c.differences) == 0 && c.same > 0:
		switch {
		case !c.run, before != nil && c.mended(before), m == WasModified:
			return WasApplied
		case m == PerhapsModified:
			return PerhapsApplied
		}
		return AppliedUnknown
	case certain == 0:
		return AppliedUnknown
	case !c.run:
		return NotApplied
	case m > Unmodified:
		return AppliedUnknown
	case m == Unmodified:
		return NotApplied
	case certain == 1 && c.Names(Certain) == "status" && (before == nil || before.in("status").Held != c.in("status").Held):
		return AppliedUnknown
	}
	return NotApplied
}

// mended reports whether a field that is as the change asks was another before.
func (c Comparison) mended(before *Comparison) bool {
	return slices.ContainsFunc(before.differences, func(d Difference) bool {
		return d.Certainty == Certain && c.in(d.label).value == nil
	})
}
