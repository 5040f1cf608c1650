package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/journal"
)

func newPruneCommand(s Streams) *cobra.Command {
	var (
		keep      int
		olderThan string
	)
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove finished runs: they hold personal data",
		Long: `Prune removes the directories of finished runs under runs/, and prints each one that it
removed. A run that is not finished, or that a process has, is never removed. A dry
run counts as finished: it leaves nothing to resume. With both flags, a run must be
beyond both to be removed.`,
		Example: `  nermbulk prune --older-than 30d
  nermbulk prune --keep 10`,
		Args: exactly(0, "no arguments"),
	}
	setFlags(c, group("Which runs stay", func(flags *pflag.FlagSet) {
		flags.IntVar(&keep, "keep", 0, "keep this many of the newest finished runs")
		flags.StringVar(&olderThan, "older-than", "", "keep those that ended less than this ago, e.g. 30d, 12h or 1d12h")
	}))
	c.RunE = func(c *cobra.Command, _ []string) error {
		p := pruning{keep: keep, now: s.Now()}
		if !c.Flags().Changed("keep") && olderThan == "" {
			return usage("nothing says which runs stay: use --keep N, --older-than D (such as 30d), or both")
		}
		if keep < 0 {
			return usage("--keep %d: use 0 or more", keep)
		}
		if olderThan != "" {
			var err error
			if p.age, err = parseAge(olderThan); err != nil {
				return usage("--older-than %q: use a time such as 30d, 12h or 1d12h", olderThan)
			}
		}
		return prune(s, p)
	}
	return c
}

// parseAge reads a duration that may begin with days: 30d, 1d12h, 90m.
func parseAge(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil || rest == "" {
		return time.Duration(n) * day, err
	}
	age, err := time.ParseDuration(rest)
	if err == nil && age < 0 {
		err = errors.New("below 0")
	}
	return time.Duration(n)*day + age, err
}

// pruning says which finished runs stay.
type pruning struct {
	keep int           // of the newest
	age  time.Duration // those that ended less than this ago
	now  time.Time
}

// chosen picks the finished runs that go, from runs in the order of newest
// first. Which of them another process has is not known yet.
func (p pruning) chosen(runs []journal.RunDir) []journal.RunDir {
	var chosen []journal.RunDir
	kept := 0
	for _, run := range runs {
		if !isFinished(run.Info) {
			continue
		}
		if kept++; kept <= p.keep || p.now.Sub(endOf(run.Info)) < p.age {
			continue
		}
		chosen = append(chosen, run)
	}
	return chosen
}

func isFinished(i journal.Info) bool { return i.Finished || i.DryRun }

// endOf is when a run ended; of a dry run that was killed, when it began.
func endOf(i journal.Info) time.Time {
	if i.FinishedAt != nil {
		return *i.FinishedAt
	}
	return i.StartedAt
}

// prune removes the chosen runs. One that cannot be removed keeps no other
// from it.
func prune(s Streams, p pruning) error {
	runs, err := journal.Runs(runsRoot)
	if err != nil {
		return err
	}
	chosen := p.chosen(runs)
	if len(chosen) == 0 {
		fmt.Fprintf(s.Err, "nothing to remove under %s/\n", runsRoot)
		return nil
	}
	var errs []error
	for _, run := range chosen {
		switch gone, err := removeRun(run.Dir); {
		case err != nil:
			errs = append(errs, fmt.Errorf("remove %s: %w", run.Dir, err))
		case !gone:
			fmt.Fprintf(s.Err, "left %s: another process works on it\n", run.Dir)
		default:
			if _, err := fmt.Fprintf(s.Out, "removed %s (%s)\n", run.Dir, run.Info.Sheet); err != nil {
				return err
			}
		}
	}
	return errors.Join(errs...)
}

// removeRun removes a run, unless another process has it, or has gone on with
// it since it was looked at.
func removeRun(dir string) (gone bool, err error) {
	run, info, err := journal.Open(dir)
	if _, locked := errors.AsType[*journal.LockedError](err); locked {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !isFinished(info) {
		return false, run.Close()
	}
	return true, run.Remove()
}
