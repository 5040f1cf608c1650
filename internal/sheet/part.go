package sheet

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Part is part Number of Of parts of a sheet, from 1 on: rows are divided by
// their ids, so that a row stays in its part however the sheet is edited, and
// rows of one id are together. The zero value is all rows.
type Part struct{ Number, Of int }

// ParsePart reads a part as String writes it.
func ParsePart(text string) (p Part, ok bool) {
	if text == "" {
		return Part{}, true
	}
	number, of, _ := strings.Cut(text, "/")
	n, err1 := strconv.ParseUint(number, 10, 31)
	all, err2 := strconv.ParseUint(of, 10, 31)
	return Part{int(n), int(all)}, err1 == nil && err2 == nil && 1 <= n && n <= all
}

// String is "2/4", and empty for all rows.
func (p Part) String() string {
	if p == (Part{}) {
		return ""
	}
	return fmt.Sprintf("%d/%d", p.Number, p.Of)
}

// Words is "part 2 of 4", and "the whole sheet" for all rows.
func (p Part) Words() string {
	if p == (Part{}) {
		return "the whole sheet"
	}
	return fmt.Sprintf("part %d of %d", p.Number, p.Of)
}

// Has reports whether a session's rows are in the part.
func (p Part) Has(id string) bool {
	if p.Of <= 1 {
		return true
	}
	sum := sha256.Sum256([]byte(strings.ToLower(Trim(id))))
	return binary.BigEndian.Uint64(sum[:8])%uint64(p.Of) == uint64(p.Number-1)
}

// Apart reports whether no session can be in both parts.
func (p Part) Apart(other Part) bool { return p.Of == other.Of && p.Number != other.Number }

// Part returns the part that the options choose. Rows of the others are none of
// the sheet's rows, but for EachOfAllParts.
func (s *Sheet) Part() Part { return s.options.Part }

// inPart reports whether a row is of the chosen part. While the ids of a sheet of
// uids are not known, each one is.
func (s *Sheet) inPart(cells []string) bool {
	if s.options.Part.Of <= 1 {
		return true
	}
	if uid := s.header.index(UID); uid >= 0 {
		return s.ids == nil || s.options.Part.Has(s.ids.of(Trim(cells[uid])))
	}
	id := s.header.index(ID)
	return id < 0 || s.options.Part.Has(cells[id])
}
