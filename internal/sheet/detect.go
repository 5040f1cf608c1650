package sheet

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// notASheet is a file that holds no rows: what it is, and what to do about it.
func notASheet(what, remedy string) *fault {
	return &fault{-1, NotASheet, fmt.Sprintf("this is %s, not a sheet that can be read; %s", what, remedy)}
}

// What to do about a file that is no sheet.
const (
	saveAsCSV = "open it in a spreadsheet program and save it as an Excel workbook (.xlsx) or as CSV UTF-8"
	exportCSV = "export the data as an Excel workbook (.xlsx) or as CSV UTF-8 from the program that made it"
	unpack    = "unpack it, and name the sheet in it"
)

// signatures are the first bytes of files that are often taken for a sheet.
var signatures = []struct{ start, what, remedy string }{
	{"%PDF-", "a PDF", exportCSV},
	{`{\rtf`, "a text document (RTF)", saveAsCSV},
	{"\x89PNG", "a picture", exportCSV},
	{"\xff\xd8\xff", "a picture", exportCSV},
	{"SQLite format 3", "a database (SQLite)", exportCSV},
	{"PAR1", "a Parquet file", exportCSV},
	{"7z\xbc\xaf", "an archive (7z)", unpack},
	{"Rar!", "an archive (RAR)", unpack},
	{"BZh", "a packed file (bzip2)", unpack},
	{"\xfd7zXZ", "a packed file (xz)", unpack},
	{"\x28\xb5\x2f\xfd", "a packed file (zstd)", unpack},
}

// The first bytes of the files that others are made of.
const (
	zipStart      = "PK\x03\x04"
	zipEmpty      = "PK\x05\x06"
	compoundStart = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" // OLE: .xls, and whatever Office encrypts
	gzipStart     = "\x1f\x8b"
)

// recognise returns what a file is that holds no rows, or nil. The sample is
// its beginning, unpacked if it was packed.
func recognise(f *os.File, size int64, sample []byte, packed bool) error {
	is := func(start string) bool { return bytes.HasPrefix(sample, []byte(start)) }
	switch {
	case (is(zipStart) || is(zipEmpty)) && packed:
		return notASheet("a workbook or an archive packed with gzip", unpack)
	case is(zipStart), is(zipEmpty):
		return zipContent(f, size)
	case is(compoundStart) && !packed:
		return compoundContent(f)
	case is(gzipStart):
		return notASheet("a file that is packed twice", unpack)
	case len(sample) > 262 && string(sample[257:262]) == "ustar":
		return notASheet("an archive (tar)", unpack)
	}
	for _, s := range signatures {
		if is(s.start) {
			return notASheet(s.what, s.remedy)
		}
	}
	return nil
}

// zipContent finds out what a ZIP is by the names in it. A workbook is a sheet.
func zipContent(f *os.File, size int64) error {
	archive, err := zip.NewReader(f, size)
	if err != nil {
		return notASheet("a damaged workbook or ZIP archive", "fetch it again, or open it in the spreadsheet program and save it again")
	}
	has := func(start string) bool {
		return slices.ContainsFunc(archive.File, func(f *zip.File) bool { return strings.HasPrefix(partName(f.Name), start) })
	}
	switch {
	case has("xl/workbook.bin"):
		return notASheet("a binary workbook (.xlsb)", saveAsCSV)
	case has("xl/"):
		return nil
	case has("word/"):
		return notASheet("a text document (.docx)", saveAsCSV)
	case has("ppt/"):
		return notASheet("a presentation (.pptx)", exportCSV)
	case has("index/"), has("index.apxl"):
		return notASheet("a Numbers document", "export it as an Excel workbook (.xlsx), or as CSV in UTF-8")
	case has("mimetype") && has("content.xml"):
		return notASheet("an OpenDocument file (.ods)", saveAsCSV)
	}
	return notASheet("a ZIP archive", unpack)
}

// compoundContent distinguishes an old workbook from an encrypted one by the names of
// the streams in it, which are in one or more sectors in a row.
func compoundContent(f *os.File) error {
	var head [512]byte
	directory := make([]byte, 4096)
	n := 0
	if _, err := f.ReadAt(head[:], 0); err == nil {
		sector, shift := int64(binary.LittleEndian.Uint32(head[48:])), binary.LittleEndian.Uint16(head[30:])
		n, _ = f.ReadAt(directory, (sector+1)<<min(shift, 12)) // what cannot be read names nothing
	}
	has := func(name string) bool {
		return bytes.Contains(directory[:n], []byte(strings.Join(strings.Split(name, ""), "\x00")))
	}
	switch {
	case has("EncryptedPackage"):
		return notASheet("a workbook with a password", "open it with the password and save it without one")
	case has("WordDocument"):
		return notASheet("a text document (.doc)", saveAsCSV)
	}
	return notASheet("an old Excel workbook (.xls)", saveAsCSV)
}

// markup returns what a text is that is written in another language than CSV,
// or nil.
func markup(text string) error {
	text = strings.TrimLeftFunc(text, isSpace)
	lower := strings.ToLower(text)
	if strings.HasPrefix(lower, "<?xml") && strings.Contains(lower, "office:spreadsheet") {
		return notASheet("a workbook written as XML", saveAsCSV)
	}
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<meta", "<body", "<table", "<style", "<script", "<div"} {
		if strings.HasPrefix(lower, tag) || strings.HasPrefix(lower, "<?xml") && strings.Contains(lower, tag) {
			return notASheet("a web page (HTML), whatever its name ends in", saveAsCSV+"; if it says that you must sign in, fetch the file again")
		}
	}
	if strings.HasPrefix(lower, "<?xml") {
		return notASheet("an XML file", exportCSV)
	}
	if jsonStart.MatchString(text) {
		return notASheet("JSON", exportCSV)
	}
	return nil
}

// jsonStart is how an object or an array begins.
var jsonStart = regexp.MustCompile(`^(?:\{[\s\v\x{85}\p{Z}]*["}]|\[[\s\v\x{85}\p{Z}]*[{\["\]\-0-9])`)

// unpacker reads what a gzip file holds. What is wrong with the file is a
// *fault.
type unpacker struct {
	src  io.Reader
	zip  *gzip.Reader // nil before the first Read
	left int64
}

func (u *unpacker) Read(p []byte) (n int, err error) {
	if u.zip == nil {
		u.zip, err = gzip.NewReader(u.src)
	}
	if err == nil {
		n, err = u.zip.Read(p)
	}
	u.left -= int64(n)
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case u.left < 0:
		return 0, &fault{-1, NotASheet, "the packed file holds more than 4 GiB; unpack it first"}
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), corrupt:
		return n, &fault{-1, NotASheet, "the packed file (gzip) is damaged or cut off; fetch it or pack it again"}
	}
	return n, err
}

// content returns a file's bytes as the sheet has them: unpacked, if they are
// packed with gzip.
func content(raw io.Reader, packed bool) io.Reader {
	if packed {
		return &unpacker{src: raw, left: maxUnpacked}
	}
	return raw
}

// Content reads a sheet's file from its beginning for whoever copies or hashes
// it; it does not matter where the file is. A packed file is read as what it
// holds, so that packing makes no difference to what a sheet is. SHA256 is the
// hash of the same bytes.
func Content(f *os.File) (io.Reader, error) {
	begin, err := start(f, len(gzipStart))
	return content(io.NewSectionReader(f, 0, math.MaxInt64), string(begin) == gzipStart), err
}

// sampleSize is how many bytes at the start of a file decide what it is.
const sampleSize = 4096

const byteOrderMark = "\ufeff"

// charset is how a file's bytes are read as text.
type charset struct {
	mark    string            // the byte order marks
	decoder encoding.Encoding // nil for UTF-8, which is validated instead
	utf16   string            // the form of UTF-16 that text without a byte order mark looks like
}

// charsetOf returns the named encoding, else that of the byte order mark, else
// UTF-8. It never guesses one.
func charsetOf(sample []byte, name string) (charset, error) {
	var c charset
	switch {
	case c.marked(sample, []byte(byteOrderMark)):
	case c.marked(sample, []byte{0xff, 0xfe}):
		c.decoder = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case c.marked(sample, []byte{0xfe, 0xff}):
		c.decoder = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	if name != "" {
		named, err := htmlindex.Get(name)
		if err != nil || named == encoding.Replacement {
			return c, &OptionError{Option: "--encoding", Value: name, Reason: "not a known encoding; use a name such as utf-8, windows-1252, macintosh or utf-16le"}
		}
		c.decoder = named
		if canonical, _ := htmlindex.Name(named); canonical == "utf-8" {
			c.decoder = nil
		}
	}
	if c.decoder == nil {
		c.utf16 = unmarkedUTF16(sample[len(c.mark):])
	}
	return c, nil
}

// marked looks for a byte order mark, which a program may have written before
// the one that was there.
func (c *charset) marked(sample, mark []byte) bool {
	for bytes.HasPrefix(sample[len(c.mark):], mark) {
		c.mark += string(mark)
	}
	return c.mark != ""
}

// unmarkedUTF16 names the form of UTF-16 that has its zero bytes where the
// sample has them.
func unmarkedUTF16(sample []byte) string {
	var zeros [2]int // at even and at odd offsets
	for i, c := range sample {
		if c == 0 {
			zeros[i%2]++
		}
	}
	most := len(sample) / 8
	switch {
	case zeros[1] > max(most, 4*zeros[0]):
		return "utf-16le"
	case zeros[0] > max(most, 4*zeros[1]):
		return "utf-16be"
	}
	return ""
}

// reader decodes to UTF-8.
func (c charset) reader(r io.Reader) io.Reader {
	if c.decoder == nil {
		return r
	}
	return c.decoder.NewDecoder().Reader(r)
}

// encoder encodes from UTF-8.
func (c charset) encoder() *encoding.Encoder {
	if c.decoder == nil {
		return encoding.Nop.NewEncoder()
	}
	return c.decoder.NewEncoder()
}

// clean reports whether text was decoded rightly, as far as its bytes show.
func (c charset) clean(text []byte) bool {
	return bytes.IndexByte(text, 0) < 0 && (c.decoder != nil || utf8.Valid(text))
}

// problem finds the cell of the scanned record that is not clean. The header
// may be nil.
func (c charset) problem(s *scanner, row int, h *header) Problem {
	column, text := s.past.column, s.text
	for i := range s.ends {
		if cell := s.cell(i); !c.clean(cell) {
			column, text = i, cell
			break
		}
	}
	message := "not valid UTF-8; use --encoding windows-1252 (or the encoding it was saved in), or save the sheet as CSV UTF-8"
	switch nul := bytes.IndexByte(text, 0) >= 0; {
	case c.utf16 != "":
		message = fmt.Sprintf("this looks like UTF-16 without a byte order mark; use --encoding %s, or save the sheet as CSV UTF-8", c.utf16)
	case nul:
		message = "a NUL character stands here; remove it, or save the sheet anew as CSV UTF-8"
	}
	return placed(row, column, h, BadEncoding, message)
}

// candidates are the delimiters that are recognised, the commonest first.
const candidates = ",;\t|"

// separatorLine reads Excel's "sep=;" line, which may be quoted. It returns the
// line's length, 0 when there is none, and the delimiter, 0 when the line
// names none.
func separatorLine(text []byte) (length int, delimiter rune) {
	line := text
	if at := bytes.IndexAny(text, "\r\n"); at >= 0 {
		line = text[:at]
	}
	length = len(line)
	for _, end := range []string{"\r\n", "\r", "\n"} {
		if bytes.HasPrefix(text[length:], []byte(end)) {
			length += len(end)
			break
		}
	}
	if len(line) >= 2 && line[0] == '"' && line[len(line)-1] == '"' {
		line = line[1 : len(line)-1]
	}
	const n = len(separatorPrefix)
	if len(line) < n || !bytes.EqualFold(line[:n], []byte(separatorPrefix)) {
		return 0, 0
	}
	if line = line[n:]; len(line) == 0 {
		return length, 0
	}
	r, size := utf8.DecodeRune(line)
	if r == utf8.RuneError || r == '"' || r == 0 || !blank(line[size:]) {
		return 0, 0
	}
	return length, r
}

// detectDelimiter returns what divides the header: the candidate that leaves
// the most columns with a meaning, then the one that is most often outside
// quotes. The rows have no say, so decimal commas do no harm.
func detectDelimiter(text []byte, means func(name string) bool) rune {
	var header []byte
	for record := range outsideQuotes(text, "\r\n") {
		if !blank(bytes.Trim(record, candidates+"\" ")) {
			header = record
			break
		}
	}
	best, bestMeant, bestCount := ',', -1, 0
	for _, d := range candidates {
		meant, count := 0, 0
		for cell := range outsideQuotes(header, string(d)) {
			count++
			name := strings.Trim(Trim(literal(string(cell))), `"`)
			if means(strings.ReplaceAll(name, `""`, `"`)) {
				meant++
			}
		}
		if count > 1 && (meant > bestMeant || meant == bestMeant && count > bestCount) {
			best, bestMeant, bestCount = d, meant, count
		}
	}
	return best
}

// outsideQuotes returns what is between the dividers, ASCII characters, that
// are not in quotes.
func outsideQuotes(text []byte, dividers string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		from, quoted := 0, false
		for i, c := range text {
			switch {
			case c == '"':
				quoted = !quoted
			case !quoted && strings.IndexByte(dividers, c) >= 0:
				if !yield(text[from:i]) {
					return
				}
				from = i + 1
			}
		}
		yield(text[from:])
	}
}
