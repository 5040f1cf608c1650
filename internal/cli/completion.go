package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/batch"
	"nermbulk/internal/journal"
)

// flagWords are the values that a shell completes for a flag.
var flagWords = map[string][]string{
	"auth-scheme":     {"bearer\t'Authorization: Bearer T'", "token\tthe older 'Authorization: Token token=T'"},
	"unknown-columns": {"error\ta problem", "attribute\tan attribute of that name", "ignore\tneither checked nor sent"},
	"duplicates":      {"error\ta problem", "in-order\tsent one after another"},
	logFormatFlag:     {logText, logJSON},
	"encoding":        {"utf-8", "utf-16le", "utf-16be", "windows-1252", "windows-1250", "iso-8859-1", "iso-8859-15", "macintosh", "shift_jis"},
	"delimiter":       {"tab", ",", ";", "|"},
}

// flagFiles are the endings of files that a shell completes for a flag; none
// is any file.
var flagFiles = map[string][]string{
	"output": sheetEndings, "fix": sheetEndings, "sheet": sheetEndings,
	"metrics-file": {"prom"}, "ca-file": {"pem", "crt", "cer"}, "token-file": nil,
}

var sheetEndings = []string{"csv", "tsv", "txt"}

// addCompletion gives every command what a shell completes for its flags. A
// flag that takes no file completes none.
func addCompletion(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" {
				return
			}
			// The error is a second registration: there is none.
			_ = c.RegisterFlagCompletionFunc(f.Name, flagCompletion(f.Name))
		})
		switch c.Name() {
		case "run", "check":
			c.ValidArgsFunction = completeSheet
		case "report":
			c.ValidArgsFunction = completeRun
		case "help":
			c.ValidArgsFunction = completePage
		case "completion":
			for _, shell := range c.Commands() {
				shell.Args = exactly(0, "no arguments")
			}
		default:
			if c.ValidArgsFunction == nil && c.Runnable() {
				c.ValidArgsFunction = cobra.NoFileCompletions
			}
		}
	}
}

func flagCompletion(flag string) cobra.CompletionFunc {
	if endings, ok := flagFiles[flag]; ok {
		if len(endings) == 0 {
			return fixed(nil, cobra.ShellCompDirectiveDefault)
		}
		return fixed(endings, cobra.ShellCompDirectiveFilterFileExt)
	}
	switch flag {
	case "status":
		return oneOf(batch.Statuses())
	case "run-dir":
		return fixed(nil, cobra.ShellCompDirectiveFilterDirs)
	case "map":
		return afterEquals(mapTargets)
	case "date":
		return afterEquals(dateTargets)
	}
	return oneOf(flagWords[flag])
}

func oneOf(words []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return matching(words, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

func fixed(words []string, directive cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return words, directive }
}

// afterEquals completes what stands behind the equals sign of COLUMN=FIELD.
// The column is the sheet's own, and the user's to type.
func afterEquals(targets func(typed string) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		at := strings.LastIndexByte(typed, '=')
		if at < 0 {
			return nil, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		}
		var words []string
		for _, t := range targets(typed[at+1:]) {
			words = append(words, typed[:at+1]+t)
		}
		words = matching(words, typed)
		directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		if slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(w, ".") || strings.HasSuffix(w, ":") }) {
			directive |= cobra.ShellCompDirectiveNoSpace // more is to be typed
		}
		return words, directive
	}
}

// mapTargets are the fields that a column can be mapped to.
func mapTargets(string) []string {
	return []string{"id", "status", "workflow_id", "requester_id", "requester_type", "profile_id", "profile_ids", "run", "attributes.", "uid", "created_at", "updated_at"}
}

// dateTargets are the pairs of date formats, the second once there is a first.
func dateTargets(typed string) []string {
	formats := batch.DateFormats()
	in, _, second := strings.Cut(typed, ":")
	words := make([]string, len(formats))
	for i, f := range formats {
		if words[i] = f + ":"; second {
			words[i] = in + ":" + f
		}
	}
	return words
}

// completePage offers what there is help on: the commands, and the pages that
// are of no command.
func completePage(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, page := range c.Root().Commands() {
		if page.IsAvailableCommand() || page.IsAdditionalHelpTopicCommand() {
			words = append(words, page.Name()+"\t"+page.Short)
		}
	}
	return matching(words, typed), cobra.ShellCompDirectiveNoFileComp
}

func completeSheet(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return sheetEndings, cobra.ShellCompDirectiveFilterFileExt
}

// completeRun offers the runs under runs/, the newest first, and any directory
// where none of them is meant.
func completeRun(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	runs, err := journal.Runs(runsRoot)
	if err != nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	var words []string
	for _, run := range runs {
		words = append(words, fmt.Sprintf("%s\t%s on %s", run.Dir, run.Info.Sheet, run.Info.Host))
	}
	if words = matching(words, typed); len(words) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func matching(words []string, typed string) []string {
	var fit []string
	for _, w := range words {
		if strings.HasPrefix(w, typed) {
			fit = append(fit, w)
		}
	}
	return fit
}
