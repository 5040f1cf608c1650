package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// checker finds text that was not decoded rightly.
type checker struct {
	decoded bool   // it went through a decoder, so it is valid UTF-8
	hint    string // the encoding that would probably read it; may be empty
}

func (c checker) clean(text []byte) bool {
	return bytes.IndexByte(text, 0) < 0 && (c.decoded || utf8.Valid(text))
}

// problem tells where in the record just scanned the text is not clean, and
// which flag would read it. The header may be nil.
func (c checker) problem(s *scanner, row int, h *header) Problem {
	column, bad, from := -1, s.text, 0
	for i, to := range s.ends {
		if cell := s.text[from:to]; !c.clean(cell) {
			column, bad = i, cell
			break
		}
		from = to + len(s.delim)
	}
	if column < 0 && s.past.column > 0 {
		column = s.past.column
	}
	p := placed(row, column, h)
	p.Kind, p.Message = BadEncoding, c.message(bytes.IndexByte(bad, 0) >= 0)
	return p
}

func (c checker) message(nul bool) string {
	switch {
	case nul && (c.hint == "utf-16le" || c.hint == "utf-16be"):
		return fmt.Sprintf("this looks like UTF-16 without a byte order mark; use --encoding %s, or save the sheet as CSV UTF-8", c.hint)
	case nul:
		return "a NUL character stands here; remove it, or save the sheet anew as CSV UTF-8"
	case c.hint == "":
		return "not valid UTF-8; save the sheet as CSV UTF-8, or name its encoding, e.g. --encoding windows-1252"
	}
	return "not valid UTF-8; use --encoding windows-1252 (or the encoding it was saved in), or save the sheet as CSV UTF-8"
}

// faultProblem turns what ends the reading of rows into the sheet's problem.
// Other errors, such as those of the disk, are not the sheet's.
func faultProblem(row int, h *header, err error) (Problem, bool) {
	if fault, ok := errors.AsType[*quoteFault](err); ok {
		p := placed(row, fault.column, h)
		p.Kind, p.Message = BadQuote, fault.message
		return p, true
	}
	if errors.Is(err, errLongRecord) {
		p := placed(row, -1, nil)
		p.Kind = BadEncoding
		p.Message = fmt.Sprintf("the row is longer than %d MiB; this does not look like a sheet of rows: save it as CSV UTF-8", longestRecord>>20)
		return p, true
	}
	return Problem{}, false
}

// placed gives an error's place; the column is left out when negative.
func placed(row, column int, h *header) Problem {
	p := Problem{Row: row, Severity: Error}
	if column >= 0 {
		p.Column = Letter(column)
		if h != nil && column < len(h.columns) {
			p.Header = h.columns[column].Name
		}
	}
	return p
}
