package api

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Servers echo what they got in many dialects: some escape "/" in JSON, some
// "<", some percent-encode in small letters. A secret with such characters is
// looked for character by character, each in whatever spelling.

// isPlainSecret tells that no encoder has a reason to escape anything in s.
func isPlainSecret(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("-._~", c)
	}) < 0
}

// blotEscaped blots a secret out of s, however its characters are escaped.
func blotEscaped(s, secret string) string {
	var b strings.Builder
	kept := 0
	for i := 0; i < len(s); {
		rest, found := cutEscaped(s[i:], secret)
		if !found {
			i++
			continue
		}
		b.WriteString(s[kept:i])
		b.WriteString(blot)
		i = len(s) - len(rest)
		kept = i
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

// cutEscaped cuts a secret off the beginning of s.
func cutEscaped(s, secret string) (rest string, found bool) {
	if secret == "" {
		return s, true
	}
	c, size := utf8.DecodeRuneInString(secret)
	for _, cut := range [...]func(string, rune) (string, bool){cutLiteral, cutBackslashed, cutPercent, cutEntity} {
		if rest, ok := cut(s, c); ok {
			if rest, ok = cutEscaped(rest, secret[size:]); ok {
				return rest, true
			}
		}
	}
	return s, false
}

func cutLiteral(s string, c rune) (rest string, ok bool) {
	return strings.CutPrefix(s, string(c))
}

// cutBackslashed takes \/ and \u002f, with as many backslashes as JSON within
// JSON needs.
func cutBackslashed(s string, c rune) (rest string, ok bool) {
	bare := strings.TrimLeft(s, `\`)
	if bare == s {
		return s, false
	}
	if rest, ok = cutFold(bare, fmt.Sprintf("u%04x", c)); ok {
		return rest, true
	}
	if c == '\\' && strings.HasPrefix(s, `\\`) {
		return s[2:], true
	}
	return strings.CutPrefix(bare, string(c))
}

// cutPercent takes %2F, and the + that stands for a space in a form.
func cutPercent(s string, c rune) (rest string, ok bool) {
	switch {
	case c == ' ' && strings.HasPrefix(s, "+"):
		return s[1:], true
	case !strings.HasPrefix(s, "%"):
		return s, false
	}
	return cutFold(s, "%"+strings.ReplaceAll(fmt.Sprintf("% x", string(c)), " ", "%"))
}

// cutEntity takes &quot;, &#34; and &#x22;.
func cutEntity(s string, c rune) (rest string, ok bool) {
	const longest = 10
	end := strings.IndexByte(s[:min(len(s), longest)], ';')
	if end < 0 || s[0] != '&' || html.UnescapeString(s[:end+1]) != string(c) {
		return s, false
	}
	return s[end+1:], true
}

// cutFold cuts a prefix without regard to case.
func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
