package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// Run executes one command line and returns the process's exit code.
func Run(args []string, s Streams) int {
	root := NewRoot(s)
	root.SetArgs(args)
	c, err := root.ExecuteC()
	code := exitCodeOf(err)
	var quiet silent
	if err != nil && !errors.As(err, &quiet) {
		var format logFlags
		if wantsJSON(c, args, s.Env) {
			format.logFormat = logJSON
		}
		text := strings.TrimSpace(err.Error())
		newPrinter(s.Err, format).say(slog.LevelError, "nermbulk: "+text, "error", "error", text, "exit_code", int(code))
	}
	return int(code)
}

// NewRoot returns the command tree, for running it and for writing its manual.
func NewRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "nermbulk",
		Short: "Update SailPoint NERM workflow sessions in bulk from a spreadsheet",
		Long: `nermbulk updates SailPoint NERM workflow sessions in bulk from a spreadsheet: each
row of a CSV becomes one PATCH. Every row ends with one recorded result, a run
that was stopped goes on where it was, and a cell that is wrong is told by its
row and column before anything is sent.`,
		Example: `  # see a whole run without an account
  nermbulk run samples/sessions.csv --sandbox

  # check a sheet offline, then send it
  nermbulk check sessions.csv
  NERM_TOKEN=… nermbulk run sessions.csv --tenant acme`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w\n`%s --help` lists the flags", err, c.CommandPath())
	})
	root.SetVersionTemplate("nermbulk {{.Version}}\n")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return fill(c.Flags(), fromEnv(s.Env)) }
	root.AddCommand(
		newRunCommand(s), newCheckCommand(s), newReportCommand(s), newExportCommand(s),
		newSandboxCommand(s), newPruneCommand(s), newVersionCommand(s),
	)
	root.AddCommand(helpTopics()...)
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
			return usage("%s takes %s, not %d arguments\nusage: %s", c.CommandPath(), what, len(args), c.UseLine())
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
