package batch

import (
	"strings"

	"nermbulk/internal/sheet"
)

// A UUID in its canonical form: 36 characters with hyphens.
const uuidLength = 36

// nibble holds the value of a hexadecimal digit, or 0xff.
var nibble = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i := range 10 {
		table['0'+i] = byte(i)
	}
	for i := range 6 {
		table['a'+i], table['A'+i] = byte(10+i), byte(10+i)
	}
	return table
}()

// uuidParts are where the groups of digits of a UUID begin and end.
var uuidParts = [...]struct{ from, to int }{{0, 8}, {9, 13}, {14, 18}, {19, 23}, {24, 36}}

// isHyphenated reports whether s has a UUID's length and its hyphens where
// they belong.
func isHyphenated(s string) bool {
	return len(s) == uuidLength && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-'
}

// parseUUID reads a UUID with its hyphens and no braces, in capitals or not.
func parseUUID(s string) (id [16]byte, ok bool) {
	if !isHyphenated(s) {
		return id, false
	}
	at, all := 0, byte(0)
	for _, part := range uuidParts {
		for i := part.from; i < part.to; i += 2 {
			high, low := nibble[s[i]], nibble[s[i+1]]
			all |= high | low
			id[at] = high<<4 | low
			at++
		}
	}
	return id, all <= 0x0f
}

// appendUUID appends a UUID in lower case, or nothing when s is none.
func appendUUID(b []byte, s string) ([]byte, bool) {
	if !isHyphenated(s) {
		return b, false
	}
	at, all := len(b), byte(0)
	b = append(b, s...)
	for _, part := range uuidParts {
		group := b[at+part.from : at+part.to]
		for i, c := range group {
			all |= nibble[c]
			group[i] = c | 0x20 // a digit stays as it is, a letter becomes small
		}
	}
	if all > 0x0f {
		return b[:at], false
	}
	return b, true
}

// lowerUUID avoids an allocation for an id that is in lower case already.
func lowerUUID(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// repairUUID gives the canonical form of a UUID that is certain although it
// was written in another way: in braces, without hyphens, or both.
func repairUUID(s string) (string, bool) {
	if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
		s = sheet.Trim(s[1 : len(s)-1])
	}
	if len(s) == 32 && !strings.Contains(s, "-") {
		s = s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
	}
	if _, ok := parseUUID(s); !ok {
		return "", false
	}
	return lowerUUID(s), true
}
