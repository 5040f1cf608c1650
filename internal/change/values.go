package change

import (
	"fmt"
	"slices"
	"strings"

	"nermbulk/internal/sheet"
)

// ValueRule gives a sheet's own word for a value: a cell of the field that holds
// the word is read as if it held the value.
type ValueRule struct {
	Field sheet.Field
	UID   string // of an attribute
	Cell  string // compared by sheet.FoldCase
	Value string
	// Optional rules are left out as those of dates are.
	Optional bool
}

// String returns the rule as it is parsed.
func (v ValueRule) String() string { return v.label() + ":" + v.Cell + "=" + v.Value }

func (v ValueRule) label() string { return Label(v.Field, v.UID) }

func (v ValueRule) isOf(c sheet.Column) bool {
	return c.Field == v.Field && sheet.SameUID(c.UID, v.UID)
}

// ParseValueRule reads FIELD:CELL=VALUE, e.g. status:Abgelehnt=rejected. The
// last equals sign divides cell and value.
func ParseValueRule(s string) (ValueRule, error) {
	name, rest, ok := strings.Cut(s, ":")
	at := strings.LastIndexByte(rest, '=')
	if !ok || at < 0 {
		return ValueRule{}, fmt.Errorf("%q is not FIELD:CELL=VALUE, e.g. status:Abgelehnt=rejected", s)
	}
	names := SheetFields()
	field, uid, known := names.Parse(strings.TrimSpace(name))
	switch {
	case !known:
		hint := "use a field such as status, or attributes.UID"
		if near, ok := names.Nearest(name); ok {
			hint = "did you mean " + quote(near) + "?"
		}
		return ValueRule{}, fmt.Errorf("%s is not a field; %s", quote(name), hint)
	case !Acts(field):
		return ValueRule{}, fmt.Errorf("a cell of %s has no other words: use a field that is sent, such as status, or attributes.UID", quote(name))
	}
	v := ValueRule{Field: field, UID: uid, Cell: sheet.Trim(rest[:at]), Value: sheet.Trim(rest[at+1:])}
	if v.Cell == "" {
		return ValueRule{}, fmt.Errorf("%q names no cell: an empty cell changes nothing", s)
	}
	return v, nil
}

// check returns what is wrong with the value itself.
func (v ValueRule) check(rules *Rules) error {
	if _, ok := parseBoolean(v.Value); v.Field == run && v.Value != "" && !ok {
		return fmt.Errorf("%s is neither yes nor no: use true or false", quote(v.Value))
	}
	f := fieldOf(v.Field)
	if f == nil || f.parse == nil || v.Value == "" {
		return nil
	}
	if _, wrong := f.parse(v.Value, rules); wrong != nil {
		return fmt.Errorf("%s", wrong.message)
	}
	return nil
}

// AddValue adds a rule for a word. An error says what is wrong with it.
func (r *Rules) AddValue(v ValueRule) error {
	for _, other := range r.Values {
		if other.label() == v.label() && sheet.FoldCase(other.Cell) == sheet.FoldCase(v.Cell) && other.Value != v.Value {
			return fmt.Errorf("%s stands for %s already", quote(v.Cell), quote(other.Value))
		}
	}
	r.Values = append(r.Values, v)
	return v.check(r)
}

// words returns the values of a column's own words, by sheet.FoldCase; nil if it
// has none.
func (r *Rules) words(c sheet.Column) map[string]string {
	var words map[string]string
	for _, v := range r.Values {
		if !v.isOf(c) {
			continue
		}
		if words == nil {
			words = map[string]string{}
		}
		words[sheet.FoldCase(v.Cell)] = v.Value
	}
	return words
}

// replaced returns the text that a trimmed cell is read as.
func replaced(words map[string]string, cell string) string {
	if words == nil || cell == "" {
		return cell
	}
	if value, ok := words[sheet.FoldCase(cell)]; ok {
		return value
	}
	return cell
}

// Missing returns the error of the first rule that no column fits, nil if all of
// them do.
func (r Rules) Missing(columns []sheet.Column) error {
	r = r.Fitting(columns)
	missing := func(flag, label string) error {
		return &sheet.OptionError{Option: flag, Value: label, Reason: "the sheet has no such column"}
	}
	for _, d := range r.Dates {
		if !slices.ContainsFunc(columns, d.isOf) {
			return missing("--date", Label(sheet.Attribute, d.UID))
		}
	}
	for _, v := range r.Values {
		if !slices.ContainsFunc(columns, v.isOf) {
			return missing("--value", v.label())
		}
	}
	return nil
}

// Fitting returns the rules that hold for a sheet with these columns: without
// the optional ones that are left out.
func (r Rules) Fitting(columns []sheet.Column) Rules {
	written := slices.ContainsFunc(columns, func(c sheet.Column) bool { return c.Field == sheet.Result })
	isOut := func(optional bool, isOf func(sheet.Column) bool) bool {
		return optional && (written || !slices.ContainsFunc(columns, isOf))
	}
	r.Dates = slices.DeleteFunc(slices.Clone(r.Dates), func(d DateRule) bool { return isOut(d.Optional, d.isOf) })
	r.Values = slices.DeleteFunc(slices.Clone(r.Values), func(v ValueRule) bool { return isOut(v.Optional, v.isOf) })
	return r
}
