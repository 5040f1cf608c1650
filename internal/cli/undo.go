package cli

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

func newUndoCommand(s Streams) *cobra.Command {
	u := &undoer{runner: runner{Streams: s}}
	return withFlags(&cobra.Command{
		Use:               "undo RUN_DIR",
		Short:             "Put back what a run overwrote",
		Args:              exactly(1, "one run directory"),
		ValidArgsFunction: oneArgument(completeRun),
		RunE: func(c *cobra.Command, args []string) error {
			u.flags = c.Flags()
			return u.undo(args[0])
		},
	}, u.undoGroups()...)
}

// undoer is the run command for the sheet that puts back what a run overwrote.
type undoer struct {
	runner
	only, where []string

	of journal.Info // the run that is put back
}

// undoGroups are the flags of run, but for those that say how a sheet is read: this
// one is the tool's own, and it has no updated_at.
func (u *undoer) undoGroups() []flagGroup {
	groups := u.groups()
	for i, g := range groups {
		title := g.title
		if g.flags == u.given {
			title = "What is put back"
		}
		groups[i] = group(title, func(flags *pflag.FlagSet) {
			g.flags.VisitAll(func(f *pflag.Flag) {
				if f.Name != "if-unchanged" && (u.given.Lookup(f.Name) == nil || f.Name == "attributes" || f.Name == unknownStatusFlag) {
					flags.AddFlag(f)
				}
			})
			if g.flags == u.given {
				flags.StringArrayVar(&u.only, "only", nil, "put back this field alone, e.g. status or attributes.end_date; repeatable")
				flags.StringArrayVar(&u.where, "where", nil, "only the rows of the run's own sheet whose cell is that, 'COLUMN=VALUE'; repeatable")
			}
		})
	}
	return groups
}

// unknownStatusFlag is the one that undo sets by itself where it is needed.
var unknownStatusFlag = strings.TrimPrefix(change.AllowUnknownStatusFlag, "--")

// sourceRun is the kind of source of the flags that the run to be put back had.
const sourceRun = "run"

// undo puts back what the run in dir overwrote, on the tenant that it was sent to
// unless another one is named.
func (u *undoer) undo(dir string) (err error) {
	if u.of, err = job.InfoToUndo(dir); err != nil {
		return err
	}
	// Those of a settings file or the environment are of the sheets to come.
	if f := u.flags.Lookup("where"); !isTyped(f) {
		u.where = nil
	}
	err = fill(u.flags, source{sourceRun, func(flag string) setting {
		if !slices.Contains(signIn, flag) {
			return setting{}
		}
		return setting{u.of.Options[flag], "the run in " + dir}
	}})
	if err != nil {
		return err
	}
	u.Undoes = &journal.Undone{Run: dir, Only: u.only, Where: u.where}
	u.path = filepath.Join(dir, "undo.csv")
	u.open = u.withUndo
	return u.run()
}

// withUndo calls do with the sheet that puts back what is chosen.
func (u *undoer) withUndo(ctx context.Context, do func(job.Sheet) error) error {
	if u.Tenant.Host != u.of.Host {
		return usage("the run in %s was sent to %s, so it cannot be put back on %s: name that tenant, or leave it out", u.Undoes.Run, u.of.Host, cmp.Or(u.Tenant.Host, "another one"))
	}
	return job.WithUndo(ctx, *u.Undoes, sheetOfRun, func(file *os.File, needed []string) error {
		for _, flag := range needed {
			if err := u.flags.Set(strings.TrimPrefix(flag, "--"), "true"); err != nil {
				return err
			}
		}
		sh, err := u.sheet()
		if err != nil {
			return err
		}
		sh.Name, sh.File = u.path, file
		return do(sh)
	})
}

// undoWords are the words of a command that undoes a run.
func undoWords(u *journal.Undone) []string {
	words := []string{"nermbulk", "undo", text.ShellPath(u.Run)}
	for _, name := range u.Only {
		words = append(words, "--only", text.ShellWord(name))
	}
	for _, w := range u.Where {
		words = append(words, "--where", text.ShellWord(w))
	}
	return words
}

// absolute is what a run keeps of the one that it puts back.
func absolute(u *journal.Undone) *journal.Undone {
	if u == nil {
		return nil
	}
	kept := *u
	if dir, err := filepath.Abs(u.Run); err == nil {
		kept.Run = dir
	}
	return &kept
}
