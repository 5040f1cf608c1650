package sandbox

import (
	"encoding/hex"
	"strings"
)

// uuid is an id in 16 bytes: a million sessions that nobody asked for yet cost
// little more than these.
type uuid [16]byte

// parseUUID reads the form with hyphens, in either case.
func parseUUID(s string) (uuid, bool) {
	var u uuid
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' || strings.Count(s, "-") != 4 {
		return u, false
	}
	at := 0
	for i := 0; i < 36; i += 2 {
		if s[i] == '-' {
			i++
		}
		high, ok1 := nibble(s[i])
		low, ok2 := nibble(s[i+1])
		if !ok1 || !ok2 {
			return u, false
		}
		u[at] = high<<4 | low
		at++
	}
	return u, true
}

func nibble(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// String gives the canonical form, in lower case.
func (u uuid) String() string {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:36], u[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
