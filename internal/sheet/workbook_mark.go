package sheet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"nermbulk/internal/text"
)

// Bounds of a marked workbook.
const (
	maxMarkedRows     = 200_000 // of a sheet that is marked whole
	maxMarkedProblems = 200_000
)

// The names of worksheets that this tool makes.
const (
	sheetName    = "Sheet"
	problemsName = "Problems"
)

// Marks are the problems that a marked workbook shows. What is beyond the most
// of them is counted alone.
type Marks struct {
	problems []Problem
	more     int
}

// Add adds a problem.
func (m *Marks) Add(p Problem) {
	if len(m.problems) < maxMarkedProblems {
		m.problems = append(m.problems, p)
	} else {
		m.more++
	}
}

// Len returns how many problems were added.
func (m *Marks) Len() int { return len(m.problems) + m.more }

// markedProblem is a problem and where it is shown.
type markedProblem struct {
	Problem
	column int  // from 0
	cell   bool // it is of one cell, which gets the color
	at     int  // the row in the marked workbook
}

// color is that of the problem's cell.
func (p *markedProblem) color() Color {
	if p.Severity == Warning {
		return Yellow
	}
	return Red
}

// address is the place in the marked workbook, such as B3.
func (p *markedProblem) address() string { return cellName(p.column, max(p.at, 1)) }

// placedIn returns the problems in the order of rows and columns, errors first.
// A problem of a whole row is shown at its id.
func (m *Marks) placedIn(s *Sheet) []markedProblem {
	id := max(s.header.index(ID), 0)
	placed := make([]markedProblem, len(m.problems))
	for i, p := range m.problems {
		column, ok := parseColumn(p.Column + "1")
		if !ok {
			column = id
		}
		placed[i] = markedProblem{p, column, ok || p.Row > s.header.row, p.Row}
	}
	slices.SortStableFunc(placed, func(a, b markedProblem) int {
		return cmp.Or(a.Row-b.Row, a.column-b.column, int(a.color())-int(b.color()))
	})
	return placed
}

// cellMarks returns the marks of the cells of a row: of each cell one, with all
// that is wrong with it.
func cellMarks(row []markedProblem) (marks []Mark) {
	for _, p := range row {
		if last := len(marks) - 1; last >= 0 && marks[last].Column == p.column {
			marks[last].Note += "\n" + p.Message
		} else if p.cell {
			marks = append(marks, Mark{Column: p.column, Color: p.color(), Note: p.Message})
		}
	}
	return marks
}

// NotMarkableError says why a sheet has no rows that could be shown.
type NotMarkableError struct{ err error }

func (e *NotMarkableError) Error() string { return e.err.Error() }
func (e *NotMarkableError) Unwrap() error { return e.err }

// WriteMarked writes a workbook of the sheet in which the cells that have
// a problem are red or, for a warning, yellow, with a worksheet that lists the
// problems. rows is how many the sheet has: of very many, those with problems
// alone are written. A workbook keeps what else is in it. list is the name of
// that worksheet; the remark says what is not as could be expected, and is empty
// otherwise.
//
// An *UnfitError or a *NotMarkableError says why there is no such workbook.
func (s *Sheet) WriteMarked(ctx context.Context, to io.Writer, rows int, m *Marks) (list, remark string, err error) {
	if s.header.row == 0 {
		return "", "", &NotMarkableError{errors.New("it has no rows that can be read")}
	}
	placed := m.placedIn(s)
	all := rows <= maxMarkedRows
	if all && s.IsWorkbook() {
		marked, list, err := s.markOwn(ctx, placed, m.more)
		if err == nil {
			_, err = marked.WriteTo(to)
			return list, "", err
		}
		if ctx.Err() != nil {
			return "", "", ctx.Err()
		}
		remark = fmt.Sprintf("the formats and other worksheets are not in it, since the workbook cannot be written again (%s)", text.Line(err.Error(), 200))
	}
	if !all {
		remark = fmt.Sprintf("the sheet has %s rows: those with problems alone are in it", text.Number(rows))
	}
	err = s.writeMarked(ctx, to, placed, m.more, all)
	if isFault(err) {
		err = &NotMarkableError{err}
	}
	return problemsName, remark, err
}

// writeMarked writes the sheet as text, each row at its place if all of them
// are wanted.
func (s *Sheet) writeMarked(ctx context.Context, to io.Writer, placed []markedProblem, more int, all bool) error {
	w := newWorkbookWriter(to)
	err := w.worksheet(&worksheetPart{Name: sheetName}, func(visit func([]string, ...Mark) error) error {
		next, written := 0, 0
		return s.EachRecord(ctx, func(number int, cells []string) error {
			first := next
			for next < len(placed) && placed[next].Row <= number {
				next++
			}
			row := placed[first:next]
			if !all && len(row) == 0 && number != s.header.row {
				return nil
			}
			written++
			for i, c := range cells {
				cells[i] = s.CellText(c)
			}
			for i := range row {
				row[i].at = written
				for row[i].column >= len(cells) {
					cells = append(cells, "") // the row is short, and the cell is to have a color
				}
			}
			return visit(cells, cellMarks(row)...)
		})
	})
	if err != nil {
		return err
	}
	err = w.worksheet(&worksheetPart{Name: problemsName, Own: true}, func(visit func([]string, ...Mark) error) error {
		for p, line := range problemLines(placed, more) {
			var marks []Mark
			if p != nil {
				marks = []Mark{{Column: problemsCell, Link: reference(sheetName, p.address())}, {Column: problemsSeverity, Color: p.color()}}
			}
			if err := visit(line, marks...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.close()
}

// problemsHeader is that of the worksheet that lists the problems.
var problemsHeader = []string{"cell", "row", "column", "header", "severity", "kind", "message"}

// The columns of problemsHeader that have a look of their own.
const (
	problemsCell     = 0
	problemsSeverity = 4
)

// problemLines are the rows of that worksheet: the header, one for each problem,
// and where the list is not complete a last one that says so.
func problemLines(placed []markedProblem, more int) iter.Seq2[*markedProblem, []string] {
	return func(yield func(*markedProblem, []string) bool) {
		if !yield(nil, problemsHeader) {
			return
		}
		for i := range placed {
			p, row := &placed[i], ""
			if p.Row > 0 {
				row = strconv.Itoa(p.Row)
			}
			if !yield(p, []string{p.address(), row, p.Column, Legible(p.Header), string(p.Severity), string(p.Kind), Legible(p.Message)}) {
				return
			}
		}
		if more > 0 {
			yield(nil, []string{"", "", "", "", "", "", fmt.Sprintf("and %s: correct these first, and check again", text.CountOf(more, "problem more", "problems more"))})
		}
	}
}

// reference names cells of a worksheet, as links and names do.
func reference(worksheet, cells string) string {
	return "'" + strings.ReplaceAll(worksheet, "'", "''") + "'!" + cells
}
