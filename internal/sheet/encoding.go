package sheet

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
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
	case looksJapanese(sample):
		return "shift_jis"
	case looksMacintosh(sample):
		return "macintosh"
	}
	return "windows-1252"
}

// looksJapanese asks for kana and for nothing that Shift JIS cannot hold.
func looksJapanese(sample []byte) bool {
	if utf8.Valid(sample) {
		return false
	}
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(sample)
	if err != nil || bytes.ContainsRune(bytes.TrimRight(text, "\ufffd"), utf8.RuneError) {
		return false
	}
	return bytes.ContainsFunc(text, func(r rune) bool { return r >= 'ぁ' && r <= 'ヺ' })
}

// looksMacintosh compares within words: there the accented letters of the Mac
// stand where Windows has punctuation and controls.
func looksMacintosh(sample []byte) bool {
	letter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
	var mac, windows int
	for i := 1; i+1 < len(sample); i++ {
		c := sample[i]
		if c < 0x80 || !letter(sample[i-1]) || !letter(sample[i+1]) {
			continue
		}
		switch {
		case c >= 0xc0:
			windows++
		case c <= 0x9f && c != 0x8a && c != 0x8c && c != 0x8e && c != 0x92 && c != 0x9a && c != 0x9c && c != 0x9e:
			mac++
		}
	}
	return mac > 0 && windows == 0
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
