package report

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"nermbulk/internal/journal"
)

// Summary is what came of a run: summary.json, and what is printed.
type Summary struct {
	Sheet      string     `json:"sheet"` // as the user gave it
	Host       string     `json:"host"`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"` // null for a run that was killed
	ExitCode   *int       `json:"exit_code"`   // likewise
	Rows       int        `json:"rows"`        // of the sheet, that are not blank
	Outcomes   Outcomes   `json:"outcomes"`
	Requests   Requests   `json:"requests"`
	Latency    Latency    `json:"latency_ms"`
	Failures   []Failure  `json:"failures"` // most rows first

	DryRun bool     `json:"-"`
	Reason string   `json:"-"` // why the run stopped, if before its end
	Files  []File   `json:"-"` // those that were written
	Undo   UndoNote `json:"-"`
}

// Outcomes counts rows; together they are all rows of the sheet.
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

// Failure is one cause for which rows were not updated.
type Failure struct {
	Cause       string `json:"cause"`
	Rows        int    `json:"rows"`
	ExampleRows []int  `json:"example_rows"` // the first few
}

// File is a file that was written.
type File struct {
	Name string // what it is: results, failed, undo, plan, summary or page
	Path string
}

func (o *Outcomes) add(s journal.Status) {
	switch s {
	case journal.Updated:
		o.Updated++
	case journal.Unchanged:
		o.Unchanged++
	case journal.Failed:
		o.Failed++
	case journal.Unknown:
		o.Unknown++
	case journal.Invalid:
		o.Invalid++
	default:
		o.Pending++
	}
}

func (o Outcomes) total() int {
	return o.Updated + o.Unchanged + o.Failed + o.Unknown + o.Invalid + o.Pending
}

// count is an outcome's name with its rows.
type count struct {
	Name string
	Rows int
}

// counts lists the outcomes in the order in which they are told everywhere.
func (o Outcomes) counts() []count {
	return []count{
		{string(journal.Updated), o.Updated}, {string(journal.Unchanged), o.Unchanged},
		{string(journal.Failed), o.Failed}, {string(journal.Unknown), o.Unknown},
		{string(journal.Invalid), o.Invalid}, {string(journal.Pending), o.Pending},
	}
}

// newSummary takes what the journal knows without a look at the rows.
func newSummary(o Options) Summary {
	started, end, ended := o.times()
	last, totals := o.Replay.Last(), o.Replay.Totals()
	s := Summary{
		Sheet: last.Sheet, Host: last.Host, StartedAt: started.UTC().Truncate(time.Millisecond),
		Requests: Requests{totals.Patch, totals.Get, totals.Token, totals.Throttled, totals.Retried},
		Latency:  latencyOf(totals.Latency),
		DryRun:   o.DryRun,
	}
	if ended {
		at, code := end.At.UTC().Truncate(time.Millisecond), end.ExitCode
		s.FinishedAt, s.ExitCode, s.Reason = &at, &code, end.Reason
	}
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

func (s Summary) writeFile(dir string) error {
	if err := journal.Replace(filepath.Join(dir, "summary.json"), s.WriteJSON); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}
