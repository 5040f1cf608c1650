package sheet

import "bytes"

// quoteFault is a quote in the wrong place. Nothing after it can be told
// apart, so reading ends there.
type quoteFault struct {
	column  int
	message string
}

func (f *quoteFault) Error() string { return f.message }

// The ways in which a quote can be wrong, each with its remedy.
const (
	neverClosed = `a quote opens this cell and is never closed; close it, or write "" for a quote that belongs to the text`
	bareQuote   = `a quote stands inside a cell that does not begin with one; put the cell in quotes and write "" for the quote inside it`
	closedLate  = `a quote opens this cell and the next one stands in a later line, before other text; close the cell, or write "" for a quote that belongs to the text`
	afterQuote  = `text follows the closing quote of this cell; write "" for a quote inside a quoted cell`
)

// quoted takes a record apart that holds a quote, from the start of data,
// which may hold only a part of it: then it returns 0.
func (s *scanner) quoted(data []byte) (int, error) {
	s.text = s.text[:0]
	for i := 0; ; {
		from := len(s.text)
		var n int
		var err error
		if i < len(data) && data[i] == '"' {
			n, err = s.quotedCell(data[i:])
		} else {
			n, err = s.bareCell(data[i:])
		}
		if n < 0 || err != nil {
			return 0, err
		}
		i += n
		s.add(from, len(s.text))
		n, another := s.separator(data[i:])
		if n < 0 {
			return 0, nil
		}
		i += n
		if !another {
			return i, nil
		}
		s.text = append(s.text, s.delim...)
	}
}

// quotedCell adds the cell at the start of data to text and returns the length
// it had in data, -1 when its end is not in data.
func (s *scanner) quotedCell(data []byte) (int, error) {
	i := 1
	for {
		at := bytes.IndexByte(data[i:], '"')
		if at < 0 {
			if s.eof {
				return -1, &quoteFault{column: s.count, message: neverClosed}
			}
			return -1, nil
		}
		s.text = append(s.text, data[i:i+at]...)
		i += at + 1
		if i == len(data) && !s.eof {
			return -1, nil // it may be the first of two
		}
		if i == len(data) || data[i] != '"' {
			break
		}
		s.text = append(s.text, '"')
		i++
	}
	if !s.eof && len(data)-i < len(s.delim) {
		return -1, nil
	}
	rest := data[i:]
	if len(rest) > 0 && rest[0] != '\r' && rest[0] != '\n' && !bytes.HasPrefix(rest, s.delim) {
		message := afterQuote
		if bytes.ContainsAny(data[:i], "\r\n") {
			message = closedLate
		}
		return -1, &quoteFault{column: s.count, message: message}
	}
	return i, nil
}

// bareCell is quotedCell for a cell without quotes.
func (s *scanner) bareCell(data []byte) (int, error) {
	for i, c := range data {
		if !s.special[c] {
			continue
		}
		switch {
		case c == '"':
			return -1, &quoteFault{column: s.count, message: bareQuote}
		case c == '\r' || c == '\n' || bytes.HasPrefix(data[i:], s.delim):
			s.text = append(s.text, data[:i]...)
			return i, nil
		}
	}
	if !s.eof {
		return -1, nil
	}
	s.text = append(s.text, data...)
	return len(data), nil
}

// separator tells how long the delimiter or row end at the start of data is,
// -1 when that cannot be told yet, and whether another cell follows.
func (s *scanner) separator(data []byte) (length int, another bool) {
	switch {
	case len(data) == 0:
		if s.eof {
			return 0, false
		}
		return -1, false
	case bytes.HasPrefix(data, s.delim):
		return len(s.delim), true
	case data[0] == '\r':
		if len(data) == 1 && !s.eof {
			return -1, false
		}
		if len(data) > 1 && data[1] == '\n' {
			return 2, false
		}
	}
	return 1, false
}
