package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"nermbulk/internal/api"
	"nermbulk/internal/change"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// exportSheet writes sessions as a sheet that a run accepts as it is, and that
// changes nothing where it is not edited. The run's own planner checks each
// row: what it would refuse is left empty, and noted.
type exportSheet struct {
	columns  []sheet.Column
	cells    []func(*api.Session) string // of each column
	nameless []string                    // attributes whose names cannot stand in a header
	planner  *change.Planner
	change   change.Change
	row      sheet.Row
	exported
}

// exported is what was written, and what was not.
type exported struct {
	rows            int
	unknownStatuses int           // sessions whose status is not in the API's list
	left            []*exportNote // what is not in the sheet as it is, in the order of the sessions
	index           map[[2]string]*exportNote
	more            int // notes beyond mostNotes
}

// newExportSheet returns a sheet with a column for each of the attributes. The
// source is what result.source says.
func newExportSheet(uids map[string]struct{}, source string) *exportSheet {
	x := &exportSheet{}
	for _, f := range change.Fields() {
		switch {
		case sheet.Field(f.Name) == change.Status:
			x.addColumn(f.Name, x.status)
		case f.Get != nil:
			x.addColumn(f.Name, f.Get)
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(uids)) {
		name := "attributes." + uid
		if field, read, ok := (sheet.Fields{}).Parse(name); !ok || field != sheet.Attribute || read != uid || strings.ContainsRune(uid, 0) {
			x.nameless = append(x.nameless, uid)
			continue
		}
		x.addColumn(name, func(s *api.Session) string { return x.attribute(name, s.Attributes[uid], s) })
	}
	x.addColumn("result.source", func(*api.Session) string { return source })
	x.planner = change.NewPlanner(x.columns, change.Rules{ClearMarker: change.DefaultClearMarker, AllowUnknownStatus: true})
	x.row.Cells = make([]string, len(x.columns))
	return x
}

func (x *exportSheet) addColumn(name string, cell func(*api.Session) string) {
	field, uid, _ := change.SheetFields().Parse(name)
	x.columns = append(x.columns, sheet.Column{Index: len(x.columns), Name: name, Field: field, UID: uid})
	x.cells = append(x.cells, cell)
}

// writeCSV writes the sheet of the sessions, of which each line of the file has
// one.
func (x *exportSheet) writeCSV(to io.Writer, sessions io.ReadSeeker) error {
	w := sheet.NewWriter(to, ',')
	if err := x.each(sessions, w.Write); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// writeWorkbook writes the same as a workbook. A *sheet.UnfitError says that
// none can hold it.
func (x *exportSheet) writeWorkbook(to io.Writer, sessions io.ReadSeeker) error {
	return sheet.WriteWorkbook(to, "sessions", func(visit func([]string, ...sheet.Mark) error) error {
		return x.each(sessions, func(cells []string) error { return visit(cells) })
	})
}

// each calls visit with the header and with a row for each session. Each call
// counts from nothing.
func (x *exportSheet) each(sessions io.ReadSeeker, visit func(cells []string) error) error {
	x.exported = exported{index: map[[2]string]*exportNote{}}
	for _, uid := range x.nameless {
		x.note("the attribute "+text.Quote(uid, mostQuoted), "its name cannot stand in a header, so it has no column", "", "")
	}
	for i, c := range x.columns {
		x.row.Cells[i] = c.Name
	}
	if err := visit(x.row.Cells); err != nil {
		return err
	}
	_, err := sessions.Seek(0, io.SeekStart)
	lines := json.NewDecoder(bufio.NewReader(sessions))
	for err == nil {
		var s api.Session
		if err = lines.Decode(&s); err != nil || !x.fill(&s) {
			continue
		}
		x.rows++
		if err := visit(x.row.Cells); err != nil {
			return err
		}
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the sessions back: %w", err)
	}
	return nil
}

// fill makes a session's row. It reports false for a session that no row can
// describe.
func (x *exportSheet) fill(s *api.Session) bool {
	for i, cell := range x.cells {
		x.row.Cells[i] = cell(s)
		if strings.ContainsRune(x.row.Cells[i], 0) {
			x.empty(s, i, "it holds a NUL character")
		}
	}
	for refused := true; refused; {
		refused = false
		for _, p := range x.planner.Plan(&x.row, &x.change) {
			i := slices.IndexFunc(x.columns, func(c sheet.Column) bool { return sheet.Letter(c.Index) == p.Column })
			switch {
			case p.Severity != sheet.Error:
			case p.Kind == sheet.BadID:
				x.note("left out", "the id is not a UUID", "", s.ID)
				return false
			case i < 0:
				x.note("left out", "the session holds nothing that a row could send", "", s.ID)
				return false
			default:
				x.empty(s, i, cmp.Or(whyRefused[p.Kind], fmt.Sprintf("a run would refuse it (%s)", p.Kind)))
				refused = true
			}
		}
	}
	return true
}

// whyRefused is why a run would refuse a value.
var whyRefused = map[sheet.Kind]string{
	sheet.ExcelError: "a run would take it for an error of the spreadsheet",
	sheet.BadUUID:    "it is not a UUID",
	sheet.BadType:    "it is not a requester type that can be written",
}

// status returns a session's status as a request would spell it.
func (x *exportSheet) status(s *api.Session) string {
	known, ok := change.KnownStatus(s.Status)
	if ok {
		return known
	}
	if sheet.Trim(s.Status) != "" {
		x.unknownStatuses++
	}
	return s.Status
}

// attribute returns the cell of an attribute's value. One that would clear it
// is left out.
func (x *exportSheet) attribute(column, value string, s *api.Session) string {
	switch trimmed := sheet.Trim(value); {
	case strings.EqualFold(trimmed, change.DefaultClearMarker):
		x.note(column, "left empty: a run would take it for the clear marker", value, s.ID)
		return ""
	case trimmed != value && trimmed != "":
		x.note(column, "a run would send it without the white space around it", value, s.ID)
	}
	return value
}

// empty empties a cell: an empty cell changes nothing.
func (x *exportSheet) empty(s *api.Session, i int, why string) {
	x.note(x.columns[i].Name, "left empty: "+why, x.row.Cells[i], s.ID)
	x.row.Cells[i] = ""
}

const (
	mostNotes  = 1000 // that are kept
	mostQuoted = 60   // characters of a tenant's text that are shown
)

// exportNote is one reason why something is not in the sheet, at one place.
type exportNote struct {
	Where   string `json:"where"`
	Reason  string `json:"reason"`
	Times   int    `json:"times"`
	Example string `json:"example,omitempty"` // a value
	ID      string `json:"id,omitempty"`      // of the session that has it
}

// note notes a reason. Memory grows with the reasons, not with the sessions.
func (x *exportSheet) note(where, reason, value, id string) {
	key := [2]string{where, reason}
	note := x.index[key]
	if note == nil {
		if len(x.left) == mostNotes {
			x.more++
			return
		}
		note = &exportNote{Where: where, Reason: reason, Example: value, ID: id}
		x.index[key] = note
		x.left = append(x.left, note)
	}
	note.Times++
}

// notes returns the first notes, a line each, and the flag that a run would
// need.
func (x *exportSheet) notes() string {
	var b strings.Builder
	for i, note := range x.left {
		if i == mostPrinted {
			fmt.Fprintf(&b, "  and %s more\n", text.Number(len(x.left)-i+x.more))
			break
		}
		b.WriteString("  " + note.Where + ": " + note.Reason)
		if note.ID != "" {
			fmt.Fprintf(&b, "; %s, such as ", text.Count(note.Times, "session"))
			if note.Example != "" {
				b.WriteString(text.Quote(note.Example, mostQuoted) + " of ")
			}
			b.WriteString(text.Quote(note.ID, mostQuoted))
		}
		b.WriteByte('\n')
	}
	if x.unknownStatuses > 0 {
		fmt.Fprintf(&b, "  status: %s one that the API's list does not hold; run the sheet with --allow-unknown-status\n",
			text.CountOf(x.unknownStatuses, "session has", "sessions have"))
	}
	return b.String()
}
