package change

import (
	"hash/maphash"
	"math/bits"
)

// IDs finds ids that are in more than one row, in 12 bytes an id and
// little slack, so that ten million of them stay within the memory budget. It
// keeps a keyed 64-bit fingerprint of each id; that two different ids of ten
// million share one has odds of one to several hundred thousand.
type IDs struct {
	seed   maphash.Seed
	shards [shardCount]idShard
	room   int // slots that a shard will need for all the ids that are expected; 0 = not known
	again  int // rows whose id was in an earlier row
}

const shardCount = 256

// idShard is one open-addressing table with linear probing. A table of many
// shards grows one small shard at a time, never all at once.
type idShard struct {
	slots []idSlot
	used  int
}

// idSlot is of 12 bytes, where a 64-bit field would make it 16.
type idSlot struct {
	low, high uint32 // the fingerprint's halves; both 0 = empty
	row       uint32 // the first row of the id; its top bit: it stands again
}

func (s *idSlot) print() uint64 { return uint64(s.high)<<32 | uint64(s.low) }

const (
	isRepeated   = 1 << 31
	smallestRoom = 16
)

func NewIDs() *IDs { return &IDs{seed: maphash.MakeSeed()} }

// print returns the id's fingerprint, never 0.
func (t *IDs) print(id *[16]byte) uint64 {
	return max(maphash.Bytes(t.seed, id[:]), 1)
}

// add notes that id stands in row. For an id that stood in an earlier row it
// returns the first of them.
func (t *IDs) add(id [16]byte, row int) (first int, again bool) {
	print := t.print(&id)
	shard := &t.shards[byte(print)]
	// Four fifths full is where linear probing begins to take its time.
	if shard.used*5 >= len(shard.slots)*4 {
		shard.grow(t.room)
	}
	slot, found := shard.find(print)
	if found {
		t.again++
		slot.row |= isRepeated
		return int(slot.row &^ isRepeated), true
	}
	*slot = idSlot{uint32(print), uint32(print >> 32), uint32(row)}
	shard.used++
	return 0, false
}

// repeated reports whether an id stands in more than one row.
func (t *IDs) repeated(id [16]byte) bool {
	print := t.print(&id)
	shard := &t.shards[byte(print)]
	if len(shard.slots) == 0 {
		return false
	}
	slot, found := shard.find(print)
	return found && slot.row&isRepeated != 0
}

// find returns the slot of a fingerprint, or the free one where it belongs.
func (s *idShard) find(print uint64) (slot *idSlot, found bool) {
	high, _ := bits.Mul64(print, uint64(len(s.slots)))
	for at := int(high); ; {
		slot := &s.slots[at]
		switch slot.print() {
		case print:
			return slot, true
		case 0:
			return slot, false
		}
		if at++; at == len(s.slots) {
			at = 0
		}
	}
}

// Expect is given how many ids there will be, as far as that can be known. Shards
// then grow to what they will need, in few steps and with little to spare. An
// estimate that is wrong costs some memory, or some steps more.
func (t *IDs) Expect(ids int) {
	each := ids / shardCount
	t.room = each*5/4 + each/16 // ids do not fall evenly into the shards
}

// grow makes room: for what is expected, but at most twice what there is, since
// that may be wrong, or by a third. Places follow the fingerprints' order, so a
// table of any size will do.
func (s *idShard) grow(room int) {
	old := s.slots
	if room <= len(old) {
		room = len(old) + len(old)/3
	}
	s.slots = make([]idSlot, max(smallestRoom, min(room, 2*len(old))))
	for _, filled := range old {
		if print := filled.print(); print != 0 {
			slot, _ := s.find(print)
			*slot = filled
		}
	}
}

// Repeats returns how many rows have the id of an earlier row.
func (t *IDs) Repeats() int { return t.again }
