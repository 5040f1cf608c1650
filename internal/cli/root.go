package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"nermbulk/internal/job"
	"nermbulk/internal/journal"
	"nermbulk/internal/text"
)

// Run executes one command line and returns the process's exit code.
func Run(args []string, s Streams) int {
	out := &counting{Writer: s.Out}
	s.Out = out
	root := NewRoot(s)
	root.SetArgs(args)
	c, err := root.ExecuteC()
	code := exitCodeOf(err)
	if err == nil {
		return int(code)
	}
	err = withOrigin(c.Flags(), err)
	asJSON, format := wanted(c, args, s.Env)
	if _, ok := errors.AsType[alreadySaid](err); !ok {
		printer, _ := newPrinter(s.Err, format) // without the file, if that is what is wrong
		_ = printer.close(err)
	}
	if asJSON && out.written == 0 { // each ending prints one document
		fmt.Fprintf(out, "{%s}\n", endingJSON(code, strings.TrimSpace(err.Error())))
	}
	return int(code)
}

// endingJSON is how a command ended, as members of a JSON object.
func endingJSON(code ExitCode, why string) string {
	return fmt.Sprintf(`"exit_code":%d,"error":%s`, code, text.AppendJSON(nil, why))
}

// counting counts what is written through it.
type counting struct {
	io.Writer
	written int
}

func (c *counting) Write(p []byte) (int, error) {
	c.written += len(p)
	return c.Writer.Write(p)
}

// NewRoot returns the command tree, for running it and for writing its manual.
func NewRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "nermbulk",
		Short:         "Update SailPoint NERM workflow sessions in bulk from a spreadsheet",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			if ownConsole() {
				return doubleClicked(s)
			}
			return c.Help()
		},
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%s\n`%s --help` lists the flags", flagError(err), c.CommandPath())
	})
	root.SetVersionTemplate("nermbulk {{.Version}}\n")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		return cmp.Or(refuseUnknown(c, s.Environ), fillAll(c.Flags(), s.Env))
	}
	root.AddCommand(
		newRunCommand(s), newCheckCommand(s), newReportCommand(s), newUndoCommand(s), newRunsCommand(s), newExportCommand(s), newAttributesCommand(s), newTemplateCommand(s),
		newUICommand(s), newSandboxCommand(s), newPruneCommand(s), newVersionCommand(s),
	)
	addHelp(root)
	addCompletion(root)
	return root
}

// knownTopic refuses an unknown topic of help, for which cobra would show the
// help of the whole program.
func knownTopic(help *cobra.Command, args []string) error {
	if found, _, err := help.Root().Find(args); err != nil || found == help.Root() {
		return noCommand(help.Root(), args)
	}
	return nil
}

// noCommand refuses an unknown command, and suggests the nearest one.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	c.SuggestionsMinimumDistance = 2 // cobra sets its default too late for this
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(`; did you mean "%s"?`, strings.Join(near, `" or "`))
	}
	return usage("%q is not a command%s\n`nermbulk --help` lists the commands and topics", args[0], hint)
}

// exactly requires n arguments. The error says what they are.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%s takes %s, not %s\nusage: %s", c.CommandPath(), what, text.Count(len(args), "argument"), c.UseLine())
		}
		return nil
	}
}

// version returns the module's version, which Go makes from the commit and its
// tag where it knows them.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

func newVersionCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.Out, "nermbulk %s (%s)\n", version(), runtime.Version())
			return err
		},
	}
}

// ExitCode is what the process returns to its caller.
type ExitCode = job.ExitCode

// The exit codes, all of them. What they mean is in help/exit-codes.txt.
const (
	ExitOK          = job.ExitOK
	ExitRowsFailed  = job.ExitRowsFailed
	ExitUsage       = ExitCode(2)
	ExitStopped     = job.ExitStopped
	ExitLocked      = ExitCode(4)
	ExitInternal    = job.ExitInternal
	ExitInterrupted = job.ExitInterrupted
	ExitHungUp      = ExitCode(129)
	ExitTerminated  = ExitCode(143)
)

// failure is an error with the exit code that it asks for.
type failure struct {
	code ExitCode
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage makes an error that is the caller's to mend: nothing was sent.
func usage(format string, args ...any) error {
	return &failure{ExitUsage, fmt.Errorf(format, args...)}
}

// alreadySaid is a failure that people, and the log, have been shown. A JSON
// document may still need it.
type alreadySaid struct{ error }

func (e alreadySaid) Unwrap() error { return e.error }

// said ends with a code and the reason that was given already.
func said(code ExitCode, why string) error {
	if code == ExitOK {
		return nil
	}
	return alreadySaid{&failure{code, errors.New(why)}}
}

// exitCodeOf finds the code that an error asks for.
func exitCodeOf(err error) ExitCode {
	failed, isFailure := errors.AsType[*failure](err)
	ofJob, isJobs := errors.AsType[*job.Error](err)
	_, locked := errors.AsType[*journal.LockedError](err)
	_, exists := errors.AsType[*journal.ExistsError](err)
	switch {
	case err == nil:
		return ExitOK
	case isFailure:
		return failed.code
	case locked:
		return ExitLocked
	case exists, isJobs && ofJob.Kind <= job.NoDirectory:
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitInternal
}

// explain adds the remedy to an error of a job with the run directory dir, in
// the words of the command line.
func explain(err error, dir string) error {
	failed, ok := errors.AsType[*job.Error](err)
	if !ok {
		return err
	}
	switch failed.Kind {
	case job.OtherTenant:
		return usage("%w: resume it with the same tenant, or start a new run with another --run-dir", err)
	case job.NoDirectory:
		return usage("the run directory cannot be made; choose another place with --run-dir: %w", err)
	case job.NoAnswer:
		return &failure{ExitStopped, err}
	case job.NoFiles:
		return fmt.Errorf("the run's files could not be written (the journal holds every result; `nermbulk report %s` writes them again): %w", text.ShellPath(dir), err)
	}
	return err
}
