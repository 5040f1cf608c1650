package journal

const (
	pageBits = 12
	pageRows = 1 << pageBits

	// maxOffset bounds where a record may begin: five bytes hold it, one value
	// being kept for "none".
	maxOffset = 1<<40 - 2
)

// offsetPage holds for each of its rows where a record begins, plus one, in five
// bytes; 0 is none. Pages keep a sheet of ten million rows within 60 MB without
// ever being copied as they grow.
type offsetPage struct {
	low  [pageRows]uint32
	high [pageRows]uint8
}

func (p *offsetPage) set(i int, off int64) {
	p.low[i], p.high[i] = uint32(off+1), uint8((off+1)>>32)
}

// get gives -1 for none.
func (p *offsetPage) get(i int) int64 {
	return int64(p.high[i])<<32 + int64(p.low[i]) - 1
}

// page gives the page of row out of pages, which grow to hold it.
func page[P any](pages *[]*P, row int) *P {
	n := row >> pageBits
	for len(*pages) <= n {
		*pages = append(*pages, nil)
	}
	if (*pages)[n] == nil {
		(*pages)[n] = new(P)
	}
	return (*pages)[n]
}

// existing gives the page of row, or nil when nothing is known of its rows.
func existing[P any](pages []*P, row int) *P {
	if n := row >> pageBits; row >= 0 && n < len(pages) {
		return pages[n]
	}
	return nil
}

// offsets says for each row where its record of one kind begins.
type offsets struct{ pages []*offsetPage }

func (o *offsets) set(row int, off int64) { page(&o.pages, row).set(row%pageRows, off) }

func (o *offsets) get(row int) int64 {
	if p := existing(o.pages, row); p != nil {
		return p.get(row % pageRows)
	}
	return -1
}

// The parts of a row's state byte.
const (
	codeMask  = 7 // of the outcome's status; 0 is none
	inFlight  = 8 // an intent has no outcome yet
	runsFlag  = 16
	wasFlight = 32 // the same two, before the latest intent
	wasRuns   = 64
)

type rowPage struct {
	offsetPage // of the outcome or, before there is one, of the intent
	state      [pageRows]byte
}

// rowTable is what the replay knows of each row.
type rowTable struct {
	pages  []*rowPage
	counts [len(statuses)]int
	// again holds the intents of rows in flight that have an outcome: a few,
	// as each is gone with its next outcome.
	again map[int]int64
}

func (t *rowTable) intent(h head, off int64) {
	p, i := page(&t.pages, h.row), h.row%pageRows
	state := p.state[i]
	if state&codeMask == 0 {
		p.set(i, off)
	} else {
		if t.again == nil {
			t.again = make(map[int]int64)
		}
		t.again[h.row] = off
	}
	// A row that ran and is then intended without a run may still have run.
	now := state&(codeMask|inFlight|runsFlag) | state&(inFlight|runsFlag)<<2 | inFlight
	if h.run {
		now |= runsFlag
	}
	p.state[i] = now
}

func (t *rowTable) outcome(h head, off int64) {
	p, i := page(&t.pages, h.row), h.row%pageRows
	if old := p.state[i] & codeMask; old != 0 {
		t.counts[old]--
		delete(t.again, h.row)
	}
	t.counts[h.status]++
	p.state[i] = h.status
	p.set(i, off)
}

// withdraw takes the row's latest intent back. An earlier one that is without an
// outcome keeps the row in flight: its request may still have been applied.
func (t *rowTable) withdraw(row int) {
	p := existing(t.pages, row)
	if p == nil {
		return
	}
	i := row % pageRows
	state := p.state[i]
	p.state[i] = state&codeMask | state&(wasFlight|wasRuns)>>2
	if state&wasFlight != 0 {
		return
	}
	if state&codeMask == 0 {
		p.set(i, -1)
	}
	delete(t.again, row)
}

func (t *rowTable) state(row int) byte {
	if p := existing(t.pages, row); p != nil {
		return p.state[row%pageRows]
	}
	return 0
}

// outcomeAt is where the row's outcome begins, or -1.
func (t *rowTable) outcomeAt(row int) int64 {
	p := existing(t.pages, row)
	if p == nil || p.state[row%pageRows]&codeMask == 0 {
		return -1
	}
	return p.get(row % pageRows)
}

// intentAt is where the intent of a row in flight begins, or -1.
func (t *rowTable) intentAt(row int) int64 {
	switch state := t.state(row); {
	case state&inFlight == 0:
		return -1
	case state&codeMask != 0:
		return t.again[row]
	}
	return existing(t.pages, row).get(row % pageRows)
}
