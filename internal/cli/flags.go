package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/text"
)

// flagGroup is a heading of a command's help and the flags below it.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// group returns a heading with the flags that register adds.
func group(title string, register func(*pflag.FlagSet)) flagGroup {
	flags := pflag.NewFlagSet(title, pflag.ContinueOnError)
	flags.SortFlags = false
	register(flags)
	return flagGroup{title, flags}
}

// setFlags gives a command its flags, in groups as a person looks for them.
func setFlags(c *cobra.Command, groups ...flagGroup) {
	c.Flags().SortFlags = false
	for _, g := range groups {
		c.Flags().AddFlagSet(g.flags)
	}
	c.SetUsageFunc(func(c *cobra.Command) error {
		var b strings.Builder
		b.WriteString("Usage:\n  " + c.UseLine() + "\n")
		if c.Example != "" {
			b.WriteString("\nExamples:\n" + c.Example + "\n")
		}
		for _, g := range groups {
			b.WriteString("\n" + g.title + ":\n" + strings.TrimRight(g.flags.FlagUsagesWrapped(100), "\n") + "\n")
		}
		b.WriteString("\nEvery flag has an environment variable, NERMBULK_ and its name in capitals with _ for -\n(NERMBULK_MAX_ATTEMPTS=3); a flag wins.\n")
		_, err := c.OutOrStderr().Write([]byte(b.String()))
		return err
	})
}

// A source knows the values of flags that are not on the command line. It
// returns the text, how to name it in an error, and whether there is one.
type source func(flag string) (value, name string, ok bool)

// fromEnv is the source of flags that the environment sets: --max-attempts by
// NERMBULK_MAX_ATTEMPTS. An empty variable is none.
func fromEnv(env func(string) (string, bool)) source {
	return func(flag string) (value, name string, ok bool) {
		name = envName(flag)
		value, _ = env(name)
		return value, "the environment variable " + name, value != ""
	}
}

func envName(flag string) string {
	return "NERMBULK_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// rivals are flags that contradict each other: one that was given keeps the
// values of the others out, wherever they come from.
var rivals = [][]string{{"base-url", "tenant", "sandbox"}, {"quiet", "verbose"}, {"resume", "new"}}

// filled marks a flag that fill set.
const filled = "nermbulk_filled"

// fill sets the flags that were not given from a source. Several values of a
// repeatable flag are separated by line breaks.
func fill(flags *pflag.FlagSet, from source) error {
	leave := []string{"help", "version"}
	for _, names := range rivals {
		if slices.ContainsFunc(names, flags.Changed) {
			leave = append(leave, names...)
		}
	}
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		value, name, ok := from(f.Name)
		if !ok || f.Changed || first != nil || slices.Contains(leave, f.Name) {
			return
		}
		values := []string{value}
		if _, repeatable := f.Value.(pflag.SliceValue); repeatable {
			values = strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' })
		}
		for _, v := range values {
			if err := flags.Set(f.Name, v); err != nil {
				first = usage("%s=%q does not fit --%s: %w", name, value, f.Name, err)
				return
			}
		}
		f.Annotations = map[string][]string{filled: {}}
	})
	return first
}

// settings returns the flags as a run directory keeps them and fill takes them:
// by name, without those that have their default. Those that only matter for
// one session are kept too, for the report. No flag is a secret.
func settings(flags *pflag.FlagSet) map[string]string {
	kept := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && f.Value.String() != f.DefValue {
			kept[f.Name] = strings.Join(valuesOf(f), "\n")
		}
	})
	return kept
}

func valuesOf(f *pflag.Flag) []string {
	if list, repeatable := f.Value.(pflag.SliceValue); repeatable {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}

// flagWords returns the flags that include picks as words of a command line.
func flagWords(flags *pflag.FlagSet, include func(*pflag.Flag) bool) []string {
	var words []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !include(f) {
			return
		}
		for _, value := range valuesOf(f) {
			switch {
			case f.Value.Type() != "bool":
				words = append(words, "--"+f.Name, text.ShellWord(value))
			case value == "true":
				words = append(words, "--"+f.Name)
			}
		}
	})
	return words
}

// isTyped reports whether a flag is on the command line.
func isTyped(f *pflag.Flag) bool { return f.Changed && f.Annotations[filled] == nil }
