package sheet

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf16"
)

// ScratchError is an error of this machine's disk while a workbook is unpacked.
type ScratchError struct{ err error }

func (e *ScratchError) Error() string { return fmt.Sprintf("unpack the workbook: %s", e.err) }
func (e *ScratchError) Unwrap() error { return e.err }

const (
	// maxStringsInMemory is how many bytes of texts are kept in memory; all of
	// them go to a file when there are more.
	maxStringsInMemory = 24 << 20
	// maxStrings bounds their number: as many as fill 16 columns of the longest
	// worksheet.
	maxStrings = 1 << 24
	// stringsWindow is how much of the file is read at a time: cells refer to
	// texts mostly in their order.
	stringsWindow = 16 << 10
)

// sharedStrings holds the texts that cells refer to by number, one after the
// other, in memory or in a file.
type sharedStrings struct {
	ends    []uint32 // of each text: all of them are less than maxUnpacked
	memory  []byte   // the texts; once they are in a file, a window of it
	window  int64    // where memory begins
	file    *os.File
	writer  *bufio.Writer
	size    int64
	scratch func() (*os.File, error)
}

func (s *sharedStrings) add(text []byte) error {
	if len(s.ends) == maxStrings {
		return errors.New("it has more than 16,777,216 texts; " + saveAsCSVRemedy)
	}
	if s.file == nil && len(s.memory)+len(text) > maxStringsInMemory {
		if err := s.spill(); err != nil {
			return &ScratchError{err}
		}
	}
	if s.file == nil {
		s.memory = append(s.memory, text...)
	} else if _, err := s.writer.Write(text); err != nil {
		return &ScratchError{err}
	}
	s.size += int64(len(text))
	s.ends = append(s.ends, uint32(s.size))
	return nil
}

func (s *sharedStrings) spill() (err error) {
	if s.file, err = s.scratch(); err != nil {
		return err
	}
	s.writer = bufio.NewWriterSize(s.file, 256<<10)
	_, err = s.writer.Write(s.memory)
	s.memory = nil
	return err
}

// finish is called after the last add.
func (s *sharedStrings) finish() error {
	if s.writer == nil {
		return nil
	}
	err := s.writer.Flush()
	if s.writer = nil; err != nil {
		return &ScratchError{err}
	}
	return nil
}

// get returns a text by its number.
func (s *sharedStrings) get(number int) (string, error) {
	if s == nil || number < 0 || number >= len(s.ends) {
		return "", fmt.Errorf("a cell refers to text %d, which it does not have", number)
	}
	from, to := int64(0), int64(s.ends[number])
	if number > 0 {
		from = int64(s.ends[number-1])
	}
	if from < s.window || to > s.window+int64(len(s.memory)) {
		s.memory = slices.Grow(s.memory[:0], int(max(stringsWindow, to-from)))
		s.memory = s.memory[:min(max(stringsWindow, to-from), s.size-from)]
		s.window = from
		if _, err := s.file.ReadAt(s.memory, from); err != nil {
			return "", &ScratchError{err}
		}
	}
	return string(s.memory[from-s.window : to-s.window]), nil
}

func (s *sharedStrings) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// readStrings reads the table of shared strings, if there is one.
func (w *workbook) readStrings(part string) error {
	if part == "" {
		return nil
	}
	t, err := w.tokens(part)
	if err != nil {
		return err
	}
	defer t.release()
	w.strings = &sharedStrings{scratch: w.scratch}
	var text richText
	for token, err := range t.all() {
		if err == nil {
			err = text.take(token)
		}
		if e, ok := token.(xml.EndElement); ok && e.Name.Local == "si" && err == nil {
			err = w.strings.add(unescapeText(text.text))
			text.reset()
		}
		if err != nil {
			return err
		}
	}
	return w.strings.finish()
}

// richText gathers the text of an element of XML: its value, or that of its runs,
// but not of phonetic hints.
type richText struct {
	text         []byte
	inText, hint int // elements that have begun
}

func (r *richText) reset() { *r = richText{text: r.text[:0]} }

func (r *richText) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		r.count(token.Name.Local, 1)
	case xml.EndElement:
		r.count(token.Name.Local, -1)
	case xml.CharData:
		if r.inText == 0 || r.hint > 0 {
			return nil
		}
		if len(r.text)+len(token) > maxText {
			return errors.New("a cell of it is too large")
		}
		r.text = append(r.text, token...)
	}
	return nil
}

func (r *richText) count(element string, n int) {
	switch element {
	case "t", "v":
		r.inText += n
	case "rPh":
		r.hint += n
	}
}

// unescapeText replaces _xHHHH_, the form in which Office Open XML writes
// characters that XML cannot hold (ECMA-376 part 1, 22.9.2.19).
func unescapeText(text []byte) []byte {
	if !bytes.Contains(text, []byte("_x")) {
		return text
	}
	return escapes.ReplaceAllFunc(text, func(run []byte) []byte {
		var units []uint16 // a character can take two
		for ; len(run) > 0; run = run[escapeLength:] {
			unit, _ := strconv.ParseUint(string(run[2:6]), 16, 16)
			units = append(units, uint16(unit))
		}
		return []byte(string(utf16.Decode(units)))
	})
}

var escapes = regexp.MustCompile("(?:_x[0-9A-Fa-f]{4}_)+")

const escapeLength = len("_x0000_")

// isEscape reports whether a text begins like _x0041_.
func isEscape(s string) bool {
	if len(s) < escapeLength || s[0] != '_' || s[1] != 'x' && s[1] != 'X' || s[6] != '_' {
		return false
	}
	_, err := strconv.ParseUint(s[2:6], 16, 16)
	return err == nil
}
