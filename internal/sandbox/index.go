package sandbox

// index finds a session's place by its id. It is an open-addressing table of
// places alone, with the ids where the sessions are: a map of a million ids
// would hold each of them twice.
type index struct {
	slots []uint32 // place + 1; 0 is free; a power of two
	used  int
}

// find gives the place of an id, or false.
func (x *index) find(ids []uuid, id uuid) (uint32, bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	at := x.slot(ids, id)
	if x.slots[at] == 0 {
		return 0, false
	}
	return x.slots[at] - 1, true
}

// add notes the place of the id that was appended to ids last and that the
// index does not have.
func (x *index) add(ids []uuid) {
	if 4*(x.used+1) > 3*len(x.slots) { // fuller, and the searches grow long
		x.slots = make([]uint32, max(64, 2*len(x.slots)))
		for place := range ids[:x.used] {
			x.put(ids, place)
		}
	}
	x.put(ids, x.used)
	x.used++
}

func (x *index) put(ids []uuid, place int) {
	x.slots[x.slot(ids, ids[place])] = uint32(place) + 1
}

// slot is where an id is, or where it would be put.
func (x *index) slot(ids []uuid, id uuid) uint64 {
	mask := uint64(len(x.slots) - 1)
	at := id.hash() & mask
	for x.slots[at] != 0 && ids[x.slots[at]-1] != id {
		at = (at + 1) & mask
	}
	return at
}
