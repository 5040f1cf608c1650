package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nermbulk/internal/change"
	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Form is the form of the files that can be corrected and sent again.
type Form string

// The forms.
const (
	CSV      Form = "csv"
	Workbook Form = "xlsx"
	Both     Form = "both"
)

// marker returns the marks of a row; nil marks none.
type marker func(cells []string) []sheet.Mark

// workbookOf returns the path of the workbook of a CSV file.
func workbookOf(path string) string { return strings.TrimSuffix(path, ".csv") + ".xlsx" }

// writeForms gives a CSV file the form that is wanted, and returns the paths of
// what there is of it then, the CSV's first. What no workbook can hold stays
// a CSV, for the reason that is returned. What is not there has no workbook.
func writeForms(ctx context.Context, path string, form Form, marks marker) (paths []string, why string, err error) {
	workbook := workbookOf(path)
	if _, missing := os.Lstat(path); missing != nil || form != Workbook && form != Both {
		return []string{path}, "", remove(workbook)
	}
	err = journal.Replace(workbook, func(w io.Writer) error { return convert(ctx, path, w, marks) })
	if unfit, ok := errors.AsType[*sheet.UnfitError](err); ok {
		return []string{path}, unfit.Error(), remove(workbook)
	}
	if err != nil {
		return nil, "", fmt.Errorf("write %s: %w", workbook, err)
	}
	if form == Both {
		return []string{path, workbook}, "", nil
	}
	return []string{workbook}, "", remove(path)
}

// convert writes a CSV file of this tool as a workbook: they say the same,
// since one is made of the other.
func convert(ctx context.Context, path string, to io.Writer, marks marker) (err error) {
	s, err := sheet.Open(ctx, path, sheet.Options{Fields: change.SheetFields(), Unknown: sheet.UnknownIgnore})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.SkipHash()
	name := strings.TrimSuffix(filepath.Base(path), ".csv")
	columns := s.Columns()
	var line []string
	return sheet.WriteWorkbook(to, name, func(visit func([]string, ...sheet.Mark) error) error {
		return s.EachRecord(ctx, func(row int, cells []string) error {
			line = line[:0]
			for i, c := range cells {
				c = sheet.Unescape(c)
				if i < len(columns) && columns[i].Field == sheet.Result {
					c = sheet.Legible(c) // an answer may hold anything, and is not sent
				}
				line = append(line, c)
			}
			if row == 1 || marks == nil {
				return visit(line)
			}
			return visit(line, marks(line)...)
		})
	})
}

// colors are those of the outcomes.
var colors = map[journal.Status]sheet.Color{
	journal.Updated: sheet.Green, journal.Unchanged: sheet.Blue, journal.Failed: sheet.Red,
	journal.Unknown: sheet.Yellow, journal.Invalid: sheet.Purple, journal.Pending: sheet.Grey,
}

// resultMarks returns the marks of the results of a sheet with these columns:
// the color of the outcome, and the cells that the tenant's answer names.
func resultMarks(columns []sheet.Column) marker {
	var own []sheet.Column
	for _, c := range columns {
		if c.Field != sheet.Result {
			own = append(own, c)
		}
	}
	status, body := len(own)+1, len(own)+4 // after result.row; see result
	return func(cells []string) []sheet.Mark {
		marks := []sheet.Mark{{Column: status, Color: colors[journal.Status(cells[status])]}}
		if cells[body] == "" {
			return marks
		}
		var answer struct {
			Errors map[string]any `json:"errors"`
		}
		if json.Unmarshal([]byte(cells[body]), &answer) != nil {
			return marks // no JSON, cut off, or its errors have no names
		}
		for i, c := range own {
			if why := reasons(answer.Errors, c); why != "" {
				marks = append(marks, sheet.Mark{Column: i, Color: sheet.Red, Note: why})
			}
		}
		return marks
	}
}

// reasons returns what an answer's errors say of a column.
func reasons(errors map[string]any, c sheet.Column) string {
	if !change.IsSent(c.Field) {
		return ""
	}
	var texts []string
	for name, why := range errors {
		uid, attribute := strings.CutPrefix(name, "attributes.")
		if c.Field == sheet.Attribute && sheet.SameUID(uid, c.UID) || !attribute && name == string(c.Field) {
			texts = append(texts, reason(why)...)
		}
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "\n")
}

// reason returns the texts of one error: it is a text or a list of texts.
func reason(why any) (texts []string) {
	switch why := why.(type) {
	case nil:
	case []any:
		for _, w := range why {
			texts = append(texts, reason(w)...)
		}
	default:
		texts = append(texts, strings.TrimSpace(fmt.Sprint(why)))
	}
	return texts
}
