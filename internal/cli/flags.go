package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// The kinds of sources, as run.json names them. A flag that has its default has
// none.
const (
	sourceFlag    = "flag"
	sourceEnv     = "environment"
	sourceProfile = "profile"
	sourceFile    = "file"
)

// A source knows the values of flags that are not on the command line.
type source struct {
	kind  string
	value func(flag string) setting
}

// setting is the value of one flag.
type setting struct {
	text  string // empty for none; several values are separated by line breaks
	place string // in words for people, such as a file, line and column
}

// fromEnv is the source of flags that the environment sets: --max-attempts by
// NERMBULK_MAX_ATTEMPTS.
func fromEnv(env func(string) string) source {
	return source{sourceEnv, func(flag string) setting {
		name := variableOf(flag)
		return setting{env(name), "the environment variable " + name}
	}}
}

// typed is the source of flags that were typed elsewhere, by their names.
func typed(flags map[string]string) source {
	return source{sourceFlag, func(flag string) setting { return setting{text: flags[flag]} }}
}

// fillAll sets the flags that were not typed: from the environment, which beats
// the chosen profile, which beats the rest of the settings file.
func fillAll(flags *pflag.FlagSet, env func(string) string) error {
	if err := fill(flags, fromEnv(env)); err != nil || flags.Lookup(configFlag) == nil {
		return err
	}
	file, err := settingsFor(flags)
	if err != nil {
		return err
	}
	if profile, _ := flags.GetString(profileFlag); profile != "" {
		group, err := file.profile(profile)
		if err == nil {
			err = fill(flags, group.source(sourceProfile))
		}
		if err != nil {
			return err
		}
	}
	return fill(flags, file.all.source(sourceFile))
}

// refuseUnknown refuses a variable that looks like a flag's and is no flag's of
// any command: NERMBULK_DRYRUN=1 must never send. Kubernetes makes some for a
// service called nermbulk. A command without flags needs none of them.
func refuseUnknown(c *cobra.Command, environ func() []string) error {
	uses := false
	c.LocalFlags().VisitAll(func(f *pflag.Flag) { uses = uses || f.Name != "help" && f.Name != "version" })
	if environ == nil || !uses {
		return nil
	}
	var known []string
	for _, command := range c.Root().Commands() {
		command.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	}
	for _, variable := range environ() {
		name, value, _ := strings.Cut(variable, "=")
		flag, ours := strings.CutPrefix(name, variablePrefix)
		isFlag := func(f string) bool { return variableOf(f) == name }
		if !ours || value == "" || strings.HasPrefix(flag, "SERVICE_") || strings.HasPrefix(flag, "PORT") || slices.ContainsFunc(known, isFlag) {
			continue
		}
		hint := "unset it"
		if near, ok := sheet.Nearest(flag, known); ok {
			hint = "did you mean " + variableOf(near) + "?"
		}
		return usage("the environment variable %s is no flag's: %s", name, hint)
	}
	return nil
}

const variablePrefix = "NERMBULK_"

func variableOf(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// rivals are flags that contradict each other: one that was given keeps the
// values of the others out, wherever they come from.
var rivals = [][]string{tenantNames, {"token-file", "client-secret-file"}, {"quiet", "verbose"}, {"resume", "new"}}

// filled marks a flag that fill set, with the kind of its source and its place.
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
	// A rehearsal goes on with nothing. Not the other way round: what says that
	// nothing is sent is never passed over.
	if f := flags.Lookup("dry-run"); f != nil && f.Value.String() == "true" {
		leave = append(leave, "resume", "retry-failed")
	}
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		set := from.value(f.Name)
		if set.text == "" || f.Changed || first != nil || slices.Contains(leave, f.Name) {
			return
		}
		values := []string{set.text}
		if _, repeatable := f.Value.(pflag.SliceValue); repeatable {
			values = strings.FieldsFunc(set.text, func(r rune) bool { return r == '\n' || r == '\r' })
		}
		for _, v := range values {
			err := flags.Set(f.Name, v)
			switch {
			case err != nil && from.kind == sourceFlag:
				first = usage("%s", flagError(err))
				return
			case err != nil:
				first = usage("%s=%q %s", set.place, set.text, valueError(err))
				return
			}
		}
		if from.kind != sourceFlag {
			f.Annotations = map[string][]string{filled: {from.kind, set.place}}
		}
	})
	return first
}

// oneOf refuses a value that is none of the words of a flag.
func oneOf(flag, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	last := len(words) - 1
	return usage("--%s %q: use %s or %s", flag, value, strings.Join(words[:last], ", "), words[last])
}

// percentage parses a share of 100, without its sign.
func percentage(text string) (share float64, ok bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return n / 100, err == nil && n >= 0 && n <= 100
}

// flagError says what is wrong with the flags of a command line.
func flagError(err error) string {
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err.Error()
	}
	return fmt.Sprintf("--%s %q %s", wrong.GetFlag().Name, wrong.GetValue(), valueError(err))
}

// valueError says why a flag does not take a value, and what it takes. The words of
// pflag are those of Go.
func valueError(err error) string {
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return "cannot be used: " + err.Error()
	}
	flag := wrong.GetFlag()
	switch flag.Value.Type() {
	case "float64":
		return "is not a number: use digits and a decimal point, such as 0.5"
	case "int", "uint64":
		if errors.Is(err, strconv.ErrRange) {
			return "is out of range: --" + flag.Name + " takes a smaller whole number"
		}
		return "is not a whole number: use digits alone, such as 8"
	case "duration":
		return "is not a length of time: use numbers with their units, such as 30s, 5m or 1h30m"
	case "bool":
		return "is neither true nor false"
	}
	return "does not fit --" + flag.Name + ": " + wrong.Unwrap().Error()
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
func isTyped(f *pflag.Flag) bool { return sourceOf(f) == sourceFlag }

// sourceOf returns the kind of a flag's source; empty for its default.
func sourceOf(f *pflag.Flag) string {
	switch from := f.Annotations[filled]; {
	case !f.Changed:
		return ""
	case from != nil:
		return from[0]
	}
	return sourceFlag
}

// sourcesOf returns the kinds of the sources of flags, by name, without those
// that have their default.
func sourcesOf(flags *pflag.FlagSet) map[string]string {
	sources := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		if kind := sourceOf(f); kind != "" && f.Name != "help" {
			sources[f.Name] = kind
		}
	})
	return sources
}

// withOrigin adds to an error that names flags where those were set that nobody
// typed.
func withOrigin(flags *pflag.FlagSet, err error) error {
	if _, ok := errors.AsType[alreadySaid](err); ok || exitCodeOf(err) != ExitUsage {
		return err
	}
	words := strings.FieldsFunc(err.Error(), func(r rune) bool { return r != '-' && !unicode.IsLetter(r) })
	flags.VisitAll(func(f *pflag.Flag) {
		if from := f.Annotations[filled]; from != nil && slices.Contains(words, "--"+f.Name) {
			err = usage("%w\n--%s is set by %s", err, f.Name, from[1])
		}
	})
	return err
}
