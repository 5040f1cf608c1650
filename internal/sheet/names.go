package sheet

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nermbulk/internal/text"
)

// NormalizeName makes names comparable: in Unicode's NFC form, without case,
// spaces of any kind, '_' and '-'. A name and what a message shows of it are
// the same, so that what is advised works when it is typed.
func NormalizeName(s string) string {
	return fold(text.Line(s, 0), func(r rune) bool { return r == '_' || r == '-' || isSpace(r) })
}

// Fold makes texts comparable without case and spaces of any kind, in Unicode's
// NFC form.
func Fold(s string) string { return fold(s, isSpace) }

// FoldCase makes cells comparable without case and the space around them, in
// Unicode's NFC form.
func FoldCase(s string) string { return norm.NFC.String(strings.ToLower(Trim(s))) }

func fold(s string, without func(rune) bool) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if without(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s))
}

// Trim takes white space and invisible format characters off both ends of a
// cell: spaces, tabs and line breaks, no-break and zero-width spaces, marks of
// the writing direction, soft hyphens, byte order marks.
func Trim(cell string) string {
	if cell == "" {
		return cell
	}
	// Nearly every cell begins and ends with a plain character.
	if first, last := cell[0], cell[len(cell)-1]; first > ' ' && first < utf8.RuneSelf && last > ' ' && last < utf8.RuneSelf {
		return cell
	}
	return strings.TrimFunc(cell, isSpace)
}

func isSpace(r rune) bool { return isInvisible(r) || unicode.IsSpace(r) }

// isInvisible reports whether r is a format character that nobody sees. Format
// characters that belong to what is seen, such as the Arabic number sign and
// the tags of a flag, are none.
func isInvisible(r rune) bool {
	switch {
	case r < 0x80:
		return false
	case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true // of no width, or controlling the direction
	}
	return r == 0xad || r == 0x61c || r == 0x180e || r == 0xfeff
}

// invisible is the length of the invisible characters at the start of b.
func invisible(b []byte) (n int) {
	for n < len(b) && b[n] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(b[n:])
		if !isInvisible(r) {
			break
		}
		n += size
	}
	return n
}

// literal returns the text of a cell that is written as the formula ="00123",
// the form in which many programs write text that a spreadsheet shall leave
// alone. Any other cell it returns as it is.
func literal(cell string) string {
	if !strings.Contains(cell, literalStart) {
		return cell
	}
	inner, ok := strings.CutPrefix(Trim(cell), literalStart)
	inner, closed := strings.CutSuffix(inner, `"`)
	bare := strings.ReplaceAll(inner, `""`, "")
	if !ok || !closed || strings.Contains(bare, `"`) {
		return cell
	}
	return strings.ReplaceAll(inner, `""`, `"`)
}

// asLiteral returns the form in which a text is written so that literal returns
// it, without quotes around it.
func asLiteral(text string) string { return literalStart + doubled(text) + `"` }

// doubled doubles the quotes of a text, as they are written between quotes.
func doubled(text string) string { return strings.ReplaceAll(text, `"`, `""`) }

// blank reports whether nothing but white space is in the bytes.
func blank(b []byte) bool {
	return bytes.IndexFunc(b, func(r rune) bool { return !isSpace(r) }) < 0
}

// Nearest returns the candidate that the name was probably meant to be: the one
// with the fewest slips of the keyboard between them, spelling conventions
// (case, spaces, '_', '-') aside. It returns none rather than a far-fetched one.
func Nearest(name string, candidates []string) (string, bool) {
	at := NewWords(candidates).Nearest(name)
	if at < 0 {
		return "", false
	}
	return candidates[at], true
}

// Words are candidates that many names are held against. They do not change.
type Words []word

// word is a text as slips are counted in it.
type word struct {
	runes []rune
	has   uint64 // a bit for each of its characters, which several share
}

// NewWords prepares candidates.
func NewWords(candidates []string) Words {
	words := make(Words, len(candidates))
	for i, c := range candidates {
		words[i] = newWord(c)
	}
	return words
}

func newWord(s string) (w word) {
	w.runes = []rune(NormalizeName(s))
	for _, r := range w.runes {
		w.has |= 1 << (r % 64)
	}
	return w
}

// Nearest is the function of that name; it returns the candidate's index, or -1.
func (words Words) Nearest(name string) int {
	typed := newWord(name)
	if len(typed.runes) == 0 || len(typed.runes) > 100 {
		return -1
	}
	best, found := math.MaxInt, -1
	for i, want := range words {
		allowed := min(max(1, max(len(typed.runes), len(want.runes))/3), best-1)
		if typed.differs(want) > allowed {
			continue
		}
		if d := distance(typed.runes, want.runes); d <= allowed && d < len(want.runes) {
			best, found = d, i
		}
	}
	return found
}

// differs returns how many slips there are at least between two words: one for
// each character more, and for each that the other has not at all.
func (w word) differs(other word) int {
	more := len(w.runes) - len(other.runes)
	return max(more, -more, bits.OnesCount64(w.has&^other.has), bits.OnesCount64(other.has&^w.has))
}

// distance counts the insertions, deletions, replacements and swaps of neighbours
// that turn a into b (Damerau-Levenshtein, each stretch edited once).
func distance(a, b []rune) int {
	width := len(b) + 1
	room := make([]int, 3*width)
	before, last, row := room[:width], room[width:2*width], room[2*width:]
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			replaced := last[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, replaced)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// Letter returns a column's letters as a spreadsheet shows them: 0 is A, 26 AA.
func Letter(index int) string {
	var letters []byte
	for ; index >= 0; index = index/26 - 1 {
		letters = append([]byte{byte('A' + index%26)}, letters...)
	}
	return string(letters)
}

// cellName is the address of a cell as a spreadsheet shows it, such as B3; the
// column is from 0.
func cellName(column, row int) string { return Letter(column) + strconv.Itoa(row) }
