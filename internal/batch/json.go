package batch

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// plain marks the ASCII bytes that stand in a JSON string as they are.
var plain = func() (table [256]bool) {
	for c := range utf8.RuneSelf {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

// appendString appends a cell as a JSON string. Every sort of line break is
// sent as LF, since one sheet can come from several systems. Bytes that are
// no UTF-8 become U+FFFD, so that the body is always valid.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			b = append(append(b, s[from:i]...), `\ufffd`...)
			i++
			from = i
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'n')
			if i+1 < len(s) && s[i+1] == '\n' {
				i++
			}
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
