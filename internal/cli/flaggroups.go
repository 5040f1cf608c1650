package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroup is a heading of a command's help and the flags below it.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// group makes a heading with the flags that register adds.
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

// givenFlags lists the flags that stood on the command line, as they can be
// typed again, but for those named.
func givenFlags(flags *pflag.FlagSet, typed map[string]bool, but ...string) []string {
	leave := map[string]bool{}
	for _, name := range but {
		leave[name] = true
	}
	var words []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !typed[f.Name] || leave[f.Name] {
			return
		}
		switch v := f.Value.(type) {
		case pflag.SliceValue:
			for _, value := range v.GetSlice() {
				words = append(words, "--"+f.Name, shellWord(value))
			}
		default:
			if f.Value.Type() == "bool" {
				if f.Value.String() == "true" {
					words = append(words, "--"+f.Name)
				}
				return
			}
			words = append(words, "--"+f.Name, shellWord(f.Value.String()))
		}
	})
	return words
}

// typedFlags notes which flags stand on the command line, before the
// environment is asked.
func typedFlags(flags *pflag.FlagSet) map[string]bool {
	typed := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { typed[f.Name] = true })
	return typed
}

// shellWord quotes a word for a POSIX shell where it needs that.
func shellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
