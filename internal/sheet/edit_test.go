package sheet

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

var editFields = Fields{Sent: []string{"id", "status"}, ReadOnly: []string{"uid"}}

// openBytes opens a file of that content.
func openBytes(t testing.TB, content []byte, o Options) *Sheet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sheet")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	o.Fields, o.Unknown = editFields, UnknownAttribute
	o.Scratch = func() (*os.File, error) { return os.CreateTemp(t.TempDir(), "scratch") }
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// cellsOf reads the rows of a sheet, the header first.
func cellsOf(t *testing.T, s *Sheet) [][]string {
	t.Helper()
	var names []string
	for _, c := range s.Columns() {
		names = append(names, c.Name)
	}
	all := [][]string{names}
	err := s.Each(context.Background(), func(r *Row) error {
		all = append(all, append([]string(nil), r.Cells...))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// encode writes a text in another encoding.
func encode(t *testing.T, text string, encoding interface{ String(string) (string, error) }) string {
	t.Helper()
	encoded, err := encoding.String(text)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// TestWriteEdited wants every byte of a CSV as it was but for the cells that are
// edited.
func TestWriteEdited(t *testing.T) {
	cp1252 := charmap.Windows1252.NewEncoder()
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder()
	for _, test := range []struct {
		name    string
		text    string
		options Options
		edits   []Edit
		want    string
	}{
		{"plain", "id,status\n1,closed\n2,x\n", Options{}, []Edit{{3, 1, "completed"}}, "id,status\n1,closed\n2,completed\n"},
		{"the last line without an end", "id,status\r\n1,a", Options{}, []Edit{{2, 1, "b"}}, "id,status\r\n1,b"},
		{"lone CR", "id,status\r1,a\r2,b\r", Options{}, []Edit{{2, 1, "x"}}, "id,status\r1,x\r2,b\r"},
		{"a BOM and a sep= line", byteOrderMark + "sep=|\r\nid|status\r\n1|a\r\n", Options{}, []Edit{{2, 1, "a|b"}}, byteOrderMark + "sep=|\r\nid|status\r\n1|\"a|b\"\r\n"},
		{"needless quotes of others stay", "\"id\",status\n\"1\",\"a\"\n\"2\",\"b\"\n", Options{}, []Edit{{3, 1, `say "x"`}}, "\"id\",status\n\"1\",\"a\"\n\"2\",\"say \"\"x\"\"\"\n"},
		{"a cell of several lines above", "id,status\n1,\"a\r\nb\"\n\n2,b\n", Options{}, []Edit{{4, 1, "x\ny"}}, "id,status\n1,\"a\r\nb\"\n\n2,\"x\ny\"\n"},
		{"a header", "\nKey;Status \n1;a\n", Options{Delimiter: ';'}, []Edit{{2, 0, "id"}}, "\nid;Status \n1;a\n"},
		{"a short row", "id,status,x,y\n1\n2,b\n", Options{}, []Edit{{2, 2, "c"}, {2, 3, ""}, {3, 3, "d"}}, "id,status,x,y\n1,,c\n2,b,,d\n"},
		{"data beyond the last column", "id,status\n1,a,oops\n", Options{}, []Edit{{2, 2, ""}}, "id,status\n1,a,\n"},
		{"two edits of a cell", "id,status\n1,a\n", Options{}, []Edit{{2, 1, "x"}, {2, 0, "9"}, {2, 1, "y"}}, "id,status\n9,y\n"},
		{"white space and a formula's text", "id,status,x\n1,a,b\n", Options{}, []Edit{{2, 1, " a"}, {2, 2, `="007"`}}, "id,status,x\n1,\" a\",\"=\"\"=\"\"\"\"007\"\"\"\"\"\"\"\n"},
		{"cells as formulas of their text", "id,status\n=\"1\",=\"a\"\n", Options{}, []Edit{{2, 1, "b"}}, "id,status\n=\"1\",b\n"},
		{"results", "id,status,result.row\n1,'=a,2\n2,b,3\n", Options{}, []Edit{{3, 1, "-b"}}, "id,status,result.row\n1,'=a,2\n2,'-b,3\n"},
		{"windows-1252", encode(t, "id,status\n1,größer\n2,€\n", cp1252), Options{Encoding: "windows-1252"}, []Edit{{2, 1, "kürzer"}}, encode(t, "id,status\n1,kürzer\n2,€\n", cp1252)},
		{"UTF-16", encode(t, "id,status\n1,größer\n2,b\n", utf16), Options{}, []Edit{{2, 1, "€\"😀"}}, encode(t, "id,status\n1,\"€\"\"😀\"\n2,b\n", utf16)},
		{"Shift JIS", encode(t, "id,status\n1,表\n", japanese.ShiftJIS.NewEncoder()), Options{Encoding: "shift_jis"}, []Edit{{2, 1, "ソ"}}, encode(t, "id,status\n1,ソ\n", japanese.ShiftJIS.NewEncoder())},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openBytes(t, []byte(test.text), test.options)
			before := cellsOf(t, s)
			var got bytes.Buffer
			if err := s.WriteEdited(t.Context(), &got, test.edits); err != nil {
				t.Fatal(err)
			}
			if got.String() != test.want {
				t.Errorf("written is\n%q, not\n%q", got.String(), test.want)
			}
			// Read again, it has the texts of the edits and those of before.
			header := s.HeaderRow()
			numbers := map[int]int{header: 0}
			if err := s.Each(t.Context(), func(r *Row) error { numbers[r.Number] = len(numbers); return nil }); err != nil {
				t.Fatal(err)
			}
			for _, e := range test.edits {
				if row := before[numbers[e.Row]]; e.Column < len(row) {
					row[e.Column] = e.Text
				}
			}
			if after := cellsOf(t, openBytes(t, got.Bytes(), test.options)); !reflect.DeepEqual(after, before) {
				t.Errorf("read again it is %q, not %q", after, before)
			}
		})
	}
}

func TestEditsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		name, text string
		options    Options
		edit       Edit
		want       string
	}{
		{"no such row", "id,status\n1,a\n", Options{}, Edit{9, 1, "x"}, "row 9, column B: the sheet has no such row"},
		{"above the header", "\nid,status\n1,a\n", Options{}, Edit{1, 1, "x"}, "the sheet has no such cell"},
		{"no such column", "id,status\n1,a\n", Options{}, Edit{2, 2, "x"}, "row 2, column C: the sheet has no such column"},
		{"a header that is not there", "id,status\n1,a\n", Options{}, Edit{1, 2, "x"}, "the sheet has no such column"},
		{"a NUL", "id,status\n1,a\n", Options{}, Edit{2, 1, "a\x00"}, "NUL"},
		{"a character that the encoding lacks", "id,status\n1,a\n", Options{Encoding: "windows-1252"}, Edit{2, 1, "łódź"}, `"łódź" holds a character that the encoding of the sheet does not have`},
		{"bytes that do not come back", "id,status\n1,\xff\xff\n2,b\n", Options{Encoding: "shift_jis"}, Edit{3, 1, "x"}, "its encoding cannot be written back"},
		{"bytes that windows-1252 has no character for", "id,status\n1,\x81\n2,b\n", Options{Encoding: "windows-1252"}, Edit{3, 1, "x"}, "its encoding cannot be written back"},
		{"a quote that is never closed", "id,status\n1,\"a\n2,b\n", Options{}, Edit{3, 1, "x"}, "cannot be divided into cells: row 2, column B (status): a quote opens this cell and is never closed"},
		{"no rows", "", Options{}, Edit{1, 0, "id"}, "the sheet has no rows that can be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := openBytes(t, []byte(test.text), test.options).WriteEdited(t.Context(), io.Discard, []Edit{test.edit})
			if _, ok := errors.AsType[*EditError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, not %q", err, test.want)
			}
		})
	}
}

// TestEditedWhilePacked keeps a sheet packed.
func TestEditedWhilePacked(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, "id,status\n1,a\n")
	_ = w.Close()
	var got bytes.Buffer
	if err := openBytes(t, packed.Bytes(), Options{}).WriteEdited(t.Context(), &got, []Edit{{2, 1, "b"}}); err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(&got)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != "id,status\n1,b\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestEditedWorkbook keeps the formats, types and worksheets of a workbook, and
// has the edited cells exactly.
func TestEditedWorkbook(t *testing.T) {
	f := excelize.NewFile()
	style, err := f.NewStyle(&excelize.Style{NumFmt: 14, Font: &excelize.Font{Bold: true}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.NewSheet("Notes")
	for _, step := range []error{
		err,
		f.SetSheetRow("Sheet1", "A2", &[]any{"id", "Status", "end", "note"}),
		f.SetSheetRow("Sheet1", "A3", &[]any{"1", "a", 45000, "n"}),
		f.SetSheetRow("Sheet1", "A4", &[]any{"2", "b", 45001, 7.5}),
		f.SetCellStyle("Sheet1", "C3", "C4", style),
		f.SetSheetVisible("Notes", false),
		f.SetCellStr("Notes", "B2", "kept"),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	var content bytes.Buffer
	if err := f.Write(&content); err != nil {
		t.Fatal(err)
	}
	s := openBytes(t, content.Bytes(), Options{})
	edits := []Edit{{2, 1, "status"}, {3, 2, "2027-01-15"}, {4, 1, "007 _x0041_ <&>\r\n '=x"}, {4, 3, ""}}
	var got bytes.Buffer
	if err := s.WriteEdited(t.Context(), &got, edits); err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"id", "status", "end", "note"}, {"1", "a", "2027-01-15", "n"}, {"2", edits[2].Text, "2023-03-16", ""}}
	if after := cellsOf(t, openBytes(t, got.Bytes(), Options{})); !reflect.DeepEqual(after, want) {
		t.Errorf("read again it is %q, not %q", after, want)
	}
	edited, err := excelize.OpenReader(bytes.NewReader(got.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer edited.Close()
	for _, cell := range []string{"C3", "C4"} {
		if id, err := edited.GetCellStyle("Sheet1", cell); err != nil || id != style {
			t.Errorf("%s has the format %d, not %d: %v", cell, id, style, err)
		}
	}
	if kept, err := edited.GetCellValue("Notes", "B2"); kept != "kept" || err != nil {
		t.Errorf("the other worksheet holds %q: %v", kept, err)
	}
	for _, e := range []Edit{{9, 1, "x"}, {3, 4, "x"}, {3, 1, "a\x01"}} {
		err := s.WriteEdited(t.Context(), io.Discard, []Edit{e})
		if _, ok := errors.AsType[*EditError](err); !ok {
			t.Errorf("%+v: %v", e, err)
		}
	}
}

// TestSuggestedHeader renames an unknown column to what it was probably meant to
// be.
// What a workbook lacks of formats does not keep it from being marked, without
// its looks, or from being corrected.
func TestWorkbooksWithFewFormats(t *testing.T) {
	for name, styles := range map[string]string{
		"none":              "",
		"a font of no name": `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf/></cellXfs></styleSheet>`,
		"no fonts":          `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="1"><xf/></cellXfs></styleSheet>`,
		"no formats":        `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font/></fonts></styleSheet>`,
	} {
		t.Run(name, func(t *testing.T) {
			f := excelize.NewFile()
			defer f.Close()
			f.Styles = nil // it is written as it is in the package
			f.Pkg.Store("xl/styles.xml", []byte(styles))
			var content bytes.Buffer
			if err := errors.Join(f.SetSheetRow("Sheet1", "A1", &[]string{"id", "status"}), f.SetSheetRow("Sheet1", "A2", &[]string{"x", "1"}), f.Write(&content)); err != nil {
				t.Fatal(err)
			}
			s := openBytes(t, content.Bytes(), Options{})
			var marks Marks
			marks.Add(Problem{Row: 2, Column: "A", Kind: "bad-id", Message: "no id"})
			var marked, edited bytes.Buffer
			list, remark, err := s.WriteMarked(t.Context(), &marked, 1, &marks)
			if want := "the formats and other worksheets are not in it"; err != nil || list != problemsName || !strings.HasPrefix(remark, want) {
				t.Errorf("marking gives the list %q and says %q, not %q (%v)", list, remark, want, err)
			}
			if err := s.WriteEdited(t.Context(), &edited, []Edit{{Row: 2, Column: 1, Text: "2"}}); err != nil {
				t.Errorf("editing: %v", err)
			}
			for want, content := range map[string]*bytes.Buffer{"x|1": &marked, "x|2": &edited} {
				if got := lines(t, openBytes(t, content.Bytes(), Options{})); !slices.Equal(got, []string{"2: " + want}) {
					t.Errorf("the copy holds %q, not %q", got, want)
				}
			}
		})
	}
}

func TestSuggestedHeader(t *testing.T) {
	open := func(content []byte) *Sheet {
		path := filepath.Join(t.TempDir(), "s.csv")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path, Options{Fields: editFields})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s := open([]byte("id,statsu,Abteilung\n1,a,b\n"))
	problems := s.Problems()
	if len(problems) != 2 || problems[0].Suggested != "status" || problems[0].Certain || problems[1].Suggested != "" {
		t.Fatalf("%+v", problems)
	}
	var got bytes.Buffer
	if err := s.WriteEdited(t.Context(), &got, []Edit{{1, 1, problems[0].Suggested}, {1, 2, "attributes.department"}}); err != nil {
		t.Fatal(err)
	}
	if left := open(got.Bytes()).Problems(); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}
