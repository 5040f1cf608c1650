package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"nermbulk/internal/change"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// window is a stretch of rows as the page takes it.
type window struct {
	All      int         `json:"all"`
	Matching int         `json:"matching"`
	From     int         `json:"from"`
	Columns  []column    `json:"columns"`
	Rows     []windowRow `json:"rows"`
	Gone     string      `json:"gone,omitempty"` // why there are none: they are another check's or run's
}

// column is one of the grid's: the sheet's own, after those that lead, which say
// what becomes of a row.
type column struct {
	Name   string `json:"name"`
	Letter string `json:"letter,omitempty"`
	Index  int    `json:"index"` // in the sheet
	Lead   bool   `json:"lead,omitempty"`
	Number bool   `json:"number,omitempty"` // the row's, which heads it
	Status bool   `json:"status,omitempty"`
	Class  string `json:"class,omitempty"`
	// Choices are the words that a cell can hold, where only some are allowed.
	Choices []string `json:"choices,omitempty"`
}

type windowRow struct {
	Number   int          `json:"number"`
	Lead     []string     `json:"lead"`
	Cells    []string     `json:"cells"`
	Problems []rowProblem `json:"problems,omitempty"`
}

type rowProblem struct {
	sheet.Problem
	Fix string `json:"fix,omitempty"` // what is suggested
}

// mostOfCell is how many characters of a cell the grid shows.
const mostOfCell = 300

// serveRows serves a stretch of rows, by position among those that fit, or the
// position of a row's number.
func (w *workspace) serveRows(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var shown window
	err := w.rowsOf(q.Get("grid"), q.Get("version")).use(func(grid *report.Grid) (err error) {
		query := queryOf(q)
		if at, err := strconv.Atoi(q.Get("at")); err == nil {
			if query.From, _, err = grid.Place(r.Context(), query, at); err != nil {
				return err
			}
		}
		found, err := grid.Window(r.Context(), query)
		shown = windowOf(grid.Columns(), found, q.Get("grid"), q.Get("whole") != "")
		return err
	})
	if errors.Is(err, errOtherRows) { // no fault, and a browser would log an error for a status that says so
		shown, err = window{Gone: err.Error()}, nil
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(shown) // a browser that left is no fault of ours
}

func queryOf(q url.Values) report.Query {
	list := func(name string) []string {
		return strings.FieldsFunc(q.Get(name), func(r rune) bool { return r == ',' })
	}
	from, _ := strconv.Atoi(q.Get("from"))
	rows, _ := strconv.Atoi(q.Get("rows"))
	return report.Query{
		Search: q.Get("search"), Problems: q.Get("problems") != "", Outcomes: list("outcomes"), Fields: list("fields"),
		From: max(from, 0), Rows: min(max(rows, 0), report.MaxWindow),
	}
}

// windowOf makes the rows fit to be shown. Only what is to be edited is whole.
func windowOf(columns []sheet.Column, found report.Window, kind string, whole bool) window {
	win := window{All: found.All, Matching: found.Matching, From: found.From, Columns: []column{{Name: "Row", Lead: true, Number: true, Index: -1}}}
	switch kind {
	case "preview":
		win.Columns = append(win.Columns, column{Name: "What", Lead: true, Status: true}, column{Name: "Changes", Lead: true, Class: "lines"})
	case "results":
		win.Columns = append(win.Columns, column{Name: "Outcome", Lead: true, Status: true}, column{Name: "What happened", Lead: true})
	}
	what := -1
	for _, c := range columns {
		if c.Field == sheet.Result { // of a run that wrote the sheet
			if kind == "sheet" && c.UID == "error" {
				what = c.Index
				win.Columns = slices.Insert(win.Columns, 1, column{Name: "What happened", Lead: true})
			}
			continue
		}
		shown := column{Name: text.Line(c.Name, 100), Letter: sheet.Letter(c.Index), Index: c.Index}
		if whole {
			shown.Choices = choicesOf(c)
		}
		win.Columns = append(win.Columns, shown)
	}
	for _, row := range found.Rows {
		out := windowRow{Number: row.Number, Lead: leadOf(row, kind), Cells: row.Cells}
		if what >= 0 && what < len(row.Cells) {
			out.Lead = append(out.Lead, text.Line(row.Cells[what], 2*mostOfCell))
		}
		for i, cell := range row.Cells {
			if !whole {
				out.Cells[i] = text.Line(cell, mostOfCell)
			}
		}
		for _, p := range row.Problems {
			out.Problems = append(out.Problems, rowProblem{p, p.Suggested})
		}
		win.Rows = append(win.Rows, out)
	}
	return win
}

// choicesOf returns the words that a column's cells can hold, nil where others
// are allowed too.
func choicesOf(c sheet.Column) []string {
	for _, f := range change.Fields() {
		if f.Name == string(c.Field) {
			return f.Choices
		}
	}
	return nil
}

// leadOf says what becomes of a row.
func leadOf(row report.GridRow, kind string) []string {
	lead, result := []string{strconv.Itoa(row.Number)}, row.Result
	switch {
	case result == nil:
		return lead
	case kind == "preview":
		words := string(result.Status)
		if words == "patch" {
			words = "would be sent"
		}
		return append(lead, words, changesOf(result))
	}
	return append(lead, string(result.Status), text.Line(whatHappened(result), 2*mostOfCell))
}

// changesOf says what would change, a field a line, or why nothing would.
func changesOf(r *report.RowResult) string {
	var lines []string
	for _, f := range r.Fields {
		lines = append(lines, fmt.Sprintf("%s: %s → %s", f.Field, value(f.Old), value(f.New)))
	}
	if lines == nil {
		return whatHappened(r)
	}
	return strings.Join(lines, "\n")
}

func whatHappened(r *report.RowResult) string {
	if r.Error != "" && r.Note != "" {
		return r.Error + "; " + r.Note
	}
	return r.Error + r.Note
}

// value is what a field holds, for people.
func value(s string) string {
	if s == "" {
		return "(empty)"
	}
	return text.Line(s, mostOfCell)
}

// rows are the rows of a grid, which may be asked for while they are closed.
type rows struct {
	mu      sync.Mutex
	grid    *report.Grid // nil where there are none, and once they are closed
	closing func() error // nil once they are closed
}

var errOtherRows = errors.New("these rows are not open any more: the page reads itself again")

// use calls do with the grid. Its sheet is not used otherwise meanwhile.
func (r *rows) use(do func(*report.Grid) error) error {
	if r == nil {
		return errOtherRows
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.grid == nil {
		return errOtherRows
	}
	return do(r.grid)
}

// close closes the rows once nobody reads them. What was only read leaves no
// error behind.
func (r *rows) close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing != nil {
		_ = r.closing()
	}
	r.grid, r.closing = nil, nil
}

// rowsOf returns the rows of a grid of the page, if it shows that version.
func (w *workspace) rowsOf(grid, version string) *rows {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case grid == "sheet" && w.sheet != nil && w.sheet.Version() == version:
		return w.sheet.rows
	case grid == "preview" && w.preview != nil && w.preview.Version() == version:
		return w.preview.rows
	case grid == "results" && w.results != nil && w.results.Version() == version:
		return w.results.rows
	}
	return nil
}
