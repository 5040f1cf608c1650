// Package text makes text from outside safe to show on one line, and writes
// counts, durations, times, shell words and JSON strings. It knows nothing of
// sheets, sessions or runs.
package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line that is safe to print: terminal escape sequences,
// control characters, invisible and reordering format characters and bytes that
// are not UTF-8 are removed, and each run of white space becomes one space.
// A result of more than limit characters is cut and ends in an ellipsis; a
// limit of 0 means none.
func Line(s string, limit int) string {
	if isPlainLine(s) && (limit == 0 || len(s) <= limit) {
		return s
	}
	var b strings.Builder
	n, gap := 0, false
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == 0x1b || r == 0x9b {
			i += escapeLength(s[i:], size)
			continue
		}
		i += size
		switch {
		case unicode.IsSpace(r):
			gap = true
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError && size == 1:
			continue
		}
		if gap && n > 0 {
			b.WriteByte(' ')
			n++
		}
		gap = false
		if limit > 0 && n >= limit {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// isPlainLine reports whether s is printable ASCII with single inner spaces:
// most texts are, and need no copy.
func isPlainLine(s string) bool {
	before := byte(' ')
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && before == ' ' {
			return false
		}
		before = s[i]
	}
	return s == "" || before != ' '
}

// escapeLength is the length of the terminal escape sequence at the start of s,
// whose first character has the given size: CSI up to its final byte, a
// string sequence (OSC, DCS, …) up to its terminator, else two bytes.
func escapeLength(s string, size int) int {
	rest := s[size:]
	csi := size == 2 // U+009B, the one-character CSI
	if !csi {
		if rest == "" {
			return size
		}
		switch kind := rest[0]; {
		case kind == '[':
			rest = rest[1:]
		case strings.IndexByte("]PX^_", kind) >= 0:
			for _, end := range []string{"\a", "\x1b\\", "\u009c"} {
				if at := strings.Index(rest, end); at >= 0 {
					return size + at + len(end)
				}
			}
			return size + 1
		default:
			_, n := utf8.DecodeRuneInString(rest)
			return size + n
		}
	}
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; c >= 0x40 && c <= 0x7e {
			return len(s) - len(rest) + i + 1
		} else if c < 0x20 || c > 0x3f {
			return len(s) - len(rest) + i // not a sequence: the text goes on here
		}
	}
	return len(s)
}

// Cut returns s with at most limit characters, the last of them an ellipsis
// where s is longer.
func Cut(s string, limit int) string {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// Quote returns s as a Go string literal, for a message that repeats a cell.
// Only its first limit characters are shown, then an ellipsis.
func Quote(s string, limit int) string {
	if utf8.RuneCountInString(s) > limit {
		runes := []rune(Head(s, limit*utf8.UTFMax))
		s = string(runes[:min(len(runes), limit)]) + "…"
	}
	return strconv.Quote(s)
}

// Head returns at most the first limit bytes of s, without dividing a
// character.
func Head[T string | []byte](s T, limit int) T {
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && cut > limit-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	if !utf8.RuneStart(s[cut]) {
		cut = limit // not UTF-8
	}
	return s[:cut]
}
