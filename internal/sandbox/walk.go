package sandbox

import (
	"bytes"
	"encoding/json"
)

// The walks below take JSON that is known to be valid, which makes them short
// and several times as fast as decoding each level into a map, and they keep
// keys exactly as they are written.

// members calls each for every member of an object, in their order; false where
// raw is something else. The value refers to raw.
func members(raw []byte, each func(name string, value []byte)) bool {
	return walk(raw, '{', func(item []byte) []byte {
		end := valueEnd(item)
		name, _ := jsonString(item[:end])
		item = trimSpace(trimSpace(item[end:])[1:]) // the colon
		end = valueEnd(item)
		each(name, item[:end])
		return item[end:]
	})
}

// elements calls each for every element of an array, in their order; false
// where raw is something else. The value refers to raw.
func elements(raw []byte, each func(value []byte)) bool {
	return walk(raw, '[', func(item []byte) []byte {
		end := valueEnd(item)
		each(item[:end])
		return item[end:]
	})
}

// walk goes through what is in brackets; take is given what begins with an
// item and returns what follows it.
func walk(raw []byte, open byte, take func([]byte) []byte) bool {
	rest := trimSpace(raw)
	if len(rest) == 0 || rest[0] != open {
		return false
	}
	shut := open + 2 // in ASCII, of both kinds of bracket
	rest = trimSpace(rest[1:])
	for rest[0] != shut {
		rest = trimSpace(take(rest))
		if rest[0] == ',' {
			rest = trimSpace(rest[1:])
		}
	}
	return true
}

func trimSpace(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// valueEnd is the length of the value that b begins with.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringEnd(b[i:]) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default: // a number or a word goes on to what divides it from the next
			if depth > 0 {
				continue
			}
			if n := bytes.IndexAny(b[i:], " \t\r\n,]}"); n >= 0 {
				return i + n
			}
			return len(b)
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// stringEnd is the length of the string that b begins with, quotes included.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// jsonString reads a value that is a string; false for anything else.
func jsonString(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
