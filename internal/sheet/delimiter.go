package sheet

import (
	"bytes"
	"iter"
	"strings"
	"unicode/utf8"
)

// candidates are the delimiters that are recognised, the commonest first.
const candidates = ",;\t|"

// separatorLine reads Excel's "sep=;" line, which may be quoted. It returns the
// line's length, 0 when there is none, and the delimiter, 0 when the line
// names none.
func separatorLine(text []byte) (length int, delimiter rune) {
	line := text
	if at := bytes.IndexAny(text, "\r\n"); at >= 0 {
		line = text[:at]
	}
	length = len(line)
	for _, end := range []string{"\r\n", "\r", "\n"} {
		if bytes.HasPrefix(text[length:], []byte(end)) {
			length += len(end)
			break
		}
	}
	if len(line) >= 2 && line[0] == '"' && line[len(line)-1] == '"' {
		line = line[1 : len(line)-1]
	}
	const n = len(separatorPrefix)
	if len(line) < n || !bytes.EqualFold(line[:n], []byte(separatorPrefix)) {
		return 0, 0
	}
	if line = line[n:]; len(line) == 0 {
		return length, 0
	}
	r, size := utf8.DecodeRune(line)
	if r == utf8.RuneError || r == '"' || r == 0 || !blank(line[size:]) {
		return 0, 0
	}
	return length, r
}

// detectDelimiter returns what divides the header: the candidate that leaves
// the most columns with a meaning, then the one that is most often outside
// quotes. The rows have no say, so decimal commas do no harm.
func detectDelimiter(text []byte, means func(name string) bool) rune {
	var header []byte
	for record := range outsideQuotes(text, "\r\n") {
		if !blank(bytes.Trim(record, candidates+"\" ")) {
			header = record
			break
		}
	}
	best, bestMeant, bestCount := ',', -1, 0
	for _, d := range candidates {
		meant, count := 0, 0
		for cell := range outsideQuotes(header, string(d)) {
			count++
			name := strings.Trim(Trim(literal(string(cell))), `"`)
			if means(strings.ReplaceAll(name, `""`, `"`)) {
				meant++
			}
		}
		if count > 1 && (meant > bestMeant || meant == bestMeant && count > bestCount) {
			best, bestMeant, bestCount = d, meant, count
		}
	}
	return best
}

// outsideQuotes returns what is between the dividers, ASCII characters, that
// are not in quotes.
func outsideQuotes(text []byte, dividers string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		from, quoted := 0, false
		for i, c := range text {
			switch {
			case c == '"':
				quoted = !quoted
			case !quoted && strings.IndexByte(dividers, c) >= 0:
				if !yield(text[from:i]) {
					return
				}
				from = i + 1
			}
		}
		yield(text[from:])
	}
}
