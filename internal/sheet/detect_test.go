package sheet

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"nermbulk/internal/text"
)

func zipped(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// compound makes a file as Office wrote until 2003, and still does for what has
// a password: a header, and a directory of streams.
func compound(streams ...string) string {
	file := make([]byte, 512+4096)
	copy(file, compoundStart)
	binary.LittleEndian.PutUint16(file[30:], 9) // sectors of 512 bytes
	binary.LittleEndian.PutUint32(file[48:], 3) // the directory is the fourth
	for i, name := range streams {
		for j, c := range []byte(name) {
			file[4*512+128*i+2*j] = c
		}
	}
	return string(file)
}

func TestNotASheet(t *testing.T) {
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("<html><table><tr><td>id</td></tr></table></html>")
	if err != nil {
		t.Fatal(err)
	}
	workbook := zipped(t, "[Content_Types].xml", "_rels/.rels", "xl/workbook.xml")
	for _, tt := range []struct{ name, content, message string }{
		{"workbook of nothing", workbook, "this is a damaged workbook (a part of it is cut off); open it in the spreadsheet program and save it again"},
		{"binary workbook", zipped(t, "xl/workbook.bin"), "this is a binary workbook (.xlsb)"},
		{"OpenDocument", zipped(t, "mimetype", "content.xml"), "this is an OpenDocument file (.ods)"},
		{"Numbers", zipped(t, "Index/Document.iwa"), "this is a Numbers document"},
		{"Word", zipped(t, "[Content_Types].xml", "word/document.xml"), "this is a text document (.docx)"},
		{"ZIP of something else", zipped(t, "sessions.csv"), "this is a ZIP archive, not a sheet that can be read; unpack it, and name the sheet in it"},
		{"empty ZIP", zipped(t), "this is a ZIP archive"},
		{"damaged workbook", workbook[:len(workbook)/2], "this is a damaged workbook or ZIP archive"},
		{"old workbook", compound("Root Entry", "Workbook"), "this is an old Excel workbook (.xls)"},
		{"workbook with a password", compound("Root Entry", "EncryptedPackage"), "this is a workbook with a password, not a sheet that can be read; open it with the password and save it without one"},
		{"old workbook cut off", compoundStart + "x", "this is an old Excel workbook (.xls)"},
		{"PDF", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "this is a PDF"},
		{"web page", "\n <!DOCTYPE html><title>Sign in</title>", "this is a web page (HTML), whatever its name ends in"},
		{"table as .xls", "\xef\xbb\xbf<table><tr><td>id</td></tr></table>", "this is a web page (HTML)"},
		{"table in UTF-16", utf16, "this is a web page (HTML)"},
		{"XHTML", "<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">", "this is a web page (HTML)"},
		{"workbook of 2003 as XML", "<?xml version=\"1.0\"?>\n<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">", "this is a workbook written as XML"},
		{"XML", "<?xml version=\"1.0\"?>\n<sessions/>", "this is an XML file"},
		{"JSON object", "{\n  \"workflow_sessions\": []}", "this is JSON"},
		{"JSON lines", `{"id":"x"}` + "\n" + `{"id":"y"}`, "this is JSON"},
		{"JSON array", `[{"id":"x"}]`, "this is JSON"},
		{"packed tar", gzipped(t, string(make([]byte, 257))+"ustar\x00"), "this is an archive (tar)"},
		{"packed workbook", gzipped(t, workbook), "this is a workbook or an archive packed with gzip"},
		{"packed twice", gzipped(t, gzipped(t, "id\nx\n")), "this is a file that is packed twice"},
		{"packed JSON", gzipped(t, `{"id":"x"}`), "this is JSON"},
		{"gzip that is none", "\x1f\x8bid,status\n", "the packed file (gzip) is damaged or cut off"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, write(t, tt.content), Options{})
			for range 2 {
				if rows := readAll(t, s); len(rows) > 0 {
					t.Errorf("rows: %v", rows)
				}
				p := s.Problems()
				if len(p) != 1 || p[0].Kind != NotASheet || p[0].Severity != Error || p[0].Row != 0 || !strings.HasPrefix(p[0].Message, tt.message) {
					t.Errorf("got %v, want %s", p, tt.message)
				}
			}
		})
	}
	for _, text := range []string{"[id],[status]\nx,open\n", "{id},status\nx,y\n", "<id>,status\nx,y\n", "BZ,id\n1,2\n"} {
		s := open(t, write(t, text), Options{Unknown: UnknownIgnore})
		if slices.Contains(kinds(s.Problems()), NotASheet) || s.HeaderRow() != 1 {
			t.Errorf("%q: %v", text, s.Problems())
		}
	}
}

// TestPacked reads a packed sheet as what it holds, and gives it the same hash.
func TestPacked(t *testing.T) {
	text := "\ufeffid;status\r\n" + strings.Repeat("x;open\r\n", 50_000)
	path := write(t, gzipped(t, text[:1000])+gzipped(t, text[1000:])) // in two members
	s := open(t, path, Options{})
	for range 2 {
		if rows := readAll(t, s); len(rows) != 50_000 || rows[49_999].Number != 50_001 || rows[49_999].Cells[1] != "open" {
			t.Errorf("%d rows", len(rows))
		}
	}
	sum := sha256.Sum256([]byte(text))
	if p := s.Problems(); len(p) > 0 || s.SHA256() != hex.EncodeToString(sum[:]) || s.BytesRead() > s.Size() {
		t.Errorf("%v, hash %s, %d of %d bytes", p, s.SHA256(), s.BytesRead(), s.Size())
	}
	records := 0
	if err := s.EachRecord(context.Background(), func(int, []string) error { records++; return nil }); err != nil || records != 50_001 {
		t.Errorf("%d records, %v", records, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := Content(f)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != text {
		t.Errorf("the content has %d bytes, %v", len(got), err)
	}
}

func TestPackedSheetCutOff(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,status\n")
	for i := range 50_000 {
		fmt.Fprintf(&text, "%d,%x\n", i, sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
	}
	packed := gzipped(t, text.String())
	s := open(t, write(t, packed[:len(packed)/2]), Options{})
	readAll(t, s)
	if p := s.Problems(); !slices.Equal(kinds(p), []Kind{NotASheet}) || !strings.Contains(p[0].String(), "damaged or cut off") || s.SHA256() != "" {
		t.Errorf("got %v", p)
	}
}

func TestUnpackerIsBounded(t *testing.T) {
	u := &unpacker{src: strings.NewReader(gzipped(t, strings.Repeat("x", 1000))), left: 999}
	_, err := io.Copy(io.Discard, u)
	if f, ok := errors.AsType[*fault](err); !ok || f.kind != NotASheet || !strings.Contains(f.message, "4 GiB") {
		t.Errorf("got %v", err)
	}
}

func TestInvisibleCharacters(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"two byte order marks", "\ufeff\ufeff\"id\",\"status\"\n\"x\",\"open\"\n"},
		{"two of UTF-16", "\xff\xfe\xff\xfei\x00d\x00,\x00s\x00t\x00a\x00t\x00u\x00s\x00\n\x00x\x00,\x00o\x00p\x00e\x00n\x00"},
		{"and a sep= line", "\ufeff\ufeffsep=;\nid;status\nx;open\n"},
		{"before names and cells", "\u200eid,\u202bstatus\u202c\n\u200fx,\u00adopen\u2069\n"},
		{"before and after quotes", "\u200e\"id\"\u200e,\u2066\"status\"\u2069\n\ufeff\"x\",\"open\"\u200b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, write(t, tt.text), Options{})
			rows := readAll(t, s)
			if p := s.Problems(); len(p) > 0 {
				t.Fatal(p)
			}
			if c := s.Columns(); len(c) != 2 || c[0].Field != ID || c[1].Field != "status" {
				t.Errorf("columns %v", c)
			}
			if len(rows) != 1 || Trim(rows[0].Cells[0]) != "x" || Trim(rows[0].Cells[1]) != "open" {
				t.Errorf("rows %v", rows)
			}
		})
	}
}

// TestInvisibleAtTheBuffersEnd divides a character at every place by the end of
// what was read.
func TestInvisibleAtTheBuffersEnd(t *testing.T) {
	for pad := bufferSize - 40; pad < bufferSize; pad++ {
		text := "id,status,attributes.a\n1,\"" + strings.Repeat("x", pad) + "\"\u200e,\u200e\"open\"\n2,,\n"
		s := open(t, write(t, text), Options{})
		if rows := readAll(t, s); len(s.Problems()) > 0 || len(rows) != 2 || len(rows[0].Cells[1]) != pad || rows[0].Cells[2] != "open" {
			t.Fatalf("%d: %v", pad, s.Problems())
		}
	}
}

func TestLiteral(t *testing.T) {
	for _, tt := range []struct{ name, cell, want string }{
		{"bare", `="00123"`, "00123"},
		{"quoted", `"=""00123"""`, "00123"},
		{"bare with the delimiter", `="a,b"`, "a,b"},
		{"bare with quotes", `="say ""hi"""`, `say "hi"`},
		{"quoted with quotes", `"=""say """"hi"""""""`, `say "hi"`},
		{"empty", `=""`, ""},
		{"spaces around it", `" =""00123"" "`, "00123"},
		{"behind an invisible character", "\u200e=\"00123\"", "00123"},
		{"another formula", `"=""a""&B1"`, `="a"&B1`},
		{"two texts", `"=""a""&""b"""`, `="a"&"b"`},
		{"HTML", `"<a href=""x"">"`, `<a href="x">`},
		{"no text", `"="""`, `="`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, write(t, "=\"id\",attributes.a,attributes.b\n1,"+tt.cell+",x\n"), Options{})
			rows := readAll(t, s)
			if len(s.Problems()) > 0 || len(rows) != 1 || rows[0].Cells[1] != tt.want || rows[0].Cells[2] != "x" {
				t.Errorf("got %v, %v", rows, s.Problems())
			}
		})
	}
	t.Run("a formula that is text comes back", func(t *testing.T) {
		var b bytes.Buffer
		w := NewWriter(&b, ',')
		_ = w.Write([]string{"id", "attributes.a", "attributes.b", "result.row"})
		_ = w.Write([]string{"1", `="x"`, `'="x"`, "2"})
		w.Flush()
		rows := readAll(t, open(t, write(t, b.String()), Options{}))
		if len(rows) != 1 || rows[0].Cells[1] != `="x"` || rows[0].Cells[2] != `'="x"` {
			t.Errorf("got %v", rows)
		}
	})
}

// TestOwnFiles reads what the tool wrote as it was written, whatever the options say.
func TestOwnFiles(t *testing.T) {
	for _, delimiter := range ",;\t~" {
		var b bytes.Buffer
		w := NewWriter(&b, delimiter)
		_ = w.Write([]string{"id", "attributes.a", "result.row"})
		_ = w.Write([]string{"1", "René", "2"})
		w.Flush()
		for _, o := range []Options{{Encoding: "windows-1252"}, {Delimiter: '|'}, {Encoding: "utf-16le", Delimiter: 'd'}} {
			s := open(t, write(t, b.String()), o)
			if rows := readAll(t, s); len(s.Problems()) > 0 || len(rows) != 1 || rows[0].Cells[1] != "René" || s.Delimiter() != delimiter {
				t.Errorf("%q as %+v: %v, %v", delimiter, o, rows, s.Problems())
			}
		}
	}
	s := open(t, write(t, "\ufeffid|attributes.a\n1|Ren\xe9\n"), Options{Encoding: "windows-1252", Delimiter: '|'})
	if rows := readAll(t, s); len(rows) != 1 || rows[0].Cells[1] != "René" {
		t.Errorf("a sheet of somebody else: %v, %v", rows, s.Problems())
	}
}

// TestAdvice types what a message says.
func TestAdvice(t *testing.T) {
	for _, header := range []string{"session\u200e id", "Kst.", "Nr. 1", "Gro\u0308ße", "a\u200db", "End\n Date", "x=y", "it's"} {
		s := open(t, write(t, "id,"+`"`+header+`"`+"\n1,2\n"), Options{})
		p := s.Problems()
		if len(p) != 1 || p[0].Kind != UnknownColumn {
			t.Fatalf("%q: %v", header, p)
		}
		quote, escaped, words := "'", `'\''`, `--map '((?:[^']|'\\'')*)'`
		if runtime.GOOS == "windows" {
			quote, escaped, words = `"`, `""`, `--map "((?:[^"]|"")*)"`
		}
		advice := regexp.MustCompile(words).FindAllStringSubmatch(p[0].Message, -1)
		if len(advice) != 2 {
			t.Errorf("%q: not two ways out: %s", header, p[0].Message)
			continue
		}
		for i, word := range advice {
			word := strings.ReplaceAll(word[1], escaped, quote)
			m, err := testFields.ParseMapping(word)
			if err != nil {
				t.Errorf("%q: %v", header, err)
				continue
			}
			s = open(t, write(t, "x,"+`"`+header+`"`+"\n1,2\n"), Options{Columns: []Mapping{m}, Unknown: UnknownIgnore})
			if got := s.Columns()[1].Field == Ignored; got != (i == 1) {
				t.Errorf("%q: --map %s: left out: %t", header, word, got)
			}
		}
	}
	s := open(t, write(t, "id,Kst.\n1,2\n"), Options{})
	if m := s.Problems()[0].Message; !strings.Contains(m, "--map "+text.ShellQuote("Kst.=attributes.kst")) {
		t.Errorf("got %s", m)
	}
}
