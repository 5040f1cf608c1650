package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/sheet"
)

const (
	noFiles  = cobra.ShellCompDirectiveNoFileComp
	inOrder  = cobra.ShellCompDirectiveKeepOrder
	noSpace  = cobra.ShellCompDirectiveNoSpace
	dirsOnly = cobra.ShellCompDirectiveFilterDirs
)

var completeSheet = completeFiles("csv", "xlsx", "xlsm", "tsv", "txt", "gz")

// flagCompletions is what a shell offers for the value of a flag. Of a flag
// that is not here it offers nothing, not even a file.
var flagCompletions = map[string]cobra.CompletionFunc{
	"attributes":      completeAttributes,
	"auth-scheme":     completeWords("bearer\t'Authorization: Bearer T'", "token\tthe older 'Authorization: Token token=T'"),
	"unknown-columns": completeWords("error\ta problem", "attribute\tan attribute of that name", "ignore\tneither checked nor sent"),
	"results":         completeWords("csv", "xlsx", "both"),
	"duplicates":      completeWords("error\ta problem", "in-order\tsent one after another"),
	logFormatFlag:     completeWords(logText, logJSON),
	"encoding":        completeWords("utf-8", "utf-16le", "utf-16be", "windows-1252", "windows-1250", "iso-8859-1", "iso-8859-15", "macintosh", "shift_jis"),
	"hidden-rows":     completeWords("send\tlike any other row", "skip\tas if they were blank"),
	"delimiter":       completeWords("tab", ",", ";", "|"),
	"status":          completeWords(change.Statuses()...),
	"map":             completeAfterEquals(mapTargets),
	"date":            completeAfterEquals(dateTargets),
	"value":           completeAfterEquals(valueTargets),
	"only":            completeWords(append(change.SheetFields().Sent, "attributes.")...),
	"output":          completeFiles("csv", "xlsx"),
	"fix":             completeFiles("csv"),
	"mark":            completeFiles("xlsx"),
	"sheet":           completeSheet,
	"metrics-file":    completeFiles("prom"),
	"ca-file":         completeFiles("pem", "crt", "cer"),
	"token-file":      cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),

	"client-secret-file": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
	"client-id-file":     cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),

	configFlag: completeFiles("yaml", "yml"),

	"run-dir": cobra.FixedCompletions(nil, dirsOnly),
}

// addCompletion gives every command what a shell offers for its flags, and the
// commands that cobra adds what it offers for their arguments.
func addCompletion(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(noFiles)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		for flag, complete := range flagCompletions {
			_ = c.RegisterFlagCompletionFunc(flag, complete) // fails if the command has no such flag
		}
		_ = c.RegisterFlagCompletionFunc(profileFlag, completeProfile)
		switch c.Name() {
		case "help":
			c.Args, c.ValidArgsFunction = knownTopic, oneArgument(completeTopic)
		case "completion":
			for _, shell := range c.Commands() {
				shell.Args = exactly(0, "no arguments")
			}
		}
	}
}

func oneArgument(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, noFiles
		}
		return complete(c, args, typed)
	}
}

// completeAttributes offers the words, and files of attributes once what is typed
// is none of them.
func completeAttributes(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	words := matching([]string{job.AttributesAuto + "\tthe tenant's, where there is one", job.AttributesOff + "\tnot checked"}, typed)
	if len(words) == 0 {
		return completeFiles("json")(c, args, typed)
	}
	return words, cobra.ShellCompDirectiveDefault
}

func completeFiles(endings ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(endings, cobra.ShellCompDirectiveFilterFileExt)
}

func completeWords(words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return matching(words, typed), noFiles
	}
}

func matching(words []string, typed string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.HasPrefix(w, typed) })
}

// completeAfterEquals completes what follows the equals sign of COLUMN=FIELD.
// The column is the sheet's own, and the user's to type.
func completeAfterEquals(targets func(typed string) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		equals := strings.LastIndexByte(typed, '=')
		if equals < 0 {
			return nil, noFiles | noSpace
		}
		column, value := typed[:equals+1], typed[equals+1:]
		directive := noFiles | inOrder
		words := matching(targets(value), value)
		for i, w := range words {
			words[i] = column + w
			if strings.HasSuffix(w, ".") || strings.HasSuffix(w, ":") {
				directive |= noSpace // more is to be typed
			}
		}
		return words, directive
	}
}

// mapTargets are the fields that a column can be mapped to, those that are
// never sent at the end.
func mapTargets(string) []string {
	names := change.SheetFields()
	return slices.Concat(names.Sent, []string{"attributes.", sheet.IgnoreColumn}, names.ReadOnly)
}

// dateTargets are the pairs of date formats, the second once there is a first.
func dateTargets(typed string) []string {
	in, _, second := strings.Cut(typed, ":")
	words := change.DateFormats()
	for i, f := range words {
		if words[i] = f + ":"; second {
			words[i] = in + ":" + f
		}
	}
	return words
}

// valueTargets are the words that a field has, of those that have few.
func valueTargets(string) []string {
	var words []string
	for _, f := range change.Fields() {
		words = append(words, f.Choices...)
	}
	return words
}

func completeTopic(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	var words []string
	for _, topic := range c.Root().Commands() {
		if topic.IsAvailableCommand() || topic.IsAdditionalHelpTopicCommand() {
			words = append(words, topic.Name()+"\t"+topic.Short)
		}
	}
	return matching(words, typed), noFiles
}

// completeProfile offers the profiles of the settings file. One that cannot be
// read has none to offer.
func completeProfile(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	_ = c.Flags().Lookup(profileFlag).Value.Set("") // what is typed so far is no name yet
	file, err := settingsFor(c.Flags())
	if err != nil || len(file.names) == 0 {
		return nil, noFiles
	}
	return matching(file.names, typed), noFiles | inOrder
}

// completeRun offers the runs under runs/, the newest first, and directories
// where none of the runs is meant.
func completeRun(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	runs, _, _ := job.Runs() // without them a directory can still be typed
	var words []string
	for _, run := range runs {
		words = append(words, fmt.Sprintf("%s\t%s on %s", run.Dir, run.Info.Sheet, run.Info.Host))
	}
	if words = matching(words, typed); len(words) == 0 {
		return nil, dirsOnly
	}
	return words, noFiles | inOrder
}
