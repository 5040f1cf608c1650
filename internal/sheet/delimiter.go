package sheet

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// candidates are the delimiters that are recognised, the commonest first.
const candidates = ",;\t|"

// separatorLine reads Excel's "sep=;" line, which may be quoted. It gives the
// line's length, 0 when there is none, and the delimiter, 0 when the line
// names none.
func separatorLine(text []byte) (length int, delimiter rune) {
	line := text
	if at := bytes.IndexAny(text, "\r\n"); at >= 0 {
		line = text[:at]
		length = at + 1
		if bytes.HasPrefix(text[at:], []byte("\r\n")) {
			length++
		}
	} else {
		length = len(text)
	}
	if len(line) >= 2 && line[0] == '"' && line[len(line)-1] == '"' {
		line = line[1 : len(line)-1]
	}
	const n = len(separatorPrefix)
	if len(line) < n || !bytes.EqualFold(line[:n], []byte(separatorPrefix)) {
		return 0, 0
	}
	line = line[n:]
	if len(line) == 0 {
		return length, 0
	}
	r, size := utf8.DecodeRune(line)
	if r == utf8.RuneError || r == '"' || r == 0 || !blank(line[size:]) {
		return 0, 0
	}
	return length, r
}

// detectDelimiter tells what divides the header: the candidate that leaves
// the most columns with a meaning, then the one that stands most often outside
// quotes. What stands in the rows has no say, so decimal commas do no harm.
func detectDelimiter(text []byte, meant func(name string) bool) rune {
	header := firstRecord(text)
	best, bestMeant, bestCount := ',', -1, 0
	for _, d := range candidates {
		cells := splitOutsideQuotes(header, byte(d))
		if len(cells) == 1 {
			continue
		}
		n := 0
		for _, cell := range cells {
			if meant(strings.ReplaceAll(strings.Trim(cell, `"`), `""`, `"`)) {
				n++
			}
		}
		if n > bestMeant || n == bestMeant && len(cells) > bestCount {
			best, bestMeant, bestCount = d, n, len(cells)
		}
	}
	return best
}

// firstRecord gives the first record that is not blank, whatever divides it.
func firstRecord(text []byte) []byte {
	start, quoted := 0, false
	for i := 0; i <= len(text); i++ {
		if i < len(text) {
			if text[i] == '"' {
				quoted = !quoted
			}
			if quoted || text[i] != '\n' && text[i] != '\r' {
				continue
			}
		}
		record := text[start:i]
		start = i + 1
		if !blank(bytes.Trim(record, candidates+"\" ")) {
			return record
		}
	}
	return nil
}

func splitOutsideQuotes(record []byte, delimiter byte) []string {
	var cells []string
	start, quoted := 0, false
	for i, c := range record {
		switch {
		case c == '"':
			quoted = !quoted
		case c == delimiter && !quoted:
			cells = append(cells, string(record[start:i]))
			start = i + 1
		}
	}
	return append(cells, string(record[start:]))
}
