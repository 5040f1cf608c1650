package journal

import (
	"bytes"
	"fmt"
	"hash/crc32"
)

const (
	sealKey = `,"crc":"`
	sealLen = len(sealKey) + 8 + len(`"}`)

	// maxLine bounds one line, and so what a reader holds in memory: a
	// thousand cells of the largest kind fit.
	maxLine = 256 << 20
)

// The openings of the lines that are about a row, as this version writes them.
const (
	openIntent    = `{"t":"intent","row":`
	openWithdrawn = `{"t":"withdrawn","row":`
	openOutcome   = `{"t":"outcome","row":`
	openBefore    = `{"t":"before","row":`
	openPlanned   = `{"t":"plan","row":`
)

var openings = [...]struct{ text, kind string }{
	{openOutcome, "outcome"},
	{openIntent, "intent"},
	{openBefore, "before"},
	{openPlanned, "plan"},
	{openWithdrawn, "withdrawn"},
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendLine appends r as a whole line with its checksum and line break. On an
// error b is given back as it was.
func appendLine(b []byte, r Record, carried bool) ([]byte, error) {
	from := len(b)
	b, err := r.appendTo(b, carried)
	if err == nil && len(b)-from > maxLine-sealLen {
		err = fmt.Errorf("a record of %d MiB is too large for the journal", (len(b)-from)>>20)
	}
	if err != nil {
		return b[:from], err
	}
	return seal(b, from), nil
}

// seal ends the line that begins at from with its checksum and line break.
func seal(b []byte, from int) []byte {
	crc := crc32.Checksum(b[from:], castagnoli)
	b = append(b, sealKey...)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[crc>>shift&15])
	}
	return append(b, "\"}\n"...)
}

// intact tells whether line, without its line break, bears its own checksum.
func intact(line []byte) bool {
	body := len(line) - sealLen
	if body < 2 || line[0] != '{' || string(line[body:body+len(sealKey)]) != sealKey || string(line[len(line)-2:]) != `"}` {
		return false
	}
	var sum uint32
	for _, c := range line[body+len(sealKey) : len(line)-2] {
		switch {
		case c >= '0' && c <= '9':
			sum = sum<<4 | uint32(c-'0')
		case c >= 'a' && c <= 'f':
			sum = sum<<4 | uint32(c-'a'+10)
		default:
			return false
		}
	}
	return crc32.Checksum(line[:body], castagnoli) == sum
}

// head is what the replay needs of a line about a row.
type head struct {
	row     int
	carried bool
	run     bool
	status  byte // the code of an outcome's status
}

// parseHead reads the part of a canonical line behind its opening. It reports
// false when the line is not as this version writes it.
func parseHead(rest []byte, outcome bool) (h head, ok bool) {
	i := 0
	for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' && i < 11 {
		h.row = h.row*10 + int(rest[i]-'0')
		i++
	}
	if i == 0 || h.row > maxRow {
		return h, false
	}
	rest = rest[i:]
	rest, h.carried = bytes.CutPrefix(rest, []byte(`,"carried":true`))
	if outcome {
		var found bool
		if rest, found = bytes.CutPrefix(rest, []byte(`,"status":"`)); !found {
			return h, false
		}
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return h, false
		}
		h.status = statusCode(string(rest[:end]))
		rest = rest[end+1:]
	}
	rest, h.run = bytes.CutPrefix(rest, []byte(`,"run":true`))
	return h, len(rest) > 0 && rest[0] == ',' && (!outcome || h.status != 0)
}

// statuses gives each outcome its code; 0 is none.
var statuses = [...]Status{Pending, Updated, Unchanged, Failed, Unknown, Invalid}

func statusCode(s string) byte {
	for i := 1; i < len(statuses); i++ {
		if string(statuses[i]) == s {
			return byte(i)
		}
	}
	return 0
}
