package change

import (
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/google/uuid"

	"nermbulk/internal/sheet"
)

func isUUID(s string) bool {
	_, ok := sheet.ParseUUID(s)
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

// planKey reads what names the row's session: its id, or its uid in a sheet
// that has no ids. An empty one is a bad one.
func (p *Planner) planKey(row *sheet.Row) {
	cell, what := sheet.Trim(row.Cells[p.id.Index]), "id"
	if p.id.Field == sheet.UID {
		what = "uid"
	}
	p.key, p.keyed = sheet.ParseUUID(cell)
	switch {
	case p.keyed && what == "id":
		p.Change.ID = lowerUUID(cell)
		return
	case row.Kind(p.id.Index) == sheet.NoValueCell:
		p.noValue(p.id)
	case cell == "" && p.hasUID:
		p.problem(p.id, sheet.BadID, "the id is empty: a row needs the id of the session that it changes; uids are looked up in a sheet that has no id column")
	case cell == "":
		p.problem(p.id, sheet.BadID, "the %[1]s is empty: a row needs the %[1]s of the session that it changes", what)
	case p.isClear(cell):
		p.problem(p.id, sheet.ClearNotAllowed, "%s empties an attribute only: a row needs the %s of the session that it changes", quote(cell), what)
	case isSpreadsheetError(cell):
		p.spreadsheetError(p.id, cell)
	case what == "uid":
		p.planUID(row, cell)
		return
	default:
		p.problem(p.id, sheet.BadID, "%s is not an id%s", quote(cell), uuidHint(cell))
		p.suggest(fieldOf(sheet.ID).suggestion(cell, &p.rules))
	}
	p.keyed = false
}

// planUID takes the id that was found for a uid. Before any was looked up, it is
// the uid that may be in one row only.
func (p *Planner) planUID(row *sheet.Row, uid string) {
	if p.found < 0 {
		sum := sha256.Sum256([]byte(uid))
		p.key, p.keyed = [16]byte(sum[:16]), true
		return
	}
	id := row.Cells[p.found]
	p.key, p.keyed = sheet.ParseUUID(id)
	switch {
	case p.keyed:
		p.Change.ID = id
	case id == "":
		p.problem(p.id, sheet.UnknownUID, "the tenant has no session with the uid %s: correct it, or remove the row", quote(uid))
	case strings.Contains(id, ", "):
		p.problem(p.id, sheet.UnknownUID, "the tenant has several sessions with the uid %s, with the ids %s: name the one that is meant by its id, in a column id", quote(uid), quote(id))
	default:
		p.problem(p.id, sheet.UnknownUID, "the tenant has a session with the uid %s, but with an id that cannot be used, %s: remove the row", quote(uid), quote(id))
	}
}

// keyName is what may be in one row only, in words.
func (p *Planner) keyName() string {
	switch {
	case p.id.Field == sheet.ID:
		return "id"
	case p.found < 0:
		return "uid"
	}
	return "session"
}

// Collect adds the id of the last row, if it has one.
func (p *Planner) Collect(ids *IDs) {
	if p.keyed {
		ids.add(p.key)
	}
}

// Check is Plan for a pass that knows the ids that are in several rows. Each
// row of such an id but the first is wrong; with all, every one of them is.
func (p *Planner) Check(row *sheet.Row, repeats *Repeats, all bool) []sheet.Problem {
	problems := p.Plan(row)
	if !p.IsRepeated(repeats) {
		return problems
	}
	first := repeats.firstRow(p.key, row.Number)
	switch {
	case row.Long():
	case all:
		return p.repeated("the " + p.keyName() + " stands in several rows: none of them is sent")
	case first < row.Number:
		return p.repeated(fmt.Sprintf("the same %[1]s as in row %[2]d: keep one row for each %[1]s, or send them one after another with --duplicates in-order", p.keyName(), first))
	}
	return problems
}

// IsRepeated reports whether the id of the last row is in several rows.
func (p *Planner) IsRepeated(repeats *Repeats) bool { return p.keyed && repeats.has(p.key) }

// repeated adds the problem of an id that is in several rows.
func (p *Planner) repeated(message string) []sheet.Problem {
	p.problem(p.id, sheet.DuplicateID, "%s", message)
	slices.SortStableFunc(p.problems, CompareColumns)
	return p.problems
}
