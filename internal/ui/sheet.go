package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// openSheet is the sheet that is worked on. The workspace's mu guards it. What is
// exported of it is for the page's template.
type openSheet struct {
	path   string
	flags  map[string]string // that it is read with
	own    bool              // it may be written again: a person's original is elsewhere
	Undo   bool              // it puts back what a run overwrote
	Notice string            // what happened to it last
	number int               // of the check, so that rows of another one are not taken for its own

	Checking   bool
	cancel     context.CancelFunc
	Failed     string   // why it could not be checked
	Worksheets []string // of which one is to be read
	checked    *job.CheckedSheet
	rows       *rows // nil before the check has ended
	Grid       bool  // it has rows that can be read, or had them before it was checked again
	found      []sheet.Problem
	Notes      []string
}

// mostFound is how many problems are kept.
const mostFound = 200_000

// Sendable reports whether the sheet may be sent as it is.
func (s *openSheet) Sendable() bool {
	return !s.Checking && s.checked != nil && s.checked.Overview.Sendable(s.flags["skip-invalid"] == "true") && s.checked.Overview.Rows > 0
}

func (s *openSheet) close() {
	if s == nil {
		return
	}
	s.cancel()
	s.rows.close()
	s.rows, s.checked = nil, nil
}

// Version names the check, for the rows that are shown of it. Before there are
// some, it is empty, and those of the check before stay where they are.
func (s *openSheet) Version() string {
	if s.rows == nil {
		return ""
	}
	return strconv.Itoa(s.number)
}

// check checks a sheet in the place of the one that was open. The caller has
// the lock.
func (w *workspace) check(s *openSheet) {
	w.sheet.close()
	ctx, cancel := context.WithCancel(w.ctx)
	w.checks++
	s.number, s.Checking, s.cancel = w.checks, true, cancel
	w.preview.close()
	w.sheet, w.preview = s, nil
	o, err := w.options(s.path, s.flags)
	if err != nil {
		s.Checking, s.Grid, s.Failed = false, false, err.Error()
		return
	}
	w.working.Go(func() { w.checkSheet(ctx, s, o) })
}

func (w *workspace) checkSheet(ctx context.Context, s *openSheet, o job.Options) {
	checked, err := job.Check(ctx, o.Sheet, o.Tenant, func(event any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if p, ok := event.(sheet.Problem); ok {
			if len(s.found) < mostFound {
				s.found = append(s.found, p)
			}
		} else if words := wordsOf(event); words != "" {
			s.Notes = append(s.Notes, words)
			w.touch()
		}
	}, nil)
	var opened *rows
	if err == nil {
		w.mu.Lock()
		if whole := checked.Overview.Whole; len(whole) > 0 { // then they are the only ones
			s.found = whole
		}
		found := s.found // nothing is added to it any more
		w.mu.Unlock()
		opened, err = rowsOfSheet(ctx, checked, found)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.Checking = false
	switch {
	case err == nil && ctx.Err() != nil: // another sheet is open
		opened.close()
	case err == nil:
		s.checked, s.rows, s.Grid = checked, opened, opened.grid != nil && checked.Overview.Rows > 0
	case ctx.Err() == nil:
		s.Grid, s.Failed = false, w.o.Explain(err, "").Error()
		if option, ok := errors.AsType[*sheet.OptionError](err); ok {
			s.Worksheets = option.Choices
		}
	}
	w.touch()
}

// rowsOfSheet are the rows of a sheet that was checked, which they close. Of one
// that cannot be read, as its problems say, there are none.
func rowsOfSheet(ctx context.Context, checked *job.CheckedSheet, found []sheet.Problem) (*rows, error) {
	grid, err := report.NewGrid(ctx, checked.Sheet, found)
	switch {
	case err != nil && len(checked.Overview.Whole) > 0:
		return &rows{closing: checked.Close}, nil
	case err != nil:
		return nil, errors.Join(err, checked.Close())
	}
	return &rows{grid: grid, closing: func() error { return errors.Join(grid.Close(), checked.Close()) }}, nil
}

// mostUploaded bounds a sheet that is dropped on the page.
const mostUploaded = 4 << 30

// doUpload keeps a sheet that was dropped or chosen as a file here, as it comes,
// and opens it.
func (w *workspace) doUpload(r *http.Request) error {
	if err := w.free(); err != nil {
		return err
	}
	var path string
	var err error
	w.apart(func() {
		path, err = job.KeepSheet(cmp.Or(r.URL.Query().Get("name"), "sheet.csv"), http.MaxBytesReader(nil, r.Body, mostUploaded))
	})
	if err != nil {
		return err
	}
	return w.open(&openSheet{path: path, own: true, Notice: "Kept here as " + path + "."})
}

func (w *workspace) doOpen(r *http.Request) error {
	path := r.PostFormValue("path")
	if !slices.ContainsFunc(sheetsHere(), func(f sheetFile) bool { return f.Name == path }) {
		return fmt.Errorf("%s is no sheet of this directory", text.Quote(path, 100))
	}
	return w.open(&openSheet{path: path})
}

// free reports whether another sheet may be opened.
func (w *workspace) free() error {
	switch {
	case w.tenant == nil:
		return errors.New("choose a tenant first")
	case w.run.Busy():
		return errBusy
	}
	return nil
}

func (w *workspace) open(s *openSheet) error {
	if err := w.free(); err != nil {
		return err
	}
	w.run, w.step = nil, stepSheet
	w.check(s)
	return nil
}

// again is the sheet to be checked once more, at path and with these flags.
func (s *openSheet) again(path string, flags map[string]string) *openSheet {
	return &openSheet{path: path, flags: flags, own: s.own || path != s.path, Undo: s.Undo, Notice: s.Notice, Grid: s.Grid}
}

func (w *workspace) doRead(r *http.Request) error {
	return w.reread(func(flags map[string]string) error {
		for _, o := range readOptions {
			if !r.PostForm.Has(o.Name) {
				continue
			}
			delete(flags, o.Name)
			if value := strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get(o.Name), "\r\n", "\n")); value != "" {
				flags[o.Name] = value
			}
		}
		return nil
	})
}

func (w *workspace) doMap(r *http.Request) error {
	column, field := r.PostFormValue("column"), strings.TrimSpace(r.PostFormValue("field"))
	if field == "" {
		return fmt.Errorf("choose a field for the column %s", text.Quote(column, 100))
	}
	return w.reread(func(flags map[string]string) error {
		if !slices.ContainsFunc(w.sheet.found, func(p sheet.Problem) bool { return p.Kind == sheet.UnknownColumn && p.Header == column }) {
			return fmt.Errorf("the column %s has a field by now, or is of another sheet: load the page again", text.Quote(column, 100))
		}
		others := slices.DeleteFunc(strings.Split(flags["map"], "\n"), func(m string) bool { return m == "" || strings.HasPrefix(m, column+"=") })
		flags["map"] = strings.Join(append(others, column+"="+field), "\n")
		return nil
	})
}

func (w *workspace) reread(change func(flags map[string]string) error) error {
	switch {
	case w.sheet == nil:
		return errors.New("no sheet is open")
	case w.run.Busy():
		return errBusy
	}
	flags := map[string]string{}
	maps.Copy(flags, w.sheet.flags)
	if err := change(flags); err != nil {
		return err
	}
	if _, err := w.options(w.sheet.path, flags); err != nil {
		return err
	}
	w.check(w.sheet.again(w.sheet.path, flags))
	return nil
}

// readOption is one of the flags by which a sheet is read.
type readOption struct {
	Name, Label string
	Choices     []choice // nil for a text
	Lines       bool     // of which each is one
}

type choice struct{ Value, Label string }

// readOptions are offered on the page.
var readOptions = []readOption{
	{Name: "worksheet", Label: "Worksheet of a workbook"},
	{Name: "hidden-rows", Label: "Hidden or filtered rows", Choices: []choice{{"", "are a problem"}, {"send", "are sent"}, {"skip", "are left out"}}},
	{Name: "skip-invalid", Label: "Rows with problems", Choices: []choice{{"", "keep the sheet from being sent"}, {"true", "are left out, the others sent"}}},
	{Name: "allow-reformatted", Label: "Cells that a spreadsheet program changed", Choices: []choice{{"", "are a problem"}, {"true", "are sent as they stand"}}},
	{Name: "unknown-columns", Label: "Columns without a meaning", Choices: []choice{{"", "are a problem"}, {"ignore", "are left out"}, {"attribute", "are attributes"}}},
	{Name: "duplicates", Label: "The same id in two rows", Choices: []choice{{"", "is a problem"}, {"in-order", "is sent one after another"}}},
	{Name: "allow-unknown-status", Label: "A status that is not known", Choices: []choice{{"", "is a problem"}, {"true", "is sent as typed"}}},
	{Name: "attributes", Label: "Attributes", Choices: []choice{{"", "are checked by the tenant's own list"}, {"off", "are left to the tenant to check"}}},
	{Name: "encoding", Label: "Encoding of a CSV", Choices: []choice{
		{"", "is found out"}, {"utf-8", "UTF-8"}, {"windows-1252", "Western Europe (windows-1252)"}, {"windows-1250", "Central Europe (windows-1250)"},
		{"windows-1251", "Cyrillic (windows-1251)"}, {"windows-1253", "Greek (windows-1253)"}, {"windows-1254", "Turkish (windows-1254)"},
		{"macintosh", "older Mac (macintosh)"}, {"shift_jis", "Japanese (shift_jis)"}, {"gbk", "Chinese (gbk)"}, {"utf-16le", "UTF-16 (utf-16le)"}, {"utf-16be", "UTF-16 (utf-16be)"},
	}},
	{Name: "delimiter", Label: "Cells of a CSV are divided", Choices: []choice{{"", "as is found out"}, {",", "by commas"}, {";", "by semicolons"}, {"tab", "by tabs"}, {"|", "by bars |"}}},
	{Name: "map", Label: "Columns and their fields, COLUMN=FIELD, one a line", Lines: true},
	{Name: "date", Label: "Rewrite dates, FIELD=IN:OUT, one a line", Lines: true},
}

// Flag returns what the sheet is read with.
func (s *openSheet) Flag(name string) string { return s.flags[name] }

// sheetFile is a file of the working directory that may be a sheet.
type sheetFile struct {
	Name    string
	Size    int64
	Changed time.Time
}

// mostListed is how many files of the working directory are offered.
const mostListed = 30

// sheetsHere lists the sheets of the working directory by their names, the
// newest first. What a file is, opening it finds out.
func sheetsHere() (files []sheetFile) {
	entries, _ := os.ReadDir(".") // a directory that cannot be read has none to offer
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		ending := filepath.Ext(strings.TrimSuffix(name, ".gz"))
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(name, ".") || !slices.Contains([]string{".csv", ".tsv", ".txt", ".xlsx", ".xlsm"}, ending) {
			continue
		}
		files = append(files, sheetFile{e.Name(), info.Size(), info.ModTime()})
	}
	slices.SortFunc(files, func(a, b sheetFile) int { return cmp.Or(b.Changed.Compare(a.Changed), strings.Compare(a.Name, b.Name)) })
	return files[:min(len(files), mostListed)]
}

func sizeOf(bytes int64) string {
	if bytes < 1<<20 {
		return text.Number(int(max(1, bytes>>10))) + " KB"
	}
	return text.Number(int(bytes>>20)) + " MB"
}

// fieldChoices are the fields that a column can be given. The caller has the
// lock.
func (s *openSheet) fieldChoices() []string {
	fields := change.SheetFields().Sent
	if s != nil && s.checked != nil {
		for _, uid := range s.checked.Rules.Attributes.Fillable() {
			fields = append(fields, change.Label(sheet.Attribute, uid))
		}
	}
	return fields
}

// serveTemplate is an empty workbook to fill in, with the tenant's attributes
// where a check has read them.
func (w *workspace) serveTemplate(rw http.ResponseWriter, _ *http.Request) {
	var known *change.Attributes
	w.mu.Lock()
	if w.sheet != nil && w.sheet.checked != nil {
		known = w.sheet.checked.Rules.Attributes
	}
	w.mu.Unlock()
	columns, err := known.TemplateColumns(known.Fillable())
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	download(rw, "template.xlsx", func(to io.Writer) error { return sheet.WriteTemplate(to, columns) })
}

// serveMarked is the sheet as a workbook with its problems marked.
func (w *workspace) serveMarked(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	s, marks := w.sheet, &sheet.Marks{}
	var open *rows
	var checked *job.CheckedSheet
	if s != nil && !s.Checking && s.checked != nil {
		open, checked = s.rows, s.checked
		for _, p := range s.found {
			marks.Add(p)
		}
	}
	w.mu.Unlock()
	if checked == nil {
		http.NotFound(rw, r)
		return
	}
	ending := ".xlsx"
	if checked.Sheet.HasMacros() {
		ending = ".xlsm"
	}
	name := strings.TrimSuffix(filepath.Base(s.path), filepath.Ext(s.path)) + "-marked" + ending
	download(rw, name, func(to io.Writer) error {
		return open.use(func(*report.Grid) error {
			_, _, err := checked.Sheet.WriteMarked(r.Context(), to, checked.Overview.Rows, marks)
			return err
		})
	})
}
