package journal

import (
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
