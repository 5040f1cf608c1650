package change

import (
	"crypto/sha256"
	"strings"

	"nermbulk/internal/sheet"
)

// planKey reads what names the row's session: its id, or its uid in a sheet
// that has no ids. An empty one is a bad one.
func (p *Planner) planKey(row *sheet.Row, c *Change) {
	cell, what := sheet.Trim(row.Cells[p.id.Index]), "id"
	if p.id.Field == sheet.UID {
		what = "uid"
	}
	p.key, p.keyed = parseUUID(cell)
	switch {
	case p.keyed && what == "id":
		c.ID = lowerUUID(cell)
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
		p.planUID(row, cell, c)
		return
	default:
		p.problem(p.id, sheet.BadID, "%s is not an id%s", quote(cell), uuidHint(cell))
		p.suggest(fields[position(sheet.ID)].suggestion(cell, &p.rules))
	}
	p.keyed = false
}

// planUID takes the id that was found for a uid. Before any was looked up, it is
// the uid that may be in one row only.
func (p *Planner) planUID(row *sheet.Row, uid string, c *Change) {
	if p.found < 0 {
		sum := sha256.Sum256([]byte(uid))
		p.key, p.keyed = [16]byte(sum[:16]), true
		return
	}
	id := row.Cells[p.found]
	p.key, p.keyed = parseUUID(id)
	switch {
	case p.keyed:
		c.ID = id
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
