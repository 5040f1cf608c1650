package change

import (
	"hash/maphash"
	"slices"
)

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

// meet reports whether a repeated id was met in an earlier row, and returns
// the first of them.
func (r *Repeats) meet(id [16]byte, row int) (first int, again bool) {
	if !r.has(id) {
		return 0, false
	}
	print := maphash.Bytes(r.seed, id[:])
	if first = r.first[print]; first > 0 {
		return first, true
	}
	r.first[print] = row
	return row, false
}

func (r *Repeats) has(id [16]byte) bool {
	if r == nil {
		return false
	}
	_, repeated := r.first[maphash.Bytes(r.seed, id[:])]
	return repeated
}
