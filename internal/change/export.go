package change

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// An Exporter turns sessions into rows that a run accepts as they are, and that
// change nothing where they are not edited. The run's own planner checks each
// row: what it would refuse is left empty, and noted.
type Exporter struct {
	Exported // what was made since Begin

	columns  []sheet.Column
	cells    []func(*api.Session) string // of each column
	nameless []string                    // attributes that cannot have a column
	planner  *Planner
	row      sheet.Row
	notes    map[[2]string]*ExportNote
}

// Exported counts what was exported, and notes what was not.
type Exported struct {
	Rows            int
	UnknownStatuses int           // sessions whose status is not in the API's list
	Notes           []*ExportNote // in the order of the sessions
	More            int           // notes beyond those
}

// mostExportNotes is how many notes are kept.
const mostExportNotes = 1000

// ExportNote is one reason why something is not in the sheet as it is, at one
// place.
type ExportNote struct {
	Where   string `json:"where"`
	Reason  string `json:"reason"`
	Times   int    `json:"times"`
	Example string `json:"example,omitempty"` // a value
	ID      string `json:"id,omitempty"`      // of the session that has it
}

// NewExporter prepares for sessions with these attributes. The source is what
// result.source says.
func NewExporter(uids []string, source string) *Exporter {
	x := &Exporter{}
	for _, f := range Fields() {
		switch {
		case sheet.Field(f.Name) == Status:
			x.addColumn(f.Name, x.status)
		case f.Get != nil:
			x.addColumn(f.Name, f.Get)
		}
	}
	for _, uid := range uids {
		name := "attributes." + uid
		if field, read, ok := (sheet.Fields{}).Parse(name); !ok || field != sheet.Attribute || read != uid || strings.ContainsRune(uid, 0) {
			x.nameless = append(x.nameless, uid)
			continue
		}
		x.addColumn(name, func(s *api.Session) string { return x.attribute(name, s.Attributes[uid], s) })
	}
	x.addColumn("result.source", func(*api.Session) string { return source })
	x.planner = newPlanner(x.columns, Rules{ClearMarker: DefaultClearMarker, AllowUnknownStatus: true})
	x.row.Cells = make([]string, len(x.columns))
	return x
}

func (x *Exporter) addColumn(name string, cell func(*api.Session) string) {
	field, uid, _ := SheetFields().Parse(name)
	x.columns = append(x.columns, sheet.Column{Index: len(x.columns), Name: name, Field: field, UID: uid})
	x.cells = append(x.cells, cell)
}

// Begin forgets the rows that were made, and returns the header.
func (x *Exporter) Begin() (header []string) {
	x.Exported, x.notes = Exported{}, map[[2]string]*ExportNote{}
	for _, uid := range x.nameless {
		x.note("the attribute "+quote(uid), "its name cannot stand in a header, so it has no column", "", "")
	}
	for _, c := range x.columns {
		header = append(header, c.Name)
	}
	return header
}

// Row returns a session's row, good until the next call; nil for a session that
// no row can describe.
func (x *Exporter) Row(s *api.Session) []string {
	for i, cell := range x.cells {
		x.row.Cells[i] = cell(s)
		if strings.ContainsRune(x.row.Cells[i], 0) {
			x.empty(s, i, "it holds a NUL character")
		}
	}
	for refused := true; refused; {
		refused = false
		for _, p := range x.planner.Plan(&x.row) {
			i := slices.IndexFunc(x.columns, func(c sheet.Column) bool { return sheet.Letter(c.Index) == p.Column })
			switch {
			case p.Severity != sheet.Error:
			case p.Kind == sheet.BadID:
				x.note("left out", "the id is not a UUID", "", s.ID)
				return nil
			case i < 0:
				x.note("left out", "the session holds nothing that a row could send", "", s.ID)
				return nil
			default:
				x.empty(s, i, cmp.Or(whyRefused[p.Kind], fmt.Sprintf("a run would refuse it (%s)", p.Kind)))
				refused = true
			}
		}
	}
	x.Rows++
	return x.row.Cells
}

// whyRefused is why a run would refuse a value.
var whyRefused = map[sheet.Kind]string{
	sheet.ExcelError: "a run would take it for an error of the spreadsheet",
	sheet.BadUUID:    "it is not a UUID",
	sheet.BadType:    "it is not a requester type that can be written",
}

// status returns a session's status as a request would spell it.
func (x *Exporter) status(s *api.Session) string {
	known, ok := KnownStatus(s.Status)
	if ok {
		return known
	}
	if sheet.Trim(s.Status) != "" {
		x.UnknownStatuses++
	}
	return s.Status
}

// attribute returns the cell of an attribute's value. One that would clear it
// is left out.
func (x *Exporter) attribute(column, value string, s *api.Session) string {
	switch trimmed := sheet.Trim(value); {
	case strings.EqualFold(trimmed, DefaultClearMarker):
		x.note(column, "left empty: a run would take it for the clear marker", value, s.ID)
		return ""
	case trimmed != value && trimmed != "":
		x.note(column, "a run would send it without the white space around it", value, s.ID)
	}
	return value
}

// empty empties a cell: an empty cell changes nothing.
func (x *Exporter) empty(s *api.Session, i int, why string) {
	x.note(x.columns[i].Name, "left empty: "+why, x.row.Cells[i], s.ID)
	x.row.Cells[i] = ""
}

// note notes a reason. Memory grows with the reasons, not with the sessions.
func (x *Exporter) note(where, reason, value, id string) {
	key := [2]string{where, reason}
	note := x.notes[key]
	if note == nil {
		if len(x.Notes) == mostExportNotes {
			x.More++
			return
		}
		note = &ExportNote{Where: where, Reason: reason, Example: value, ID: id}
		x.notes[key] = note
		x.Notes = append(x.Notes, note)
	}
	note.Times++
}

// Summary returns the first few notes, a line each, and the flag that a run would
// need.
func (e *Exported) Summary(most int) string {
	var b strings.Builder
	for i, note := range e.Notes {
		if i == most {
			fmt.Fprintf(&b, "  and %s more\n", text.Number(len(e.Notes)-i+e.More))
			break
		}
		b.WriteString("  " + note.Where + ": " + note.Reason)
		if note.ID != "" {
			fmt.Fprintf(&b, "; %s, such as ", text.Count(note.Times, "session"))
			if note.Example != "" {
				b.WriteString(quote(note.Example) + " of ")
			}
			b.WriteString(quote(note.ID))
		}
		b.WriteByte('\n')
	}
	if e.UnknownStatuses > 0 {
		fmt.Fprintf(&b, "  status: %s one that the API's list does not hold; run the sheet with --allow-unknown-status\n",
			text.CountOf(e.UnknownStatuses, "session has", "sessions have"))
	}
	return b.String()
}
