package sheet

import (
	"fmt"
	"strings"
)

// Condition chooses rows by the text of a cell, COLUMN=VALUE. Which equals sign
// divides it depends on the sheet's columns: the first one that has a column on
// its left.
type Condition struct {
	Text string
	// Optional conditions are left out as optional mappings are.
	Optional bool
}

// String returns the condition as it was given.
func (c Condition) String() string { return c.Text }

// conditions are those that hold for a sheet. Of one column, a row may have any
// of the values; all columns must have one.
type conditions struct {
	held   []Condition
	values map[int]map[string]bool // by the column's place, and by FoldCase
}

// choose finds the columns of conditions among the header's cells.
func (h *header) choose(cells []string, all []Condition) error {
	h.where.values = map[int]map[string]bool{}
	for _, c := range all {
		if c.Optional && h.results {
			continue
		}
		column, value, err := divide(c.Text, cells)
		switch {
		case err == nil:
			if h.where.values[column] == nil {
				h.where.values[column] = map[string]bool{}
			}
			h.where.values[column][FoldCase(value)] = true
			h.where.held = append(h.where.held, c)
		case !c.Optional:
			return err
		}
	}
	return nil
}

// divide finds the column of a condition. An error is an *OptionError.
func divide(condition string, cells []string) (column int, value string, err error) {
	refuse := func(reason string) error {
		return &OptionError{Option: "--where", Value: condition, Reason: reason}
	}
	first, _, ok := strings.Cut(condition, "=")
	if !ok {
		return 0, "", refuse("write it as COLUMN=VALUE, e.g. Department=Sales")
	}
	for at, c := range condition {
		if c != '=' {
			continue
		}
		switch found := columnsNamed(cells, condition[:at]); len(found) {
		case 0:
		case 1:
			return found[0], condition[at+1:], nil
		default:
			return 0, "", refuse(fmt.Sprintf("columns %s and %s have that header: rename one of them", Letter(found[0]), Letter(found[1])))
		}
	}
	return 0, "", refuse(noColumn(first, cells))
}

// hold reports whether the conditions choose a row.
func (w *conditions) hold(cells []string) bool {
	for column, values := range w.values {
		if !values[FoldCase(cells[column])] {
			return false
		}
	}
	return true
}

// noRow says that no row is chosen.
func (w *conditions) noRow() Problem {
	var held []string
	for _, c := range w.held {
		held = append(held, quoted(c.Text))
	}
	return noRows("the sheet has no row with " + strings.Join(held, " and ") + " (--where)")
}

// Where returns the conditions of the options that hold for this sheet. Rows
// that they leave out are none of its rows, as blank ones are.
func (s *Sheet) Where() []Condition { return s.header.where.held }
