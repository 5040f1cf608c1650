package sheet

import (
	"fmt"
	"strings"
)

// header is what the header row says.
type header struct {
	row     int      // its number as Excel shows it; 0 when the sheet has none
	columns []Column // without trailing blank ones
	width   int      // cells of the header row, blank ones too
	blanks  []int    // columns without a name that a row may yet have data in
	results bool     // the sheet was written by us: the formula escape is on
	unknown []int    // columns that are neither a field nor mapped
	repeats [][2]int // columns that repeat an earlier one
	noID    bool
}

// newHeader gives each column its meaning; the cells are its own. The error is an *OptionError: a
// mapping that names no column of the sheet.
func newHeader(row int, cells []string, o Options) (*header, error) {
	h := &header{row: row, width: len(cells)}
	for _, cell := range cells {
		if field, _, ok := ParseField(cell); ok && field == Result {
			h.results = true
		}
	}
	if h.results {
		for i, cell := range cells {
			cells[i] = Unescape(cell)
		}
	}
	named := len(cells)
	for named > 0 && Trim(cells[named-1]) == "" {
		named--
	}
	mapped, err := mapColumns(cells[:named], o.Columns)
	if err != nil {
		return nil, err
	}
	for i, cell := range cells {
		if Trim(cell) == "" {
			h.blanks = append(h.blanks, i)
		}
		if i < named {
			h.add(Column{Index: i, Name: cell}, mapped[i], o.Unknown)
		}
	}
	h.findRepeats()
	return h, nil
}

// mapColumns gives the field that each column is mapped to, if any.
func mapColumns(cells []string, mappings []Mapping) (map[int]string, error) {
	mapped := make(map[int]string)
	for _, m := range mappings {
		key, found := columnKey(m.Column), false
		for i, cell := range cells {
			if Trim(cell) != "" && columnKey(cell) == key {
				mapped[i], found = m.Field, true
			}
		}
		if !found {
			reason := fmt.Sprintf("the sheet has no column %s", excerpt(m.Column))
			if near, ok := Nearest(m.Column, cells); ok {
				reason += fmt.Sprintf("; did you mean %s?", excerpt(Trim(near)))
			}
			return nil, &OptionError{Option: "--map", Value: m.Column + "=" + m.Field, Reason: reason}
		}
	}
	return mapped, nil
}

func (h *header) add(c Column, mappedTo string, policy UnknownColumns) {
	name := c.Name
	if mappedTo != "" {
		name = mappedTo
	}
	field, uid, ok := ParseField(name)
	switch {
	case ok:
		c.Field, c.UID = field, uid
	case Trim(name) == "" || policy == UnknownIgnore:
		c.Field = Ignored
	case policy == UnknownAttribute && !lacksUID(name):
		c.Field, c.UID = Attribute, Trim(name)
	default:
		h.unknown = append(h.unknown, c.Index)
	}
	h.columns = append(h.columns, c)
}

// lacksUID tells the header "attributes." from one that can be a uid itself.
func lacksUID(name string) bool {
	_, uid, dotted := strings.Cut(name, ".")
	return dotted && Trim(uid) == ""
}

// findRepeats compares what would be sent; columns that are not may repeat.
func (h *header) findRepeats() {
	type meaning struct {
		field Field
		uid   string
	}
	first := make(map[meaning]int, len(h.columns))
	h.noID = true
	for i, c := range h.columns {
		switch c.Field {
		case Ignored, ReadOnly, Result:
			continue
		case ID:
			h.noID = false
		}
		m := meaning{c.Field, c.UID}
		if before, ok := first[m]; ok {
			h.repeats = append(h.repeats, [2]int{i, before})
			continue
		}
		first[m] = i
	}
}
