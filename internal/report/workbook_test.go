package report

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// oneFailed is a run of three rows, one of which the tenant refused.
func oneFailed(t *testing.T, body string) *run {
	return newRun(t, "id,Contract End,status,attributes.x,=odd\n"+
		uuid(1)+",2027-01-15,closed,007,\n"+uuid(2)+",15.01.27,open,'=1+1,\n"+uuid(3)+",,new,\" x \",=y\n",
		before(2, uuid(1), `{"status":"open","attributes":{"x":"=1"}}`), updated(2, uuid(1)),
		journal.Outcome{At: began, Row: 3, ID: uuid(2), Status: journal.Failed, HTTPStatus: 400, Attempts: 1, Error: "-bad", ErrorBody: body},
	)
}

// openWorkbook opens a workbook of the run with another program's reader.
func (r *run) openWorkbook(t *testing.T, name string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// rows returns a workbook's rows without the empty cells at their ends.
func rows(t *testing.T, f *excelize.File) [][]string {
	t.Helper()
	rows, err := f.GetRows(f.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		for len(r) > 0 && r[len(r)-1] == "" {
			r = r[:len(r)-1]
		}
		rows[i] = r
	}
	return rows
}

func TestForms(t *testing.T) {
	tests := []struct {
		form  Form
		files string // of results, failed and undo
		edit  string
	}{
		{"", "failed.csv results.csv undo.csv", "failed.csv"},
		{CSV, "failed.csv results.csv undo.csv", "failed.csv"},
		{Workbook, "failed.xlsx results.xlsx undo.xlsx", "failed.xlsx"},
		{Both, "failed.csv failed.xlsx results.csv results.xlsx undo.csv undo.xlsx", "failed.xlsx"},
		{CSV, "failed.csv results.csv undo.csv", "failed.csv"}, // those of the report before are gone
	}
	r := oneFailed(t, "")
	r.options.Unknown = sheet.UnknownIgnore
	for _, tt := range tests {
		r.o.Results = tt.form
		s := r.must()
		found, err := filepath.Glob(filepath.Join(r.dir, "[rfu]*[dso].*s*")) // not sheet.csv, summary.json and report.html
		if err != nil {
			t.Fatal(err)
		}
		var named []string
		for _, f := range s.Files {
			if slices.Contains([]string{"results", "failed", "undo"}, f.Name) {
				named = append(named, f.Path)
			}
		}
		slices.Sort(named)
		if !slices.Equal(found, named) {
			t.Errorf("%q: the summary names %q, and there are %q", tt.form, named, found)
		}
		for i := range found {
			found[i] = filepath.Base(found[i])
		}
		if got := strings.Join(found, " "); got != tt.files {
			t.Errorf("%q: there are %q", tt.form, got)
		}
		if got := filepath.Base(s.FileToEdit("failed")); got != tt.edit {
			t.Errorf("%q: %s is to be edited", tt.form, got)
		}
		var b strings.Builder
		if err := s.Print(&b, ""); err != nil {
			t.Fatal(err)
		}
		if want := s.FileNames("undo") + " puts back 1 row"; !strings.Contains(b.String(), want) || !strings.Contains(r.file("report.html"), "<code>"+s.FileNames("undo")+"</code>") {
			t.Errorf("%q: %q is not in the summary or the page:\n%s", tt.form, want, b.String())
		}
	}
}

// The workbooks say what the CSV files say, cell by cell.
func TestWorkbooksHoldTheSame(t *testing.T) {
	r := oneFailed(t, `{"error":"x"}`)
	r.options.Unknown = sheet.UnknownIgnore
	r.o.Results = Both
	r.must()
	for _, name := range []string{"results", "failed", "undo"} {
		var want [][]string
		for line := range strings.Lines(strings.TrimPrefix(r.file(name+".csv"), "\ufeff")) {
			var cells []string
			for cell := range strings.SplitSeq(strings.TrimRight(line, "\r\n,"), ",") { // no cell has a comma
				if strings.HasPrefix(cell, `"`) {
					cell = strings.ReplaceAll(cell[1:len(cell)-1], `""`, `"`)
				}
				cells = append(cells, sheet.Unescape(cell))
			}
			want = append(want, cells)
		}
		if got := rows(t, r.openWorkbook(t, name+".xlsx")); !slices.EqualFunc(got, want, slices.Equal) || len(got) < 2 {
			t.Errorf("%s.xlsx has\n%q\nnot\n%q", name, got, want)
		}
	}
	for _, cell := range []string{"'=1+1", " x ", "=y", "007", "-bad", "=odd"} {
		if !slices.ContainsFunc(rows(t, r.openWorkbook(t, "results.xlsx")), func(r []string) bool { return slices.Contains(r, cell) }) {
			t.Errorf("results.xlsx has no cell %q", cell)
		}
	}
}

func TestFailingCells(t *testing.T) {
	tests := []struct {
		name, body string
		want       map[string]string // notes by cell
	}{
		{"an attribute", `{"error":"x","errors":{"end_date":["is not a date","must be later"]}}`, map[string]string{"B2": "is not a date\nmust be later"}},
		{"a field and an attribute by its path", `{"errors":{"status":"is not included","attributes.x":["=bad"]}}`, map[string]string{"C2": "is not included", "D2": "=bad"}},
		{"what is not in the sheet", `{"errors":{"base":["no"],"y":["no"],"id":["no"]}}`, nil},
		{"errors without names", `{"errors":["no"]}`, nil},
		{"a body that was cut off", `{"errors":{"x":["n`, nil},
		{"no JSON", "<html>\x1b", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := oneFailed(t, tt.body)
			r.options.Unknown = sheet.UnknownIgnore
			mapping, err := r.options.Fields.ParseMapping("Contract End=attributes.end_date")
			if err != nil {
				t.Fatal(err)
			}
			r.options.Columns = append(r.options.Columns, mapping)
			r.o.Results = Workbook
			if s := r.must(); len(s.Notes) > 0 {
				t.Fatal(s.Notes)
			}
			f := r.openWorkbook(t, "failed.xlsx")
			notes, err := f.GetComments("failed")
			if err != nil || len(notes) != len(tt.want) {
				t.Errorf("the notes are %+v (%v)", notes, err)
			}
			for _, n := range notes {
				text := n.Text
				for _, run := range n.Paragraph {
					text += run.Text
				}
				if text != tt.want[n.Cell] {
					t.Errorf("the note of %s is %q, not %q", n.Cell, text, tt.want[n.Cell])
				}
			}
			for column := range 10 {
				at := sheet.Letter(column) + "2"
				_, failing := tt.want[at]
				if got, want := colorOf(t, f, "failed", at) == "FFFFC7CE", failing || at == "G2"; got != want {
					t.Errorf("%s is red: %v", at, got)
				}
			}
			results := r.openWorkbook(t, "results.xlsx")
			if got := colorOf(t, results, "results", "G2"); got != "FFC6EFCE" {
				t.Errorf("the row that is updated has the color %q", got)
			}
		})
	}
}

// colorOf returns the background of a cell as the file has it.
func colorOf(t *testing.T, f *excelize.File, worksheet, at string) string {
	t.Helper()
	id, err := f.GetCellStyle(worksheet, at)
	if err != nil {
		t.Fatal(err)
	}
	if fill := f.Styles.Fills.Fill[*f.Styles.CellXfs.Xf[id].FillID].PatternFill; fill.FgColor != nil {
		return fill.FgColor.RGB
	}
	return ""
}

// What no workbook can hold is a CSV alone, and that is said.
func TestNoWorkbookCanHoldIt(t *testing.T) {
	r := newRun(t, "id,attributes.x\n"+uuid(1)+",\""+strings.Repeat("long ", 7000)+"\"\n"+uuid(2)+",b\n",
		updated(2, uuid(1)), journal.Outcome{At: began, Row: 3, Status: journal.Failed})
	for _, form := range []Form{CSV, Both, Workbook} { // the first writes no workbook that could be left
		r.o.Results = form
		s := r.must()
		if form == CSV {
			continue
		}
		want := []string{"there is no workbook of results.csv: the cell in row 2, column B has more than 32,767 characters"}
		if !slices.Equal(s.Notes, want) || s.FileNames("results") != "results.csv" || r.file("results.xlsx") != "" {
			t.Errorf("%s: said %q of %s", form, s.Notes, s.FileNames("results"))
		}
		if got := filepath.Base(s.FileToEdit("failed")); got != "failed.xlsx" {
			t.Errorf("%s: %s is to be edited", form, got)
		}
		var b strings.Builder
		if err := s.Print(&b, ""); err != nil || !strings.Contains(b.String(), want[0]) || !strings.Contains(r.file("report.html"), want[0]) {
			t.Errorf("%s: the summary or the page does not say it:\n%s (%v)", form, b.String(), err)
		}
	}
}
