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

// isHyphenated reports whether s has a UUID's length and its hyphens where
// they belong, and nowhere else.
func isHyphenated(s string) bool {
	return len(s) == uuidLength && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && strings.Count(s, "-") == 4
}

// parseUUID reads a UUID with its hyphens and no braces, in capitals or not.
func parseUUID(s string) (id [16]byte, ok bool) {
	if !isHyphenated(s) {
		return id, false
	}
	at := 0
	for i := 0; i < uuidLength; {
		if s[i] == '-' {
			i++
			continue
		}
		high, low := nibble[s[i]], nibble[s[i+1]]
		if high|low > 0x0f {
			return id, false
		}
		id[at] = high<<4 | low
		at++
		i += 2
	}
	return id, true
}

// uuidByte gives each byte that a UUID may hold in lower case, 0 for others.
var uuidByte = func() (table [256]byte) {
	table['-'] = '-'
	for c := range table {
		if nibble[c] <= 0x0f {
			table[c] = hexDigits[nibble[c]]
		}
	}
	return table
}()

// appendUUID appends a UUID in lower case, or nothing when s is none.
func appendUUID(b []byte, s string) ([]byte, bool) {
	if !isHyphenated(s) {
		return b, false
	}
	at := len(b)
	b = append(b, s...)
	for i, c := range b[at:] {
		lower := uuidByte[c]
		if lower == 0 {
			return b[:at], false
		}
		b[at+i] = lower
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
