package change

import (
	"hash/maphash"
	"slices"
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

// IDs finds ids that are in more than one row, in 8 bytes an id, so that ten
// million of them stay within the memory budget. It keeps a keyed 64-bit
// fingerprint of each id; that two different ids of ten million share one has
// odds of one to several hundred thousand.
type IDs struct {
	seed maphash.Seed
	// parts are the fingerprints by their first byte: a part is small enough
	// to grow, and to be sorted, without much memory to spare.
	parts [256][]uint64
}

// NewIDs returns an empty set.
func NewIDs() *IDs { return &IDs{seed: maphash.MakeSeed()} }

func (s *IDs) add(id [16]byte) {
	print := maphash.Bytes(s.seed, id[:])
	part := &s.parts[print>>56]
	*part = append(*part, print)
}

// Repeats returns the ids that were added more than once, or nil if there are
// none. Nothing can be added afterwards.
func (s *IDs) Repeats() *Repeats {
	first := map[uint64]int{}
	for i, part := range s.parts {
		slices.Sort(part)
		for j := 1; j < len(part); j++ {
			if part[j] == part[j-1] {
				first[part[j]] = 0
			}
		}
		s.parts[i] = nil
	}
	if len(first) == 0 {
		return nil
	}
	return &Repeats{s.seed, first}
}

// Repeats are the ids that are in more than one row of a sheet. A nil *Repeats
// has none.
type Repeats struct {
	seed  maphash.Seed
	first map[uint64]int // the first row of an id, once it was met; else 0
}

// firstRow returns the first row in which a repeated id was met: this one, if
// there was none.
func (r *Repeats) firstRow(id [16]byte, row int) int {
	print := maphash.Bytes(r.seed, id[:])
	if r.first[print] == 0 {
		r.first[print] = row
	}
	return r.first[print]
}

func (r *Repeats) has(id [16]byte) bool {
	if r == nil {
		return false
	}
	_, repeated := r.first[maphash.Bytes(r.seed, id[:])]
	return repeated
}
