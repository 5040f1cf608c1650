package api

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// parser walks a JSON text once, checks all of it and hands out values as
// parts of it without copying. It stands in for encoding/json where every
// answer passes, because decoding a whole session by reflection costs more
// than the rest of an exchange's bookkeeping.
//
// Once bad is set, the text is not JSON and every method stops at once.
type parser struct {
	s     string
	i     int
	depth int
	bad   bool
}

// maxDepth bounds the recursion on hostile answers.
const maxDepth = 512

// newParser copies body once; everything handed out is a part of that copy.
func newParser(body []byte) parser {
	s := string(body)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return parser{s: s}
}

func (p *parser) fail() bool {
	p.bad = true
	return false
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// peek is the first byte of what comes next, 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.i >= len(p.s) {
		return 0
	}
	return p.s[p.i]
}

// end reports whether the text was JSON and nothing follows.
func (p *parser) end() bool {
	return p.peek() == 0 && p.i >= len(p.s) && !p.bad
}

func (p *parser) take(c byte) bool {
	if p.peek() != c || p.bad {
		return p.fail()
	}
	p.i++
	return true
}

// firstKey enters an object; more is false when it is empty (and left again).
// The value of the key has to be read before nextKey.
func (p *parser) firstKey() (key string, more bool) {
	if p.depth++; p.depth > maxDepth || !p.take('{') {
		return "", p.fail()
	}
	if p.peek() == '}' {
		p.i++
		p.depth--
		return "", false
	}
	return p.key()
}

func (p *parser) nextKey() (key string, more bool) {
	switch {
	case p.bad:
		return "", false
	case p.peek() == '}':
		p.i++
		p.depth--
		return "", false
	case !p.take(','):
		return "", false
	}
	return p.key()
}

func (p *parser) key() (string, bool) {
	if p.peek() != '"' {
		return "", p.fail()
	}
	key := p.str()
	return key, p.take(':') && !p.bad
}

// firstElem enters an array; false when it is empty (and left again).
func (p *parser) firstElem() bool {
	if p.depth++; p.depth > maxDepth || !p.take('[') {
		return p.fail()
	}
	if p.peek() == ']' {
		p.i++
		p.depth--
		return false
	}
	return true
}

func (p *parser) nextElem() bool {
	switch {
	case p.bad:
		return false
	case p.peek() == ']':
		p.i++
		p.depth--
		return false
	}
	return p.take(',')
}

// skip passes over any value.
func (p *parser) skip() {
	switch p.peek() {
	case '{':
		for _, more := p.firstKey(); more; _, more = p.nextKey() {
			p.skip()
		}
	case '[':
		for more := p.firstElem(); more; more = p.nextElem() {
			p.skip()
		}
	case '"':
		p.passString()
	default:
		p.literal()
	}
}

// text reads any value as a string: null is "", the elements of an array are
// joined by ", ", numbers, booleans and objects are their JSON text.
func (p *parser) text() string {
	switch p.peek() {
	case '"':
		return p.str()
	case '{':
		start := p.i
		p.skip()
		return p.s[start:p.i]
	case '[':
		var parts []string
		for more := p.firstElem(); more; more = p.nextElem() {
			parts = append(parts, p.text())
		}
		return strings.Join(parts, ", ")
	}
	if word := p.literal(); word != "null" {
		return word
	}
	return ""
}

// str reads a string; one without escapes is a part of the text.
func (p *parser) str() string {
	start := p.i
	if escaped := p.passString(); !escaped || p.bad {
		if p.bad {
			return ""
		}
		return p.s[start+1 : p.i-1]
	}
	var out string
	if json.Unmarshal([]byte(p.s[start:p.i]), &out) != nil {
		p.fail()
	}
	return out
}
