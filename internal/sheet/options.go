package sheet

import (
	"fmt"
	"os"
	"slices"
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
