package cli

import (
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The forms of what is written to standard error.
const (
	logText = "text"
	logJSON = "json"
)

// logFormatFlag is asked for by name where an error comes before the flags
// are read.
const logFormatFlag = "log-format"

// logFlags say what is written to standard error, and in which form.
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

// level is the least that is said.
func (f *logFlags) level() slog.Level {
	switch {
	case f.quiet:
		return slog.LevelError
	case f.verbose:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// wantsJSON finds out how an error is to be told, even that of a command line
// that could not be read as far as its --log-format.
func wantsJSON(c *cobra.Command, args []string, env func(string) (string, bool)) bool {
	if f := c.Flags().Lookup(logFormatFlag); f == nil {
		return false
	} else if f.Changed {
		return f.Value.String() == logJSON
	}
	for i, arg := range args {
		switch value, ok := strings.CutPrefix(arg, "--"+logFormatFlag+"="); {
		case ok:
			return value == logJSON
		case arg == "--"+logFormatFlag && i+1 < len(args):
			return args[i+1] == logJSON
		}
	}
	value, _ := env(envName(logFormatFlag))
	return value == logJSON
}
