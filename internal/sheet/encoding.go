package sheet

import (
	"bytes"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// sampled is how many bytes at the start of a file are looked at to tell what
// it is.
const sampled = 4096

// form is how a file's bytes are to be read as text.
type form struct {
	bom     int               // bytes of a byte order mark, to be passed over
	decoder encoding.Encoding // nil for UTF-8, which is validated instead
	hint    string            // the encoding that would probably read it, should this one fail
}

// formOf settles the encoding: the named one, else by byte order mark, else
// UTF-8. Nothing is guessed; the guess is only kept as a hint.
func formOf(sample []byte, name string) (form, error) {
	var f form
	switch {
	case bytes.HasPrefix(sample, []byte(byteOrderMark)):
		f.bom = 3
	case bytes.HasPrefix(sample, []byte{0xff, 0xfe}):
		f.bom, f.decoder = 2, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case bytes.HasPrefix(sample, []byte{0xfe, 0xff}):
		f.bom, f.decoder = 2, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	f.hint = likelyEncoding(sample[f.bom:])
	if name == "" {
		return f, nil
	}
	named, err := htmlindex.Get(name)
	if err == nil && named != encoding.Replacement {
		if canonical, _ := htmlindex.Name(named); canonical == "utf-8" {
			named = nil
		}
		f.decoder = named
		return f, nil
	}
	return f, &OptionError{Option: "--encoding", Value: name, Reason: "not a known encoding; use a name such as utf-8, windows-1252, macintosh or utf-16le"}
}

// reader decodes to UTF-8.
func (f form) reader(r io.Reader) io.Reader {
	if f.decoder == nil {
		return r
	}
	return f.decoder.NewDecoder().Reader(r)
}

// likelyEncoding names what bytes that are not UTF-8 probably are.
func likelyEncoding(sample []byte) string {
	var even, odd int
	for i, c := range sample {
		if c != 0 {
			continue
		}
		if i%2 == 0 {
			even++
		} else {
			odd++
		}
	}
	switch {
	case odd > len(sample)/8 && odd > 4*even:
		return "utf-16le"
	case even > len(sample)/8 && even > 4*odd:
		return "utf-16be"
	case even+odd > 0:
		return ""
	}
	return "windows-1252"
}

// workbook names the program's own file that was given instead of a CSV.
func workbook(sample []byte) string {
	switch {
	case bytes.HasPrefix(sample, []byte("PK\x03\x04")):
		return "a workbook (.xlsx, .ods or .numbers)"
	case bytes.HasPrefix(sample, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return "an old Excel workbook (.xls)"
	}
	return ""
}
