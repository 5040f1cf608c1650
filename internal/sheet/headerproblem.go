package sheet

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// problems tells what is wrong with the header. How many rows an unknown
// column concerns is told once it is known; -1 before.
func (h *header) problems(rows int) []Problem {
	var found []Problem
	if h.noID {
		found = append(found, Problem{Row: h.row, Kind: MissingID, Severity: Error, Message: h.missingID()})
	}
	for _, i := range h.unknown {
		found = append(found, h.problem(i, UnknownColumn, h.unknownMessage(i, rows)))
	}
	for _, r := range h.repeats {
		first := h.columns[r[1]]
		found = append(found, h.problem(r[0], DuplicateColumn, fmt.Sprintf(
			"column %s (%s) is sent as %s already; remove one of the two",
			Letter(first.Index), plainText(Trim(first.Name)), first.sentAs())))
	}
	return found
}

func (h *header) problem(column int, kind Kind, message string) Problem {
	p := placed(h.row, column, h)
	p.Kind, p.Message = kind, message
	return p
}

// emptyHeaders tells the columns without a name that have data beneath.
func (h *header) emptyHeaders(filled []bool) []Problem {
	var found []Problem
	for i, column := range h.blanks {
		if filled[i] {
			found = append(found, h.problem(column, EmptyHeader, "the column holds data but has no header; name it, or remove the column"))
		}
	}
	return found
}

func (c Column) sentAs() string {
	if c.Field == Attribute {
		return plainText("attributes." + c.UID)
	}
	return c.Field.String()
}

func (h *header) missingID() string {
	for _, i := range h.unknown {
		name := Trim(h.columns[i].Name)
		if near, ok := NearestField(name); ok && near == "id" {
			return fmt.Sprintf(`there is no "id" column; is it column %s? Then rename it to id, or use --map %s`,
				Letter(i), shellQuote(name+"=id"))
		}
	}
	message := `there is no "id" column; name the column with the session ids "id", or use --map 'COLUMN=id'`
	if h.isTitle() {
		message += fmt.Sprintf(" (row %d is taken for the header: if it is a title, remove the rows above the header)", h.row)
	}
	return message
}

// isTitle reports whether no column at all has a meaning, as in a line of text
// above the true header.
func (h *header) isTitle() bool {
	for _, c := range h.columns {
		if c.Field != Ignored {
			return false
		}
	}
	return true
}

func (h *header) unknownMessage(column, rows int) string {
	name := Trim(h.columns[column].Name)
	message := excerpt(name) + " is not a field"
	if rows >= 0 {
		message += " (" + rowCount(rows) + ")"
	}
	if utf8.RuneCountInString(name) > longest {
		return message + "; shorten it and use --map, or use --unknown-columns attribute or ignore"
	}
	if near, ok := NearestField(name); ok {
		message += fmt.Sprintf("; did you mean %s?", excerpt(near))
		if mappable(near) {
			message += " Rename it, or use --map " + shellQuote(name+"="+near)
		}
		return message + "; --unknown-columns ignore leaves it out"
	}
	if lacksUID(name) {
		return message + "; write the attribute's uid after the dot, or use --unknown-columns ignore"
	}
	return message + fmt.Sprintf("; to send it as an attribute use --map %s or --unknown-columns attribute, to leave it out --unknown-columns ignore",
		shellQuote(name+"=attributes."+likelyUID(name)))
}

// likelyUID spells a header the way attribute uids are usually spelled.
func likelyUID(name string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(name, isSpace), "_"))
}
