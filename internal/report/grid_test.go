package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// openGrid opens a sheet and its grid.
func openGrid(tb testing.TB, path string, problems ...sheet.Problem) *Grid {
	tb.Helper()
	s, err := sheet.Open(tb.Context(), path, sheet.Options{Fields: change.SheetFields(), Unknown: sheet.UnknownAttribute})
	if err != nil {
		tb.Fatal(err)
	}
	g, err := NewGrid(tb.Context(), s, problems)
	if err != nil {
		tb.Fatal(err)
	}
	closeAfter(tb, g)
	return g
}

func closeAfter(tb testing.TB, g *Grid) {
	tb.Cleanup(func() {
		if err := g.Close(); err != nil {
			tb.Error(err)
		}
		if err := g.sheet.Close(); err != nil {
			tb.Error(err)
		}
	})
}

// numbers returns the numbers of a window's rows.
func numbers(w Window) (numbers []int) {
	for _, r := range w.Rows {
		numbers = append(numbers, r.Number)
	}
	return numbers
}

func TestGridOfACheckedSheet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.csv")
	var b strings.Builder
	b.WriteString("id,status,note\n")
	for i := range 100 { // rows 2 to 101
		fmt.Fprintf(&b, "%d,closed,Größe %d\n", i, i)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	problem := func(row int, kind sheet.Kind, message string) sheet.Problem {
		return sheet.Problem{Row: row, Column: "B", Kind: kind, Severity: sheet.Error, Message: message}
	}
	g := openGrid(t, path,
		problem(1, sheet.HiddenColumn, "hidden"), problem(5, sheet.BadStatus, "not a status"), problem(5, sheet.BadID, "no id"), problem(90, sheet.BadStatus, "Other words"))
	for _, test := range []struct {
		name     string
		query    Query
		matching int
		want     []int
	}{
		{"the first", Query{Rows: 3}, 100, []int{2, 3, 4}},
		{"the last", Query{From: 98, Rows: 5}, 100, []int{100, 101}},
		{"beyond the last", Query{From: 200, Rows: 5}, 100, nil},
		{"before the first", Query{From: -3, Rows: 1}, 100, []int{2}},
		{"none wanted", Query{}, 100, nil},
		{"with problems", Query{Problems: true, Rows: 5}, 2, []int{5, 90}},
		{"found in cells, whatever the case", Query{Search: "GRÖSSE 7", Rows: 5}, 0, nil}, // ß has no capital of its own
		{"found in cells", Query{Search: "grÖße 7", From: 1, Rows: 3}, 11, []int{72, 73, 74}},
		{"found in a problem", Query{Search: "other WORDS", Rows: 3}, 1, []int{90}},
		{"found among those with problems", Query{Search: "größe 3", Problems: true, Rows: 3}, 1, []int{5}},
		{"of no run", Query{Outcomes: []string{"failed"}, Rows: 3}, 0, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // the second time from what is kept
				w, err := g.Window(t.Context(), test.query)
				if err != nil || w.All != 100 || w.Matching != test.matching || !slices.Equal(numbers(w), test.want) {
					t.Fatalf("%d of %d match: %v, %v", w.Matching, w.All, numbers(w), err)
				}
				for _, r := range w.Rows {
					if want := fmt.Sprint(r.Number - 2); r.Cells[0] != want || r.Cells[2] != "Größe "+want || r.Result != nil {
						t.Errorf("row %d is %+v", r.Number, r)
					}
					if want := map[int]int{5: 2, 90: 1}[r.Number]; len(r.Problems) != want {
						t.Errorf("row %d has the problems %v", r.Number, r.Problems)
					}
				}
			}
		})
	}
	for _, place := range []struct {
		query Query
		row   int
		at    int
		ok    bool
	}{{Query{}, 50, 48, true}, {Query{}, 102, 100, false}, {Query{Problems: true}, 90, 1, true}, {Query{Problems: true}, 50, 1, false}} {
		if at, ok, err := g.Place(t.Context(), place.query, place.row); at != place.at || ok != place.ok || err != nil {
			t.Errorf("row %d is at %d, %v, %v", place.row, at, ok, err)
		}
	}
}

// TestGridOfARun shows what became of the rows, and what a dry run plans.
func TestGridOfARun(t *testing.T) {
	text := "id,status\n"
	for i := range 6 {
		text += uuid(i) + ",closed\n"
	}
	outcome := func(row int, status journal.Status, message string) journal.Outcome {
		return journal.Outcome{At: began, Row: row, ID: uuid(row - 2), Status: status, HTTPStatus: 422, Attempts: 1, Error: message}
	}
	fields := []journal.FieldChange{{Field: "status", Old: "new", New: "closed"}}
	for _, test := range []struct {
		name    string
		dryRun  bool
		records []journal.Record
		queries map[string]Query
		want    map[string][]int
	}{
		{
			"a run", false,
			[]journal.Record{outcome(2, journal.Updated, ""), outcome(3, journal.Failed, "End date can't be blank"), outcome(4, journal.Unknown, "the connection broke"), outcome(5, journal.Updated, "")},
			map[string]Query{"failed": {Outcomes: []string{"failed", "unknown"}}, "pending": {Outcomes: []string{"pending"}}, "searched": {Search: "END DATE"}},
			map[string][]int{"failed": {3, 4}, "pending": {6, 7}, "searched": {3}},
		},
		{
			"a dry run", true,
			[]journal.Record{
				journal.Planned{Row: 2, ID: uuid(0), Action: "patch", Fields: fields}, journal.Planned{Row: 3, ID: uuid(1), Action: "unchanged"},
				journal.Planned{Row: 4, ID: uuid(2), Action: "patch", Fields: append(fields, journal.FieldChange{Field: "attributes.x", New: "1"})}, outcome(5, journal.Invalid, "no status"),
				outcome(6, journal.Failed, "it is not there"),
			},
			map[string]Query{"patched": {Outcomes: []string{"patch"}}, "invalid": {Outcomes: []string{"invalid"}}, "failed": {Outcomes: []string{"failed"}}, "a field": {Fields: []string{"attributes.x"}}, "no field": {Fields: []string{"attributes.y"}}},
			map[string][]int{"patched": {2, 4}, "invalid": {5}, "failed": {6}, "a field": {4}, "no field": nil},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRun(t, text, test.records...)
			s, err := sheet.Open(t.Context(), filepath.Join(r.dir, "sheet.csv"), sheet.Options{Fields: change.SheetFields()})
			if err != nil {
				t.Fatal(err)
			}
			replay, err := journal.Load(r.dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = replay.Close() })
			g, err := NewRunGrid(t.Context(), Options{Sheet: s, Replays: []*journal.Replay{replay}, DryRun: test.dryRun})
			if err != nil {
				t.Fatal(err)
			}
			closeAfter(t, g)
			all, err := g.Window(t.Context(), Query{Rows: 10})
			if err != nil || len(all.Rows) != 6 {
				t.Fatalf("%+v, %v", all, err)
			}
			status := map[int]string{}
			for _, row := range all.Rows {
				status[row.Number] = string(row.Result.Status)
			}
			for name, q := range test.queries {
				q.Rows = 10
				w, err := g.Window(t.Context(), q)
				if err != nil || !slices.Equal(numbers(w), test.want[name]) {
					t.Errorf("%s: %v, %v", name, numbers(w), err)
				}
				for _, row := range w.Rows {
					if len(q.Outcomes) > 0 && !slices.Contains(q.Outcomes, string(row.Result.Status)) || string(row.Result.Status) != status[row.Number] {
						t.Errorf("%s: row %d is %s", name, row.Number, row.Result.Status)
					}
				}
			}
			changed := g.Fields()
			if want := []string{"status", "attributes.x"}; test.dryRun && !slices.Equal(changed, want) || !test.dryRun && changed != nil {
				t.Errorf("the fields are %v", changed)
			}
			if got := all.Rows[2].Result.Fields; test.dryRun && (len(got) != 2 || got[0] != fields[0]) {
				t.Errorf("row 4 changes %+v", got)
			}
		})
	}
}

// TestGridForSeveral has several windows asked for at once.
func TestGridForSeveral(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.csv")
	if err := os.WriteFile(path, []byte("id,status\n"+strings.Repeat("1,a\n2,b\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	g := openGrid(t, path)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for _, search := range []string{"", "a", "b"} {
				w, err := g.Window(t.Context(), Query{Search: search, From: n * 10, Rows: 10})
				if want := map[string]int{"": 1000, "a": 500, "b": 500}[search]; err != nil || w.Matching != want || len(w.Rows) != 10 {
					t.Errorf("%q: %d match, %v", search, w.Matching, err)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkGrid is of 100,000 rows of 12 columns, each with a problem: opening,
// a window anywhere, and a window of what is searched for the first time.
func BenchmarkGrid(b *testing.B) {
	const rows = 100_000
	path := filepath.Join(b.TempDir(), "s.csv")
	var text strings.Builder
	text.WriteString("id,status,a,b,c,d,e,f,g,h,i,j\n")
	var problems []sheet.Problem
	for i := range rows {
		fmt.Fprintf(&text, "%s,complete,Some text of a cell,12345,2027-01-15,x,y,z,Another text,1,2,%d\n", uuid(i), i)
		problems = append(problems, sheet.Problem{Row: i + 2, Column: "B", Kind: sheet.BadStatus, Message: `"complete" is not a status; did you mean "completed"?`})
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			openGrid(b, path, problems...)
		}
	})
	g := openGrid(b, path, problems...)
	window := func(b *testing.B, query func(n int) Query) {
		for n := 0; b.Loop(); n++ {
			q := query(n)
			q.Rows = 100
			if w, err := g.Window(b.Context(), q); err != nil || len(w.Rows) == 0 {
				b.Fatal(len(w.Rows), err)
			}
		}
	}
	b.Run("window", func(b *testing.B) { window(b, func(n int) Query { return Query{From: n * 7919 % (rows - 100)} }) })
	b.Run("filter", func(b *testing.B) {
		window(b, func(n int) Query { return Query{Problems: n%2 == 0} })
	})
	b.Run("search", func(b *testing.B) { window(b, func(n int) Query { return Query{Search: fmt.Sprint(n % 1000)} }) })
	b.Run("scroll", func(b *testing.B) {
		window(b, func(n int) Query { return Query{Search: "99", From: n * 100 % 3000} })
	})
}
