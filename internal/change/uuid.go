package change

import (
	"strings"

	"github.com/google/uuid"

	"nermbulk/internal/sheet"
)

// parseUUID reads a UUID with its hyphens and no braces, in capitals or not:
// uuid.Parse takes other forms as well.
func parseUUID(s string) (id uuid.UUID, ok bool) {
	if len(s) != 36 {
		return id, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil
}

func isUUID(s string) bool {
	_, ok := parseUUID(s)
	return ok
}

// lowerUUID returns a UUID in lower case: strings.ToLower takes four times as
// long for one that is.
func lowerUUID(s string) string {
	bit := byte(0x20) // digits, hyphens and small letters have it
	for i := range len(s) {
		bit &= s[i]
	}
	if bit != 0 {
		return s
	}
	return strings.ToLower(s)
}

// repairUUID returns the canonical form of a UUID that is certain although it
// was written in another way: in braces, without hyphens, or both.
func repairUUID(s string) (string, bool) {
	if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
		s = sheet.Trim(s[1 : len(s)-1])
	}
	if len(s) != 32 && len(s) != 36 {
		return "", false // uuid.Parse takes a urn, too
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return "", false
	}
	return id.String(), true
}
