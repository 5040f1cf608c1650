package sheet

import (
	"strconv"
	"strings"
	"unicode"
)

// Letter gives a column's letters as a spreadsheet shows them: 0 is A, 26 AA.
func Letter(index int) string {
	var letters []byte
	for ; index >= 0; index = index/26 - 1 {
		letters = append([]byte{byte('A' + index%26)}, letters...)
	}
	return string(letters)
}

// String tells the problem in one line, its place first.
func (p Problem) String() string {
	var b strings.Builder
	if p.Row > 0 {
		b.WriteString("row " + strconv.Itoa(p.Row))
	}
	if p.Column != "" {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString("column " + p.Column)
		if name := plainText(Trim(p.Header)); name != "" {
			b.WriteString(" (" + name + ")")
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// longest is how much of a sheet's own text a message repeats, in characters.
const longest = 60

// plainText makes a sheet's text fit to stand in a line on a terminal.
func plainText(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > longest {
			b.WriteString("…")
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

// excerpt is plainText between quotation marks.
func excerpt(s string) string { return `"` + plainText(s) + `"` }

// rowCount writes "1,204 rows".
func rowCount(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	if n == 1 {
		return digits + " row"
	}
	return digits + " rows"
}
