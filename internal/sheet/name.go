package sheet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// known lists the fields that have a fixed name: as the API spells it, and as
// NormalizeName leaves it.
var known = []struct {
	field Field
	name  string
	plain string
}{
	{ID, "id", "id"},
	{Status, "status", "status"},
	{WorkflowID, "workflow_id", "workflowid"},
	{RequesterID, "requester_id", "requesterid"},
	{RequesterType, "requester_type", "requestertype"},
	{ProfileID, "profile_id", "profileid"},
	{ProfileIDs, "profile_ids", "profileids"},
	{Run, "run", "run"},
	{ReadOnly, "uid", "uid"},
	{ReadOnly, "created_at", "createdat"},
	{ReadOnly, "updated_at", "updatedat"},
}

// String gives the field's name as the API spells it. The fields that share
// no single name have a word of their own.
func (f Field) String() string {
	switch f {
	case Ignored:
		return "ignored"
	case Attribute:
		return "attributes"
	case ReadOnly:
		return "read-only"
	case Result:
		return "result"
	}
	for _, k := range known {
		if k.field == f {
			return k.name
		}
	}
	return "unknown"
}

func fieldNames() []string {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.name
	}
	return names
}

// ParseField tells what a header's name means by itself. The uid is given for
// an attribute (exactly as typed, trimmed) and for a result column (lower
// case).
func ParseField(name string) (field Field, uid string, ok bool) {
	if prefix, rest, dotted := strings.Cut(name, "."); dotted {
		rest = Trim(rest)
		switch NormalizeName(prefix) {
		case "attributes", "attr":
			return Attribute, rest, rest != ""
		case "result":
			return Result, strings.ToLower(rest), true
		}
		return Ignored, "", false
	}
	plain := NormalizeName(name)
	for _, k := range known {
		if k.plain == plain {
			return k.field, "", true
		}
	}
	return Ignored, "", false
}

// columnKey is equal for two headers that name the same column.
func columnKey(name string) string {
	if field, uid, ok := ParseField(name); ok && field == Attribute {
		return "attributes." + uid
	}
	return NormalizeName(name)
}

// NormalizeName makes names comparable: without case, spaces of any kind, '_'
// and '-'. It allocates only where something has to change.
func NormalizeName(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		c := s[i]
		clean = c > ' ' && c < 0x7f && c != '_' && c != '-' && (c < 'A' || c > 'Z')
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || isSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// Trim takes white space off both ends of a cell: spaces, tabs and line
// breaks, no-break and zero-width spaces too.
func Trim(cell string) string {
	if cell == "" {
		return cell
	}
	// Nearly every cell begins and ends with a plain character.
	if first, last := cell[0], cell[len(cell)-1]; first > ' ' && first < utf8.RuneSelf && last > ' ' && last < utf8.RuneSelf {
		return cell
	}
	return strings.TrimFunc(cell, isSpace)
}

func isSpace(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\r':
		return true
	case '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
		return true // zero width: unicode.IsSpace knows none of them
	}
	return r > '~' && unicode.IsSpace(r) || r == '\v' || r == '\f'
}

// blank reports whether nothing but white space is in the bytes.
func blank(b []byte) bool {
	for len(b) > 0 {
		if c := b[0]; c < utf8.RuneSelf {
			if !isSpace(rune(c)) {
				return false
			}
			b = b[1:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		if !isSpace(r) {
			return false
		}
		b = b[n:]
	}
	return true
}
