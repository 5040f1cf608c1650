package cli

import (
	"embed"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/change"
)

// helpTexts has a file for the program, each command and each topic.
//
//go:embed help/*.txt
var helpTexts embed.FS

// addHelp adds the topics, pages of help that belong to no single command, and
// gives each command and topic the text of its file. What follows "Examples:"
// there are its examples.
func addHelp(root *cobra.Command) {
	root.AddCommand(
		&cobra.Command{Use: "sheet", Short: "Columns and cells of a sheet"},
		&cobra.Command{Use: "settings", Short: "Settings in a file, profiles and the environment"},
		&cobra.Command{Use: "auth", Short: "Tenants, tokens and certificates"},
		&cobra.Command{Use: "resume", Short: "Runs, resuming and what is guaranteed"},
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean"},
	)
	tables := strings.NewReplacer("{{fields}}", fieldTable(), "{{statuses}}", inTwoColumns(change.Statuses()))
	for _, c := range append(root.Commands(), root) {
		text, err := helpTexts.ReadFile("help/" + c.Name() + ".txt")
		if err != nil {
			continue // its short text says it all
		}
		long, examples, _ := strings.Cut(strings.ReplaceAll(string(text), "\r", ""), "\n\nExamples:\n")
		c.Long, c.Example = strings.TrimSpace(tables.Replace(long)), strings.TrimRight(examples, "\n")
	}
}

// fieldTable is what a cell of each field holds, a line each.
func fieldTable() string {
	var b strings.Builder
	for _, f := range change.Fields() {
		if f.Help != "" {
			fmt.Fprintf(&b, "  %-16s %s\n", f.Name, f.Help)
		}
	}
	return b.String() + "  attributes.UID   the text of one attribute; attr.UID is the same\n  " +
		strings.Join(change.SheetFields().ReadOnly, ", ") + ", result.*   accepted, never sent"
}

func inTwoColumns(words []string) string {
	half := (len(words) + 1) / 2
	lines := make([]string, half)
	for i, left := range words[:half] {
		lines[i] = "  " + left
		if right := half + i; right < len(words) {
			lines[i] = fmt.Sprintf("  %-33s %s", left, words[right])
		}
	}
	return strings.Join(lines, "\n")
}

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

// withFlags gives a command its flags, in groups as a person looks for them, and
// those that choose the settings, and returns it.
func withFlags(c *cobra.Command, groups ...flagGroup) *cobra.Command {
	groups = append(groups, group("Settings", registerSettings))
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
		b.WriteString("\nEvery flag has an environment variable, NERMBULK_ and its name in capitals with _ for -\n(NERMBULK_MAX_ATTEMPTS=3), and can be set in nermbulk.yaml: see `nermbulk help settings`. A flag wins.\n")
		_, err := c.OutOrStderr().Write([]byte(b.String()))
		return err
	})
	return c
}
