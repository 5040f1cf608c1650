package journal

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	hexDigits  = "0123456789abcdef"
	timeLayout = "2006-01-02T15:04:05.000Z"
)

// appendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, and control characters (those above ASCII too) are escaped, so that
// showing the file on a terminal is harmless.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0 // of the bytes that need no escape and are not yet appended
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if r > 0x9f && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		b = append(b, s[from:i]...)
		b = appendEscape(b, r)
		i += size
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case utf8.RuneError:
		return append(b, "\ufffd"...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[r>>4&15], hexDigits[r&15])
}

// appendJSON appends raw as it is when it is a JSON object or array, without
// line breaks, and as a JSON string otherwise: unquoting a string is then
// always the way back.
func appendJSON(b, raw []byte) []byte {
	if len(raw) == 0 || raw[0] != '{' && raw[0] != '[' || !json.Valid(raw) || !utf8.Valid(raw) {
		return appendString(b, string(raw))
	}
	for i, c := range raw {
		if c == '\n' || c == '\r' { // outside strings: inside they would not be valid
			b = append(b, raw[:i]...)
			for _, c := range raw[i:] {
				if c != '\n' && c != '\r' {
					b = append(b, c)
				}
			}
			return b
		}
	}
	return append(b, raw...)
}

// appendTime does by hand what AppendFormat would take three times as long for.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return append(t.AppendFormat(append(b, '"'), timeLayout), '"')
	}
	hour, minute, second := t.Clock()
	ms := t.Nanosecond() / 1e6
	b = appendPair(append(b, '"'), year/100)
	b = appendPair(b, year%100)
	b = appendPair(append(b, '-'), int(month))
	b = appendPair(append(b, '-'), day)
	b = appendPair(append(b, 'T'), hour)
	b = appendPair(append(b, ':'), minute)
	b = appendPair(append(b, ':'), second)
	b = appendPair(append(b, '.'), ms/10)
	return append(b, byte('0'+ms%10), 'Z', '"')
}

func appendPair(b []byte, n int) []byte {
	return append(b, byte('0'+n/10), byte('0'+n%10))
}

func appendHash(b []byte, h uint64) []byte {
	b = append(b, '"')
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[h>>shift&15])
	}
	return append(b, '"')
}

func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) { // JSON has no such numbers
		f = 0
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// The field functions append a comma, the key and the value; key comes with its
// quotes and colon. The opt… ones leave a zero value out.

func fieldString(b []byte, key, s string) []byte {
	return appendString(append(append(b, ','), key...), s)
}

func optString(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return fieldString(b, key, s)
}

func fieldInt(b []byte, key string, n int) []byte {
	return strconv.AppendInt(append(append(b, ','), key...), int64(n), 10)
}

func fieldAt(b []byte, t time.Time) []byte {
	return appendTime(append(b, `,"at":`...), t)
}

func optTrue(b []byte, key string, v bool) []byte {
	if !v {
		return b
	}
	return append(append(append(b, ','), key...), "true"...)
}
