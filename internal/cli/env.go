package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// envName is the environment variable of a flag: NERMBULK_MAX_ATTEMPTS for
// --max-attempts.
func envName(flag string) string {
	return "NERMBULK_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnv sets the flags that were not given from their variables. Several
// values of a repeatable flag are separated by line breaks.
func fromEnv(flags *pflag.FlagSet, env func(string) (string, bool)) error {
	var first error
	settled := settledFlags(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || settled[f.Name] || f.Name == "help" || f.Name == "version" || first != nil {
			return
		}
		value, ok := env(envName(f.Name))
		if !ok || value == "" {
			return
		}
		values := []string{value}
		if _, repeatable := f.Value.(pflag.SliceValue); repeatable {
			values = strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' })
		}
		for _, v := range values {
			if err := flags.Set(f.Name, v); err != nil {
				first = usage("the environment variable %s=%q does not fit --%s: %w", envName(f.Name), value, f.Name, err)
				return
			}
		}
	})
	return first
}

// settledFlags are those whose variables have no say, since a flag that
// contradicts them was given.
func settledFlags(flags *pflag.FlagSet) map[string]bool {
	settled := map[string]bool{}
	for _, rivals := range [][]string{{"base-url", "tenant", "sandbox"}, {"quiet", "verbose"}} {
		if slices.ContainsFunc(rivals, flags.Changed) {
			for _, name := range rivals {
				settled[name] = true
			}
		}
	}
	return settled
}
