package cli

import (
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	logText = "text"
	logJSON = "json"
)

// logFormatFlag is looked up by name when an error comes before the flags are
// parsed.
const logFormatFlag = "log-format"

// logFlags are what is written to standard error, and in which form.
type logFlags struct {
	logFormat      string
	quiet, verbose bool
}

func (f *logFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.logFormat, logFormatFlag, logText, "text, or json: one JSON object a line, on standard error")
	flags.BoolVar(&f.quiet, "quiet", false, "print errors only")
	flags.BoolVar(&f.verbose, "verbose", false, "log every request")
}

func (f *logFlags) validate() error {
	switch {
	case f.logFormat != logText && f.logFormat != logJSON:
		return usage("--%s %q: use %s or %s", logFormatFlag, f.logFormat, logText, logJSON)
	case f.quiet && f.verbose:
		return usage("--quiet and --verbose contradict each other")
	}
	return nil
}

// level is the lowest level that is printed.
func (f *logFlags) level() slog.Level {
	switch {
	case f.quiet:
		return slog.LevelError
	case f.verbose:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// wantsJSON returns how to print an error, even that of a command line that
// could not be parsed as far as its --log-format.
func wantsJSON(c *cobra.Command, args []string, env func(string) (string, bool)) bool {
	if c.Flags().Lookup(logFormatFlag) == nil {
		return false
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	format := flags.String(logFormatFlag, "", "")
	_ = flags.Parse(args) // the error is reported already
	_ = fill(flags, fromEnv(env))
	return *format == logJSON
}
