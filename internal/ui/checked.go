package ui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// Name is the sheet's for people.
func (s *openSheet) Name() string { return filepath.Base(s.path) }

// Marked reports whether cells have problems.
func (s *openSheet) Marked() bool {
	return s.checked != nil && s.checked.Overview.Errors+s.checked.Overview.Warnings > 0
}

// Overview says what the sheet would change, a line each.
func (s *openSheet) Overview() (lines []string) {
	if s.Sendable() {
		for line := range strings.Lines(job.OverviewLines(s.checked.Overview)) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// Unknown are the columns that a person has to give a field.
func (s *openSheet) Unknown() (columns []unknownColumn) {
	for _, p := range s.found {
		if p.Kind == sheet.UnknownColumn && s.checked != nil {
			columns = append(columns, unknownColumn{p.Column, p.Header, guessField(p.Header)})
		}
	}
	return columns
}

// OpenReading reports whether a problem may be how the sheet is read.
func (s *openSheet) OpenReading() bool {
	return s.Failed != "" || s.checked != nil && len(s.Unknown()) < len(s.checked.Overview.Whole)
}

// Groups are the problems that were found.
func (s *openSheet) Groups() []problemGroup {
	if s.checked == nil {
		return nil
	}
	return groupsOf(s.found, s.checked.Overview.Kinds, positions(s.checked.Sheet.Columns()))
}

// Fixes is how many corrections are certain.
func (s *openSheet) Fixes() int { return len(s.certain()) }

// Verdict says whether the sheet can be sent.
func (s *openSheet) Verdict() (words string) {
	if s.checked == nil {
		return ""
	}
	o := s.checked.Overview
	rows, errors := text.Count(o.Rows, "row"), text.Count(o.Errors, "error")
	switch {
	case o.Errors == 0:
		words = rows + ", all of them can be sent."
	case s.Sendable():
		words = fmt.Sprintf("%s of %s can be sent; %s left out.", text.Number(o.Valid), rows, text.CountOf(o.Invalid, "is", "are"))
	case len(o.Whole) > 0:
		words = "The sheet cannot be sent as it is: " + text.Count(o.Errors, "problem") + " to be solved first."
	case o.Errors == 1:
		words = fmt.Sprintf("%s in %s: correct it, and the sheet can be sent.", errors, rows)
	default:
		words = fmt.Sprintf("%s in %s: correct them, and the sheet can be sent.", errors, rows)
	}
	if o.Warnings > 0 {
		words += fmt.Sprintf(" %s to look at.", text.Count(o.Warnings, "warning"))
	}
	return words
}

// unknownColumn is one that a person has to give a field.
type unknownColumn struct{ Letter, Header, Guess string }

// guessField is the attribute that a header without a meaning most likely is.
func guessField(header string) string {
	if near, ok := change.SheetFields().Nearest(header); ok {
		return near
	}
	return "attributes." + strings.ToLower(strings.Join(strings.Fields(header), "_"))
}

type problemGroup struct {
	Kind        sheet.Kind
	Severity    sheet.Severity
	Count, More int // how many there are, and how many of them are not listed
	Problems    []problemView
}

// problemView is a problem that one row has, or several in the same words.
type problemView struct {
	sheet.Problem     // the first row's
	Index, Rows   int // the index is the column's
}

// Others says how many rows have the problem beyond the first.
func (p problemView) Others() string {
	if p.Rows == 1 {
		return ""
	}
	return "and " + text.Count(p.Rows-1, "more row")
}

// mostOfKind is how many problems of a kind are listed.
const mostOfKind = 50

// groupsOf groups problems by kind, errors first. In a column, those with the
// same words are one. Columns without a meaning have a form instead.
func groupsOf(found []sheet.Problem, kinds map[sheet.Kind]int, positions map[string]int) (groups []problemGroup) {
	groupAt, at := map[sheet.Kind]int{}, map[[3]string]int{}
	for _, p := range found {
		if p.Kind == sheet.UnknownColumn {
			continue
		}
		i, ok := groupAt[p.Kind]
		if !ok {
			i, groupAt[p.Kind] = len(groups), len(groups)
			groups = append(groups, problemGroup{Kind: p.Kind, Severity: p.Severity, Count: kinds[p.Kind], More: kinds[p.Kind]})
		}
		g, key := &groups[i], [3]string{string(p.Kind), p.Column, p.Message}
		if same, ok := at[key]; ok {
			g.Problems[same].Rows++
			g.More--
		} else if len(g.Problems) < mostOfKind {
			at[key] = len(g.Problems)
			g.Problems = append(g.Problems, problemView{p, positions[p.Column], 1})
			g.More--
		}
	}
	slices.SortStableFunc(groups, func(a, b problemGroup) int { return strings.Compare(string(a.Severity), string(b.Severity)) })
	return groups
}

// titleOf is the kind of a problem as a person reads it.
func titleOf(k sheet.Kind) string {
	words := strings.ReplaceAll(string(k), "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

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
	var edits []sheet.Edit
	if s := w.sheet; s != nil && s.checked != nil && r.PostFormValue("row") == "" {
		edits = s.certain()
	} else if s != nil && s.checked != nil {
		edits = s.alike(r.PostFormValue("row"), r.PostFormValue("column"))
	}
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
	s := w.sheet
	switch {
	case s == nil || s.Checking || s.checked == nil:
		return errors.New("the sheet is being checked: wait a moment")
	case w.run.Busy():
		return errBusy
	case len(edits) == 0:
		return errors.New("there is nothing to correct any more")
	}
	s.Checking = true // its rows are not to be read meanwhile
	open, checked := s.rows, s.checked
	to := ""
	if s.own {
		to = s.path
	}
	var path string
	var err error
	w.apart(func() {
		err = open.use(func(grid *report.Grid) (err error) {
			path, err = checked.Correct(context.WithoutCancel(ctx), edits, to)
			if err == nil { // then what was checked is closed
				open.closing = grid.Close
			}
			return err
		})
	})
	s.Checking = false
	if err != nil || w.sheet != s { // another sheet was opened meanwhile
		return err
	}
	next := s.again(path, s.flags)
	if next.Notice = text.Count(len(edits), "cell") + " corrected in " + path + "."; !s.own {
		next.Notice += " Your own file is as it was."
	}
	w.check(next)
	return nil
}
