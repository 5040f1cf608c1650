package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nermbulk/internal/change"
	"nermbulk/internal/job"
	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// sheetFlags are those that decide what the sheet's cells mean: of run and
// check alike.
type sheetFlags struct {
	encoding, delimiter, unknown, duplicates string
	worksheet, hiddenRows, attributes        string
	maps, dates, values, where               []string
	shard                                    string // of run alone
	rules                                    change.Rules
	maxAge                                   ageValue
	given                                    *pflag.FlagSet // those of register
}

func (f *sheetFlags) register(flags *pflag.FlagSet) {
	f.given = flags
	flags.StringArrayVar(&f.maps, "map", nil, "a sheet's own header for a field, 'COLUMN=FIELD', or 'COLUMN=ignore' to leave it out; repeatable")
	flags.StringVar(&f.unknown, "unknown-columns", "error", "a column that is neither a field nor mapped: error, attribute or ignore")
	flags.StringArrayVar(&f.dates, "date", nil, "rewrite an attribute's dates, 'FIELD=IN:OUT', e.g. attributes.end_date=yyyy-mm-dd:mm/dd/yyyy; repeatable")
	flags.StringArrayVar(&f.values, "value", nil, "a sheet's own word for a value, 'FIELD:CELL=VALUE', e.g. status:Abgelehnt=rejected; repeatable")
	flags.StringArrayVar(&f.where, "where", nil, "only the rows whose cell is that, 'COLUMN=VALUE'; the others are not of the run; repeatable")
	flags.StringVar(&f.attributes, "attributes", job.AttributesAuto, "check the sheet against the tenant's attributes: auto (where there is a tenant), off, or a file that nermbulk attributes -o wrote")
	flags.StringVar(&f.rules.ClearMarker, "clear-marker", change.DefaultClearMarker, "a cell that empties an attribute")
	flags.StringVar(&f.duplicates, "duplicates", "error", "the same id in two rows: error, or in-order to send them one after another")
	flags.BoolVar(&f.rules.RunSessions, "run-sessions", false, "run=true for every row whose run cell is empty")
	flags.BoolVar(&f.rules.AllowUnknownStatus, "allow-unknown-status", false, "send a status that the list does not hold, as typed")
	flags.BoolVar(&f.rules.AllowReformatted, "allow-reformatted", false, "send cells that a spreadsheet program changed by itself as they stand now")
	flags.StringVar(&f.encoding, "encoding", "", "read the sheet in this encoding, e.g. windows-1252 (default: auto, by what the file holds)")
	flags.StringVar(&f.delimiter, "delimiter", "", "what divides the cells, one character or tab (default: auto, by the header)")
	flags.StringVar(&f.worksheet, "worksheet", "", "which worksheet of a workbook (default: the only visible one with data)")
	flags.StringVar(&f.hiddenRows, "hidden-rows", "", "rows that are hidden or filtered out in a workbook: send or skip (default: they are a problem)")
	flags.Var(&f.maxAge, "max-sheet-age", "refuse a sheet whose file was last changed longer ago than this, e.g. 20h or 1d")
	flags.BoolVar(&f.rules.Strict, "strict", false, "warnings are errors")
}

// ageValue is a flag that holds a length of time, which may begin with days.
type ageValue time.Duration

// String implements pflag.Value; no time is no text.
func (a *ageValue) String() string {
	if *a == 0 {
		return ""
	}
	return time.Duration(*a).String()
}

// Set implements pflag.Value.
func (a *ageValue) Set(text string) error {
	age, err := parseAge(text)
	*a = ageValue(age)
	return err
}

// Type implements pflag.Value.
func (a *ageValue) Type() string { return "duration" }

// detected is the word for what happens without --encoding and --delimiter.
const detected = "auto"

// withSheet calls do with the sheet at path, which is read as the flags say.
// Standard input is kept in a file meanwhile, since a sheet is read more than
// once.
func (f *sheetFlags) withSheet(ctx context.Context, s Streams, path string, do func(job.Sheet) error) (err error) {
	sh, err := f.sheet()
	if err != nil {
		return err
	}
	sh.Name, sh.Path = path, path
	if f.maxAge > 0 {
		sh.NotBefore = s.Now().Add(-time.Duration(f.maxAge))
	}
	if path == "-" {
		sh.Name, sh.Path = stdinName, ""
		if sh.File, err = keepInput(ctx, s.In); err != nil {
			return err
		}
		defer func() { err = cmp.Or(err, sh.File.Close()) }()
	}
	return do(sh)
}

// stdinName is what a sheet from standard input is called.
const stdinName = "stdin"

// sheet is how the flags have a sheet read.
func (f *sheetFlags) sheet() (job.Sheet, error) {
	s := job.Sheet{Rules: f.rules, Options: sheet.Options{Fields: change.SheetFields()}, AsOf: sheetOfRun, Attributes: f.attributes}
	s.Options.Worksheet, s.Options.HiddenRows = f.worksheet, sheet.HiddenRows(f.hiddenRows)
	switch s.Options.HiddenRows {
	case sheet.HiddenRefused, sheet.HiddenSent, sheet.HiddenSkipped:
	default:
		return s, usage("--hidden-rows %q: use send or skip", f.hiddenRows)
	}
	if !strings.EqualFold(f.encoding, detected) {
		s.Options.Encoding = f.encoding
	}
	delimiter, size := utf8.DecodeRuneInString(f.delimiter)
	switch {
	case f.delimiter == "" || strings.EqualFold(f.delimiter, detected):
	case strings.EqualFold(f.delimiter, "tab") || f.delimiter == `\t`:
		s.Options.Delimiter = '\t'
	case size == len(f.delimiter):
		s.Options.Delimiter = delimiter
	default:
		return s, usage("--delimiter %q: use one character, or the word tab", f.delimiter)
	}
	policy := slices.Index([]string{
		sheet.UnknownError: "error", sheet.UnknownAttribute: "attribute", sheet.UnknownIgnore: "ignore",
	}, f.unknown)
	if policy < 0 {
		return s, usage("--unknown-columns %q: use error, attribute or ignore", f.unknown)
	}
	s.Options.Unknown = sheet.UnknownColumns(policy)
	for _, m := range f.maps {
		mapping, err := s.Options.Fields.ParseMapping(m)
		if err != nil {
			return s, &failure{ExitUsage, err}
		}
		mapping.Optional = f.optional("map")
		s.Options.Columns = append(s.Options.Columns, mapping)
	}
	for _, w := range f.where {
		s.Options.Where = append(s.Options.Where, sheet.Condition{Text: w, Optional: f.optional("where")})
	}
	var ok bool
	if s.Options.Part, ok = sheet.ParsePart(f.shard); !ok {
		return s, usage("--shard %q: use I/N, such as 2/4 for the second of four parts, or auto/N where a cluster numbers its jobs", f.shard)
	}
	return s, f.complete(&s.Rules)
}

// optional reports whether a flag holds for the sheets alone that have such a
// column: nobody typed it for this one.
func (f *sheetFlags) optional(flag string) bool { return !isTyped(f.given.Lookup(flag)) }

// complete adds to the rules what no flag sets by itself.
func (f *sheetFlags) complete(r *change.Rules) error {
	if r.ClearMarker = sheet.Trim(r.ClearMarker); r.ClearMarker == "" {
		return usage("--clear-marker is empty: an empty cell changes nothing, so it cannot empty an attribute too")
	}
	if r.InOrder = f.duplicates == "in-order"; !r.InOrder && f.duplicates != "error" {
		return usage("--duplicates %q: use error or in-order", f.duplicates)
	}
	for _, d := range f.dates {
		rule, err := change.ParseDateRule(d)
		if err != nil {
			return usage("--date %w", err)
		}
		if slices.ContainsFunc(r.Dates, func(other change.DateRule) bool { return sheet.SameUID(other.UID, rule.UID) }) {
			return usage("--date %q: attributes.%s has a rule already", d, rule.UID)
		}
		rule.Optional = f.optional("date")
		r.Dates = append(r.Dates, rule)
	}
	for _, v := range f.values {
		rule, err := change.ParseValueRule(v)
		if err == nil {
			rule.Optional = f.optional("value")
			err = r.AddValue(rule)
		}
		if err != nil {
			return usage("--value %s: %w", text.ShellQuote(text.Line(v, 0)), err)
		}
	}
	return nil
}

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
	kind string
	// value returns the text, empty for none, and how to name it in an error.
	value func(flag string) (value, name string)
}

// fromEnv is the source of flags that the environment sets: --max-attempts by
// NERMBULK_MAX_ATTEMPTS.
func fromEnv(env func(string) string) source {
	return source{sourceEnv, func(flag string) (value, name string) {
		name = variableOf(flag)
		return env(name), "the environment variable " + name
	}}
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
	profile, err := flags.GetString(profileFlag)
	if err != nil {
		return err
	}
	sources, err := file.sources(profile)
	for _, from := range sources {
		err = cmp.Or(err, fill(flags, from))
	}
	return err
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

// variablePrefix begins the variables of flags.
const variablePrefix = "NERMBULK_"

func variableOf(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// rivals are flags that contradict each other: one that was given keeps the
// values of the others out, wherever they come from.
var rivals = [][]string{{"base-url", "tenant", "sandbox"}, {"token-file", "client-secret-file"}, {"quiet", "verbose"}, {"resume", "new"}}

// filled marks a flag that fill set, with the kind of its source and its name.
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
		value, name := from.value(f.Name)
		if value == "" || f.Changed || first != nil || slices.Contains(leave, f.Name) {
			return
		}
		values := []string{value}
		if _, repeatable := f.Value.(pflag.SliceValue); repeatable {
			values = strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' })
		}
		for _, v := range values {
			if err := flags.Set(f.Name, v); err != nil {
				first = usage("%s=%q %s", name, value, misfit(err))
				return
			}
		}
		f.Annotations = map[string][]string{filled: {from.kind, name}}
	})
	return first
}

// flagError says what is wrong with the flags of a command line.
func flagError(err error) string {
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err.Error()
	}
	return fmt.Sprintf("--%s %q %s", wrong.GetFlag().Name, wrong.GetValue(), misfit(err))
}

// misfit says why a flag does not take a value, and what it takes. The words of
// pflag are those of Go.
func misfit(err error) string {
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
