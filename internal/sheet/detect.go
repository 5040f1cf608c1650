package sheet

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// sampleSize is how many bytes at the start of a file decide what it is.
const sampleSize = 4096

const byteOrderMark = "\ufeff"

// charset is how a file's bytes are read as text.
type charset struct {
	mark    string            // the byte order marks
	decoder encoding.Encoding // nil for UTF-8, which is validated instead
	utf16   string            // the form of UTF-16 that text without a byte order mark looks like
}

// charsetOf returns the named encoding, else that of the byte order mark, else
// UTF-8. It never guesses one.
func charsetOf(sample []byte, name string) (charset, error) {
	var c charset
	switch {
	case c.marked(sample, []byte(byteOrderMark)):
	case c.marked(sample, []byte{0xff, 0xfe}):
		c.decoder = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case c.marked(sample, []byte{0xfe, 0xff}):
		c.decoder = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	if name != "" {
		named, err := htmlindex.Get(name)
		if err != nil || named == encoding.Replacement {
			return c, &OptionError{Option: "--encoding", Value: name, Reason: "not a known encoding; use a name such as utf-8, windows-1252, macintosh or utf-16le"}
		}
		c.decoder = named
		if canonical, _ := htmlindex.Name(named); canonical == "utf-8" {
			c.decoder = nil
		}
	}
	if c.decoder == nil {
		c.utf16 = unmarkedUTF16(sample[len(c.mark):])
	}
	return c, nil
}

// marked looks for a byte order mark, which a program may have written before
// the one that was there.
func (c *charset) marked(sample, mark []byte) bool {
	for bytes.HasPrefix(sample[len(c.mark):], mark) {
		c.mark += string(mark)
	}
	return c.mark != ""
}

// unmarkedUTF16 names the form of UTF-16 that has its zero bytes where the
// sample has them.
func unmarkedUTF16(sample []byte) string {
	var zeros [2]int // at even and at odd offsets
	for i, c := range sample {
		if c == 0 {
			zeros[i%2]++
		}
	}
	most := len(sample) / 8
	switch {
	case zeros[1] > max(most, 4*zeros[0]):
		return "utf-16le"
	case zeros[0] > max(most, 4*zeros[1]):
		return "utf-16be"
	}
	return ""
}

// reader decodes to UTF-8.
func (c charset) reader(r io.Reader) io.Reader {
	if c.decoder == nil {
		return r
	}
	return c.decoder.NewDecoder().Reader(r)
}

// encoder encodes from UTF-8.
func (c charset) encoder() *encoding.Encoder {
	if c.decoder == nil {
		return encoding.Nop.NewEncoder()
	}
	return c.decoder.NewEncoder()
}

// clean reports whether text was decoded rightly, as far as its bytes show.
func (c charset) clean(text []byte) bool {
	return bytes.IndexByte(text, 0) < 0 && (c.decoder != nil || utf8.Valid(text))
}

// problem finds the cell of the scanned record that is not clean. The header
// may be nil.
func (c charset) problem(s *scanner, row int, h *header) Problem {
	column, text := s.past.column, s.text
	for i := range s.ends {
		if cell := s.cell(i); !c.clean(cell) {
			column, text = i, cell
			break
		}
	}
	message := "not valid UTF-8; use --encoding windows-1252 (or the encoding it was saved in), or save the sheet as CSV UTF-8"
	switch nul := bytes.IndexByte(text, 0) >= 0; {
	case c.utf16 != "":
		message = fmt.Sprintf("this looks like UTF-16 without a byte order mark; use --encoding %s, or save the sheet as CSV UTF-8", c.utf16)
	case nul:
		message = "a NUL character stands here; remove it, or save the sheet anew as CSV UTF-8"
	}
	return placed(row, column, h, BadEncoding, message)
}

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
