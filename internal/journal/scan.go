package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

var errNotObject = errors.New("the line is not one JSON object")

// scanner goes through the keys of a line's object, in whatever order. It takes
// a value apart only when asked: the checksum already says that a line is as it
// was written.
type scanner struct {
	line []byte
	i    int
	key  []byte // without quotes
	val  []byte // as it stands
	err  error  // the first one
}

func newScanner(line []byte) scanner {
	s := scanner{line: line}
	if s.skip(); s.at() != '{' {
		s.err = errNotObject
	}
	s.i++
	return s
}

// next goes to the next key; it reports false at the end and after an error.
func (s *scanner) next() bool {
	s.skip()
	if s.err != nil || s.at() == '}' {
		return false
	}
	from := s.i
	if s.at() != '"' || !s.skipString() {
		return s.broken()
	}
	s.key = s.line[from+1 : s.i-1]
	if s.skip(); s.at() != ':' {
		return s.broken()
	}
	s.i++
	s.skip()
	from = s.i
	if !s.skipValue() {
		return s.broken()
	}
	s.val = s.line[from:s.i]
	switch s.skip(); s.at() {
	case ',':
		s.i++
	case '}':
	default:
		return s.broken()
	}
	return true
}

func (s *scanner) broken() bool {
	s.err = errNotObject
	return false
}

// at is the byte under the scanner, 0 at the end.
func (s *scanner) at() byte {
	if s.i < len(s.line) {
		return s.line[s.i]
	}
	return 0
}

func (s *scanner) skip() {
	for c := s.at(); c == ' ' || c == '\t' || c == '\r'; c = s.at() {
		s.i++
	}
}

func (s *scanner) skipString() bool {
	for s.i++; ; {
		n := bytes.IndexByte(s.line[min(s.i, len(s.line)):], '"')
		if n < 0 {
			return false
		}
		quote := s.i + n
		slash := quote
		for slash > s.i && s.line[slash-1] == '\\' {
			slash--
		}
		s.i = quote + 1
		if (quote-slash)%2 == 0 {
			return true
		}
	}
}

func (s *scanner) skipValue() bool {
	from := s.i
	for depth := 0; s.i < len(s.line); {
		switch s.line[s.i] {
		case '"':
			if !s.skipString() {
				return false
			}
			if depth == 0 {
				return true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return s.i > from
			}
			if depth--; depth == 0 {
				s.i++
				return true
			}
		case ',', ' ':
			if depth == 0 {
				return s.i > from
			}
		}
		s.i++
	}
	return false
}

func (s *scanner) wrong(want string) {
	if s.err == nil {
		s.err = fmt.Errorf("%q is not %s", s.key, want)
	}
}

func (s *scanner) text() string { return string(s.bytes()) }

// bytes is text, as a part of the line where nothing in it is escaped.
func (s *scanner) bytes() []byte {
	if len(s.val) < 2 || s.val[0] != '"' {
		s.wrong("a text")
		return nil
	}
	if bytes.IndexByte(s.val, '\\') < 0 {
		return s.val[1 : len(s.val)-1]
	}
	var t string
	if json.Unmarshal(s.val, &t) != nil {
		s.wrong("a text")
	}
	return []byte(t)
}

// raw undoes appendJSON.
func (s *scanner) raw() []byte {
	if s.val[0] == '"' {
		return []byte(s.text())
	}
	return bytes.Clone(s.val)
}

func (s *scanner) int() int {
	n, err := strconv.Atoi(string(s.val))
	if err != nil {
		s.wrong("a whole number")
	}
	return n
}

func (s *scanner) float() float64 {
	f, err := strconv.ParseFloat(string(s.val), 64)
	if err != nil {
		s.wrong("a number")
	}
	return f
}

func (s *scanner) bool() bool {
	switch string(s.val) {
	case "true":
		return true
	case "false":
	default:
		s.wrong("true or false")
	}
	return false
}

func (s *scanner) hash() uint64 {
	h, err := strconv.ParseUint(string(s.bytes()), 16, 64)
	if err != nil {
		s.wrong("16 hexadecimal digits")
	}
	return h
}

func (s *scanner) time() time.Time {
	var t time.Time
	if t.UnmarshalText(s.bytes()) != nil {
		s.wrong("a time")
	}
	return t
}
