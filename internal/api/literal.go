package api

import "strings"

// passString passes over a string and reports whether it has escapes.
func (p *parser) passString() (escaped bool) {
	p.i++ // the quote, which the caller has seen
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return escaped
		case c == '\\':
			escaped = true
			if !p.passEscape() {
				return true
			}
		case c < ' ':
			p.fail()
			return escaped
		default:
			p.i++
		}
	}
	p.fail()
	return escaped
}

func (p *parser) passEscape() bool {
	if p.i+1 >= len(p.s) {
		return p.fail()
	}
	c := p.s[p.i+1]
	p.i += 2
	if c != 'u' {
		return strings.IndexByte(`"\/bfnrt`, c) >= 0 || p.fail()
	}
	if p.i+4 > len(p.s) {
		return p.fail()
	}
	for _, h := range []byte(p.s[p.i : p.i+4]) {
		if strings.IndexByte("0123456789abcdefABCDEF", h) < 0 {
			return p.fail()
		}
	}
	p.i += 4
	return true
}

// literal reads a number, true, false or null and returns its text.
func (p *parser) literal() string {
	for _, word := range [...]string{"null", "true", "false"} {
		if strings.HasPrefix(p.s[p.i:], word) {
			p.i += len(word)
			return word
		}
	}
	start := p.i
	p.pass('-')
	if !p.pass('0') && !p.digits() {
		p.fail()
		return ""
	}
	if p.pass('.') && !p.digits() {
		p.fail()
	}
	if p.pass('e') || p.pass('E') {
		if !p.pass('+') {
			p.pass('-')
		}
		if !p.digits() {
			p.fail()
		}
	}
	return p.s[start:p.i]
}

// pass steps over c if it is next.
func (p *parser) pass(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

// digits steps over one digit or more.
func (p *parser) digits() bool {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i > start
}
