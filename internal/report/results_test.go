package report

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

const resultHeader = "result.row,result.status,result.http_status,result.error,result.error_body,result.note,result.attempts,result.duration_ms,result.finished_at"

func TestResults(t *testing.T) {
	r := newRun(t, "id,status\n"+uuid(1)+",closed\n\n"+uuid(2)+",open\n"+uuid(3)+",new\n"+uuid(4)+",new\n"+uuid(5)+",new\n",
		journal.Outcome{At: began.Add(time.Second), Row: 2, ID: uuid(1), Status: journal.Updated, HTTPStatus: 200, Attempts: 1, Duration: 187 * time.Millisecond, RequestID: "an updated row needs none"},
		journal.Outcome{At: began.Add(2 * time.Second), Row: 4, ID: uuid(2), Status: journal.Failed, HTTPStatus: 400, Attempts: 2, Duration: 1500 * time.Millisecond,
			Error: "end_date can't be blank", ErrorBody: "{\"error\":\"x\x00\",\n\"n\":1}", Note: "a, b", RequestID: "req-2"},
		journal.Outcome{At: began, Row: 5, ID: uuid(3), Status: journal.Unchanged, Attempts: 1, HTTPStatus: 200},
		journal.Outcome{At: began, Row: 6, ID: uuid(4), Status: journal.Invalid, Error: "=not a status"},
	)
	s := r.must()

	failed := uuid(2) + `,open,4,failed,400,end_date can't be blank,"{""error"":""x` + "\uFFFD" + `"",` + "\n" + `""n"":1}","a, b; request_id: req-2",2,1500,2026-03-02T21:00:02.000Z`
	invalid := uuid(4) + ",new,6,invalid,,'=not a status,,,,,2026-03-02T21:00:00.000Z"
	want := lines("id,status,"+resultHeader,
		uuid(1)+",closed,2,updated,200,,,,1,187,2026-03-02T21:00:01.000Z",
		failed,
		uuid(3)+",new,5,unchanged,200,,,,1,0,2026-03-02T21:00:00.000Z",
		invalid,
		uuid(5)+",new,7,pending,,,,,,,",
	)
	if got := r.file("results.csv"); got != want {
		t.Errorf("results.csv is\n%s\nnot\n%s", got, want)
	}
	want = lines("id,status,"+resultHeader, failed, invalid)
	if got := r.file("failed.csv"); got != want {
		t.Errorf("failed.csv is\n%s\nnot\n%s", got, want)
	}
	if want := (Outcomes{Updated: 1, Unchanged: 1, Failed: 1, Invalid: 1, Pending: 1}); s.Outcomes != want || s.Rows != 5 {
		t.Errorf("counted %+v in %d rows", s.Outcomes, s.Rows)
	}
	for _, name := range []string{"undo.csv", "plan.csv", "changes.csv"} {
		if r.file(name) != "" {
			t.Errorf("%s was written", name)
		}
	}
}

// What the sheet held must come back from results.csv and failed.csv exactly.
func TestResultsRoundTrip(t *testing.T) {
	id := uuid(1)
	tests := []struct {
		name, text string
		delimiter  string
	}{
		{"formulas", "id,attributes.x,attributes.y\n" + id + ",=1+1,@SUM(A1)\n" + uuid(2) + ",-5,+49 30\n", ","},
		{"apostrophes", "id,attributes.x\n" + id + ",'=x\n" + uuid(2) + ",''-1\n" + uuid(3) + ",'plain\n", ","},
		{"line breaks", "id,attributes.x,attributes.y\r\n" + id + ",\"a\nb\",\"c\r\nd\"\r\n", ","},
		{"quotes and spaces", "id,attributes.x\n" + id + ",\"say \"\"hi\"\", \"\n" + uuid(2) + ",\"  \tpadded \"\n", ","},
		{"semicolons", "id;attributes.x;attributes.y\n" + id + ";1,5;\"a;b\"\n", ";"},
		{"tabs", "id\tattributes.x\n" + id + "\ta,b\n", "\t"},
		{"blank rows and short rows", "\n\nid,attributes.x,status\n\n" + id + "\n,,\n" + uuid(2) + ",x\n", ","},
		{"a header that looks like a formula", "id,=cmd\n" + id + ",x\n", ","},
		{"earlier results in between", "id,result.status,attributes.x,result.row\n" + id + ",failed,'=x,17\n", ","},
		{"an export's source", "result.source,id,attributes.x\nexport," + id + ",'-x\n", ","},
		{"not in ASCII", "id,attributes.ort\n" + id + ",Žďár nad Sázavou 東京\n", ","},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t, tt.text)
			r.options.Unknown = sheet.UnknownAttribute
			header, cells := own(r, "sheet.csv")
			if len(cells) == 0 {
				t.Fatal("the sheet has no rows")
			}
			r = newRun(t, tt.text, everyRowFailed()...)
			r.options.Unknown = sheet.UnknownAttribute
			r.must()
			for _, name := range []string{"results.csv", "failed.csv"} {
				gotHeader, got := own(r, name)
				if !slices.Equal(gotHeader, header) {
					t.Errorf("%s has the columns %q, not %q", name, gotHeader, header)
				}
				if !slices.EqualFunc(got, cells, slices.Equal) {
					t.Errorf("%s has %q, not %q", name, got, cells)
				}
				if !strings.Contains(r.file(name), tt.delimiter+"result.row"+tt.delimiter) {
					t.Errorf("%s lost its delimiter", name)
				}
			}
		})
	}
}

// A row of a corrected failed.csv keeps the number that it had in the first sheet,
// however often that was corrected.
func TestSourceRows(t *testing.T) {
	r := newRun(t, "id,status,Result.Row,result.source_row\n"+uuid(1)+",open,7,\n"+uuid(2)+",open,2,17\n"+uuid(3)+",open,,\n",
		before(2, uuid(1), `{"status":"new"}`), updated(2, uuid(1)), before(3, uuid(2), `{"status":"new"}`), updated(3, uuid(2)))
	r.must()
	header, rows := r.readSheet("results.csv")
	if header[len(header)-1] != "result.source_row" {
		t.Fatalf("the last column is %s", header[len(header)-1])
	}
	for i, want := range []string{"7", "17", ""} {
		if got := rows[i][len(header)-1]; got != want {
			t.Errorf("row %d was %q in the first sheet, not %q", i+2, got, want)
		}
	}
	want := lines("id,status,result.row,result.source_row", uuid(1)+",new,2,7", uuid(2)+",new,3,17")
	if got := r.file("undo.csv"); got != want {
		t.Errorf("undo.csv is\n%s\nnot\n%s", got, want)
	}
}

// everyRowFailed makes an outcome for every row that a sheet could have.
func everyRowFailed() []journal.Record {
	var recs []journal.Record
	for row := 2; row < 12; row++ {
		recs = append(recs, journal.Outcome{At: began, Row: row, Status: journal.Failed, Error: "refused"})
	}
	return recs
}

// own reads a file's columns but those of results.
func own(r *run, name string) (header []string, rows [][]string) {
	header, rows = r.readSheet(name)
	keep := func(cells []string) []string {
		var kept []string
		for i, c := range cells {
			if !strings.HasPrefix(header[i], "result.") {
				kept = append(kept, c)
			}
		}
		return kept
	}
	for i := range rows {
		rows[i] = keep(rows[i])
	}
	return keep(header), rows
}

func TestStaleFilesAreRemoved(t *testing.T) {
	r := newRun(t, "id,status\n"+uuid(1)+",closed\n", journal.Outcome{At: began, Row: 2, Status: journal.Updated})
	for _, name := range []string{"failed.csv", "undo.csv", "plan.csv"} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := r.must()
	if got := r.file("failed.csv"); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "\ufeffid,status,result.row,") {
		t.Errorf("failed.csv without failures is\n%s", got)
	}
	for _, name := range []string{"undo.csv", "plan.csv"} {
		if r.file(name) != "" {
			t.Errorf("%s of an earlier report is still there", name)
		}
	}
	var names []string
	for _, f := range s.Files {
		names = append(names, f.Name+"="+filepath.Base(f.Path))
	}
	if want := []string{"results=results.csv", "summary=summary.json", "page=report.html"}; !slices.Equal(names, want) {
		t.Errorf("the summary names %q, not %q", names, want)
	}
}

func TestAnotherSheetIsRefused(t *testing.T) {
	r := newRun(t, "id,status\n"+uuid(1)+",closed\n",
		journal.Start{At: began, SheetFile: "sheet.csv", SHA256: strings.Repeat("0", 64)})
	_, err := r.write()
	if err == nil || !strings.Contains(err.Error(), "is not the sheet that was sent") {
		t.Errorf("got the error %v", err)
	}
	if r.file("results.csv") != "" {
		t.Error("results.csv was written all the same")
	}
}

func TestCanceled(t *testing.T) {
	r := newRun(t, "id,status\n"+strings.Repeat(uuid(1)+",closed\n", 5000))
	s, err := sheet.Open(t.Context(), filepath.Join(r.dir, "sheet.csv"), sheet.Options{Fields: change.SheetFields()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	replay, err := journal.Load(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer replay.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Write(ctx, Options{Dir: r.dir, Sheet: s, Replays: []*journal.Replay{replay}}); err == nil {
		t.Error("a canceled report was made")
	}
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "sheet.csv" && e.Name() != journal.FileName {
			t.Errorf("%s was left", e.Name())
		}
	}
}
