package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/report"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

func newUndoCommand(s Streams) *cobra.Command {
	u := &undoer{runner: runner{Streams: s}}
	c := &cobra.Command{
		Use:               "undo RUN_DIR",
		Short:             "Put back what a run overwrote",
		Args:              exactly(1, "one run directory"),
		ValidArgsFunction: oneArgument(completeRun),
		RunE: func(c *cobra.Command, args []string) error {
			u.flags = c.Flags()
			return u.undo(args[0])
		},
	}
	setFlags(c, u.undoGroups()...)
	return c
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
	joined := filepath.Join(dir, "undo.csv")
	switch u.of, err = journal.ReadInfo(dir); {
	case errors.Is(err, fs.ErrNotExist) && job.Written(joined):
		return usage("%s holds joined runs: `nermbulk run %s` puts back what they overwrote", dir, text.ShellWord(joined))
	case errors.Is(err, fs.ErrNotExist):
		return noRun(dir)
	case err != nil:
		return &failure{ExitUsage, err}
	case u.of.DryRun:
		return usage("%s is a dry run, which overwrote nothing", dir)
	}
	// Those of a settings file or the environment are of the sheets to come.
	if f := u.flags.Lookup("where"); !isTyped(f) {
		u.where = nil
	}
	signIn := []string{"base-url", "tenant", "sandbox", "token-file", "auth-scheme", "ca-file", "client-id-file", "client-secret-file"}
	err = fill(u.flags, source{sourceRun, func(flag string) (value, name string) {
		if !slices.Contains(signIn, flag) {
			return "", ""
		}
		return u.of.Options[flag], "the run in " + dir
	}})
	if err != nil {
		return err
	}
	u.undoes = &journal.Undone{Run: dir, Only: u.only, Where: u.where}
	u.path = filepath.Join(dir, "undo.csv")
	u.open = u.withUndo
	return u.run()
}

// withUndo calls do with the sheet that puts back what is chosen. No other process
// may work on the run before that has ended: what one sends, the other would not
// know of.
func (u *undoer) withUndo(ctx context.Context, do func(job.Sheet) error) (err error) {
	if u.tenant.Host != u.of.Host {
		return usage("the run in %s was sent to %s, so it cannot be put back on %s: name that tenant, or leave it out", u.undoes.Run, u.of.Host, cmp.Or(u.tenant.Host, "another one"))
	}
	run, info, err := journal.Open(u.undoes.Run)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, run.Close()) }()
	file, err := journal.Scratch(os.TempDir())
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	if err := u.write(ctx, info, file); err != nil {
		return err
	}
	sh, err := u.sheetFlags.sheet()
	if err != nil {
		return err
	}
	sh.Name, sh.File = u.path, file
	return do(sh)
}

// write makes the sheet of the run's journal, which has all of it though the run
// was killed before its files were written.
func (u *undoer) write(ctx context.Context, info journal.Info, to *os.File) error {
	dir := u.undoes.Run
	if err := refuseEdited(dir); err != nil {
		return err
	}
	r, err := runnerOf(info)
	if err != nil {
		return err
	}
	own, err := r.sheetFlags.sheet()
	if err = cmp.Or(err, own.UseKept(dir)); err != nil {
		return err
	}
	choice := report.UndoChoice{Only: u.fields()}
	if len(u.where) > 0 {
		chosen := own
		chosen.Options.Where = nil
		for _, w := range u.where {
			chosen.Options.Where = append(chosen.Options.Where, sheet.Condition{Text: w})
		}
		choice.Where = chosen.Open
	}
	compared := info.Options["compare"] == "true"
	note, err := report.WriteUndo(ctx, own.Open, report.Options{Dir: dir, Rules: own.Rules, Compare: compared}, choice, to)
	switch {
	case errors.Is(err, report.ErrNotBegun):
		return usage("%s: there is nothing to put back: %w", dir, err)
	case err != nil:
		return err
	case note.Rows == 0:
		return u.nothing(note, compared)
	}
	for _, flag := range note.Flags {
		if err := u.flags.Set(strings.TrimPrefix(flag, "--"), "true"); err != nil {
			return err
		}
	}
	return nil
}

// fields are those of --only, as a header names them.
func (u *undoer) fields() (labels []string) {
	for _, name := range u.only {
		if field, uid, ok := change.SheetFields().Parse(sheet.Trim(name)); ok {
			name = change.Label(field, uid)
		}
		labels = append(labels, name)
	}
	return labels
}

// nothing says why nothing is put back.
func (u *undoer) nothing(note report.UndoNote, compared bool) error {
	var chosen []string
	for _, name := range u.only {
		chosen = append(chosen, "--only "+text.ShellQuote(text.Line(name, 0)))
	}
	for _, w := range u.where {
		chosen = append(chosen, "--where "+text.ShellQuote(text.Line(w, 0)))
	}
	what := strings.Join(append([]string{"of the run in " + u.undoes.Run}, chosen...), " ")
	switch {
	case len(note.Lost) > 0:
		var lost []string
		for _, l := range note.Lost {
			lost = append(lost, l.String())
		}
		return usage("%s, nothing can be put back:\n  %s", what, strings.Join(lost, "\n  "))
	case !compared:
		return usage("%s, nothing is known to put back: it did not read the sessions first (--compare)", what)
	case len(chosen) > 0:
		return usage("%s, nothing was overwritten; `nermbulk undo %s --dry-run` shows what was", what, text.ShellWord(u.undoes.Run))
	}
	return usage("%s, nothing is to be put back: it overwrote nothing", what)
}

// refuseEdited refuses a run whose undo.csv somebody has edited: what is sent is
// made again, without the edits.
func refuseEdited(dir string) error {
	now, err1 := os.ReadFile(filepath.Join(dir, "undo.csv"))
	written, err2 := os.ReadFile(filepath.Join(dir, report.UndoWritten))
	if err1 != nil || err2 != nil || bytes.Equal(now, written) {
		return nil
	}
	word := text.ShellWord
	return usage("%s was edited: send it as it is with `nermbulk run %s`, or have it written again with `nermbulk report %s`",
		filepath.Join(dir, "undo.csv"), word(filepath.Join(dir, "undo.csv")), word(dir))
}

// noRun is the error of a directory that holds no run.
func noRun(dir string) error {
	return usage("%s holds no run: name the directory of a run, such as one under %s/", dir, job.RunsRoot)
}

// undoWords are the words of a command that undoes a run.
func undoWords(u *journal.Undone) []string {
	words := []string{"nermbulk", "undo", text.ShellWord(u.Run)}
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
