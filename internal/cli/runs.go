package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/report"
	"nermbulk/internal/text"
)

func newRunsCommand(s Streams) *cobra.Command {
	var asJSON bool
	return withFlags(&cobra.Command{
		Use:   "runs",
		Short: "List the runs here, and how to go on with them",
		Args:  exactly(0, "no arguments"),
		RunE:  func(*cobra.Command, []string) error { return listRuns(s, asJSON) },
	}, group("Output", func(flags *pflag.FlagSet) {
		flags.BoolVar(&asJSON, "json", false, "the runs as one JSON document")
	}))
}

type listedRun struct {
	Dir      string          `json:"run_dir"`
	Sheet    string          `json:"sheet"`
	Host     string          `json:"host"`
	Begun    time.Time       `json:"started_at"`
	Finished *time.Time      `json:"finished_at"` // null while it goes on, and after a kill
	State    job.State       `json:"state"`
	ExitCode *int            `json:"exit_code"`
	Rows     int             `json:"rows"`
	Outcomes report.Outcomes `json:"outcomes"`
	ToSend   int             `json:"to_send"` // of a dry run
	Age      int64           `json:"age_ms"`  // since it was active last
	Next     string          `json:"next"`    // the command to go on with; empty while it goes on
	Problem  string          `json:"problem,omitempty"`
	Counts   []report.Count  `json:"-"`
}

// listRuns prints the runs under runs/, the newest first. A run that cannot be read
// does not hide the others.
func listRuns(s Streams, asJSON bool) error {
	runs, unreadable, err := job.Runs()
	if err != nil {
		return err
	}
	for _, why := range unreadable {
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
	out := bufio.NewWriter(s.Out)
	return cmp.Or(runList.Execute(out, listed), out.Flush())
}

// runList is how people are shown runs.
var runList = template.Must(template.New("runs").Funcs(template.FuncMap{
	"line": func(s string) string { return text.Line(s, 0) }, "minute": text.Minute, "count": text.Count, "number": text.Number,
	"span": func(ms int64) string { return text.Span(time.Duration(ms) * time.Millisecond) },
}).Parse(`{{range .}}{{line .Dir}}: {{.State}}, active {{span .Age}} ago
  {{line .Sheet}}{{with .Host}} on {{line .}}{{end}}, begun {{minute .Begun}}: {{count .Rows "row"}}
{{- range .Counts}}{{if .Rows}}, {{number .Rows}} {{.Name}}{{end}}{{end}}
{{with .Problem}}  its counts are not known: {{line .}}
{{end}}{{with .Next}}  next: {{.}}
{{end}}{{end}}`))

// lookAt finds out what is known of a run, and how to go on with it.
func lookAt(run job.RunDir, now time.Time) listedRun {
	i := run.Info
	l := listedRun{
		Dir: run.Dir, Sheet: i.Sheet, Host: i.Host, Begun: i.StartedAt.UTC(), Finished: i.FinishedAt, State: job.StateOf(run), ExitCode: i.ExitCode,
	}
	summary, active, err := job.SummaryOf(run)
	l.Rows, l.Outcomes, l.ToSend, l.Counts = summary.Rows, summary.Outcomes, summary.ToSend, summary.Counts()
	l.Age = max(0, now.Sub(active)).Milliseconds()
	if l.State != job.StateGoingOn {
		var nextErr error
		l.Next, nextErr = nextOf(run.Dir, i, summary, job.NextStep(summary, i.Host == sandboxHost))
		err = cmp.Or(nextErr, err)
	}
	if err != nil {
		l.Problem = err.Error()
	}
	return l
}

// pruner removes runs with the flags of prune.
type pruner struct {
	Streams
	job.Pruning
	olderThan, unfinishedBefore string // as parseAge reads them; empty where they are not given
	dryRun                      bool
}

func newPruneCommand(s Streams) *cobra.Command {
	p := &pruner{Streams: s, Pruning: job.Pruning{Now: s.Now}}
	return withFlags(&cobra.Command{
		Use:   "prune",
		Short: "Remove finished runs: they hold personal data",
		Args:  exactly(0, "no arguments"),
		RunE:  func(c *cobra.Command, _ []string) error { return p.prune(c.Flags().Changed("keep")) },
	}, group("Which runs stay", func(flags *pflag.FlagSet) {
		flags.IntVar(&p.Keep, "keep", 0, "keep this many of the newest finished runs")
		flags.StringVar(&p.olderThan, "older-than", "", "keep those that ended less than this ago, e.g. 30d, 12h or 1d12h")
		flags.StringVar(&p.unfinishedBefore, "unfinished-older-than", "", "remove unfinished runs too that were last active longer ago than this, e.g. 90d; what they sent can then no longer be proved or undone")
	}), group("Flags", func(flags *pflag.FlagSet) {
		flags.BoolVar(&p.dryRun, "dry-run", false, "name what would be removed, and remove nothing")
	}))
}

// parseAge parses a duration that may begin with days: 30d, 1d12h, 90m. An
// empty one is 0.
func parseAge(s string) (time.Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16)
	age := time.Duration(n) * 24 * time.Hour
	if err != nil || rest == "" {
		return age, err
	}
	more, err := time.ParseDuration(rest)
	if err == nil && more < 0 {
		err = errors.New("below 0")
	}
	return age + more, err
}

// choose refuses values that make no sense, each with its remedy, and says which
// runs are removed. kept says that --keep was given.
func (p *pruner) choose(kept bool) error {
	age, err1 := parseAge(p.olderThan)
	unfinishedAge, err2 := parseAge(p.unfinishedBefore)
	if kept || p.olderThan != "" {
		p.Finished = &age
	}
	if p.unfinishedBefore != "" {
		p.Unfinished = &unfinishedAge
	}
	switch {
	case p.Finished == nil && p.Unfinished == nil:
		return usage("nothing says which runs stay: use --keep N, --older-than D (such as 30d), or both")
	case p.Keep < 0:
		return usage("--keep %d: use 0 or more", p.Keep)
	case err1 != nil:
		return usage("--older-than %q: use a time such as 30d, 12h or 1d12h", p.olderThan)
	case err2 != nil:
		return usage("--unfinished-older-than %q: use a time such as 90d, 12h or 1d12h", p.unfinishedBefore)
	}
	return nil
}

// prune removes what is old, and names the unfinished runs that stay: nobody else
// would remember them, and they hold personal data as well. A run that cannot be
// removed does not stop it.
func (p *pruner) prune(kept bool) error {
	if err := p.choose(kept); err != nil {
		return err
	}
	old, unfinished, err := p.Choose()
	if err != nil {
		return err
	}
	err = p.remove(old)
	if len(unfinished) > 0 {
		fmt.Fprintf(p.Err, "%s left; `nermbulk runs` says how to go on, and --unfinished-older-than D removes them:\n", text.CountOf(len(unfinished), "unfinished run is", "unfinished runs are"))
	}
	for _, r := range unfinished {
		fmt.Fprintf(p.Err, "  %s (%s), last active %s\n", r.Dir, text.Line(r.Info.Sheet, 0), text.Minute(job.LastActive(r)))
	}
	return err
}

func (p *pruner) remove(runs []job.RunDir) error {
	if len(runs) == 0 {
		fmt.Fprintf(p.Err, "nothing to remove under %s/\n", job.RunsRoot)
	}
	var errs []error
	for _, run := range runs {
		done, err := "would remove", error(nil)
		if !p.dryRun {
			done, err = "removed", p.Remove(run.Dir)
		}
		what := text.Line(run.Info.Sheet, 0)
		if !run.Info.Finished && !run.Info.DryRun {
			what += ", unfinished"
		}
		switch {
		case errors.Is(err, job.ErrInUse):
			fmt.Fprintf(p.Err, "left %s: %s\n", run.Dir, err)
		case err != nil:
			errs = append(errs, fmt.Errorf("remove %s: %w", run.Dir, err))
		default:
			if _, err := fmt.Fprintf(p.Out, "%s %s (%s)\n", done, run.Dir, what); err != nil {
				return err
			}
		}
	}
	return errors.Join(errs...)
}
