package sheet

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"nermbulk/internal/text"
)

// header is what the header row says.
type header struct {
	fields  Fields
	row     int       // its number as Excel shows it
	columns []Column  // without trailing blank ones
	width   int       // cells of the header row, blank ones too
	blanks  []int     // columns without a name that a row may yet have data in
	results bool      // the sheet was written by us: the formula escape is on
	held    bool      // its cells are what sessions hold or held: an export, or an undo
	unknown []int     // columns that are neither a field nor mapped
	labels  []Problem // of columns that are attributes', warnings too
	mapped  []Mapping // those of the options that hold for it
	where   conditions
}

// readHeader finds the delimiter and reads the first row that is not blank. What
// was read before is forgotten.
func (s *Sheet) readHeader() error {
	s.header, s.problems, s.delimiter, s.separator = header{}, nil, ',', 0
	scan, err := s.scan(s.source(nil))
	if err != nil {
		return err
	}
	start, err := scan.peek()
	if err != nil {
		return err
	}
	length, named := separatorLine(start)
	s.separator = length
	scan.pos += length
	switch {
	case s.options.Delimiter != 0:
		s.delimiter = s.options.Delimiter
	case named != 0:
		s.delimiter = named
	default:
		s.delimiter = detectDelimiter(start[length:], s.options.means)
	}
	scan.divideBy(s.delimiter)
	cells, row, err := s.scanHeader(scan)
	if cells == nil || err != nil {
		return err
	}
	if s.header, err = newHeader(row, cells, s.options); err != nil {
		return err
	}
	s.problems = s.header.problems(-1)
	return nil
}

// scanHeader finds the header among blank rows. It returns no cells when there
// is none, with the reason among the problems.
func (s *Sheet) scanHeader(scan *scanner) (cells []string, row int, err error) {
	for row = 1; ; row++ {
		err := scan.next()
		p, fault := faultProblem(row, nil, err)
		switch {
		case errors.Is(err, io.EOF):
			p = noRows("the sheet is empty")
		case err != nil && !fault:
			return nil, 0, err
		case fault:
		case !s.charset.clean(scan.text):
			p = s.charset.problem(scan, row, nil)
		case scan.past.column > 0:
			p = placed(row, scan.past.column, nil, CellCount, fmt.Sprintf(
				"the header has more than %d columns; remove those that are not needed", maxColumns))
		case scan.blank():
			continue
		default:
			return scan.cells(nil), row, nil
		}
		s.problems = []Problem{p}
		return nil, 0, nil
	}
}

// newHeader gives each column its meaning; it keeps the cells. The error is an
// *OptionError: a mapping that names no column of the sheet.
func newHeader(row int, cells []string, o Options) (h header, err error) {
	h = header{fields: o.Fields, row: row, width: len(cells)}
	written := map[string]bool{}
	for _, cell := range cells {
		if field, name, _ := o.Fields.Parse(cell); field == Result {
			h.results, written[name] = true, true
		}
	}
	h.held = written["source"] || written["row"] && !written["status"]
	named := 0
	for i, cell := range cells {
		cells[i] = cellText(cell, h.results)
		if Trim(cells[i]) == "" {
			h.blanks = append(h.blanks, i)
		} else {
			named = i + 1
		}
	}
	mapped, err := h.mapColumns(cells[:named], o.Columns)
	if err != nil {
		return h, err
	}
	if err := h.choose(cells[:named], o.Where); err != nil {
		return h, err
	}
	for i, cell := range cells[:named] {
		h.add(Column{Index: i, Name: cell}, mapped[i], o.Unknown)
	}
	h.findKey()
	return h, nil
}

// mapColumns returns the field that each column is mapped to, if any.
func (h *header) mapColumns(cells []string, mappings []Mapping) (map[int]string, error) {
	mapped := make(map[int]string)
	for _, m := range mappings {
		if m.Optional && h.results {
			continue
		}
		found := columnsNamed(cells, m.Column)
		for _, i := range found {
			mapped[i] = m.Field
		}
		switch {
		case found != nil:
			h.mapped = append(h.mapped, m)
		case !m.Optional:
			return nil, m.refuse(noColumn(m.Column, cells))
		}
	}
	return mapped, nil
}

// columnsNamed returns the header's cells that name the same column.
func columnsNamed(cells []string, name string) (found []int) {
	key := columnKey(name)
	for i, cell := range cells {
		if Trim(cell) != "" && columnKey(cell) == key {
			found = append(found, i)
		}
	}
	return found
}

// noColumn says that an option names none of the header's cells.
func noColumn(name string, cells []string) string {
	reason := "the sheet has no column " + quoted(name)
	if near, ok := Nearest(name, cells); ok {
		reason += fmt.Sprintf("; did you mean %s?", quoted(near))
	}
	return reason
}

// add adds a column with what it is mapped to, or what its name means.
func (h *header) add(c Column, mappedTo string, policy UnknownColumns) {
	h.columns = append(h.columns, c)
	if isIgnore(mappedTo) {
		return
	}
	added := &h.columns[c.Index]
	name, fields := cmp.Or(mappedTo, c.Name), h.fields
	if policy == UnknownAttribute && fields.Labels.find(name) != nil {
		fields.Labels = nil // what has that uid comes before what has it as its label
	}
	field, uid, ok := fields.Parse(name)
	several := fields.Labels.named(name)
	switch {
	case ok:
		added.Field, added.UID = field, uid
	case len(several) > 1:
		h.refuse(c, AmbiguousColumn, ambiguousMessage(c, several))
	case Trim(name) == "" || policy == UnknownIgnore:
	case policy == UnknownAttribute && !lacksUID(name):
		added.Field, added.UID = Attribute, Trim(name)
	default:
		h.unknown = append(h.unknown, c.Index)
	}
	if added.Field == Attribute && h.fields.Labels != nil {
		added.UID = h.checkAttribute(*added)
	}
}

// findKey has the uid name the sessions where no column has their ids.
func (h *header) findKey() {
	if h.index(ID) >= 0 {
		return
	}
	for i := range h.columns {
		if c := &h.columns[i]; c.Field == ReadOnly && c.UID == string(UID) {
			c.Field, c.UID = UID, ""
		}
	}
}

// index returns the first column of a field, -1 where there is none.
func (h *header) index(f Field) int {
	return slices.IndexFunc(h.columns, func(c Column) bool { return c.Field == f })
}

// sentAs is the column's field as the API spells it.
func (c Column) sentAs() string {
	if c.UID != "" {
		return string(c.Field) + "." + c.UID
	}
	return string(c.Field)
}

// fieldNames is the header that gocsv sees: each column's field, of columns
// that have none or repeat one their letters.
func (h *header) fieldNames() []string {
	names, used := make([]string, len(h.columns)), map[string]bool{"": true}
	for i, c := range h.columns {
		if names[i] = c.sentAs(); used[names[i]] {
			names[i] = "column " + Letter(i)
		}
		used[names[i]] = true
	}
	return names
}

// problems returns what is wrong with the header. The message of an unknown
// column has the number of rows that it concerns, unless it is -1.
func (h *header) problems(rows int) []Problem {
	var found []Problem
	if h.index(ID) < 0 && h.index(UID) < 0 {
		found = append(found, placed(h.row, -1, nil, MissingID, h.missingID()))
	}
	for n, i := range h.unknown {
		found = append(found, h.unknownColumn(n, i, rows))
	}
	found = append(found, ofSeverity(h.labels, Error)...)
	return append(found, h.repeats()...)
}

// repeats compares what would be sent; columns that are not may repeat.
func (h *header) repeats() (found []Problem) {
	sent := make(map[string]Column, len(h.columns))
	for i, c := range h.columns {
		if c.Field == Ignored || c.Field == ReadOnly || c.Field == Result {
			continue
		}
		name := uidKey(c.sentAs())
		first, repeated := sent[name]
		if !repeated {
			sent[name] = c
			continue
		}
		found = append(found, placed(h.row, i, h, DuplicateColumn, fmt.Sprintf(
			"column %s (%s) is sent as %s already; remove one of the two",
			Letter(first.Index), shown(first.Name), shown(first.sentAs()))))
	}
	return found
}

// emptyHeaders returns the problems of columns without a name that have data
// beneath: filled has an entry for each of blanks.
func (h *header) emptyHeaders(filled []bool) []Problem {
	var found []Problem
	for i, column := range h.blanks {
		if filled[i] {
			found = append(found, placed(h.row, column, h, EmptyHeader, "the column holds data but has no header; name it, or remove the column"))
		}
	}
	return found
}

func (h *header) missingID() string {
	fields := h.fields
	fields.Labels = nil
	for _, i := range h.unknown {
		name := Trim(h.columns[i].Name)
		if near, _ := fields.Nearest(name); near == string(ID) {
			return fmt.Sprintf(`there is no "id" column; is it column %s? Then rename it to id, or use --map %s`,
				Letter(i), commandWord(name+"=id"))
		}
	}
	message := `there is no "id" column; name the column with the session ids "id" (or the one with their uids "uid"), or use --map ` + text.ShellQuote("COLUMN=id")
	for _, c := range h.columns {
		if c.Field != Ignored {
			return message
		}
	}
	return message + fmt.Sprintf(" (row %d is taken for the header: if it is a title, remove the rows above the header)", h.row)
}

// mostSuggestions is how many columns of a sheet are held against all that a
// tenant has.
const mostSuggestions = 100

// unknownColumn says what to do about the nth column that is unknown. Suggested
// is the name that it was probably meant to have.
func (h *header) unknownColumn(nth, column, rows int) Problem {
	name, fields := Trim(h.columns[column].Name), h.fields
	message, near := quoted(name)+" is not a field", ""
	if rows >= 0 {
		message += " (" + text.Count(rows, "row") + ")"
	}
	leave := "--map " + commandWord(name+"="+IgnoreColumn)
	characters := utf8.RuneCountInString(text.Line(name, 0))
	if 0 < characters && characters <= longestShown {
		if nth >= mostSuggestions {
			fields.Labels = nil
		}
		near, _ = fields.Nearest(name)
	}
	switch {
	case characters > longestShown:
		message += "; shorten it and use --map, or use --unknown-columns attribute or ignore"
	case characters == 0:
		message += "; rename it, or use --unknown-columns ignore"
	case near != "":
		message += fmt.Sprintf("; did you mean %s?", quoted(near))
		if h.fields.mappable(near) {
			message += " Rename it, or use --map " + commandWord(name+"="+near)
		}
		message += "; " + leave + " leaves it out"
	case lacksUID(name):
		message += "; write the attribute's uid after the dot, or use --unknown-columns ignore"
	case h.fields.Labels != nil:
		message += ", and no attribute's label; `nermbulk attributes` lists those of the tenant; to leave it out use " + leave
	default:
		message += fmt.Sprintf("; an attribute's label is known with --tenant NAME or --attributes FILE; to send it as an attribute use --map %s or --unknown-columns attribute, to leave it out %s",
			commandWord(name+"=attributes."+probableUID(name)), leave)
	}
	p := placed(h.row, column, h, UnknownColumn, message)
	p.Suggested = near
	return p
}

// probableUID returns the uid that a header has in brackets behind a label, or
// else its name spelt as uids usually are.
func probableUID(name string) string {
	name = text.Line(name, 0)
	if open := strings.LastIndexByte(name, '('); open > 0 && strings.HasSuffix(name, ")") {
		if uid := Trim(name[open+1 : len(name)-1]); uid != "" && !strings.ContainsFunc(uid, isSpace) {
			return uid
		}
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || isSpace(r) })
	return strings.ToLower(strings.Join(parts, "_"))
}
