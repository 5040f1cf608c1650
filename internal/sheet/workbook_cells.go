package sheet

// cellSet is a set of cells: one bit a row, by column. It gives up before it
// fills the memory: an almost empty worksheet can have cells far from each
// other.
type cellSet struct {
	columns map[int][]uint64
	size    int // words in use
}

// maxCellSet bounds a set to 32 MiB: dates in 256 columns of the longest
// worksheet.
const maxCellSet = 4 << 20

// add reports whether there was room for the cell.
func (s *cellSet) add(row, column int) bool {
	bits := s.columns[column]
	if more := row/64 + 1 - len(bits); more > 0 {
		if s.size += more; s.size > maxCellSet {
			return false
		}
		if s.columns == nil {
			s.columns = map[int][]uint64{}
		}
		bits = append(bits, make([]uint64, more)...)
		s.columns[column] = bits
	}
	bits[row/64] |= 1 << (row % 64)
	return true
}

func (s *cellSet) has(row, column int) bool {
	bits := s.columns[column]
	return row/64 < len(bits) && bits[row/64]&(1<<(row%64)) != 0
}

// cellKinds are the cells of a worksheet that are more than text.
type cellKinds [NoValueCell + 1]cellSet

func (k *cellKinds) of(row, column int) CellKind {
	for kind := DateCell; kind <= NoValueCell; kind++ {
		if k[kind].has(row, column) {
			return kind
		}
	}
	return TextCell
}

// kinds returns the cells that are more than text; nil for a CSV.
func (s *Sheet) kinds() *cellKinds {
	if s.copied == nil {
		return nil
	}
	return &s.copied.kinds
}

// Kind returns what is known of the cell in a column beyond its text.
func (r *Row) Kind(column int) CellKind {
	if r.kinds == nil {
		return TextCell
	}
	return r.kinds.of(r.Number, column)
}
