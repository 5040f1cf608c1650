package api

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain makes one line of a text that came from outside: terminal escape
// sequences, control characters and those that reorder a line are taken out,
// runs of white space become one space, and what is longer than limit runes is
// cut with an ellipsis.
func plain(s string, limit int) string {
	var b strings.Builder
	n, gap := 0, false
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == 0x1b || r == 0x9b {
			i += escapeLen(s[i:], size)
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
		if n >= limit {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// printable is plain for something the user typed that a message repeats.
func printable(s string) string { return plain(s, 100) }

// escapeLen is the length of the terminal escape sequence that s begins with,
// whose first character has the given size: CSI up to its final byte, a
// string sequence (OSC, DCS, …) up to its terminator, else two bytes.
func escapeLen(s string, size int) int {
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
			return len(s) - len(rest) + i // no sequence after all: the text goes on
		}
	}
	return len(s)
}

// cutBytes cuts b to at most limit bytes without dividing a character.
func cutBytes(b []byte, limit int) []byte {
	if len(b) <= limit {
		return b
	}
	cut := limit
	for cut > limit-utf8.UTFMax && !utf8.RuneStart(b[cut]) {
		cut--
	}
	if !utf8.RuneStart(b[cut]) {
		cut = limit // not UTF-8 anyway
	}
	return b[:cut]
}
