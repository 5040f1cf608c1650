package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

func newRunsCommand(s Streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "runs",
		Short: "List the runs here, and how to go on with them",
		Args:  exactly(0, "no arguments"),
		RunE:  func(*cobra.Command, []string) error { return listRuns(s, asJSON) },
	}
	setFlags(c, group("Output", func(flags *pflag.FlagSet) {
		flags.BoolVar(&asJSON, "json", false, "the runs as one JSON document")
	}))
	return c
}

// The states of a run.
const (
	stateGoingOn  = "going on" // a process has it
	stateFinished = "finished"
	stateStopped  = "stopped" // in order, with rows left
	stateKilled   = "killed"
	stateDryRun   = "dry run"
)

// listedRun is a run as runs shows it.
type listedRun struct {
	Dir      string          `json:"run_dir"`
	Sheet    string          `json:"sheet"`
	Host     string          `json:"host"`
	Begun    time.Time       `json:"started_at"`
	Finished *time.Time      `json:"finished_at"` // null while it goes on, and after a kill
	State    string          `json:"state"`
	ExitCode *int            `json:"exit_code"`
	Rows     int             `json:"rows"`
	Outcomes report.Outcomes `json:"outcomes"`
	ToSend   int             `json:"to_send"` // of a dry run
	Age      int64           `json:"age_ms"`  // since it was active last
	Next     string          `json:"next"`    // the command to go on with; empty while it goes on
	Problem  string          `json:"problem,omitempty"`

	counts []report.Count
}

// listRuns prints the runs under runs/, the newest first. A run that cannot be read
// does not hide the others.
func listRuns(s Streams, asJSON bool) error {
	runs, err := job.Runs()
	if err != nil {
		return err
	}
	for _, why := range job.UnreadableRuns() {
		fmt.Fprintf(s.Err, "a run is left out: %s\n", why)
	}
	listed := []listedRun{}
	for _, run := range runs {
		listed = append(listed, lookAt(run, s.Now()))
	}
	if asJSON {
		e := json.NewEncoder(s.Out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"runs": listed})
	}
	if len(listed) == 0 {
		fmt.Fprintf(s.Err, "no runs under %s/\n", job.RunsRoot)
	}
	var b strings.Builder
	for _, run := range listed {
		run.print(&b)
	}
	_, err = s.Out.Write([]byte(b.String()))
	return err
}

func (l *listedRun) print(b *strings.Builder) {
	where := ""
	if l.Host != "" {
		where = " on " + text.Line(l.Host, 0)
	}
	var counts []string
	for _, c := range l.counts {
		if c.Rows > 0 {
			counts = append(counts, text.Number(c.Rows)+" "+c.Name)
		}
	}
	fmt.Fprintf(b, "%s: %s, active %s ago\n", text.Line(l.Dir, 0), l.State, text.Span(time.Duration(l.Age)*time.Millisecond))
	fmt.Fprintf(b, "  %s%s, begun %s: %s", text.Line(l.Sheet, 0), where, l.Begun.UTC().Format("2006-01-02 15:04 UTC"), text.Count(l.Rows, "row"))
	if len(counts) > 0 {
		b.WriteString(", " + strings.Join(counts, ", "))
	}
	b.WriteString("\n")
	if l.Problem != "" {
		fmt.Fprintf(b, "  its counts are not known: %s\n", text.Line(l.Problem, 0))
	}
	if l.Next != "" {
		fmt.Fprintf(b, "  next: %s\n", l.Next)
	}
}

// lookAt finds out what state a run is in.
func lookAt(run journal.RunDir, now time.Time) listedRun {
	i := run.Info
	l := listedRun{
		Dir: run.Dir, Sheet: i.Sheet, Host: i.Host, Begun: i.StartedAt.UTC(), Finished: i.FinishedAt, State: stateOf(run), ExitCode: i.ExitCode,
	}
	summary, active, err := summaryOf(run)
	if err != nil {
		l.Problem = err.Error()
	}
	for _, name := range []string{"failed.csv", "failed.xlsx"} {
		path := filepath.Join(run.Dir, name)
		if _, err := os.Lstat(path); err == nil {
			summary.Files = append(summary.Files, report.File{Name: "failed", Path: path})
		}
	}
	l.Rows, l.Outcomes, l.ToSend, l.counts = summary.Rows, summary.Outcomes, summary.ToSend, summary.Counts()
	l.Age = max(0, now.Sub(active)).Milliseconds()
	if l.State == stateGoingOn {
		return l
	}
	r, err := runnerOf(i)
	if err != nil {
		l.Problem = err.Error()
		return l
	}
	r.result = job.Result{Dir: run.Dir, Summary: summary, Settings: i.Options, Next: job.NextStep(summary, i.Host == sandboxHost)}
	l.Next = r.nextCommand()
	return l
}

func stateOf(run journal.RunDir) string {
	i := run.Info
	switch {
	case i.FinishedAt == nil && isTaken(run.Dir):
		return stateGoingOn
	case i.DryRun:
		return stateDryRun
	case i.FinishedAt == nil:
		return stateKilled
	case i.Finished:
		return stateFinished
	}
	return stateStopped
}

// isTaken reports whether a process works on a run.
func isTaken(dir string) bool {
	lock, err := journal.Lock(dir)
	if err == nil {
		_ = lock.Unlock() // there is nothing to lose by it
	}
	_, taken := errors.AsType[*journal.LockedError](err)
	return taken
}

// summaryOf returns what is known of a run, and when it was active last. A finished
// run's journal, which can be long, is not read for it.
func summaryOf(run journal.RunDir) (s report.Summary, active time.Time, err error) {
	i := run.Info
	if i.FinishedAt != nil && (i.Finished || i.DryRun) {
		data, err := os.ReadFile(filepath.Join(run.Dir, "summary.json"))
		if err == nil && json.Unmarshal(data, &s) == nil {
			return s, *i.FinishedAt, nil
		}
	}
	replay, err := journal.Load(run.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return report.Summary{DryRun: i.DryRun}, i.StartedAt, nil // it was killed before it sent anything
	}
	if err != nil {
		return report.Summary{DryRun: i.DryRun}, i.StartedAt, err
	}
	s = report.Outline(report.Options{Replay: replay, DryRun: i.DryRun})
	return s, replay.LastActive(), replay.Close()
}
