package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/batch"
	"nermbulk/internal/sheet"
)

// exportFields are the columns of an export that every session has.
var exportFields = []struct {
	name string
	of   func(*api.Session) string
}{
	{"id", func(s *api.Session) string { return s.ID }},
	{"uid", func(s *api.Session) string { return s.UID }},
	{"status", statusOf},
	{"workflow_id", func(s *api.Session) string { return s.WorkflowID }},
	{"requester_id", func(s *api.Session) string { return s.RequesterID }},
	{"requester_type", func(s *api.Session) string { return s.RequesterType }},
	{"profile_id", func(s *api.Session) string { return s.ProfileID }},
	{"profile_ids", func(s *api.Session) string { return strings.Join(s.ProfileIDs, ",") }},
	{"created_at", func(s *api.Session) string { return s.CreatedAt }},
	{"updated_at", func(s *api.Session) string { return s.UpdatedAt }},
}

// statusOf spells a status as a request would.
func statusOf(s *api.Session) string {
	if known, ok := batch.KnownStatus(s.Status); ok {
		return known
	}
	return s.Status
}

// exportSheet writes sessions as a sheet that a run accepts as it is, and
// that changes nothing where it is not edited. The run's own planner judges
// each row: what it would refuse is left empty, and noted.
type exportSheet struct {
	columns []sheet.Column
	letters map[string]int
	judge   *batch.Planner
	change  batch.Change
	row     sheet.Row
	source  string
	notes   exportNotes
	rows    int
}

// newExportSheet makes the columns; uids are the attributes that any session
// has, source is what result.source says.
func newExportSheet(uids map[string]struct{}, source string) *exportSheet {
	x := &exportSheet{letters: map[string]int{}, source: source}
	for _, f := range exportFields {
		x.add(f.name)
	}
	for _, uid := range slices.Sorted(maps.Keys(uids)) {
		if field, read, ok := sheet.ParseField("attributes." + uid); !ok || field != sheet.Attribute || read != uid || strings.ContainsRune(uid, 0) {
			x.notes.add("the attribute "+quoted(uid), "its name cannot stand in a header, so it has no column", "", "")
			continue
		}
		x.add("attributes." + uid)
	}
	x.add("result.source")
	x.judge = batch.NewPlanner(x.columns, batch.Rules{ClearMarker: batch.DefaultClearMarker, AllowUnknownStatus: true})
	x.row.Cells = make([]string, len(x.columns))
	return x
}

func (x *exportSheet) add(name string) {
	field, uid, _ := sheet.ParseField(name)
	index := len(x.columns)
	x.columns = append(x.columns, sheet.Column{Index: index, Name: name, Field: field, UID: uid})
	x.letters[sheet.Letter(index)] = index
}

// write writes the header and a row for each session of the spool.
func (x *exportSheet) write(to io.Writer, sessions *spool) error {
	w := sheet.NewWriter(to, ',')
	for i, c := range x.columns {
		x.row.Cells[i] = c.Name
	}
	if err := w.Write(x.row.Cells); err != nil {
		return err
	}
	err := sessions.each(func(s *api.Session) error {
		if !x.fill(s) {
			return nil
		}
		x.rows++
		return w.Write(x.row.Cells)
	})
	if err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// fill makes a session's row. It reports false for a session that no row of a
// sheet can stand for.
func (x *exportSheet) fill(s *api.Session) bool {
	cells := x.row.Cells
	for i, c := range x.columns {
		switch {
		case i < len(exportFields):
			cells[i] = exportFields[i].of(s)
		case c.Field == sheet.Attribute:
			cells[i] = x.attribute(c, s)
		default:
			cells[i] = x.source
		}
		if strings.ContainsRune(cells[i], 0) {
			x.drop(s, i, "it holds a NUL character")
		}
	}
	if _, known := batch.KnownStatus(s.Status); !known && sheet.Trim(s.Status) != "" {
		x.notes.unknownStatuses++
	}
	for {
		again := false
		for _, p := range x.judge.Plan(&x.row, &x.change) {
			i, ofCell := x.letters[p.Column]
			switch {
			case p.Severity != sheet.Error:
			case p.Kind == sheet.BadID:
				x.notes.add("left out", "the id is not a UUID", "", s.ID)
				return false
			case !ofCell:
				x.notes.add("left out", "the session holds nothing that a row could send", "", s.ID)
				return false
			default:
				x.drop(s, i, reasonOf(p.Kind))
				again = true
			}
		}
		if !again {
			return true
		}
	}
}

// attribute is the cell of an attribute. What would empty it is left out.
func (x *exportSheet) attribute(c sheet.Column, s *api.Session) string {
	value := s.Attributes[c.UID]
	switch trimmed := sheet.Trim(value); {
	case strings.EqualFold(trimmed, batch.DefaultClearMarker):
		x.notes.add(c.Name, "left empty: a run would take it for the clear marker", value, s.ID)
		return ""
	case trimmed != value && trimmed != "":
		x.notes.add(c.Name, "a run would send it without the white space around it", value, s.ID)
	}
	return value
}

// drop leaves a cell empty, which changes nothing.
func (x *exportSheet) drop(s *api.Session, i int, why string) {
	x.notes.add(x.columns[i].Name, "left empty: "+why, x.row.Cells[i], s.ID)
	x.row.Cells[i] = ""
}

// reasonOf is why a run would refuse a value.
func reasonOf(k sheet.Kind) string {
	switch k {
	case sheet.ExcelError:
		return "a run would take it for an error of the spreadsheet"
	case sheet.BadUUID:
		return "it is not a UUID"
	case sheet.BadType:
		return "it is not a requester type that can be written"
	}
	return fmt.Sprintf("a run would refuse it (%s)", k)
}
