package ui

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// doCorrect gives one cell another text, in a copy of the sheet.
func (w *workspace) doCorrect(r *http.Request) error {
	row, err1 := strconv.Atoi(r.PostFormValue("row"))
	column, err2 := strconv.Atoi(r.PostFormValue("column"))
	if err := errors.Join(err1, err2); err != nil {
		return errors.New("which cell is to be corrected is not clear: load the page again")
	}
	return w.correct(r.Context(), []sheet.Edit{{Row: row, Column: column, Text: r.PostFormValue("text")}})
}

// doFix applies all suggestions that are certain, or that of one cell to all
// cells with the same problem.
func (w *workspace) doFix(r *http.Request) error {
	w.mu.Lock()
	var edits []sheet.Edit
	if s := w.sheet; s != nil && s.checked != nil && r.PostFormValue("row") == "" {
		edits = s.certain()
	} else if s != nil && s.checked != nil {
		edits = s.alike(r.PostFormValue("row"), r.PostFormValue("column"))
	}
	w.mu.Unlock()
	return w.correct(r.Context(), edits)
}

// certain returns the corrections that are certain, of the problems that are
// listed.
func (s *openSheet) certain() (edits []sheet.Edit) {
	at := positions(s.checked.Sheet.Columns())
	for _, p := range s.found {
		if column, ok := at[p.Column]; ok && p.Certain {
			edits = append(edits, sheet.Edit{Row: p.Row, Column: column, Text: p.Suggested})
		}
	}
	return edits
}

// alike returns the corrections of all cells of a column that have the problem
// of one row's, as it is suggested for it.
func (s *openSheet) alike(row, column string) (edits []sheet.Edit) {
	at := positions(s.checked.Sheet.Columns())
	is := func(p sheet.Problem) bool { return strconv.Itoa(at[p.Column]) == column && p.Suggested != "" }
	first := slices.IndexFunc(s.found, func(p sheet.Problem) bool { return is(p) && strconv.Itoa(p.Row) == row })
	for _, p := range s.found {
		if first >= 0 && is(p) && p.Message == s.found[first].Message {
			edits = append(edits, sheet.Edit{Row: p.Row, Column: at[p.Column], Text: p.Suggested})
		}
	}
	return edits
}

// positions are the places of columns by their letters.
func positions(columns []sheet.Column) map[string]int {
	at := map[string]int{}
	for _, c := range columns {
		at[sheet.Letter(c.Index)] = c.Index
	}
	return at
}

// correct writes the sheet with other texts in some cells, and checks that. A
// sheet that a person brought stays as it is: the corrections go into a copy in
// the same directory.
func (w *workspace) correct(ctx context.Context, edits []sheet.Edit) error {
	w.mu.Lock()
	s := w.sheet
	switch {
	case s == nil || s.checking || s.checked == nil:
		w.mu.Unlock()
		return errors.New("the sheet is being checked: wait a moment")
	case w.run.busy():
		w.mu.Unlock()
		return errBusy
	case len(edits) == 0:
		w.mu.Unlock()
		return errors.New("there is nothing to correct any more")
	}
	s.checking = true // its rows are not to be read meanwhile
	open, checked := s.rows, s.checked
	to := ""
	if s.own {
		to = s.path
	}
	w.mu.Unlock()
	var path string
	err := open.use(func(grid *report.Grid) (err error) {
		path, err = checked.Correct(context.WithoutCancel(ctx), edits, to)
		if err == nil { // then what was checked is closed
			open.closing = grid.Close
		}
		return err
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	s.checking = false
	if err != nil || w.sheet != s { // another sheet was opened meanwhile
		w.touch()
		return err
	}
	next := s.again(path, s.flags)
	if next.notice = text.Count(len(edits), "cell") + " corrected in " + path + "."; !s.own {
		next.notice += " Your own file is as it was."
	}
	w.check(next)
	return nil
}
