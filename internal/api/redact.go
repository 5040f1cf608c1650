package api

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"nermbulk/internal/text"
)

const (
	redacted = "[redacted]"
	// minSecret keeps a one-letter "secret" of a test tenant from withholding
	// every message.
	minSecret = 4
	// maxIssued is how many variants of access tokens are remembered: a token that
	// expired long ago is worth nothing to anyone.
	maxIssued = 256
	// maxNested is how many escapes within one another are undone.
	maxNested = 4
)

// redactor withholds secrets in whatever came from outside before it reaches
// a message, a log line or a file. It is safe for concurrent use.
type redactor struct {
	mu      sync.RWMutex
	lasting []secret // those that are good for as long as the process runs
	issued  []secret // access tokens, the oldest first
}

// secret is one in a form in which a server may echo it, and that unpacked.
type secret struct{ form, unpacked string }

// variants returns a secret in the forms that unpack does not make it of.
func variants(s string) []secret {
	var all []secret
	quoted, _ := json.Marshal(s) // a string always marshals
	for _, form := range []string{
		s, strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte(s)),
	} {
		unpacked, _ := unpack(form)
		if v := (secret{form, unpacked}); !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// add makes a secret known for as long as the process runs.
func (r *redactor) add(s string) { r.remember(s, &r.lasting) }

// addIssued makes an access token known; the oldest are dropped when there are
// too many.
func (r *redactor) addIssued(token string) { r.remember(token, &r.issued) }

func (r *redactor) remember(s string, in *[]secret) {
	if len(s) < minSecret {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	*in = append(*in, variants(s)...)
	r.issued = r.issued[max(0, len(r.issued)-maxIssued):]
}

// known returns the secrets, the longest first, so that nothing is left of one
// that holds another.
func (r *redactor) known() []secret {
	r.mu.RLock()
	all := slices.Concat(r.lasting, r.issued)
	r.mu.RUnlock()
	slices.SortFunc(all, func(a, b secret) int { return len(b.form) - len(a.form) })
	return all
}

// text returns s without secrets. Servers echo what they got in many dialects:
// some escape "/" in JSON, some "<", some percent-encode in small letters. So a
// secret is looked for as it is, and then with every escape undone on both
// sides.
func (r *redactor) text(s string) string {
	known := r.known()
	for _, secret := range known {
		s = strings.ReplaceAll(s, secret.form, redacted)
	}
	plain, at := unpack(s)
	for _, secret := range known {
		if len(secret.unpacked) < minSecret {
			continue
		}
		for from := 0; from <= len(plain); from += len(redacted) {
			i := strings.Index(plain[from:], secret.unpacked)
			if i < 0 {
				break
			}
			from += i
			s = s[:at[from]] + redacted + s[at[from+len(secret.unpacked)]:]
			plain, at = unpack(s)
		}
	}
	return s
}

// line returns s as one line without secrets. They are removed before the cut,
// so that no half of one is left, and again after control characters are gone.
func (r *redactor) line(s string, limit int) string {
	return r.text(text.Line(r.text(s), limit))
}

// token is line for what nearly always is a short word without escapes, such as
// an id: nothing is made for that.
func (r *redactor) token(s string, limit int) string {
	if len(s) > limit || strings.ContainsFunc(s, isNoTokenChar) || r.shows(s) {
		return r.line(s, limit)
	}
	return s
}

func isNoTokenChar(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != ':'
}

// shows reports whether s, which has no escapes, has a secret in it.
func (r *redactor) shows(s string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	in := func(v secret) bool {
		return strings.Contains(s, v.form) || len(v.unpacked) >= minSecret && strings.Contains(s, v.unpacked)
	}
	return slices.ContainsFunc(r.lasting, in) || slices.ContainsFunc(r.issued, in)
}

// unpack undoes the escapes of JSON, URLs, forms and HTML, one within another
// too, and character by character, since a text may mix them. Backslashes that
// escape nothing are dropped and a plus becomes a space, so the result is of
// use for comparing alone. Byte i of it comes from s[at[i]:at[i+1]].
func unpack(s string) (plain string, at []int) {
	for i := range len(s) + 1 {
		at = append(at, i)
	}
	for range maxNested {
		var b strings.Builder
		from := make([]int, 0, len(s)+1)
		for i := 0; i < len(s); {
			char, size := unpackOne(s[i:])
			for range len(char) {
				from = append(from, at[i])
			}
			b.WriteString(char)
			i += size
		}
		if b.String() == s {
			break
		}
		s, at = b.String(), append(from, at[len(s)])
	}
	return s, at
}

// unpackOne returns what s begins with, and how much of s that takes.
func unpackOne(s string) (char string, size int) {
	switch s[0] {
	case '+':
		return " ", 1
	case '%':
		if c, ok := hexRune(s, 1, 3); ok {
			return string([]byte{byte(c)}), 3
		}
	case '&':
		if end := strings.IndexByte(s[:min(len(s), 10)], ';'); end > 0 {
			if char = html.UnescapeString(s[:end+1]); char != s[:end+1] {
				return char, end + 1
			}
		}
	case '\\':
		bare := strings.TrimLeft(s, `\`)
		size = len(s) - len(bare)
		if strings.HasPrefix(bare, "u") {
			if c, ok := hexRune(bare, 1, 5); ok {
				return string(c), size + 5
			}
		}
		if bare == "" {
			return "", size
		}
		char, rest := unpackOne(bare)
		return char, size + rest
	}
	_, size = utf8.DecodeRuneInString(s)
	return s[:size], size
}

func hexRune(s string, from, to int) (rune, bool) {
	if len(s) < to {
		return 0, false
	}
	n, err := strconv.ParseUint(s[from:to], 16, 32)
	return rune(n), err == nil
}
