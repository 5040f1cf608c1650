package sheet

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"nermbulk/internal/text"
)

// UnknownColumns decides about a column that is neither a field nor
// mapped to one.
type UnknownColumns int

// The ways of treating an unknown column.
const (
	UnknownError     UnknownColumns = iota // a problem of the whole sheet
	UnknownAttribute                       // an attribute whose uid is the header
	UnknownIgnore                          // neither checked nor sent
)

// Mapping gives a sheet's own header the meaning of a field.
type Mapping struct {
	Column string // matched like any header name
	Field  string // a field's name, attributes.UID, an attribute's label or IgnoreColumn
	// Optional mappings are left out for a sheet that has no such column, and
	// for one that a run wrote; others are an error there.
	Optional bool
}

// Options say how a sheet is read. The zero value detects what it can and
// refuses unknown columns.
type Options struct {
	Fields    Fields
	Encoding  string // a WHATWG name such as windows-1252; empty to detect
	Delimiter rune   // 0 to detect
	Columns   []Mapping
	Where     []Condition
	Part      Part
	Unknown   UnknownColumns
	// LabelsLater leaves to Resolve what a column is mapped to that is no field:
	// it may be an attribute's label.
	LabelsLater bool

	// Worksheet and HiddenRows are for a workbook, and mean nothing elsewhere.
	Worksheet  string // its name; empty for the only one with data
	HiddenRows HiddenRows
	// DateLayouts returns the layout (of package time) in which the dates of each
	// column are read, and a workbook's real ones so written; empty for ISO 8601.
	// It may be nil.
	DateLayouts func(columns []Column) []string
	// Scratch makes a file that is gone once it is closed or the process has
	// ended. Without it, no workbook can be read.
	Scratch func() (*os.File, error)
}

// OptionError is an option that cannot be used, by itself or with this sheet.
// It is the caller's mistake, not the sheet's.
type OptionError struct {
	Option string // the flag, with its dashes
	Value  string // as given; may be empty
	Reason string // what is wrong and what to do
	// Choices are the values that the file leaves to choose from, as far as it
	// says; nil where it does not.
	Choices []string
}

func (e *OptionError) Error() string {
	if e.Value == "" {
		return e.Option + ": " + e.Reason
	}
	return fmt.Sprintf("%s %s: %s", e.Option, commandWord(e.Value), e.Reason)
}

// ParseMapping reads COLUMN=FIELD. Both halves may hold an equals sign: the
// last one that leaves a field's name on its right divides them, or else the
// last one. What is no field may be a label, which Open or Resolve decides. An
// error is an *OptionError.
func (f Fields) ParseMapping(s string) (Mapping, error) {
	bad := func(reason string) (Mapping, error) {
		return Mapping{}, &OptionError{Option: "--map", Value: s, Reason: reason}
	}
	if !strings.Contains(s, "=") {
		return bad("write it as COLUMN=FIELD, e.g. " + text.ShellQuote("Contract End=attributes.end_date"))
	}
	for at := strings.LastIndexByte(s, '='); at >= 0; at = strings.LastIndexByte(s[:at], '=') {
		column, field := s[:at], s[at+1:]
		if !f.mappable(field) {
			continue
		}
		if Trim(column) == "" {
			return bad("no column is named before the equals sign")
		}
		return Mapping{Column: Trim(column), Field: Trim(field)}, nil
	}
	at := strings.LastIndexByte(s, '=')
	column, field := Trim(s[:at]), Trim(s[at+1:])
	if meant, _, _ := f.Parse(field); meant != Ignored || column == "" || field == "" {
		return bad(f.notMappable(field)) // a result, or an attribute without a uid
	}
	return Mapping{Column: column, Field: field}, nil
}

func (f Fields) notMappable(name string) string {
	if field, _, ok := f.Parse(name); ok && field == Result {
		return fmt.Sprintf("%s is what a run writes of its results, which is not sent; use one of %s, attributes.UID or ignore", quoted(name), strings.Join(f.names(), ", "))
	}
	if found := f.Labels.named(name); len(found) > 1 {
		return ambiguous(name, found) + ": use one of their uids"
	}
	message := quoted(name) + " is not a field"
	if f.Labels != nil {
		message += ", and no attribute's label"
	}
	if near, ok := f.Nearest(name); ok {
		return fmt.Sprintf("%s; did you mean %s?", message, quoted(near))
	}
	return fmt.Sprintf("%s; use one of %s, attributes.UID or ignore", message, strings.Join(f.names(), ", "))
}

// String returns the mapping as it is parsed.
func (m Mapping) String() string { return m.Column + "=" + m.Field }

// refuse returns the error of a mapping that cannot be used.
func (m Mapping) refuse(reason string) error {
	return &OptionError{Option: "--map", Value: m.String(), Reason: reason}
}

// validate finds what is wrong with the options alone.
func (o Options) validate() error {
	refuse := func(reason string) error {
		return &OptionError{Option: "--delimiter", Value: string(o.Delimiter), Reason: reason}
	}
	switch o.Delimiter {
	case '"', '\r', '\n', utf8.RuneError:
		return refuse("it cannot divide cells; use one character such as , or ; or the word tab")
	}
	if !utf8.ValidRune(o.Delimiter) {
		return refuse("not a character")
	}
	fields := make(map[string]string, len(o.Columns))
	for _, m := range o.Columns {
		if !o.LabelsLater && !o.Fields.mappable(m.Field) {
			return m.refuse(o.Fields.notMappable(m.Field))
		}
		key := columnKey(m.Column)
		if before, ok := fields[key]; ok && before != m.Field {
			return m.refuse(fmt.Sprintf("the column is mapped to %s already", before))
		}
		fields[key] = m.Field
	}
	return nil
}

// means reports whether a header cell has a meaning, by its name or mapped.
func (o Options) means(name string) bool {
	if _, _, ok := o.Fields.Parse(name); ok {
		return true
	}
	key := columnKey(name)
	return slices.ContainsFunc(o.Columns, func(m Mapping) bool { return columnKey(m.Column) == key })
}

// Condition chooses rows by the text of a cell, COLUMN=VALUE. Which equals sign
// divides it depends on the sheet's columns: the first one that has a column on
// its left.
type Condition struct {
	Text string
	// Optional conditions are left out as optional mappings are.
	Optional bool
}

// String returns the condition as it was given.
func (c Condition) String() string { return c.Text }

// conditions are those that hold for a sheet. Of one column, a row may have any
// of the values; all columns must have one.
type conditions struct {
	held   []Condition
	values map[int]map[string]bool // by the column's place, and by FoldCase
}

// choose finds the columns of conditions among the header's cells.
func (h *header) choose(cells []string, all []Condition) error {
	h.where.values = map[int]map[string]bool{}
	for _, c := range all {
		if c.Optional && h.results {
			continue
		}
		column, value, err := divide(c.Text, cells)
		switch {
		case err == nil:
			if h.where.values[column] == nil {
				h.where.values[column] = map[string]bool{}
			}
			h.where.values[column][FoldCase(value)] = true
			h.where.held = append(h.where.held, c)
		case !c.Optional:
			return err
		}
	}
	return nil
}

// divide finds the column of a condition. An error is an *OptionError.
func divide(condition string, cells []string) (column int, value string, err error) {
	refuse := func(reason string) error {
		return &OptionError{Option: "--where", Value: condition, Reason: reason}
	}
	first, _, ok := strings.Cut(condition, "=")
	if !ok {
		return 0, "", refuse("write it as COLUMN=VALUE, e.g. Department=Sales")
	}
	for at, c := range condition {
		if c != '=' {
			continue
		}
		switch found := columnsNamed(cells, condition[:at]); len(found) {
		case 0:
		case 1:
			return found[0], condition[at+1:], nil
		default:
			return 0, "", refuse(fmt.Sprintf("columns %s and %s have that header: rename one of them", Letter(found[0]), Letter(found[1])))
		}
	}
	return 0, "", refuse(noColumn(first, cells))
}

// hold reports whether the conditions choose a row.
func (w *conditions) hold(cells []string) bool {
	for column, values := range w.values {
		if !values[FoldCase(cells[column])] {
			return false
		}
	}
	return true
}

// noRow says that no row is chosen.
func (w *conditions) noRow() Problem {
	var held []string
	for _, c := range w.held {
		held = append(held, quoted(c.Text))
	}
	return noRows("the sheet has no row with " + strings.Join(held, " and ") + " (--where)")
}

// Where returns the conditions of the options that hold for this sheet. Rows
// that they leave out are none of its rows, as blank ones are.
func (s *Sheet) Where() []Condition { return s.header.where.held }

// Part is part Number of Of parts of a sheet, from 1 on: rows are divided by
// their ids, so that a row stays in its part however the sheet is edited, and
// rows of one id are together. The zero value is all rows.
type Part struct{ Number, Of int }

// ParsePart reads a part as String writes it.
func ParsePart(text string) (p Part, ok bool) {
	if text == "" {
		return Part{}, true
	}
	number, of, _ := strings.Cut(text, "/")
	n, err1 := strconv.ParseUint(number, 10, 31)
	all, err2 := strconv.ParseUint(of, 10, 31)
	return Part{int(n), int(all)}, err1 == nil && err2 == nil && 1 <= n && n <= all
}

// String is "2/4", and empty for all rows.
func (p Part) String() string {
	if p == (Part{}) {
		return ""
	}
	return fmt.Sprintf("%d/%d", p.Number, p.Of)
}

// Words is "part 2 of 4", and "the whole sheet" for all rows.
func (p Part) Words() string {
	if p == (Part{}) {
		return "the whole sheet"
	}
	return fmt.Sprintf("part %d of %d", p.Number, p.Of)
}

// Has reports whether a session's rows are in the part.
func (p Part) Has(id string) bool {
	if p.Of <= 1 {
		return true
	}
	sum := sha256.Sum256([]byte(strings.ToLower(Trim(id))))
	return binary.BigEndian.Uint64(sum[:8])%uint64(p.Of) == uint64(p.Number-1)
}

// Apart reports whether no session can be in both parts.
func (p Part) Apart(other Part) bool { return p.Of == other.Of && p.Number != other.Number }

// Part returns the part that the options choose. Rows of the others are none of
// the sheet's rows, but for EachOfAllParts.
func (s *Sheet) Part() Part { return s.options.Part }

// inPart reports whether a row is of the chosen part. While the ids of a sheet of
// uids are not known, each one is.
func (s *Sheet) inPart(cells []string) bool {
	if s.options.Part.Of <= 1 {
		return true
	}
	if uid := s.header.index(UID); uid >= 0 {
		return s.ids == nil || s.options.Part.Has(s.ids.of(Trim(cells[uid])))
	}
	id := s.header.index(ID)
	return id < 0 || s.options.Part.Has(cells[id])
}
