package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// pruner removes runs with the flags of prune.
type pruner struct {
	Streams
	keep                        int
	olderThan, unfinishedBefore string // as parseAge reads them; empty where they are not given
	finished                    bool   // finished runs are to be removed
	dryRun                      bool

	age, unfinishedAge time.Duration // of them
}

func newPruneCommand(s Streams) *cobra.Command {
	p := &pruner{Streams: s}
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove finished runs: they hold personal data",
		Args:  exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			p.finished = c.Flags().Changed("keep") || p.olderThan != ""
			return p.run()
		},
	}
	setFlags(c, group("Which runs stay", func(flags *pflag.FlagSet) {
		flags.IntVar(&p.keep, "keep", 0, "keep this many of the newest finished runs")
		flags.StringVar(&p.olderThan, "older-than", "", "keep those that ended less than this ago, e.g. 30d, 12h or 1d12h")
		flags.StringVar(&p.unfinishedBefore, "unfinished-older-than", "", "remove unfinished runs too that were last active longer ago than this, e.g. 90d; what they sent can then no longer be proved or undone")
	}), group("Flags", func(flags *pflag.FlagSet) {
		flags.BoolVar(&p.dryRun, "dry-run", false, "name what would be removed, and remove nothing")
	}))
	return c
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

// validate refuses values that make no sense, each with its remedy.
func (p *pruner) validate() (err error) {
	switch {
	case !p.finished && p.unfinishedBefore == "":
		return usage("nothing says which runs stay: use --keep N, --older-than D (such as 30d), or both")
	case p.keep < 0:
		return usage("--keep %d: use 0 or more", p.keep)
	}
	if p.age, err = parseAge(p.olderThan); err != nil {
		return usage("--older-than %q: use a time such as 30d, 12h or 1d12h", p.olderThan)
	}
	if p.unfinishedAge, err = parseAge(p.unfinishedBefore); err != nil {
		return usage("--unfinished-older-than %q: use a time such as 90d, 12h or 1d12h", p.unfinishedBefore)
	}
	return nil
}

// run removes what is old, and names the unfinished runs that stay. A run that
// cannot be removed does not stop it.
func (p *pruner) run() error {
	if err := p.validate(); err != nil {
		return err
	}
	runs, err := journal.Runs(job.RunsRoot) // the newest first
	if err != nil {
		return err
	}
	kept := 0
	var old, unfinished []journal.RunDir
	for _, r := range runs {
		switch finished := isFinished(r.Info); {
		case finished && kept < p.keep:
			kept++
		case p.isOld(r):
			old = append(old, r)
		case !finished:
			unfinished = append(unfinished, r)
		}
	}
	err = p.remove(old)
	p.name(unfinished)
	return err
}

// isOld reports whether a run is to be removed, if it is beyond those to keep.
func (p *pruner) isOld(r journal.RunDir) bool {
	idle := p.Now().Sub(lastActive(r))
	if isFinished(r.Info) {
		return p.finished && idle >= p.age
	}
	return p.unfinishedBefore != "" && idle >= p.unfinishedAge
}

func (p *pruner) remove(runs []journal.RunDir) error {
	if len(runs) == 0 {
		fmt.Fprintf(p.Err, "nothing to remove under %s/\n", job.RunsRoot)
	}
	var errs []error
	for _, run := range runs {
		done, err := "would remove", error(nil)
		if !p.dryRun {
			done, err = "removed", p.removeRun(run.Dir)
		}
		switch {
		case errors.Is(err, errStays):
			fmt.Fprintf(p.Err, "left %s: another process works on it\n", run.Dir)
		case err != nil:
			errs = append(errs, fmt.Errorf("remove %s: %w", run.Dir, err))
		default:
			if _, err := fmt.Fprintf(p.Out, "%s %s (%s)\n", done, run.Dir, described(run)); err != nil {
				return err
			}
		}
	}
	return errors.Join(errs...)
}

// described is a run's sheet, and that it is unfinished if it is.
func described(r journal.RunDir) string {
	if isFinished(r.Info) {
		return text.Line(r.Info.Sheet, 0)
	}
	return text.Line(r.Info.Sheet, 0) + ", unfinished"
}

// name names the unfinished runs that stay: nobody else would remember them, and
// they hold personal data as well.
func (p *pruner) name(unfinished []journal.RunDir) {
	if len(unfinished) == 0 {
		return
	}
	fmt.Fprintf(p.Err, "%s left; `nermbulk runs` says how to go on, and --unfinished-older-than D removes them:\n", text.CountOf(len(unfinished), "unfinished run is", "unfinished runs are"))
	for _, r := range unfinished {
		fmt.Fprintf(p.Err, "  %s (%s), last active %s\n", r.Dir, text.Line(r.Info.Sheet, 0), lastActive(r).UTC().Format("2006-01-02 15:04 UTC"))
	}
}

// lastActive is when a run ended or, where it did not, last wrote its journal.
func lastActive(r journal.RunDir) time.Time {
	if r.Info.FinishedAt != nil {
		return *r.Info.FinishedAt
	}
	at := r.Info.StartedAt
	if file, err := os.Stat(filepath.Join(r.Dir, journal.FileName)); err == nil && file.ModTime().After(at) {
		at = file.ModTime()
	}
	return at
}

func isFinished(i journal.Info) bool { return i.Finished || i.DryRun }

// errStays is the error of a run that is not to be removed after all.
var errStays = errors.New("the run stays")

// removeRun removes a run, unless another process works on it or has done so
// since the runs were listed.
func (p *pruner) removeRun(dir string) error {
	run, info, err := journal.Open(dir)
	if _, locked := errors.AsType[*journal.LockedError](err); locked {
		return errStays
	}
	if err != nil {
		return err
	}
	if !p.isOld(journal.RunDir{Dir: dir, Info: info}) {
		return cmp.Or(run.Close(), errStays)
	}
	return run.Remove()
}
