package report

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"nermbulk/internal/journal"
	"nermbulk/internal/sheet"
)

// Summary is the result of a run: summary.json, and what is printed.
type Summary struct {
	Sheet      string          `json:"sheet"`           // as the user gave it
	Shard      string          `json:"shard,omitempty"` // the part of its rows, such as 2/4; empty for all of them
	Host       string          `json:"host"`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at"` // null for a run that was killed
	ExitCode   *int            `json:"exit_code"`   // likewise
	Rows       int             `json:"rows"`        // of the sheet, that are not blank
	Outcomes   Outcomes        `json:"outcomes"`
	Requests   Requests        `json:"requests"`
	Latency    Latency         `json:"latency_ms"`
	Failures   []Failure       `json:"failures"` // most rows first
	DryRun     bool            `json:"dry_run"`
	ToSend     int             `json:"to_send"` // rows that a dry run would have sent: they are of no outcome
	Removed    journal.Removed `json:"removed"` // that an edited sheet had before and has no more

	Operator journal.Operator `json:"operator,omitzero"` // of the run's last session

	Reason string   `json:"-"` // why the run stopped, if before its end
	Files  []File   `json:"-"` // those that were written
	Notes  []string `json:"-"` // on files that were not written
	Undo   UndoNote `json:"-"`
}

// Outcomes counts rows; together with those that a dry run would have sent they
// are all rows of the sheet.
type Outcomes struct {
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Failed    int `json:"failed"`
	Unknown   int `json:"unknown"`
	Invalid   int `json:"invalid"`
	Pending   int `json:"pending"`
}

// Requests counts what was sent, over all sessions of the run.
type Requests struct {
	Patch     int `json:"patch"`
	Get       int `json:"get"`
	Token     int `json:"token"`
	Throttled int `json:"throttled"` // refused for the rate
	Retried   int `json:"retried"`   // beyond a row's first
}

// RequestsOf returns what a sum of ticks counts.
func RequestsOf(t journal.Tick) Requests {
	return Requests{t.Patch, t.Get, t.Token, t.Throttled, t.Retried}
}

// File is a file that was written. A workbook has the name of the CSV that says
// the same, and comes after it.
type File struct {
	Name string // what it is: results, failed, undo, plan, summary or page
	Path string
}

// FileToEdit returns the path of the file of one kind that a person would edit:
// the workbook, if there is one. It is empty where there is no file.
func (s Summary) FileToEdit(kind string) (path string) {
	for _, f := range s.Files {
		if f.Name == kind {
			path = f.Path
		}
	}
	return path
}

// FileNames returns the names of the files of one kind, without directories.
func (s Summary) FileNames(kind string) string {
	var names []string
	for _, f := range s.Files {
		if f.Name == kind {
			names = append(names, filepath.Base(f.Path))
		}
	}
	return cmp.Or(strings.Join(names, " or "), kind+".csv")
}

// toSend is what a dry run found of a row that it would have sent. It is no
// outcome: in the files the row is pending.
const toSend journal.Status = "to send"

// outcomesOf counts rows by how they ended; those without an outcome are pending.
func outcomesOf(counts map[journal.Status]int, rows int) Outcomes {
	o := Outcomes{
		Updated: counts[journal.Updated], Unchanged: counts[journal.Unchanged], Failed: counts[journal.Failed],
		Unknown: counts[journal.Unknown], Invalid: counts[journal.Invalid],
	}
	o.Pending = max(0, rows-o.Updated-o.Unchanged-o.Failed-o.Unknown-o.Invalid)
	return o
}

// Bad is how many rows are in failed.csv.
func (o Outcomes) Bad() int { return o.Failed + o.Unknown + o.Invalid }

// Count is an outcome's name with its rows.
type Count struct {
	Name string
	Rows int
}

// Counts lists the outcomes in the order that they have everywhere, those of a
// dry run after what it would have sent.
func (s Summary) Counts() []Count {
	o := s.Outcomes
	counts := []Count{
		{string(journal.Updated), o.Updated}, {string(journal.Unchanged), o.Unchanged},
		{string(journal.Failed), o.Failed}, {string(journal.Unknown), o.Unknown},
		{string(journal.Invalid), o.Invalid}, {string(journal.Pending), o.Pending},
	}
	if s.DryRun {
		counts[0] = Count{string(toSend), s.ToSend} // a dry run updates nothing
	}
	return counts
}

// newSummary takes what the journal knows without its rows.
func newSummary(o Options) Summary {
	last, totals := o.Replays[0].Last, o.totals()
	s := Summary{
		Sheet: last.Sheet, Host: last.Host,
		Requests: RequestsOf(totals),
		Latency:  latencyOf(totals.Latency),
		Operator: o.operator(),
		DryRun:   o.DryRun,
	}
	if o.Sheet != nil {
		s.Shard = o.Sheet.Part().String()
	}
	for _, r := range o.Replays {
		if at := r.First.At.UTC().Truncate(time.Millisecond); s.StartedAt.IsZero() || at.Before(s.StartedAt) {
			s.StartedAt = at
		}
		removed := r.Last.Removed
		s.Removed.Sent, s.Removed.NotSent = s.Removed.Sent+removed.Sent, s.Removed.NotSent+removed.NotSent
	}
	if end, ended := o.end(); ended {
		at, code := end.At.UTC().Truncate(time.Millisecond), end.ExitCode
		s.FinishedAt, s.ExitCode, s.Reason = &at, &code, end.Reason
	}
	return s
}

// Outline returns what the journal alone knows of a run: no cause, no file. Of
// the options, Replays and DryRun count.
func Outline(o Options) Summary {
	s := newSummary(o)
	s.Rows = o.Replays[0].Last.Rows
	s.Outcomes = outcomesOf(o.Replays[0].Counts(), s.Rows)
	return s
}

// WriteJSON writes the summary as one JSON document.
func (s Summary) WriteJSON(w io.Writer) error {
	if s.Failures == nil {
		s.Failures = []Failure{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // it is for scripts and people, never part of a page
	e.SetIndent("", "  ")
	return e.Encode(s)
}

const (
	printedCauses   = 20
	printedExamples = 3
)

// summaryText is the template of what Print writes.
//
//go:embed summary.txt.tmpl
var summaryText string

// Print writes the summary for people. next is the exact command to go on
// with; it becomes the last line, alone, so that it can be copied. Empty means
// that nothing is left to do.
func (s Summary) Print(w io.Writer, next string) error {
	t, err := template.New("summary").Funcs(funcs).Parse(summaryText)
	if err != nil {
		return fmt.Errorf("read the summary's template: %w", err)
	}
	shown := min(len(s.Failures), printedCauses)
	part, _ := sheet.ParsePart(s.Shard)
	var b bytes.Buffer // one write, so that nothing comes between
	err = t.Execute(&b, struct {
		Summary
		Part       sheet.Part
		Causes     []Failure
		MoreCauses int
		Next       string
	}{s, part, s.Failures[:shown], len(s.Failures) - shown, next})
	if err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}
