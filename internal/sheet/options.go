package sheet

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// UnknownColumns says what becomes of a column that is neither a field nor
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
	Field  string // a field's name or attributes.UID
}

// Options say how a sheet is read. The zero value detects what it can and
// refuses unknown columns.
type Options struct {
	Encoding  string // a WHATWG name such as windows-1252; empty to detect
	Delimiter rune   // 0 to detect
	Columns   []Mapping
	Unknown   UnknownColumns
}

// OptionError tells that an option cannot be used, by itself or with this
// sheet. It is the caller's mistake, not the sheet's.
type OptionError struct {
	Option string // the flag, with its dashes
	Value  string // as given
	Reason string // what is wrong and what to do
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("%s %s: %s", e.Option, shellQuote(e.Value), e.Reason)
}

// ParseMapping reads COLUMN=FIELD. Both halves may hold an equals sign: the
// last one that leaves a field's name on its right divides them. An error is
// an *OptionError.
func ParseMapping(s string) (Mapping, error) {
	bad := func(reason string) (Mapping, error) {
		return Mapping{}, &OptionError{Option: "--map", Value: s, Reason: reason}
	}
	if !strings.Contains(s, "=") {
		return bad("write it as 'COLUMN=FIELD', e.g. 'Contract End=attributes.end_date'")
	}
	for at := strings.LastIndexByte(s, '='); at >= 0; at = strings.LastIndexByte(s[:at], '=') {
		column, field := s[:at], s[at+1:]
		if !mappable(field) {
			continue
		}
		if Trim(column) == "" {
			return bad("no column is named before the equals sign")
		}
		return Mapping{Column: Trim(column), Field: Trim(field)}, nil
	}
	_, field, _ := strings.Cut(s, "=")
	return bad(notMappable(field))
}

// mappable reports whether a column may be mapped to the field. Our own
// result columns are never a target: they would take the sheet for results.
func mappable(field string) bool {
	f, _, ok := ParseField(field)
	return ok && f != Result
}

func notMappable(field string) string {
	if near, ok := NearestField(field); ok {
		return fmt.Sprintf("%s is not a field; did you mean %q?", excerpt(field), near)
	}
	return fmt.Sprintf("%s is not a field; use one of %s or attributes.UID", excerpt(field), strings.Join(fieldNames(), ", "))
}

// validate finds what is wrong with the options alone.
func (o Options) validate() error {
	switch d := o.Delimiter; d {
	case 0:
	case '"', '\r', '\n', utf8.RuneError:
		return &OptionError{Option: "--delimiter", Value: string(d), Reason: "it cannot divide cells; use one character such as , or ; or the word tab"}
	default:
		if !utf8.ValidRune(d) {
			return &OptionError{Option: "--delimiter", Value: string(d), Reason: "not a character"}
		}
	}
	seen := make(map[string]Mapping, len(o.Columns))
	for _, m := range o.Columns {
		if !mappable(m.Field) {
			return &OptionError{Option: "--map", Value: m.Column + "=" + m.Field, Reason: notMappable(m.Field)}
		}
		key := columnKey(m.Column)
		if before, ok := seen[key]; ok && before.Field != m.Field {
			return &OptionError{Option: "--map", Value: m.Column + "=" + m.Field, Reason: fmt.Sprintf("the column is mapped to %s already", before.Field)}
		}
		seen[key] = m
	}
	return nil
}

// shellQuote writes a value as it can be typed after a flag.
func shellQuote(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if strings.ContainsRune(s, '\'') {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s) + `"`
	}
	return "'" + s + "'"
}
