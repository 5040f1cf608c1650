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
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
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
